//! A node: its disks, which outlive its processes, and the process if one runs.

mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vane_catalog::meta_peer;
use vane_raft::{Append, Conf, GroupLog, LogStore, SnapshotFiles};
use vane_storage::{Kv, ShardStore};
use vane_transport::{Introduction, Life, Lives, Start};
use vane_types::{GroupId, LogIndex, NodeId, PeerId, Term};

use crate::checks::name;
use crate::disk::LogDisk;
use crate::env::{Crash, Env};
use crate::kv::StateDisk;
use crate::machine::{Meta, entry_of};
use crate::process::{Process, Replica};
use crate::queue::Time;

pub(crate) use kept::Kept;

/// The node that begins the cluster.
pub(crate) const FOUNDER: NodeId = NodeId(1);

/// What lies on a node's disks.
pub(crate) struct Disks {
    pub(crate) log: Arc<LogDisk>,
    pub(crate) state: Arc<StateDisk>,
    /// Received snapshots by group, term and index.
    pub(crate) incoming: BTreeMap<(GroupId, Term, LogIndex), Arc<dyn SnapshotFiles>>,
    /// Index up to which a group's state is known to be synced.
    pub(crate) durable: BTreeMap<GroupId, LogIndex>,
    /// Groups whose log was found damaged: their replica is never opened again.
    pub(crate) damaged: BTreeSet<GroupId>,
    /// Replicas of whose rows a bit was flipped.
    pub(crate) flipped: BTreeSet<(GroupId, PeerId)>,
    /// Starts that the node knows of, its own and those of others. On disk at once.
    pub(crate) lives: Lives,
    /// Starts of this disk.
    pub(crate) starts: u64,
}

pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) disks: Disks,
    pub(crate) process: Option<Process>,
    /// Processes there were.
    started: u64,
    /// The disk is marked: it had a replica of the meta group, and votes with it.
    is_member: bool,
    /// The machine does not come back.
    pub(crate) is_gone: bool,
    /// Until then the process does nothing, and does not know it.
    pub(crate) frozen_until: Time,
    /// When it last started, ended, froze, thawed, or lost or regained a link.
    pub(crate) disturbed_at: Time,
    /// The disks as they were some time ago, if somebody kept a copy.
    pub(crate) kept: Option<Kept>,
    /// The newest disks, of a node that runs on a copy.
    pub(crate) newest: Option<Kept>,
}

impl Disks {
    pub(crate) fn store(&self, env: &Env, group: GroupId, peer: PeerId) -> ShardStore {
        let dir = env.directory.of_replica(peer, group);
        ShardStore::new(Arc::clone(&self.state) as Arc<dyn Kv>, group, dir)
    }

    /// Syncs the state of all groups.
    pub(crate) fn sync_state(
        &mut self,
        replicas: &BTreeMap<GroupId, Replica>,
    ) -> Result<(), vane_storage::Error> {
        let applied: Vec<_> =
            replicas.iter().map(|(group, replica)| (*group, replica.machine.applied())).collect();
        self.state.sync()?;
        self.durable.extend(applied);
        Ok(())
    }

    /// Peer that the disk has a log of, open or not.
    pub(crate) fn peer(&self, group: GroupId) -> Option<PeerId> {
        self.log.group(group).ok().flatten().map(|log| log.peer)
    }

    /// The same disks, to be put back some time.
    pub(crate) fn copy(&self) -> Self {
        Self {
            log: Arc::new(self.log.copy()),
            // Whoever copies a disk copies what the kernel has, too.
            state: Arc::new(self.state.crash(self.state.unsynced())),
            incoming: self.incoming.clone(),
            durable: self.durable.clone(),
            damaged: self.damaged.clone(),
            flipped: self.flipped.clone(),
            lives: self.lives.clone(),
            starts: self.starts,
        }
    }

    /// Counts a start, and draws its number.
    fn begin_start(&mut self, node: NodeId, env: &mut Env) -> Introduction {
        self.starts += 1;
        let start = Start { number: self.starts, boot: env.random.next() };
        let before = self.lives.begin(start);
        let life = Life { node, disk: entry_of(node, 0).disk_id, start };
        env.speaking.insert(node, life);
        Introduction { life, address: String::new(), before }
    }

    fn crash(&mut self, env: &mut Env, crash: Crash) {
        if crash == Crash::Power {
            // Both disks lose what they like, each for itself: no order holds between them.
            let keep = env.random.below(self.log.unsynced() as u64 + 1);
            self.log.crash(keep as usize);
            let keep = env.random.below(self.state.unsynced() as u64 + 1);
            self.state = Arc::new(self.state.crash(keep as usize));
        } else {
            self.state.repair();
        }
    }
}

