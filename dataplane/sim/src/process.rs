//! A node's process: the real core, and around it in simulated time what the node's threads
//! do (`vane_raft::Node`).

mod apply;
mod gateway;
mod sending;
mod serve;
mod snapshots;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use vane_raft::{
    Append, Config, Core, Envelope, Exported, LogStore, MemberChange, OnRead, Output, Persisted,
    Start, StoreError, Ticket, Watch,
};
use vane_types::{GroupId, LogIndex};

use crate::bug::Bug;
use crate::disk::LogDisk;
use crate::env::Env;
use crate::event::{Body, Step};
use crate::files::Files;
use crate::machine::Machine;
use crate::node::Disks;

use apply::Work;
use gateway::Gateway;
use sending::explain;
use serve::Outcome;
use snapshots::Job;

/// Messages that may wait; more are dropped, as a network does.
const MESSAGES_MAX: usize = 4096;

/// A replica that is open.
pub(crate) struct Replica {
    pub(crate) peer: u64,
    pub(crate) machine: Arc<dyn Machine>,
    pub(crate) watch: Arc<Watch>,
}

/// Something for the raft thread.
pub(crate) enum Input {
    Propose { group: GroupId, data: Vec<u8>, ticket: Ticket },
    Read { group: GroupId, done: OnRead },
    Change { group: GroupId, change: MemberChange, ticket: Ticket },
    Transfer { group: GroupId, to: u64 },
    Truncate { group: GroupId, durable: LogIndex },
    Unreachable(u64),
    Add(Box<Start>),
    Remove(GroupId),
    Installed { group: GroupId, peer: u64, index: LogIndex },
    SnapshotMade { group: GroupId, peer: u64, made: Result<Exported, StoreError> },
    SnapshotSent { group: GroupId, to: u64, ok: bool },
}

/// What waits for the raft thread.
#[derive(Default)]
struct Inbox {
    ticked: bool,
    applied: BTreeMap<(GroupId, u64), (LogIndex, usize)>,
    messages: Vec<Envelope>,
    inputs: VecDeque<Input>,
}

/// Where the raft thread is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Called,
    /// Between `ready` and `persisted`; whether anything is being written.
    Writing(bool),
}

pub(crate) struct Process {
    /// Node, and which of its processes.
    pub(crate) id: (u64, u64),
    pub(crate) core: Core,
    pub(crate) replicas: BTreeMap<GroupId, Replica>,
    log: Arc<LogDisk>,
    inbox: Inbox,
    phase: Phase,
    work: VecDeque<Work>,
    jobs: VecDeque<Job>,
    outgoing: BTreeMap<(GroupId, LogIndex), Files>,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
    gateway: Gateway,
}

impl Process {
    /// A process without replicas, whose clock begins to tick.
    pub(crate) fn new(id: (u64, u64), log: Arc<LogDisk>, env: &mut Env) -> Self {
        let config = Config {
            bounds: env.swarm.bounds.clone(),
            seed: env.random.next(),
            ..Config::default()
        };
        let core = Core::new(Arc::clone(&log) as Arc<dyn LogStore>, config);
        let first = env.random.within(&env.swarm.tick);
        env.step(first, id, Step::Tick);
        let first = env.random.within(&env.swarm.maintain);
        env.step(first, id, Step::Maintain);
        Self {
            id,
            core,
            replicas: BTreeMap::new(),
            log,
            inbox: Inbox::default(),
            phase: Phase::Waiting,
            work: VecDeque::new(),
            jobs: VecDeque::new(),
            outgoing: BTreeMap::new(),
            outcomes: Arc::default(),
            gateway: Gateway::default(),
        }
    }

