//! A cluster of cores over memory, with a network that delivers at once.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::*;
use crate::Clock;

/// A node whose state machine is the list of commands it applied.
pub(super) struct TestNode {
    pub(super) id: u64,
    pub(super) log: Arc<MemoryLog>,
    pub(super) core: Core,
    pub(super) applied: LogIndex,
    pub(super) conf: Conf,
    pub(super) commands: Vec<Vec<u8>>,
    pub(super) watch: Arc<Watch>,
    /// Its state machine stands still.
    pub(super) stalled: bool,
    held: Vec<Committed>,
    /// Milliseconds of its clock.
    millis: Arc<AtomicU64>,
}

impl TestNode {
    pub(super) fn new(id: u64, voters: &[PeerId], first: bool) -> Self {
        let log = Arc::new(MemoryLog::default());
        let conf = if first { Conf::founding(voters) } else { Conf::default() };
        let peer = peer(id);
        let state = if first { GroupLog::founding(peer) } else { GroupLog::joining(peer) };
        log.groups.lock().insert(GROUP, (state, BTreeMap::new()));
        let core = Core::new(log.clone(), Config::default());
        let mut node = Self {
            id,
            log,
            core,
            applied: state.last_index,
            conf,
            commands: Vec::new(),
            watch: Arc::default(),
            stalled: false,
            held: Vec::new(),
            millis: Arc::default(),
        };
        node.start();
        node
    }

    pub(super) fn start(&mut self) {
        self.start_with(Bounds {
            log_kept_bytes_max: 8_000,
            log_bytes_max: 16_000,
            unapplied_bytes_max: 4_000,
            ..Bounds::default()
        });
    }

    pub(super) fn start_with(&mut self, bounds: Bounds) {
        let (base, millis) = (Instant::now(), Arc::clone(&self.millis));
        let clock = Clock::new(move || base + Duration::from_millis(millis.load(Relaxed)));
        let config = Config { seed: self.id, bounds, clock, ..Config::default() };
        self.core = Core::new(self.log.clone(), config);
        let log = self.log.group(GROUP).unwrap().unwrap();
        let (applied, conf) = (self.applied, self.conf.clone());
        let watch = Arc::clone(&self.watch);
        let start = Start { group: GROUP, log, applied, conf, campaign: false, watch };
        self.core.add(start).unwrap();
    }

    /// A tick of its clock.
    pub(super) fn tick(&mut self) {
        self.pass(100);
        self.core.tick();
    }

    /// Lets time pass, without a tick.
    pub(super) fn pass(&self, millis: u64) {
        self.millis.fetch_add(millis, Relaxed);
    }

    /// One round in which nothing is applied; what it sends.
    pub(super) fn round(&mut self) -> Vec<Envelope> {
        let out = self.core.ready();
        self.log.append(&out.appends, out.sync).unwrap();
        [out.messages, self.core.persisted().unwrap().messages].concat()
    }

    fn apply(&mut self, committed: Committed) {
        for (entry, ticket) in committed.entries {
            assert_eq!(entry.index, self.applied.next());
            self.applied = entry.index;
            if let Some(conf) = entry.conf {
                self.conf = conf;
            } else if !entry.data.is_empty() {
                self.commands.push(entry.data);
            }
            if let Some(ticket) = ticket {
                ticket.applied(Applied { index: entry.index, answer: Ok(()) });
            }
        }
        self.core.applied(GROUP, committed.peer, self.applied, committed.bytes);
    }

    pub(super) fn install(
        &mut self,
        snapshots: &BTreeMap<LogIndex, (Conf, Vec<Vec<u8>>)>,
        install: &Install,
    ) {
        let (conf, commands) = snapshots[&install.index].clone();
        (self.applied, self.conf, self.commands) = (install.index, conf, commands);
        self.core.installed(GROUP, install.peer, install.index);
    }

    pub(super) fn status(&self) -> GroupStatus {
        self.core.status(GROUP).unwrap()
    }
}

#[derive(Default)]
pub(super) struct TestCluster {
    pub(super) nodes: BTreeMap<u64, TestNode>,
    pub(super) down: BTreeSet<u64>,
    pub(super) snapshots: BTreeMap<LogIndex, (Conf, Vec<Vec<u8>>)>,
    /// Files of snapshots, as long as anybody has them.
    pub(super) files: Vec<std::sync::Weak<NoFiles>>,
    /// Snapshots that were asked for.
    pub(super) orders: usize,
    /// So many of them fail.
    pub(super) failing: usize,
    /// Snapshots are begun and not ended.
    pub(super) slow_to_make: bool,
    pub(super) making: Vec<(u64, PeerId, Made)>,
    /// Snapshots arrive and are not installed.
    pub(super) slow_to_install: bool,
    pub(super) installing: Vec<(u64, Install)>,
}

/// A snapshot without files.
#[derive(Debug)]
pub(super) struct NoFiles;

impl SnapshotFiles for NoFiles {
    fn path(&self) -> &std::path::Path {
        std::path::Path::new("")
    }
}

impl TestCluster {
    pub(super) fn of(nodes: u64) -> Self {
        let voters: Vec<PeerId> = (1..=nodes).map(peer).collect();
        let mut cluster = Self::default();
        for id in 1..=nodes {
            cluster.nodes.insert(id, TestNode::new(id, &voters, true));
        }
        cluster
    }

