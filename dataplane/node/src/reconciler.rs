//! The meta leader's part: it gives nodes their place in the meta group, raises the feature
//! level and carries changes of shards' replicas out. Each step is derived anew from what is
//! (`vane_placement`), so that whoever leads next goes on where this one stopped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};
use vane_catalog::{Catalog, FeatureLevel, MetaCommand, ShardEntry, State};
use vane_coordinator::{Coordinator, Untold};
use vane_placement::{
    Ends, MOVE_ATTEMPTS_MAX, ReplicaPlan, ShardStep, Turns, meta_change, meta_heir, next_step,
    record, withdrawal,
};
use vane_raft::{Engine, GroupStatus, MemberChange, StateMachine};
use vane_transport::{GroupReport, LeaderRequest, NotDone, ReportRequest};
use vane_types::{Error, GroupId, NodeId, PeerId};

use crate::leader_request::LeaderRequests;
use crate::liveness::Liveness;
use crate::report::Reporter;
use crate::shards::NodeShards;

/// Time between looks.
const INTERVAL: Duration = Duration::from_millis(200);
/// Time for one step.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// Time to tell shards of their vectors, for which changes of parameters wait.
const TELL_TIMEOUT: Duration = Duration::from_secs(2);
/// Steps of shards that are taken at a time.
const STEPS_AT_ONCE: usize = 16;

/// Brings members of groups to where the catalog wants them, while this node leads the meta
/// group.
pub(crate) struct Reconciler {
    pub(crate) me: NodeId,
    pub(crate) engine: Arc<Engine>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) coordinator: Arc<Coordinator<NodeShards>>,
    pub(crate) leaders: Arc<LeaderRequests>,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) liveness: Arc<Liveness>,
    /// Silence after which a voter of the meta group is replaced.
    pub(crate) lost_after: Duration,
}

/// Why a step was not taken. The next look plans anew.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    NotDone(#[from] NotDone),
    #[error(transparent)]
    NotRecorded(#[from] Error),
}

/// Steps of shards that are under way. A slow one holds no other up.
#[derive(Default)]
struct Steps {
    running: JoinSet<GroupId>,
    of: BTreeSet<GroupId>,
}

impl Steps {
    fn take_done(&mut self) {
        while let Some(done) = self.running.try_join_next() {
            match done {
                Ok(group) => drop(self.of.remove(&group)),
                // A step that panicked names no group: all that still run are waited for.
                Err(_) if self.running.is_empty() => self.of.clear(),
                Err(_) => {}
            }
        }
    }
}

