//! The meta leader's part, as the real node's `Reconciler`: `meta_change`, `shards_to_change`
//! and `next_step` decide, from reports that take time and may be lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use vane_catalog::MetaCommand;
use vane_coordinator::Shards;
use vane_placement::{ShardStep, meta_change, next_step, shards_to_change};
use vane_raft::GroupStatus;
use vane_transport::NotDone;
use vane_types::{GroupId, NodeId};

use super::{CHANGE_MAX, Owner, Process};
use crate::avoid::Finding;
use crate::env::Env;
use crate::event::{Body, Call, LeaderRequest, Step};
use crate::queue::{TICK, Time};

/// Time between looks.
const INTERVAL: Time = 2 * TICK;
/// Time for one step.
const STEP_MAX: Time = 100 * TICK;
/// Time for all nodes to report.
const GATHER_MAX: Time = 20 * TICK;
/// Time between questions whether nodes are there.
const HEAR_INTERVAL: Time = 10 * TICK;
/// Time after which a node says again who it is.
const ANNOUNCE_PAUSE: Time = 10 * TICK;

type Reports = BTreeMap<GroupId, GroupStatus>;

/// What is waited for.
#[derive(Default)]
enum Phase {
    #[default]
    Idle,
    /// The meta group's members are being changed.
    Placing,
    /// Reports of these groups; of nodes that have not answered yet.
    Gathering { due: Vec<GroupId>, silent: BTreeSet<NodeId>, reports: Reports },
    /// A step of one group; then those of the others.
    Changing { left: VecDeque<GroupId>, reports: Reports },
}

/// A process's reconciler.
#[derive(Default)]
pub(super) struct Reconciler {
    phase: Phase,
    call: u64,
}

impl Process {
    /// Begins the loops that go on until the process ends.
    pub(super) fn start_loops(&self, env: &mut Env) {
        for (interval, step) in [
            (INTERVAL, Step::Reconcile),
            (HEAR_INTERVAL, Step::Hear),
            (ANNOUNCE_PAUSE, Step::Announce),
        ] {
            let first = env.random.below(interval);
            env.step(first, self.id, step);
        }
    }

    pub(super) fn announce(&mut self, env: &mut Env) {
        let (node, start) = self.id;
        let entry = crate::machine::entry_of(node, start);
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
        let leads = meta.is_some_and(|replica| replica.watch.is_serving());
        // One thing at a time, as the real loop awaits each of its steps.
        if !leads || !matches!(self.reconciler.phase, Phase::Idle) {
            return;
        }
        let Some(status) = self.core.status(GroupId::META) else { return };
        let is_alive = |node| self.reach.is_alive(node);
        let change = self.catalog.read(|state| meta_change(state, &status, self.id.0, is_alive));
        let Some(change) = change else { return self.gather(env) };
        self.reconciler.phase = Phase::Placing;
        let (me, wanted) = (self.id.0, LeaderRequest::Change(change));
        self.call_leader(env, me, GroupId::META, wanted);
    }

    fn next_call(&mut self, env: &mut Env, patience: Time) -> Call {
        self.reconciler.call += 1;
        let (node, process) = self.id;
        let number = self.reconciler.call;
        env.step(patience, self.id, Step::ReconcilerOver(number));
        Call { node, process, number }
    }

    fn call_leader(
        &mut self,
        env: &mut Env,
        leader: NodeId,
        group: GroupId,
        wanted: LeaderRequest,
    ) {
        let call = self.next_call(env, STEP_MAX);
        env.send(self.id.0, leader, Body::Lead { call, group, wanted });
    }

    /// Asks all nodes for reports of the shards whose replicas are not where they should be.
    fn gather(&mut self, env: &mut Env) {
        self.reconciler.phase = Phase::Idle;
        let due = self.catalog.read(shards_to_change);
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
        let silent = nodes.into_iter().collect();
        self.reconciler.phase = Phase::Gathering { due, silent, reports: Reports::new() };
    }