    /// Runs rounds until nothing is left to do.
    pub(super) fn settle(&mut self) {
        for _ in 0..1000 {
            let (mut messages, mut transfers) = (Vec::new(), Vec::new());
            for (id, node) in &mut self.nodes {
                if self.down.contains(id) {
                    continue;
                }
                while node.core.is_dirty() {
                    let out = node.core.ready();
                    node.log.append(&out.appends, out.sync).unwrap();
                    messages.extend(out.messages);
                    transfers.extend(out.transfers);
                    let done = node.core.persisted().unwrap();
                    messages.extend(done.messages);
                    transfers.extend(done.transfers);
                    for (group, peer) in done.snapshots_wanted {
                        self.orders += 1;
                        if self.orders <= self.failing {
                            let full = StoreError("the disk is full".into());
                            node.core.snapshot_made(group, peer, Err(full));
                            continue;
                        }
                        self.snapshots
                            .insert(node.applied, (node.conf.clone(), node.commands.clone()));
                        let exported = Exported { index: node.applied, conf: node.conf.clone() };
                        let files = Arc::new(NoFiles);
                        self.files.push(Arc::downgrade(&files));
                        let made = Made { exported, files };
                        if self.slow_to_make {
                            self.making.push((*id, peer, made));
                        } else {
                            node.core.snapshot_made(group, peer, Ok(made));
                        }
                    }
                    node.held.extend(done.committed);
                    let due =
                        if node.stalled { Vec::new() } else { std::mem::take(&mut node.held) };
                    due.into_iter().for_each(|committed| node.apply(committed));
                    for install in done.installs {
                        if self.slow_to_install {
                            self.installing.push((*id, install));
                            continue;
                        }
                        node.install(&self.snapshots, &install);
                    }
                }
            }
            if messages.is_empty() && transfers.is_empty() {
                return;
            }
            for Transfer { announcement, .. } in transfers {
                let (from, to) = (announcement.from().node().0, announcement.to());
                let reached = !self.down.contains(&to.node().0) && !self.down.contains(&from);
                if let Some(sender) = self.nodes.get_mut(&from) {
                    sender.core.snapshot_sent(GROUP, to, reached);
                }
                messages.push(announcement);
            }
            for envelope in messages {
                let (from, to) = (envelope.from().node().0, envelope.to().node().0);
                let reached = !self.down.contains(&to) && !self.down.contains(&from);
                if reached && let Some(node) = self.nodes.get_mut(&to) {
                    node.core.step(envelope);
                }
            }
        }
        panic!("the cluster does not come to rest");
    }

    /// Ends what was slow.
    pub(super) fn finish_snapshots(&mut self) {
        (self.slow_to_make, self.slow_to_install) = (false, false);
        for (id, peer, made) in std::mem::take(&mut self.making) {
            self.nodes.get_mut(&id).unwrap().core.snapshot_made(GROUP, peer, Ok(made));
        }
        for (id, install) in std::mem::take(&mut self.installing) {
            self.nodes.get_mut(&id).unwrap().install(&self.snapshots, &install);
        }
        self.settle();
    }

    /// Truncates a node's log as its state machine's syncs would.
    pub(super) fn truncate(&mut self, id: u64) -> LogIndex {
        let node = self.nodes.get_mut(&id).unwrap();
        node.core.truncate(GROUP, node.applied).unwrap();
        node.status().truncated_index
    }

    pub(super) fn ticks(&mut self, ticks: usize) {
        for _ in 0..ticks {
            for (id, node) in &mut self.nodes {
                match self.down.contains(id) {
                    false => node.tick(),
                    // Who does not run has the same time.
                    true => node.pass(100),
                }
            }
            self.settle();
        }
    }

    pub(super) fn leader(&mut self) -> u64 {
        for _ in 0..20 {
            self.ticks(5);
            let up = self.nodes.values().filter(|node| !self.down.contains(&node.id));
            let leaders = up.filter(|node| node.status().role == Role::Leader);
            // One that was cut off may not know yet that there is another.
            if let Some(leader) = leaders.max_by_key(|node| node.status().term) {
                return leader.id;
            }
        }
        panic!("no leader was elected");
    }

    pub(super) fn propose(&mut self, node: u64, command: &[u8]) -> Result<Applied, ProposeError> {
        let outcome = Arc::new(Mutex::new(None));
        let (answer, pending) = (Arc::clone(&outcome), Arc::new(AtomicUsize::new(0)));
        let ticket =
            Ticket::new(1, pending, Box::new(move |outcome| *answer.lock() = Some(outcome)));
        self.nodes.get_mut(&node).unwrap().core.propose(GROUP, command.to_vec(), ticket);
        self.ticks(15);
        outcome.lock().take().unwrap_or(Err(ProposeError::Unknown(GROUP)))
    }

    pub(super) fn change(
        &mut self,
        node: u64,
        change: &MemberChange,
    ) -> Result<Applied, ProposeError> {
        let outcome = Arc::new(Mutex::new(None));
        let (answer, pending) = (Arc::clone(&outcome), Arc::new(AtomicUsize::new(0)));
        let ticket =
            Ticket::new(1, pending, Box::new(move |outcome| *answer.lock() = Some(outcome)));
        self.nodes.get_mut(&node).unwrap().core.change_members(GROUP, change, ticket);
        self.ticks(5);
        outcome.lock().take().unwrap_or(Err(ProposeError::Unknown(GROUP)))
    }

    pub(super) fn read(
        &mut self,
        node: u64,
        assurance: Assurance,
    ) -> Option<Result<ReadPoint, ReadError>> {
        let outcome = Arc::new(Mutex::new(None));
        let answer = Arc::clone(&outcome);
        self.nodes.get_mut(&node).unwrap().core.read(
            GROUP,
            assurance,
            Box::new(move |outcome| *answer.lock() = Some(outcome)),
        );
        self.ticks(5);
        outcome.lock().take()
    }

    pub(super) fn commands(&self, node: u64) -> Vec<&[u8]> {
        self.nodes[&node].commands.iter().map(Vec::as_slice).collect()
    }
}
