//! The meta leader's part: it gives nodes their place in the meta group, raises the feature
//! level and carries changes of shards' replicas out. Each step is derived anew from what is
//! (`vane_placement`), so that whoever leads next goes on where this one stopped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_catalog::{Catalog, MetaCommand};
use vane_coordinator::{Coordinator, Shards};
use vane_placement::{ShardStep, meta_change, next_step, shards_to_change};
use vane_raft::{Engine, GroupStatus};
use vane_transport::{LeaderRequest, NotDone, ReportRequest};
use vane_types::{Error, GroupId, NodeId};

use crate::leader_request::LeaderRequests;
use crate::liveness::Liveness;
use crate::report::Reporter;

/// Time between looks.
const INTERVAL: Duration = Duration::from_millis(200);
/// Time for one step.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// Brings members of groups to where the catalog wants them, while this node leads the meta
/// group.
pub(crate) struct Reconciler<S> {
    pub(crate) me: NodeId,
    pub(crate) engine: Arc<Engine>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) coordinator: Arc<Coordinator<S>>,
    pub(crate) leaders: Arc<LeaderRequests>,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) liveness: Arc<Liveness>,
}

/// Why a step was not taken. The next look plans anew.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    NotDone(#[from] NotDone),
    #[error(transparent)]
    NotRecorded(#[from] Error),
}

impl<S: Shards> Reconciler<S> {
    /// Acts, whenever this node leads the meta group, until the node ends.
    pub(crate) async fn run(self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        // A step may take longer than the interval, and the looks it made late are not made up for.
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Leading is not enough: before it has applied its own term it would plan by an old
            // catalog.
            if !self.engine.watch(GroupId::META).is_some_and(|watch| watch.is_serving()) {
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
            // Also after a failure above: shards do not wait for the meta group's members.
            self.change_shards().await;
        }
    }

    /// Takes one step towards the membership that the meta group should have.
    async fn place_members(&self) -> Result<(), StepError> {
        let engine = Arc::clone(&self.engine);
        let status = tokio::task::spawn_blocking(move || engine.status(GroupId::META)).await;
        let Some(status) = status.ok().flatten() else { return Ok(()) };
        let is_alive = |node| self.liveness.is_alive(node);
        let change = self.catalog.read(|state| meta_change(state, &status, self.me, is_alive));
        let Some(change) = change else { return Ok(()) };
        let deadline = Instant::now() + STEP_TIMEOUT;
        let request = LeaderRequest::Change(change);
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

    /// Takes one step in each of some shards whose replicas are not where they should be.
    async fn change_shards(&self) {
        // The rule is that nothing moves: then no node is asked.
        let due = self.catalog.read(shards_to_change);
        if due.is_empty() {
            return;
        }
        let reports = self.reporter.gather(ReportRequest::Groups(due.clone())).await;
        for group in due {
            let Some(report) = reports.get(&group) else { continue };
            if let Err(error) = self.change_shard(group, &report.status).await {
                tracing::debug!(
                    %error,
                    %group,
                    "a step of moving replicas was not taken; trying again"
                );
            }
        }
    }

    async fn change_shard(&self, group: GroupId, status: &GroupStatus) -> Result<(), StepError> {
        // Read anew: it may have been met or changed while the leaders reported.
        let target =
            self.catalog.read(|state| state.shards.get(&group).and_then(|it| it.target.clone()));
        let (Some(target), Some(leader)) = (target, status.leader) else { return Ok(()) };
        let (deadline, node) = (Instant::now() + STEP_TIMEOUT, leader.node());
        let request = match next_step(status, &target, |node| self.liveness.is_alive(node)) {
            ShardStep::Wait(_) => return Ok(()),
            ShardStep::Change(change) => LeaderRequest::Change(change),
            ShardStep::Transfer(peer) => LeaderRequest::Transfer(peer),
            ShardStep::Settle => {
                // Recorded last: until it is, whoever leads next finds the same steps done and
                // comes here.
                let command = MetaCommand::Settle { group, conf: status.conf.clone() };
                self.coordinator.propose_meta(command, deadline).await?;
                tracing::info!(%group, "the shard's replicas are where they should be");
                return Ok(());
            }
        };
        Ok(self.leaders.ask(node, group, request, deadline).await?)
    }
}