    pub(crate) fn step(&mut self, disks: &mut Disks, env: &mut Env, step: Step) {
        match step {
            Step::Tick => {
                self.inbox.ticked = true;
                let tick = env.random.within(&env.swarm.tick);
                env.step(tick, self.id, Step::Tick);
            }
            Step::Round => self.round(disks, env),
            Step::Written => self.written(env),
            Step::Apply => self.apply(env),
            Step::Job => self.finish_job(disks, env),
            Step::Maintain => self.maintain(disks, env),
            Step::Read(asked, group, look) => self.look(env, asked, group, look),
            Step::SnapshotSent { group, to, ok } => self.put(Input::SnapshotSent { group, to, ok }),
            Step::Begin(operation) => self.begin(env, operation),
            Step::Attempt { operation, attempt, send } => {
                self.attempt_over(env, operation, attempt, send)
            }
        }
        self.answer_outcomes(env);
        self.wake(env);
    }

    /// A message came.
    pub(crate) fn arrive(&mut self, disks: &mut Disks, env: &mut Env, from: u64, body: Body) {
        if let Body::Raft(envelope) = &body {
            explain(env, envelope);
        }
        match body {
            Body::Raft(envelope) if self.inbox.messages.len() < MESSAGES_MAX => {
                self.inbox.messages.push(envelope)
            }
            Body::Raft(_) => {}
            Body::Snapshot { announcement, files, sender } => {
                if let Some(meta) =
                    announcement.message.snapshot.as_ref().and_then(|it| it.metadata.as_ref())
                {
                    disks.incoming.insert((announcement.group, meta.term, meta.index), files);
                }
                let (group, to) = (announcement.group, announcement.to());
                env.step(1, (from, sender), Step::SnapshotSent { group, to, ok: true });
                self.inbox.messages.push(announcement);
            }
            Body::Ask { asked, group, what } => self.asked(env, asked, group, what),
            Body::Answer { asked, group, answer } => self.answered(env, asked, group, answer),
        }
        self.answer_outcomes(env);
        self.wake(env);
    }

    /// Something for the raft thread.
    pub(crate) fn put(&mut self, input: Input) {
        self.inbox.inputs.push_back(input);
    }

    /// Whether this process has nothing left to apply or to install.
    pub(crate) fn is_idle(&self) -> bool {
        self.work.is_empty() && self.jobs.is_empty()
    }

    /// Lets the raft thread run if it waits and there is something to do.
    pub(crate) fn wake(&mut self, env: &mut Env) {
        let Inbox { ticked, applied, messages, inputs } = &self.inbox;
        let something =
            *ticked || !(applied.is_empty() && messages.is_empty() && inputs.is_empty());
        if self.phase == Phase::Waiting && (something || self.core.is_dirty()) {
            self.phase = Phase::Called;
            let think = env.random.within(&env.swarm.think);
            env.step(think, self.id, Step::Round);
        }
    }

    fn round(&mut self, disks: &mut Disks, env: &mut Env) {
        let Inbox { ticked, applied, messages, inputs } = std::mem::take(&mut self.inbox);
        for ((group, peer), (index, bytes)) in applied {
            self.core.applied(group, peer, index, bytes);
        }
        for message in messages {
            self.core.step(message);
        }
        for input in inputs {
            self.take_in(disks, env, input);
        }
        if ticked {
            self.core.tick();
        }
        let Output { messages, appends, .. } = self.core.ready();
        self.send(env, messages);
        if appends.is_empty() {
            self.phase = Phase::Writing(false);
            self.written(env);
        } else {
            for Append { group, log, entries, .. } in &appends {
                let numbers = [
                    ("group", group.0),
                    ("peer", log.peer),
                    ("term", log.term),
                    ("vote", log.vote),
                    ("commit", log.commit),
                    ("last", log.last_index),
                    ("entries", entries.len() as u64),
                ];
                env.note("write", &numbers);
            }
            self.log.write(&appends);
            self.phase = Phase::Writing(true);
            let time = env.sync_time();
            env.step(time, self.id, Step::Written);
        }
    }

