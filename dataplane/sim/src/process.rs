//! A node's process: the real core, and around it in simulated time what the node's threads
//! do (`vane_raft::Engine`), and the parts of the node that serve, route, follow and reconcile.

mod apply;
mod find;
mod inbox;
mod introducing;
mod knock;
mod reach;
mod read;
mod rebalance;
mod reconciler;
mod replicas;
mod requests;
mod sending;
mod serve;
mod snapshots;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use vane_catalog::Catalog;
use vane_raft::{
    Append, Assurance, Config, Core, Envelope, LogStore, Made, MemberChange, OnRead, Output,
    Persisted, Start, StoreError, Ticket, Watch, take_words,
};
use vane_transport::{Introduction, Life};
use vane_types::{GroupId, LogIndex, NodeId, PeerId, Term};

use crate::bug::Bug;
use crate::disk::LogDisk;
use crate::env::Env;
use crate::event::{Body, Step};
use crate::machine::{AnyMachine, Meta, Views};
use crate::node::Disks;

use apply::Work;
use inbox::Inbox;
use introducing::Introducing;
use reconciler::Reconciler;
use replicas::{Following, Strays};
use requests::Requests;
use sending::explain;
use serve::Settled;
use snapshots::Job;

pub(crate) use reach::Reach;
pub(crate) use read::AnyRead;
pub(crate) use requests::{CHANGE_MAX, Owner};

/// Messages that may wait; more are dropped, as a network does.
const MESSAGES_MAX: usize = 4096;

/// A replica that is open.
pub(crate) struct Replica {
    pub(crate) peer: PeerId,
    pub(crate) machine: AnyMachine,
    pub(crate) watch: Arc<Watch>,
}

/// Something for the raft thread.
pub(crate) enum Input {
    Propose { group: GroupId, data: Vec<u8>, ticket: Ticket },
    Read { group: GroupId, assurance: Assurance, done: OnRead },
    Change { group: GroupId, change: MemberChange, ticket: Ticket },
    Transfer { group: GroupId, to: PeerId },
    Truncate { group: GroupId, durable: LogIndex },
    Unreachable(NodeId),
    Refused { node: NodeId, heard: u64 },
    Add(Box<Start>),
    Remove(GroupId),
    Installed { group: GroupId, peer: PeerId, index: LogIndex },
    SnapshotMade { group: GroupId, peer: PeerId, made: Result<Made, StoreError> },
    SnapshotSent { group: GroupId, to: PeerId, ok: bool },
}

/// Where the raft thread is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Called,
    /// Between `ready` and `persisted`.
    Writing,
    /// The same, and called for what need not wait for the disk.
    WritingCalled,
}

pub(crate) struct Process {
    /// Node, and which of its processes.
    pub(crate) id: (NodeId, u64),
    pub(crate) core: Core,
    pub(crate) replicas: BTreeMap<GroupId, Replica>,
    log: Arc<LogDisk>,
    inbox: Inbox,
    phase: Phase,
    /// What waits until a round is written.
    waiting: Vec<Input>,
    work: VecDeque<Work>,
    jobs: VecDeque<Job>,
    settled: Arc<Mutex<Vec<Settled>>>,
    /// Bytes of commands between proposal and answer.
    pub(crate) pending_bytes: Arc<AtomicUsize>,
    requests: Requests,
    /// How its coordinator sees replicas.
    reach: Reach,
    views: Mutex<Views>,
    pub(crate) catalog: Arc<Catalog>,
    /// Replicas that the catalog placed here, those too that could not be opened.
    placed: BTreeMap<GroupId, PeerId>,
    strays: Strays,
    following: Following,
    reconciler: Reconciler,
    introducing: Introducing,
}

