//! The meta leader's part, as the real node's `Reconciler`: `meta_change`, `Turns` and
//! `next_step` decide, from reports that take time and may be lost.

use std::collections::{BTreeMap, BTreeSet};

use vane_catalog::{FeatureLevel, MetaCommand, ShardEntry};
use vane_coordinator::{Shards, Untold};
use vane_placement::{ShardStep, Turns, meta_change, next_step, record};
use vane_raft::{GroupStatus, MemberChange};
use vane_transport::NotDone;
use vane_types::{GroupId, NodeId};

use super::{CHANGE_MAX, Owner, Process, rebalance};
use crate::env::Env;
use crate::event::{Body, Call, LeaderRequest, Step};
use crate::queue::{TICK, Time};

/// Time between looks.
const INTERVAL: Time = 2 * TICK;
/// Time for one step.
const STEP_MAX: Time = 100 * TICK;
/// Steps of shards that are taken at a time.
const STEPS_AT_ONCE: usize = 16;
/// Time for all nodes to report.
const GATHER_MAX: Time = 20 * TICK;
/// Time between questions whether nodes are there.
const HEAR_INTERVAL: Time = 10 * TICK;
/// Time after which a node says again who it is.
const ANNOUNCE_PAUSE: Time = 10 * TICK;

pub(super) type Reports = BTreeMap<GroupId, GroupStatus>;

/// Where the look at shards is, by the number of its call.
#[derive(Default)]
enum Look {
    #[default]
    Idle,
    /// Reports of these groups; of nodes that have not answered yet.
    Gathering { call: u64, due: Vec<GroupId>, silent: BTreeSet<NodeId>, reports: Reports },
    /// The catalog here is brought up to date.
    Confirming { call: u64, due: Vec<GroupId>, reports: Reports },
}

/// A step of a shard that is under way, and what follows when it is done.
struct Running {
    group: GroupId,
    then: Option<MetaCommand>,
}

/// A process's reconciler.
#[derive(Default)]
pub(super) struct Reconciler {
    last: u64,
    /// The meta group's members are being changed.
    placing: Option<u64>,
    turns: Turns,
    look: Look,
    steps: BTreeMap<u64, Running>,
    untold: Untold,
    /// Shards are being told of their vectors.
    is_telling: bool,
}

impl Reconciler {
    /// Shards were told of their vectors, or not.
    pub(super) fn told(&mut self) {
        self.is_telling = false;
    }
}

impl Process {
    /// Begins the loops that go on until the process ends.
    pub(super) fn start_loops(&self, env: &mut Env) {
        for (interval, step) in [
            (INTERVAL, Step::Reconcile),
            (HEAR_INTERVAL, Step::Hear),
            (ANNOUNCE_PAUSE, Step::Announce),
            (TICK, Step::Introduce),
        ] {
            let first = env.random.below(interval);
            env.step(first, self.id, step);
        }
    }

    pub(super) fn announce(&mut self, env: &mut Env) {
        let node = self.id.0;
        let entry = crate::machine::entry_of(node, self.introducing.start());
        let known = self.catalog.read(|state| state.nodes.get(&node).map(|it| it.entry.clone()));
        if known.as_ref() == Some(&entry) {
            return;
        }
        if known.is_some() {
            let by = env.now() + CHANGE_MAX;
            self.change(env, Owner::Announcement, MetaCommand::PutNode(entry), by);
        }
        env.step(ANNOUNCE_PAUSE, self.id, Step::Announce);
    }

    pub(super) fn hear(&mut self, env: &mut Env) {
        let nodes = self.catalog.read(|state| state.nodes_of(GroupId::META));
        self.reach.listen(&nodes);
        for node in nodes {
            env.send(self.id.0, node, Body::Hear);
        }
        env.step(HEAR_INTERVAL, self.id, Step::Hear);
    }

