//! A node: its disks, which outlive its processes, and the process if one runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vane_raft::{Append, Conf, GroupLog, INITIAL_INDEX, LogStore, Start, Watch};
use vane_storage::{Kv, ShardStore};
use vane_types::{GroupId, LogIndex};

use crate::checks::name;
use crate::disk::LogDisk;
use crate::env::{Crash, Env};
use crate::files::Files;
use crate::kv::StateDisk;
use crate::machine::Machine;
use crate::process::{Input, Process, Replica};
use crate::queue::Time;

/// What lies on a node's disks.
pub(crate) struct Disks {
    pub(crate) log: Arc<LogDisk>,
    pub(crate) state: Arc<StateDisk>,
    /// Received snapshots by group, term and index.
    pub(crate) incoming: BTreeMap<(GroupId, u64, LogIndex), Files>,
    /// Index up to which a group's state is known to be synced.
    pub(crate) durable: BTreeMap<GroupId, LogIndex>,
    /// Groups whose log was found damaged: their replica is never opened again.
    pub(crate) damaged: BTreeSet<GroupId>,
}

pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) disks: Disks,
    pub(crate) process: Option<Process>,
    /// Processes there were.
    started: u64,
    /// Until then the process does nothing, and does not know it.
    pub(crate) frozen_until: Time,
}

impl Disks {
    fn store(&self, env: &Env, group: GroupId, peer: u64) -> ShardStore {
        let dir = env.directory.of_replica(peer, group.0);
        ShardStore::new(Arc::clone(&self.state) as Arc<dyn Kv>, group, dir)
    }

    /// Syncs the state of all groups.
    pub(crate) fn sync_state(
        &mut self,
        replicas: &BTreeMap<GroupId, Replica>,
    ) -> Result<(), vane_storage::Error> {
        let applied: Vec<_> =
            replicas.iter().map(|(group, it)| (*group, it.machine.applied())).collect();
        self.state.sync()?;
        self.durable.extend(applied);
        Ok(())
    }

    /// Removes a replica that is no longer a member.
    pub(crate) fn destroy(&mut self, group: GroupId, env: &mut Env) {
        let Ok(Some(log)) = self.log.group(group) else { return };
        let destroyed = self.store(env, group, log.peer).destroy();
        let removed = self.state.sync().map(|()| self.log.remove(group));
        if destroyed.is_err() || !matches!(removed, Ok(Ok(()))) {
            env.checks.fail(|| {
                format!("the replica {} of group {group} could not be removed", name(log.peer))
            });
        }
        self.incoming.retain(|(of, _, _), _| *of != group);
        self.durable.remove(&group);
        self.damaged.remove(&group);
        env.note("destroyed", &[("group", group.0), ("peer", log.peer)]);
    }