impl Process {
    /// A process without replicas, whose clock begins to tick.
    pub(crate) fn new(
        id: (NodeId, u64),
        log: Arc<LogDisk>,
        meta: &Meta,
        own: Introduction,
        env: &mut Env,
    ) -> Self {
        let seed = env.random.next();
        let config = Config {
            bounds: env.swarm.bounds.clone(),
            seed,
            still_ticks: env.swarm.still_ticks.unwrap_or(usize::MAX),
            leases: env.swarm.leases.clone().unwrap_or_default(),
            clock: env.own_clock(seed),
            ..Config::default()
        };
        let mut core = Core::new(Arc::clone(&log) as Arc<dyn LogStore>, config);
        core.allow_quiet(env.swarm.still_ticks.is_some());
        core.may_lend().store(env.swarm.leases.is_some(), Ordering::Release);
        // Clocks of nodes do not tick together.
        let first = env.random.within(&env.swarm.tick);
        env.step(first, id, Step::Tick);
        let first = env.random.within(&env.swarm.maintain);
        env.step(first, id, Step::Maintain);
        let catalog = Arc::clone(&meta.catalog);
        let reach = Reach::new(id.0, env.queue.clock().clone());
        let process = Self {
            id,
            core,
            replicas: BTreeMap::new(),
            log,
            inbox: Inbox::default(),
            phase: Phase::Waiting,
            waiting: Vec::new(),
            work: VecDeque::new(),
            jobs: VecDeque::new(),
            settled: Arc::default(),
            pending_bytes: Arc::default(),
            requests: Requests::new(reach.clone(), catalog, id.0.0 << 32 | id.1),
            reach,
            views: Mutex::new(Views::of_process(id.1)),
            catalog: Arc::clone(&meta.catalog),
            placed: BTreeMap::new(),
            strays: Strays::default(),
            following: Following::default(),
            reconciler: Reconciler::default(),
            introducing: Introducing::new(own, env),
        };
        process.start_loops(env);
        process
    }

    pub(crate) fn step(&mut self, disks: &mut Disks, env: &mut Env, step: Step) {
        match step {
            Step::Tick => {
                self.inbox.ticked = true;
                let tick = env.random.within(&env.swarm.tick);
                env.step(tick, self.id, Step::Tick);
            }
            Step::Round => self.round(env),
            Step::Written => self.written(env),
            Step::Apply => self.apply(env),
            Step::Job => self.finish_job(disks, env),
            Step::Maintain => self.maintain(disks, env),
            Step::Follow => self.follow(disks, env),
            Step::Hear => self.hear(env),
            Step::Announce => self.announce(env),
            Step::Introduce => self.introduce(env),
            Step::IntroduceOver(round) => self.introduce_over(env, round),
            Step::Reconcile => self.reconcile(env),
            Step::ReconcilerOver(number) => self.reconciler_over(env, number),
            Step::Read(asked, group, read, office) => {
                self.look(env, asked, group, &read, Some(office));
            }
            Step::SnapshotSent { group, to, ok } => self.put(Input::SnapshotSent { group, to, ok }),
            Step::Knock(node, times) => self.knock(env, node, times),
            Step::Refused { node, heard } => self.put(Input::Refused { node, heard }),
            Step::Due(number) => self.due(number),
        }
        self.answer_settled(env);
        self.run_tasks(env);
        self.wake(env);
    }

    /// A message came.
    pub(crate) fn arrive(&mut self, disks: &mut Disks, env: &mut Env, by: Life, body: Body) {
        if let Some(body) = self.let_in(&disks.lives, env, &by, body) {
            self.take(disks, env, by.node, body);
        }
        self.answer_settled(env);
        self.run_tasks(env);
        self.wake(env);
    }

    fn take(&mut self, disks: &mut Disks, env: &mut Env, from: NodeId, body: Body) {
        if let Body::Raft(envelope) = &body {
            explain(env, envelope);
        }
        match body {
            Body::Raft(envelope) => self.take_message(env, envelope),
            Body::Snapshot { announcement, files, sender } => {
                let snapshot = announcement.message.snapshot.as_ref();
                // Kept under term and index, since a leader of another term may send another
                // state.
                if let Some(meta) = snapshot.and_then(|snapshot| snapshot.metadata.as_ref()) {
                    let (term, index) = (Term(meta.term), LogIndex(meta.index));
                    disks.incoming.insert((announcement.group, term, index), files);
                }
                let (group, to) = (announcement.group, announcement.to());
                env.step(1, (from, sender), Step::SnapshotSent { group, to, ok: true });
                if self.speaks() {
                    self.inbox.messages.push(announcement);
                }
            }
            Body::Ask { asked, group, what } => self.asked(env, asked, group, what),
            Body::Answer { asked, answer } => self.answered(env, asked, answer),
            Body::Introduce { process, round, new } => {
                self.introduced_to(disks, env, (process, round), &new);
            }
            Body::Introduced { process, round, answer } => {
                self.introduction_answered(disks, env, (from, process, round), answer);
            }
            Body::Hear => env.send(self.id.0, from, Body::Heard),
            Body::Heard => self.reach.heard(from),
            Body::Report { call, groups } => self.report(env, call, groups),
            Body::Reported { call, groups } => self.reported(env, from, call, groups),
            Body::Lead { call, group, wanted } => self.lead(env, call, group, wanted),
            Body::Led { call, done } => self.led(env, call, done),
        }
    }