    /// A look at what is to be done, where this node leads the meta group.
    pub(super) fn reconcile(&mut self, env: &mut Env) {
        env.step(INTERVAL, self.id, Step::Reconcile);
        let meta = self.replicas.get(&GroupId::META);
        if !meta.is_some_and(|replica| replica.watch.is_serving()) {
            self.reconciler.turns = Turns::default();
            self.reconciler.untold.clear();
            return;
        }
        if !self.reconciler.is_telling {
            self.finish_vectors(env);
        }
        self.place_members(env);
        if matches!(self.reconciler.look, Look::Idle) {
            self.gather(env);
        }
    }

    fn finish_vectors(&mut self, env: &Env) {
        let due = self.coordinator().due_vectors(&mut self.reconciler.untold);
        if !due.is_empty() {
            self.reconciler.is_telling = true;
            self.tell_vectors(env, due);
        }
    }

    fn place_members(&mut self, env: &mut Env) {
        let Some(status) = self.core.status(GroupId::META) else { return };
        if self.reconciler.placing.is_some() {
            return;
        }
        let is_alive = |node| self.reach.is_alive(node);
        let is_lost = |node| self.reach.is_lost(node);
        let change =
            self.catalog.read(|state| meta_change(state, &status, self.id.0, is_alive, is_lost));
        if let Some(change) = change {
            let (me, wanted) = (self.id.0, LeaderRequest::Change(change));
            self.reconciler.placing = Some(self.call_leader(env, me, GroupId::META, wanted));
        }
    }

    fn next_call(&mut self, env: &mut Env, patience: Time) -> Call {
        self.reconciler.last += 1;
        let (node, process) = self.id;
        let number = self.reconciler.last;
        env.step(patience, self.id, Step::ReconcilerOver(number));
        Call { node, process, number }
    }

    pub(super) fn call_leader(
        &mut self,
        env: &mut Env,
        leader: NodeId,
        group: GroupId,
        wanted: LeaderRequest,
    ) -> u64 {
        let call = self.next_call(env, STEP_MAX);
        env.send(self.id.0, leader, Body::Lead { call, group, wanted });
        call.number
    }

    /// Asks all nodes for reports of the shards whose replicas are not where they should be.
    fn gather(&mut self, env: &mut Env) {
        let Reconciler { turns, steps, .. } = &mut self.reconciler;
        let mut due = self.catalog.read(|state| turns.due(state));
        if rebalance::is_time(env) {
            due = self.catalog.read(|state| state.shards.keys().copied().collect());
        }
        due.retain(|group| !steps.values().any(|step| step.group == *group));
        if due.is_empty() {
            return;
        }
        let nodes = self.catalog.read(|state| state.nodes_of(GroupId::META));
        let call = self.next_call(env, GATHER_MAX);
        for node in &nodes {
            let groups = due.clone();
            env.send(self.id.0, *node, Body::Report { call, groups });
        }
        // Reports that do not come are waited for, but not for ever.
        let (call, silent) = (call.number, nodes.into_iter().collect());
        self.reconciler.look = Look::Gathering { call, due, silent, reports: Reports::new() };
    }

    pub(super) fn reported(
        &mut self,
        env: &Env,
        from: NodeId,
        asked: Call,
        groups: Vec<(GroupId, GroupStatus)>,
    ) {
        let Look::Gathering { call, silent, reports, .. } = &mut self.reconciler.look else {
            return;
        };
        if (asked.process, asked.number) != (self.id.1, *call) {
            return;
        }
        silent.remove(&from);
        for (group, status) in groups {
            let known = reports.entry(group).or_default();
            // Of two that both think they lead, the one of the later term.
            if status.term >= known.term {
                *known = status;
            }
        }
        if silent.is_empty() {
            self.confirm(env);
        }
    }

    /// What was gathered is looked at by a catalog that is no older than it.
    fn confirm(&mut self, env: &Env) {
        let look = std::mem::take(&mut self.reconciler.look);
        let Look::Gathering { call, due, reports, .. } = look else { return };
        self.reconciler.look = Look::Confirming { call, due, reports };
        self.catch_up(Owner::Look(call), env.now() + STEP_MAX, env);
    }