    pub(super) fn reported(
        &mut self,
        env: &mut Env,
        from: NodeId,
        call: Call,
        groups: Vec<(GroupId, GroupStatus)>,
    ) {
        if !self.is_current(call) {
            return;
        }
        let Phase::Gathering { silent, reports, .. } = &mut self.reconciler.phase else { return };
        silent.remove(&from);
        for (group, status) in groups {
            let known = reports.entry(group).or_default();
            // Of two that both think they lead, the one of the later term.
            if status.term >= known.term {
                *known = status;
            }
        }
        if silent.is_empty() {
            self.gathered(env);
        }
    }

    fn is_current(&self, call: Call) -> bool {
        (call.process, call.number) == (self.id.1, self.reconciler.call)
    }

    fn gathered(&mut self, env: &mut Env) {
        let phase = std::mem::take(&mut self.reconciler.phase);
        if let Phase::Gathering { due, reports, .. } = phase {
            self.reconciler.phase = Phase::Changing { left: due.into(), reports };
            self.change_next(env);
        }
    }

    /// Takes a step in the next group that has one to take.
    fn change_next(&mut self, env: &mut Env) {
        loop {
            let Phase::Changing { left, reports } = &mut self.reconciler.phase else { return };
            let Some(group) = left.pop_front() else {
                self.reconciler.phase = Phase::Idle;
                return;
            };
            // No leader reported it: another round will find one.
            let Some(status) = reports.get(&group).cloned() else { continue };
            if self.change_shard(env, group, &status) {
                return;
            }
        }
    }

    /// Says whether an answer is waited for.
    fn change_shard(&mut self, env: &mut Env, group: GroupId, status: &GroupStatus) -> bool {
        let target =
            self.catalog.read(|state| state.shards.get(&group).and_then(|it| it.target.clone()));
        let (Some(target), Some(leader)) = (target, status.leader) else { return false };
        let is_alive = |node| self.reach.is_alive(node);
        match next_step(status, &target, is_alive) {
            ShardStep::Wait(_) => return false,
            ShardStep::Change(change) => {
                env.checks.changes(group, status, &change);
                self.call_leader(env, leader.node(), group, LeaderRequest::Change(change));
            }
            ShardStep::Transfer(peer) => {
                self.call_leader(env, leader.node(), group, LeaderRequest::Transfer(peer));
            }
            ShardStep::Settle => {
                // From a report, and so possibly late.
                let conf = status.conf.clone();
                let is_late = env.checks.log(group).is_some_and(|log| log.conf != conf);
                if is_late && env.avoid.has(Finding::LateSettle) {
                    return false;
                }
                env.note("settle", &[("group", group.0)]);
                self.next_call(env, STEP_MAX);
                let by = env.now() + STEP_MAX;
                self.change(env, Owner::Settle, MetaCommand::Settle { group, conf }, by);
            }
        }
        true
    }

    pub(super) fn led(&mut self, env: &mut Env, call: Call, done: Result<(), NotDone>) {
        if self.is_current(call) {
            env.note("step", &[("done", done.is_ok().into())]);
            self.step_done(env);
        }
    }

    /// The record of a shard's members was made, or not.
    pub(super) fn settled_members(&mut self, env: &mut Env) {
        if matches!(self.reconciler.phase, Phase::Changing { .. }) {
            self.step_done(env);
        }
    }

    fn step_done(&mut self, env: &mut Env) {
        // What still comes for this call is too late.
        self.reconciler.call += 1;
        match self.reconciler.phase {
            Phase::Placing => self.gather(env),
            Phase::Changing { .. } => self.change_next(env),
            Phase::Idle | Phase::Gathering { .. } => {}
        }
    }

    pub(super) fn reconciler_over(&mut self, env: &mut Env, number: u64) {
        if number != self.reconciler.call {
            return;
        }
        match self.reconciler.phase {
            Phase::Gathering { .. } => self.gathered(env),
            _ => self.step_done(env),
        }
    }
}
