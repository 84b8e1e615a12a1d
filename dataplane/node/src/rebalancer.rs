//! The meta leader's part in evening nodes out: it has replicas and leaderships moved as
//! `vane_placement` plans, once all has been well for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::MissedTickBehavior;
use vane_catalog::{Catalog, FeatureLevel, MetaCommand, State};
use vane_coordinator::Coordinator;
use vane_placement::{Balance, ShardLoad, balance, leader_moves, unwell};
use vane_raft::{Engine, GroupStatus};
use vane_transport::{LeaderRequest, ReportRequest};
use vane_types::{GroupId, NodeId, Rebalance};

use crate::leader_request::LeaderRequests;
use crate::liveness::Liveness;
use crate::report::Reporter;
use crate::shards::NodeShards;

/// Time between looks, which ask all nodes.
const INTERVAL: Duration = Duration::from_secs(10);
/// Time between two leaderships that a node hands over: each costs its group a moment.
const LEADERS_PAUSE: Duration = Duration::from_secs(60);
/// All has to be well for this part of the time after which a node counts as lost: pods that are
/// replaced one after the other are no reason to move anything.
const CALM_PART: u32 = 10;
/// Time for the meta group, or for a leader.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// Sees how even nodes are.
pub(crate) struct Balancing {
    pub(crate) me: NodeId,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) liveness: Arc<Liveness>,
}

/// What a look saw.
pub(crate) struct Looked {
    pub(crate) balance: Balance,
    /// Groups as their leaders see them.
    statuses: BTreeMap<GroupId, GroupStatus>,
    is_well: bool,
}

impl Balancing {
    /// Asks all leaders.
    pub(crate) async fn look(&self) -> Looked {
        let reports = self.reporter.gather(ReportRequest::AllLed).await;
        let load = |state: &State, group: &GroupId| {
            let (report, shard) = (reports.get(group)?, state.shards.get(group)?);
            Some(ShardLoad::of(shard, &report.status, report.vector_bytes))
        };
        // Before the catalog is read: whether there is room is a question to the catalog, too, and
        // a second reader waits for a writer that waits for the first.
        let nodes: Vec<NodeId> = self.catalog.read(|state| state.nodes.keys().copied().collect());
        let roomy: BTreeSet<NodeId> =
            nodes.into_iter().filter(|node| self.has_room(*node)).collect();
        let is_alive = |node| self.liveness.is_alive(node);
        let (balance, is_well) = self.catalog.read(|state| {
            let groups = state.shards.keys();
            let loads: BTreeMap<GroupId, ShardLoad> =
                groups.filter_map(|group| Some((*group, load(state, group)?))).collect();
            let is_well = unwell(state, &loads, is_alive).is_none();
            let has_room = |node| roomy.contains(&node);
            (balance(state, &loads, is_alive, has_room, seconds_now()), is_well)
        });
        let statuses = reports.into_iter().map(|(group, report)| (group, report.status)).collect();
        Looked { balance, statuses, is_well }
    }

    /// Whether a node takes writes that grow, by what it last said.
    fn has_room(&self, node: NodeId) -> bool {
        if node == self.me {
            return self.reporter.space.check(0).is_ok()
                && !self.reporter.quota.exceeded().is_any();
        }
        let report = self.liveness.heard(node).and_then(|heard| heard.report);
        report.is_some_and(|report| !report.disk_full && !report.over_quota)
    }

    /// Whether some node leads more groups than another, by what they last said: then it is worth
    /// asking for each of the groups.
    fn leaders_differ(&self) -> bool {
        let nodes: Vec<NodeId> = self.catalog.read(|state| state.nodes.keys().copied().collect());
        let leads = |node: NodeId| {
            if node == self.me {
                return self.reporter.replicas.count().1;
            }
            let report = self.liveness.heard(node).and_then(|heard| heard.report);
            report.map_or(0, |report| report.leaders)
        };
        let counts: Vec<u64> = nodes.into_iter().map(leads).collect();
        let (most, least) = (counts.iter().max(), counts.iter().min());
        most.zip(least).is_some_and(|(most, least)| most - least > 1)
    }
}