    fn take_message(&mut self, env: &mut Env, envelope: Envelope) {
        let mut messages = vec![envelope];
        let replicas = &self.replicas;
        let watch = |group| Some(Arc::clone(&replicas.get(&group)?.watch));
        let send = take_words(&mut messages, watch);
        self.send(env, send);
        if self.inbox.messages.len() < MESSAGES_MAX {
            self.inbox.messages.append(&mut messages);
        }
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
        self.phase = match self.phase {
            Phase::Waiting if self.inbox.has_work(true) || self.core.is_dirty() => Phase::Called,
            Phase::Writing if self.inbox.has_work(false) => Phase::WritingCalled,
            Phase::Waiting | Phase::Called | Phase::Writing | Phase::WritingCalled => return,
        };
        let think = env.random.within(&env.swarm.think);
        env.step(think, self.id, Step::Round);
    }

    fn round(&mut self, env: &mut Env) {
        match self.phase {
            Phase::Called => {
                self.hand_in(env, true);
                self.begin_round(env);
            }
            Phase::WritingCalled => {
                self.phase = Phase::Writing;
                self.hand_in(env, false);
                let urgent = self.core.urgent();
                self.send(env, urgent);
            }
            // The round that it was called for has ended meanwhile.
            Phase::Waiting | Phase::Writing => {}
        }
    }

    /// Hands in what came; without entries only what has not to be written.
    fn hand_in(&mut self, env: &mut Env, entries: bool) {
        let Inbox { ticked, applied, messages, inputs } = self.inbox.take(entries);
        // In the real thread's order: what was applied makes room for what follows.
        for ((group, peer), (index, bytes)) in applied {
            self.core.applied(group, peer, index, bytes);
        }
        for message in messages {
            self.core.step(message);
        }
        for input in inputs {
            self.take_in(env, input);
        }
        if ticked {
            let awake = self.core.awake().len();
            self.core.tick();
            let fallen = awake.saturating_sub(self.core.awake().len());
            if fallen > 0 {
                env.note("quiet", &[("groups", fallen as u64)]);
            }
        }
    }

    fn begin_round(&mut self, env: &mut Env) {
        let Output { messages, transfers, appends, .. } = self.core.ready();
        self.send(env, messages);
        self.send_snapshots(env, transfers);
        // Nothing to sync: the round goes on at once, as the real thread does.
        if appends.is_empty() {
            self.persisted(env);
        } else {
            for Append { group, log, entries, .. } in &appends {
                let numbers = [
                    ("group", group.0),
                    ("peer", log.peer.0),
                    ("term", log.term.0),
                    ("vote", PeerId::to_raw(log.vote)),
                    ("commit", log.commit.0),
                    ("last", log.last_index.0),
                    ("entries", entries.len() as u64),
                ];
                env.note("write", &numbers);
            }
            self.log.write(&appends);
            self.phase = Phase::Writing;
            let time = env.sync_time();
            env.step(time, self.id, Step::Written);
        }
    }