impl Node {
    pub(crate) fn new(id: NodeId, env: &Env) -> Self {
        let disks = Disks {
            log: Arc::new(LogDisk::new(env.bug)),
            state: Arc::default(),
            incoming: BTreeMap::new(),
            durable: BTreeMap::new(),
            damaged: BTreeSet::new(),
            flipped: BTreeSet::new(),
            lives: Lives::default(),
            starts: 0,
        };
        Self {
            id,
            disks,
            process: None,
            started: 0,
            is_member: false,
            is_gone: false,
            frozen_until: 0,
            disturbed_at: 0,
            kept: None,
            newest: None,
        }
    }

    fn has_log_of_meta(&self) -> bool {
        self.disks.peer(GroupId::META).is_some()
    }

    /// Starts a process on what the disks have, or on empty ones that belong to the cluster
    /// from now on.
    pub(crate) fn start(&mut self, env: &mut Env) {
        if self.disks.lives.refused().is_some() {
            return env.note("stays down", &[("node", self.id.0)]);
        }
        self.started += 1;
        self.disturbed_at = env.now();
        env.up.insert(self.id);
        env.note("start", &[("node", self.id.0), ("process", self.started)]);
        // Opening a database writes what it replayed, and syncs it.
        self.disks.log.sync();
        if let Err(why) = self.open_process(env) {
            env.checks.fail(|| format!("node {} does not start: {why}", self.id));
        }
    }

    fn open_process(&mut self, env: &mut Env) -> Result<(), String> {
        match (self.has_log_of_meta(), self.is_member) {
            (true, _) => {}
            (false, false) => self.make_meta(env)?,
            // A member without its votes must not begin anew: it may have voted already.
            (false, true) => return Err("raft.db has no meta group: its votes are lost".into()),
        }
        self.is_member = true;
        let store = self.disks.store(env, GroupId::META, meta_peer(self.id));
        let meta = Meta::open(store)?;
        let id = (self.id, self.started);
        let own = self.disks.begin_start(self.id, env);
        let mut process = Process::new(id, Arc::clone(&self.disks.log), &meta, own, env);
        process.register(&mut self.disks, env, (GroupId::META, Arc::new(meta)), false)?;
        process.follow_at_start(&mut self.disks, env)?;
        self.disks.sync_state(&process.replicas).map_err(|error| error.to_string())?;
        process.wake(env);
        self.process = Some(process);
        Ok(())
    }

    /// Makes the node's replica of the meta group.
    fn make_meta(&mut self, env: &mut Env) -> Result<(), String> {
        let peer = meta_peer(self.id);
        let store = self.disks.store(env, GroupId::META, peer);
        let conf = (self.id == FOUNDER).then(|| Conf::founding(&[peer]));
        Meta::create(&store, conf.as_ref())?;
        let log = match &conf {
            Some(conf) => {
                env.checks.founded(GroupId::META, conf);
                GroupLog::founding(peer)
            }
            None => GroupLog::joining(peer),
        };
        let append = Append { group: GroupId::META, log, entries: Vec::new(), removed: None };
        self.disks.log.append(&[append], true).map_err(|error| error.to_string())
    }

    /// Ends the process at once.
    pub(crate) fn crash(&mut self, env: &mut Env, crash: Crash) {
        if self.process.take().is_some() {
            env.up.remove(&self.id);
            env.note("crash", &[("node", self.id.0), ("power", (crash == Crash::Power).into())]);
            self.frozen_until = 0;
        }
        self.disturbed_at = env.now();
        self.disks.crash(env, crash);
    }

    /// Ends the process as it wants to end.
    pub(crate) fn stop(&mut self, env: &mut Env) {
        if let Some(mut process) = self.process.take() {
            env.up.remove(&self.id);
            env.note("stop", &[("node", self.id.0)]);
            process.stop(&mut self.disks, env);
            if self.disks.sync_state(&process.replicas).is_err() {
                env.checks.fail(|| format!("node {}: cannot sync at its end", self.id));
            }
            self.frozen_until = 0;
        }
        self.disturbed_at = env.now();
    }

    /// What is wrong with its replicas, as an administrator is shown.
    pub(crate) fn shut(&self) -> Vec<(GroupId, PeerId)> {
        self.process.iter().flat_map(Process::shut).collect()
    }

    /// Whether a replica is open here.
    pub(crate) fn has_open(&self, group: GroupId, peer: PeerId) -> bool {
        let replica = self.process.as_ref().and_then(|process| process.replicas.get(&group));
        replica.is_some_and(|replica| replica.peer == peer)
    }
}

/// A line for a replica that cannot go on.
pub(crate) fn replica_failed(group: GroupId, peer: PeerId, why: &str) -> String {
    format!("group {group}: replica {}: {why}", name(peer))
}
