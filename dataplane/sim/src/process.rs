//! A node's process: the real core, and around it in simulated time what the node's threads
//! do (`vane_raft::Node`).

mod apply;
mod gateway;
mod serve;
mod snapshots;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use raft::eraftpb::Message;
use vane_raft::{
    Config, Core, Envelope, Exported, LogStore, MemberChange, OnRead, Output, Persisted, Start, StoreError, Ticket,
    Watch, node_of,
};
use vane_types::{GroupId, LogIndex};

use crate::bug::Bug;
use crate::disk::LogDisk;
use crate::env::Env;
use crate::event::{Body, Event, Step};
use crate::files::Files;
use crate::machine::Machine;
use crate::node::Disks;
use crate::world::CALM;

use apply::Work;
use gateway::Gateway;
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
        let config = Config { bounds: env.swarm.bounds.clone(), seed: env.random.next(), ..Config::default() };
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
            Step::Attempt { operation, attempt, send } => self.attempt_over(env, operation, attempt, send),
        }
        self.answer_outcomes(env);
        self.wake(env);
    }

    /// A message came.
    pub(crate) fn arrive(&mut self, disks: &mut Disks, env: &mut Env, from: u64, body: Body) {
        if let Body::Raft(envelope) = &body {
            let it = &envelope.message;
            let now = env.now();
            env.trace.explain(|| {
                let (from, to) = (crate::checks::name(it.from), crate::checks::name(it.to));
                let (kind, group, reject) = (it.get_msg_type(), envelope.group, if it.reject { " rejects" } else { "" });
                let Message { term, index, log_term, commit, .. } = it;
                let entries = it.entries.len();
                format!(
                    "{:>8}.{:03} ms    {kind:?}{reject} group={group} {from} to {to} term={term} index={index} of {log_term} \
                     commit={commit} entries={entries}",
                    now / 1000,
                    now % 1000
                )
            });
        }
        match body {
            Body::Raft(envelope) if self.inbox.messages.len() < MESSAGES_MAX => self.inbox.messages.push(envelope),
            Body::Raft(_) => {}
            Body::Snapshot { announcement, files, sender } => {
                if let Some(meta) = announcement.message.snapshot.as_ref().and_then(|it| it.metadata.as_ref()) {
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
        let something = *ticked || !(applied.is_empty() && messages.is_empty() && inputs.is_empty());
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
            for it in &appends {
                let vane_raft::GroupLog { peer, term, vote, last_index, commit, .. } = it.log;
                let numbers = [
                    ("group", it.group.0),
                    ("peer", peer),
                    ("term", term),
                    ("vote", vote),
                    ("last", last_index),
                    ("commit", commit),
                    ("entries", it.entries.len() as u64),
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
            Err(error) => env.checks.fail(|| format!("node {}: the log cannot be read: {error}", self.id.0)),
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

    fn send(&mut self, env: &mut Env, messages: Vec<Envelope>) {
        for envelope in messages {
            if env.checks.sends(&envelope) {
                let (from, to) = (envelope.from(), envelope.to());
                let numbers =
                    [("group", envelope.group.0), ("from", from), ("to", to), ("term", envelope.message.term)];
                env.note("vote", &numbers);
                if env.now() > CALM && env.random.chance(env.swarm.faults.crash_after_vote) {
                    // A vote that was given is not to be given again.
                    env.crash(self.id.0, true);
                }
            }
            let to = node_of(envelope.to());
            if !env.up.contains(&to) && env.random.chance(100_000) {
                self.inbox.inputs.push_back(Input::Unreachable(to));
            }
            match envelope.snapshot_index() {
                Some(index) => self.send_snapshot(env, envelope, index),
                None => env.send(self.id.0, to, Body::Raft(envelope)),
            }
        }
    }

    fn send_snapshot(&mut self, env: &mut Env, announcement: Envelope, index: LogIndex) {
        let (from, to) = (self.id.0, node_of(announcement.to()));
        let (group, peer) = (announcement.group, announcement.to());
        let rates = &env.swarm.network;
        let time = env.random.within(&rates.delay.clone()) + rates.snapshot_per_entry * index;
        let lost = env.random.chance(rates.snapshot_lost) || !env.network.is_open(from, to);
        env.note("snapshot sent", &[("group", group.0), ("to", peer), ("index", index), ("lost", lost.into())]);
        match self.outgoing.get(&(group, index)).cloned() {
            Some(files) if !lost && env.up.contains(&to) => {
                let body = Body::Snapshot { announcement, files, sender: self.id.1 };
                env.queue.after(time, Event::Arrive { from, to, body: Box::new(body) });
            }
            _ => env.step(time, self.id, Step::SnapshotSent { group, to: peer, ok: false }),
        }
    }

    /// State is synced, and logs are truncated behind it: as the node's maintenance does.
    fn maintain(&mut self, disks: &mut Disks, env: &mut Env) {
        let applied: Vec<_> = self.replicas.iter().map(|(group, it)| (*group, it.machine.applied())).collect();
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