    fn crash(&mut self, env: &mut Env, crash: Crash) {
        if crash == Crash::Power {
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
    pub(crate) fn new(id: u64, env: &Env) -> Self {
        let disks = Disks {
            log: Arc::new(LogDisk::new(env.bug)),
            state: Arc::default(),
            incoming: BTreeMap::new(),
            durable: BTreeMap::new(),
            damaged: BTreeSet::new(),
        };
        Self { id, disks, process: None, started: 0, frozen_until: 0 }
    }

    /// Starts a process on what the disks have.
    pub(crate) fn start(&mut self, env: &mut Env) {
        self.started += 1;
        env.up.insert(self.id);
        env.note("start", &[("node", self.id), ("process", self.started)]);
        // Opening a database writes what it replayed, and syncs it.
        self.disks.log.sync();
        let id = (self.id, self.started);
        let mut process = Process::new(id, Arc::clone(&self.disks.log), env);
        for group in self.disks.log.groups() {
            if !self.disks.damaged.contains(&group)
                && let Err(why) = self.open(env, &mut process, group)
            {
                env.checks
                    .fail(|| format!("node {}: group {group} could not be opened: {why}", self.id));
            }
        }
        if self.disks.sync_state(&process.replicas).is_err() {
            env.checks.fail(|| format!("node {}: a new process cannot sync", self.id));
        }
        process.wake(env);
        self.process = Some(process);
    }

    /// As `vane_raft::Node::register` does.
    fn open(&mut self, env: &mut Env, process: &mut Process, group: GroupId) -> Result<(), String> {
        let log = self.disks.log.group(group).map_err(|e| e.to_string())?;
        let mut log = log.ok_or_else(|| String::from("it has no log"))?;
        let machine = env.group(group).kind.open(self.disks.store(env, group, log.peer))?;
        let synced = self.disks.durable.get(&group).copied().unwrap_or(0);
        if machine.applied() < synced && log.installing == 0 {
            return Err(format!(
                "its state is at {} and was synced at {synced}",
                machine.applied()
            ));
        }
        if log.installing > 0 {
            if machine.applied() < log.installing {
                let files = self.disks.incoming.get(&(group, log.truncated_term, log.installing));
                let files =
                    files.ok_or_else(|| format!("the snapshot at {} is gone", log.installing))?;
                machine.install(files.path()).map_err(|e| e.to_string())?;
            }
            log.installing = 0;
        }
        add(process, group, log, machine, false);
        Ok(())
    }

    /// Makes a replica, one of the group's first or one that joins.
    pub(crate) fn create(
        &mut self,
        env: &mut Env,
        group: GroupId,
        peer: u64,
        first: Option<&Conf>,
    ) {
        let Some(process) = &mut self.process else { return };
        let store = self.disks.store(env, group, peer);
        let kind = env.group(group).kind;
        let made = kind
            .create(&store, first)
            .and_then(|()| self.disks.state.sync().map_err(|e| e.to_string()));
        let index = if first.is_some() { INITIAL_INDEX } else { 0 };
        let log = GroupLog {
            peer,
            term: index,
            commit: index,
            last_index: index,
            truncated_index: index,
            truncated_term: index,
            ..GroupLog::default()
        };
        let append = Append { group, log, entries: Vec::new(), removed: None };
        let opened =
            made.and_then(|()| self.disks.log.append(&[append], true).map_err(|e| e.to_string()));
        match opened.and_then(|()| kind.open(store)) {
            Ok(machine) => {
                let campaign = first.is_some_and(|it| it.voters.first() == Some(&peer));
                add(process, group, log, machine, campaign);
            }
            Err(why) => {
                env.checks.fail(|| format!("replica {} could not be made: {why}", name(peer)))
            }
        }
        env.note("created", &[("group", group.0), ("peer", peer)]);
        process.wake(env);
    }

    /// Removes a replica, whether it is open or not.
    pub(crate) fn remove(&mut self, env: &mut Env, group: GroupId) {
        if let Some(process) = &mut self.process {
            if process.replicas.contains_key(&group) {
                process.put(Input::Remove(group));
                process.wake(env);
            } else {
                self.disks.destroy(group, env);
            }
        }
    }

    /// Peer that a node's disk has a log of, open or not.
    pub(crate) fn peer(&self, group: GroupId) -> Option<u64> {
        self.disks.log.group(group).ok().flatten().map(|it| it.peer)
    }

    /// Ends the process at once.
    pub(crate) fn crash(&mut self, env: &mut Env, crash: Crash) {
        if self.process.take().is_some() {
            env.up.remove(&self.id);
            env.note("crash", &[("node", self.id), ("power", (crash == Crash::Power).into())]);
            self.frozen_until = 0;
        }
        self.disks.crash(env, crash);
    }

    /// Ends the process as it wants to end.
    pub(crate) fn stop(&mut self, env: &mut Env) {
        if let Some(mut process) = self.process.take() {
            env.up.remove(&self.id);
            env.note("stop", &[("node", self.id)]);
            process.stop(&mut self.disks, env);
            if self.disks.sync_state(&process.replicas).is_err() {
                env.checks.fail(|| format!("node {}: cannot sync at its end", self.id));
            }
            self.frozen_until = 0;
        }
    }
}

/// `campaign`: stand for election at once.
fn add(
    process: &mut Process,
    group: GroupId,
    log: GroupLog,
    machine: Arc<dyn Machine>,
    campaign: bool,
) {
    let watch = Arc::<Watch>::default();
    let (applied, conf, peer) = (machine.applied(), machine.conf(), log.peer);
    process.replicas.insert(group, Replica { peer, machine, watch: Arc::clone(&watch) });
    process.put(Input::Add(Box::new(Start { group, log, applied, conf, campaign, watch })));
}