/// Ticks of looks, which are not made up for where a look took longer.
fn looks() -> Interval {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl Reconciler {
    /// Acts, whenever this node leads the meta group, until the node ends.
    pub(crate) async fn run(self) {
        let this = Arc::new(self);
        // Beside each other: neither waits for what the other waits for.
        tokio::join!(this.keep_meta_group(), this.move_shards(), this.tell_vectors());
    }

    /// Leading is not enough: before it has applied its own term it would plan by an old catalog.
    fn leads(&self) -> bool {
        self.engine.watch(GroupId::META).is_some_and(|watch| watch.is_serving())
    }

    async fn keep_meta_group(&self) {
        let mut ticks = looks();
        loop {
            ticks.tick().await;
            if !self.leads() {
                continue;
            }
            if let Err(error) = self.place_members().await {
                tracing::debug!(
                    %error,
                    "a step of the meta group's membership was not taken; trying again"
                );
            }
            if let Err(error) = self.raise_level().await {
                tracing::debug!(%error, "the feature level was not raised; trying again");
            }
        }
    }

    /// Takes one step towards the membership that the meta group should have.
    async fn place_members(&self) -> Result<(), StepError> {
        let engine = Arc::clone(&self.engine);
        let status = tokio::task::spawn_blocking(move || engine.status(GroupId::META)).await;
        let Some(status) = status.ok().flatten() else { return Ok(()) };
        let is_alive = |node| self.liveness.is_alive(node);
        let is_lost = |node| self.liveness.silent_for(node) >= self.lost_after;
        let request = self.catalog.read(|state| {
            let change = meta_change(state, &status, self.me, is_alive, is_lost);
            let heir = || meta_heir(state, &status, self.me).map(LeaderRequest::Transfer);
            change.map(LeaderRequest::Change).or_else(heir)
        });
        let Some(request) = request else { return Ok(()) };
        let deadline = Instant::now() + STEP_TIMEOUT;
        Ok(self.leaders.ask(self.me, GroupId::META, request, deadline).await?)
    }

    /// Raises the feature level, where every member speaks more.
    async fn raise_level(&self) -> Result<(), Error> {
        let due = self.catalog.read(|state| Some((state.level, state.raise_due()?)));
        let Some((from, command)) = due else { return Ok(()) };
        self.coordinator.propose_meta(command, Instant::now() + STEP_TIMEOUT).await?;
        tracing::info!(from = from.0, to = self.catalog.level().0, "raised the feature level");
        Ok(())
    }

    /// Tells shards of vectors that came and went, where whoever changed them did not come to it.
    async fn tell_vectors(&self) {
        let (mut ticks, mut untold) = (looks(), Untold::default());
        loop {
            ticks.tick().await;
            if !self.leads() {
                untold.clear();
                continue;
            }
            let due = self.coordinator.due_vectors(&mut untold);
            let deadline = Instant::now() + TELL_TIMEOUT;
            let finished = self.coordinator.finish_vectors(due, deadline).await;
            if let Err(error) = finished {
                tracing::debug!(%error, "shards were not told of vectors; trying again");
            }
        }
    }

    async fn move_shards(self: &Arc<Self>) {
        let (mut ticks, mut turns, mut steps) = (looks(), Turns::default(), Steps::default());
        // Where the catalog was when nothing was to be moved.
        let mut settled_at = None;
        loop {
            ticks.tick().await;
            steps.take_done();
            if !self.leads() {
                // What copies is found anew by whoever leads.
                turns = Turns::default();
                continue;
            }
            // Read first: a change that comes meanwhile is looked at next time.
            let applied = self.catalog.applied();
            if settled_at == Some(applied) {
                continue;
            }
            match self.change_shards(&mut turns, &mut steps).await {
                Ok(is_any_due) => settled_at = (!is_any_due).then_some(applied),
                Err(error) => tracing::debug!(%error, "shards were not looked at; trying again"),
            }
        }
    }

    /// Begins a step in each shard that has one to take, of those whose turn it is; says whether
    /// there is a shard with steps to take.
    async fn change_shards(
        self: &Arc<Self>,
        turns: &mut Turns,
        steps: &mut Steps,
    ) -> Result<bool, Error> {
        let mut due = self.catalog.read(|state| turns.due(state));
        let is_any_due = !due.is_empty();
        due.retain(|group| !steps.of.contains(group));
        // The rule is that nothing moves: then no node is asked.
        if due.is_empty() {
            return Ok(is_any_due);
        }
        let reports = self.reporter.gather(ReportRequest::Groups(due.clone())).await;
        // Behind the reports, and confirmed: another meta leader may have been at work, and by an
        // older catalog its work would be taken back.
        self.coordinator.catch_up(Instant::now() + STEP_TIMEOUT).await?;
        for group in due {
            let shard = self.catalog.read(|state| state.shards.get(&group).cloned());
            let Some(shard) = shard.filter(|shard| shard.target.is_some()) else { continue };
            if let Some(plan) = reports.get(&group).and_then(|report| self.given_up(group, report))
            {
                self.give_up(plan).await?;
                continue;
            }
            let status = reports.get(&group).map(|report| &report.status);
            let step = status.map(|status| self.step_of(&shard, status));
            let is_admitted = turns.admits(group, step.as_ref());
            let (Some(step), Some(status)) = (step, status) else { continue };
            let is_held = matches!(step, ShardStep::Copy(_))
                && !self.catalog.read(|state| state.policy.may_copy());
            if is_admitted && !is_held && steps.of.len() < STEPS_AT_ONCE {
                let (this, status) = (Arc::clone(self), status.clone());
                steps.of.insert(group);
                steps.running.spawn(async move {
                    if let Err(error) = this.take_step(group, &shard, &status, step).await {
                        tracing::debug!(
                            %error,
                            %group,
                            "a step of moving replicas was not taken; trying again"
                        );
                    }
                    group
                });
            }
        }
        Ok(true)
    }

    /// What a shard's replicas should be instead, where a move of them is to be given up.
    fn given_up(&self, group: GroupId, report: &GroupReport) -> Option<ReplicaPlan> {
        let attempts = |to: PeerId| {
            let transfer = report.transfers.iter().find(|transfer| transfer.to == to);
            transfer.map_or(0, |transfer| transfer.attempts)
        };
        self.catalog.read(|state: &State| {
            let leaves = |node| state.nodes.get(&node).is_none_or(|member| member.leaving);
            let is_gone = |node| leaves(node) || self.liveness.silent_for(node) >= self.lost_after;
            let stays = |node| !leaves(node) && self.liveness.is_alive(node);
            withdrawal(state, group, attempts, &Ends { stays, is_gone })
        })
    }

    async fn give_up(&self, plan: ReplicaPlan) -> Result<(), Error> {
        let ReplicaPlan::Replicas { group, replicas, revision } = plan else { return Ok(()) };
        tracing::warn!(
            %group,
            "a move is given up: its node is gone, or {MOVE_ATTEMPTS_MAX} attempts to send its \
             copy failed; the replica stays where it was"
        );
        let command = MetaCommand::Reconfigure { group, replicas, if_revision: Some(revision) };
        self.coordinator.propose_meta(command, Instant::now() + STEP_TIMEOUT).await.map(drop)
    }

    fn step_of(&self, shard: &ShardEntry, status: &GroupStatus) -> ShardStep {
        self.catalog.read(|state| {
            let is_there = |node| state.nodes.contains_key(&node) && self.liveness.is_alive(node);
            next_step(status, shard, is_there, |node| state.may_lead(node))
        })
    }

    async fn take_step(
        &self,
        group: GroupId,
        shard: &ShardEntry,
        status: &GroupStatus,
        step: ShardStep,
    ) -> Result<(), StepError> {
        let Some(leader) = status.leader else { return Ok(()) };
        let (deadline, node) = (Instant::now() + STEP_TIMEOUT, leader.node());
        let is_told = self.catalog.level() >= FeatureLevel::PROVEN;
        let request = match step {
            ShardStep::Wait(_) => return Ok(()),
            ShardStep::Copy(peer) => {
                LeaderRequest::Change(MemberChange::follower(peer).seen_at(status.seen()))
            }
            ShardStep::Change(change) => LeaderRequest::Change(change.seen_at(status.seen())),
            ShardStep::Transfer(peer) => LeaderRequest::Transfer(peer),
            ShardStep::Record => {
                let command = record(group, shard, status, true);
                self.coordinator.propose_meta(command, deadline).await?;
                return Ok(());
            }
            ShardStep::Settle => {
                // A step whose answer was lost may still be on its way to the leader. Behind the
                // record nobody would look at what it does.
                let barrier = LeaderRequest::Change(MemberChange::barrier(status.seen()));
                self.leaders.ask(node, group, barrier, deadline).await?;
                // Recorded last: until it is, whoever leads next finds the same steps done and
                // comes here.
                let command = record(group, shard, status, is_told);
                self.coordinator.propose_meta(command, deadline).await?;
                tracing::info!(%group, "the shard's replicas are where they should be");
                return Ok(());
            }
        };
        Ok(self.leaders.ask(node, group, request, deadline).await?)
    }
}