    fn take_in(&mut self, disks: &mut Disks, env: &mut Env, input: Input) {
        let core = &mut self.core;
        match input {
            Input::Propose { group, data, ticket } => core.propose(group, data, ticket),
            Input::Read { group, done } => core.read(group, done),
            Input::Change { group, change, ticket } => core.change_members(group, &change, ticket),
            // Whether it was taken shows in who leads.
            Input::Transfer { group, to } => drop(core.transfer(group, to)),
            Input::Truncate { group, durable } => {
                if let Err(error) = core.truncate(group, durable) {
                    env.checks.fail(|| format!("a log could not be truncated: {error}"));
                }
            }
            Input::Unreachable(node) => core.unreachable(node),
            Input::Add(start) => {
                if let Err(error) = core.add(*start) {
                    env.checks.fail(|| format!("a replica could not be opened: {error}"));
                }
            }
            Input::Remove(group) => {
                core.remove(group);
                self.replicas.remove(&group);
                disks.destroy(group, env);
            }
            Input::Installed { group, peer, index } => core.installed(group, peer, index),
            Input::SnapshotMade { group, peer, made } => core.snapshot_made(group, peer, made),
            Input::SnapshotSent { group, to, ok } => core.snapshot_sent(group, to, ok),
        }
    }

    fn written(&mut self, env: &mut Env) {
        if self.phase == Phase::Writing(true) {
            if env.random.chance(env.swarm.disk.fails) {
                env.note("sync failed", &[("node", self.id.0)]);
                // What is left of the write is what the kernel had written already.
                return env.fail_disk(self.id.0);
            }
            self.log.sync();
        }
        self.phase = Phase::Waiting;
        match self.core.persisted() {
            Ok(done) => self.hand_on(env, done),
            Err(error) => {
                env.checks.fail(|| format!("node {}: the log cannot be read: {error}", self.id.0))
            }
        }
        self.check(env);
    }

    fn hand_on(&mut self, env: &mut Env, done: Persisted) {
        self.send(env, done.messages);
        for committed in done.committed {
            self.add_work(env, Work::of(committed));
        }
        for install in done.installs {
            self.add_work(env, Work::Install(install));
        }
        for (group, peer) in done.snapshots_wanted {
            self.add_job(env, Job::make(group, peer));
        }
        for spent in done.snapshots_spent {
            self.outgoing.remove(&spent);
        }
    }

    /// State is synced, and logs are truncated behind it: as the node's maintenance does.
    fn maintain(&mut self, disks: &mut Disks, env: &mut Env) {
        let applied: Vec<_> =
            self.replicas.iter().map(|(group, it)| (*group, it.machine.applied())).collect();
        if disks.sync_state(&self.replicas).is_ok() {
            for (group, durable) in applied {
                self.put(Input::Truncate { group, durable });
            }
        }
        let next = env.random.within(&env.swarm.maintain);
        env.step(next, self.id, Step::Maintain);
    }

    /// A replica, unless another has taken its place.
    fn replica(&self, group: GroupId, peer: u64) -> Option<&Replica> {
        self.replicas.get(&group).filter(|it| it.peer == peer)
    }

    fn check(&self, env: &mut Env) {
        for (group, replica) in &self.replicas {
            let (told, applied) = (replica.watch.applied(), replica.machine.applied());
            if told > applied {
                env.checks.fail(|| {
                    format!("group {group}: readers are told of {told}, but {applied} is applied")
                });
            }
            if let Some(leader) = replica.watch.leader() {
                env.checks.leads(*group, replica.watch.term(), leader);
            }
        }
    }

    /// Ends as it wants to end: answers whoever waits, applies what is committed.
    pub(crate) fn stop(&mut self, disks: &mut Disks, env: &mut Env) {
        if self.phase == Phase::Writing(true) {
            self.written(env);
        }
        self.inbox = Inbox::default();
        self.core.close();
        while !self.is_idle() {
            if self.work.is_empty() { self.finish_job(disks, env) } else { self.apply(env) }
        }
        self.answer_outcomes(env);
    }

    /// Whether linearizable reads are answered without asking.
    fn reads_stale(&self, env: &Env) -> bool {
        env.bug == Some(Bug::StaleRead)
    }
}