    fn take_in(&mut self, env: &mut Env, input: Input) {
        if self.is_writing() && input.is_between_rounds() {
            return self.waiting.push(input);
        }
        let core = &mut self.core;
        match input {
            Input::Propose { group, data, ticket } => core.propose(group, data, ticket),
            Input::Read { group, assurance, done } => core.read(group, assurance, done),
            Input::Change { group, change, ticket } => core.change_members(group, &change, ticket),
            // Whether it was taken shows in who leads.
            Input::Transfer { group, to } => {
                let _refused = core.transfer(group, to);
            }
            Input::Truncate { group, durable } => {
                if let Err(error) = core.truncate(group, durable) {
                    env.checks.fail(|| format!("a log could not be truncated: {error}"));
                }
            }
            Input::Unreachable(node) => core.unreachable(node),
            Input::Refused { node, heard } => core.refused(node, heard),
            Input::Add(start) => {
                if let Err(error) = core.add(*start) {
                    env.checks.fail(|| format!("a replica could not be opened: {error}"));
                }
            }
            Input::Remove(group) => core.remove(group),
            Input::Installed { group, peer, index } => core.installed(group, peer, index),
            Input::SnapshotMade { group, peer, made } => core.snapshot_made(group, peer, made),
            Input::SnapshotSent { group, to, ok } => core.snapshot_sent(group, to, ok),
        }
    }

    fn written(&mut self, env: &mut Env) {
        if env.random.chance(env.swarm.disk.fails) {
            env.note("sync failed", &[("node", self.id.0.0)]);
            // What is left of the write is what the kernel had written already.
            return env.fail_disk(self.id.0);
        }
        self.log.sync();
        self.persisted(env);
        for input in std::mem::take(&mut self.waiting) {
            self.take_in(env, input);
        }
    }

    fn is_writing(&self) -> bool {
        matches!(self.phase, Phase::Writing | Phase::WritingCalled)
    }

    fn persisted(&mut self, env: &mut Env) {
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
        self.send_snapshots(env, done.transfers);
        for committed in done.committed {
            self.add_work(env, Work::of(committed));
        }
        for install in done.installs {
            self.add_work(env, Work::Install(install));
        }
        for (group, peer) in done.snapshots_wanted {
            self.add_job(env, Job::make(group, peer));
        }
    }

    /// State is synced, logs are truncated behind it, and a job is done where one is due: as
    /// the node's maintenance does.
    fn maintain(&mut self, disks: &mut Disks, env: &mut Env) {
        // Taken before the sync: what is applied meanwhile may not be in it.
        let applied: Vec<_> =
            self.replicas.iter().map(|(group, at)| (*group, at.machine.applied())).collect();
        if disks.sync_state(&self.replicas).is_ok() {
            for (group, durable) in applied {
                self.put(Input::Truncate { group, durable });
            }
        }
        self.run_jobs(env);
        let next = env.random.within(&env.swarm.maintain);
        env.step(next, self.id, Step::Maintain);
    }

    fn run_jobs(&self, env: &mut Env) {
        for (group, replica) in &self.replicas {
            match replica.machine.run_job() {
                Ok(true) => env.note("job", &[("group", group.0), ("peer", replica.peer.0)]),
                Ok(false) => {}
                Err(error) => {
                    env.checks.fail(|| format!("group {group}: a background job failed: {error}"));
                }
            }
        }
    }

    /// A replica, unless another has taken its place.
    fn replica(&self, group: GroupId, peer: PeerId) -> Option<&Replica> {
        self.replicas.get(&group).filter(|replica| replica.peer == peer)
    }

    fn check(&self, env: &mut Env) {
        for (group, replica) in &self.replicas {
            let (told, applied) = (replica.watch.applied(), replica.machine.applied());
            // A reader that was told of more than there is would miss an acknowledged write.
            if told > applied {
                env.checks.fail(|| {
                    format!("group {group}: readers are told of {told}, but {applied} is applied")
                });
            }
            if let Some(leader) = replica.watch.leader().filter(|_| !self.is_unheard(env)) {
                env.checks.leads(*group, replica.watch.term(), leader);
            }
        }
    }

    /// Ends as it wants to end: answers whoever waits, applies what is committed.
    pub(crate) fn stop(&mut self, disks: &mut Disks, env: &mut Env) {
        // The real thread ends its round before it looks whether it is to stop.
        if self.is_writing() {
            self.written(env);
        }
        self.inbox = Inbox::default();
        self.core.close();
        while !self.is_idle() {
            if self.work.is_empty() { self.finish_job(disks, env) } else { self.apply(env) }
        }
        self.answer_settled(env);
    }

    /// Whether linearizable reads are answered without asking.
    fn reads_stale(&self, env: &Env) -> bool {
        env.bug == Some(Bug::StaleRead)
    }
}