    /// The catalog is up to date, or could not be brought there.
    pub(super) fn confirmed(&mut self, env: &mut Env, number: u64, is_new: bool) {
        let look = std::mem::take(&mut self.reconciler.look);
        match look {
            Look::Confirming { call, due, reports } if call == number => {
                for group in due.into_iter().filter(|_| is_new) {
                    self.change_shard(env, group, reports.get(&group));
                }
                if is_new && rebalance::is_time(env) {
                    self.rebalance(env, &reports);
                }
            }
            other => self.reconciler.look = other,
        }
    }

    fn change_shard(&mut self, env: &mut Env, group: GroupId, status: Option<&GroupStatus>) {
        let shard = self.catalog.read(|state| state.shards.get(&group).cloned());
        let Some(shard) = shard.filter(|shard| shard.target.is_some()) else { return };
        let step = status.map(|status| {
            self.catalog.read(|state| {
                let is_there = |node| state.nodes.contains_key(&node) && self.reach.is_alive(node);
                next_step(status, &shard, is_there, |node| state.may_lead(node))
            })
        });
        let Reconciler { turns, steps, .. } = &mut self.reconciler;
        let is_admitted = turns.admits(group, step.as_ref()) && steps.len() < STEPS_AT_ONCE;
        if let (true, Some(step), Some(status)) = (is_admitted, step, status) {
            self.take_step(env, group, &shard, status, step);
        }
    }

    fn take_step(
        &mut self,
        env: &mut Env,
        group: GroupId,
        shard: &ShardEntry,
        status: &GroupStatus,
        step: ShardStep,
    ) {
        let Some(leader) = status.leader else { return };
        let (seen, mut then) = (status.seen(), None);
        let wanted = match step {
            ShardStep::Wait(_) => return,
            ShardStep::Copy(peer) => {
                LeaderRequest::Change(MemberChange::follower(peer).seen_at(seen))
            }
            ShardStep::Change(change) => {
                env.checks.changes(group, status, &change);
                LeaderRequest::Change(change.seen_at(seen))
            }
            ShardStep::Transfer(peer) => LeaderRequest::Transfer(peer),
            ShardStep::Record => {
                env.note("recorded", &[("group", group.0)]);
                return self.record_members(env, group, record(group, shard, status, true));
            }
            ShardStep::Settle => {
                let is_told = self.catalog.level() >= FeatureLevel::PROVEN;
                then = Some(record(group, shard, status, is_told));
                LeaderRequest::Change(MemberChange::barrier(seen))
            }
        };
        let number = self.call_leader(env, leader.node(), group, wanted);
        self.reconciler.steps.insert(number, Running { group, then });
    }

    fn record_members(&mut self, env: &mut Env, group: GroupId, command: MetaCommand) {
        let number = self.next_call(env, STEP_MAX).number;
        self.reconciler.steps.insert(number, Running { group, then: None });
        let by = env.now() + STEP_MAX;
        self.change(env, Owner::Record(number), command, by);
    }

    pub(super) fn led(&mut self, env: &mut Env, call: Call, done: Result<(), NotDone>) {
        if call.process != self.id.1 {
            return;
        }
        env.note("step", &[("done", done.is_ok().into())]);
        let step = self.reconciler.steps.get_mut(&call.number);
        let next = step.and_then(|step| Some((step.group, step.then.take()?)));
        self.step_over(call.number);
        if let (Ok(()), Some((group, command))) = (done, next) {
            env.note("settle", &[("group", group.0)]);
            self.record_members(env, group, command);
        }
    }

    /// A step is done, or its outcome will not be known.
    pub(super) fn step_over(&mut self, number: u64) {
        self.reconciler.steps.remove(&number);
        if self.reconciler.placing == Some(number) {
            self.reconciler.placing = None;
        }
    }

    pub(super) fn reconciler_over(&mut self, env: &Env, number: u64) {
        self.step_over(number);
        if let Look::Gathering { call, .. } = &self.reconciler.look
            && *call == number
        {
            self.confirm(env);
        }
    }
}