/// Seconds since 1970.
fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Evens nodes out while this node leads the meta group.
pub(crate) struct Rebalancer {
    pub(crate) engine: Arc<Engine>,
    pub(crate) coordinator: Arc<Coordinator<NodeShards>>,
    pub(crate) leaders: Arc<LeaderRequests>,
    pub(crate) balancing: Arc<Balancing>,
    /// Silence after which a node counts as lost.
    pub(crate) lost_after: Duration,
}

impl Rebalancer {
    /// Looks until the node ends.
    pub(crate) async fn run(self) {
        let calm = self.lost_after / CALM_PART;
        let mut ticks = tokio::time::interval(INTERVAL.min(calm.max(Duration::from_millis(200))));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut well_since, mut handed_over) = (None, None);
        loop {
            ticks.tick().await;
            let Some(looked) = self.look().await else {
                well_since = None;
                continue;
            };
            let since = *well_since.get_or_insert_with(Instant::now);
            if since.elapsed() < calm {
                continue;
            }
            self.move_replicas(&looked).await;
            let pause = LEADERS_PAUSE.min(calm);
            if handed_over.is_none_or(|at: Instant| at.elapsed() >= pause)
                && self.move_leaders(&looked).await
            {
                handed_over = Some(Instant::now());
            }
        }
    }

    /// What there is to even out; `None` where this node does not lead, nothing is to be evened
    /// out, or not all is well.
    async fn look(&self) -> Option<Looked> {
        let is_leading = self.engine.watch(GroupId::META).is_some_and(|watch| watch.is_serving());
        let Balancing { catalog, liveness, .. } = &*self.balancing;
        let is_due = |state: &State| {
            let all_alive = state.nodes.keys().all(|node| liveness.is_alive(*node));
            let asks = state.policy.rebalance != Rebalance::Off;
            is_leading && all_alive && (asks || state.policy.leaders)
        };
        let (is_due, asks) =
            catalog.read(|state| (is_due(state), state.policy.rebalance != Rebalance::Off));
        if !is_due {
            return None;
        }
        // At rest no node is asked for all that it leads.
        if !asks && !self.balancing.leaders_differ() {
            return None;
        }
        Some(self.balancing.look().await).filter(|looked| looked.is_well)
    }

    async fn move_replicas(&self, looked: &Looked) {
        if self.balancing.catalog.level() < FeatureLevel::CHANGING {
            return;
        }
        for next in &looked.balance.moves {
            let (group, from, to) = (next.group, next.from, next.to);
            let (revision, at) = (next.revision, seconds_now());
            let command = MetaCommand::Rebalance { group, from, to, revision, at };
            let deadline = Instant::now() + STEP_TIMEOUT;
            match self.coordinator.propose_meta(command, deadline).await {
                Ok(_) => tracing::info!(%group, %from, %to, "a replica moves to even nodes out"),
                Err(error) => {
                    tracing::debug!(%error, %group, "a replica was not moved; planning anew");
                    return;
                }
            }
        }
    }

    /// Whether one was asked to hand over.
    async fn move_leaders(&self, looked: &Looked) -> bool {
        let catalog = &self.balancing.catalog;
        let moves = catalog.read(|state| leader_moves(state, &looked.statuses));
        let has_moves = !moves.is_empty();
        for (group, to) in moves {
            let Some(leader) = looked.statuses.get(&group).map(|status| status.peer) else {
                continue;
            };
            let (deadline, request) = (Instant::now() + STEP_TIMEOUT, LeaderRequest::Transfer(to));
            match self.leaders.ask(leader.node(), group, request, deadline).await {
                Ok(()) => {
                    let from = leader.node();
                    tracing::info!(%group, %from, %to, "a leadership moves to even nodes out");
                }
                Err(error) => tracing::debug!(%error, %group, "a leadership was not handed over"),
            }
        }
        has_moves
    }
}
