//! A node that is only to follow for a while hands over what it leads, and the meta leader says
//! when that while is over: whoever asked for it may have ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;
use vane_catalog::{Catalog, MetaCommand};
use vane_coordinator::Coordinator;
use vane_raft::Engine;
use vane_types::{GroupId, NodeId};

use crate::drain::Drain;
use crate::shards::NodeShards;

/// Time between looks.
const INTERVAL: Duration = Duration::from_millis(500);
/// Time for the meta group to record that a while is over.
const RECORD_TIMEOUT: Duration = Duration::from_secs(5);

/// Acts on what the catalog says of nodes that only follow.
pub(crate) struct Following {
    pub(crate) me: NodeId,
    pub(crate) engine: Arc<Engine>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) coordinator: Arc<Coordinator<NodeShards>>,
    pub(crate) drain: Arc<Drain>,
}

impl Following {
    /// Looks until the node ends.
    pub(crate) async fn run(self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut since = Since::default();
        loop {
            ticks.tick().await;
            let following: BTreeMap<NodeId, u32> =
                self.catalog.read(|state| state.following_nodes().collect());
            self.end_what_is_over(&mut since, &following).await;
            if following.contains_key(&self.me) {
                self.hand_over(following.into_keys().collect()).await;
            }
        }
    }

    async fn hand_over(&self, following: BTreeSet<NodeId>) {
        let drain = Arc::clone(&self.drain);
        // It waits for the thread that owns the groups.
        let handing = tokio::task::spawn_blocking(move || drain.lead_nothing(following));
        if handing.await.is_err() {
            tracing::warn!("leadership was not handed over; trying again");
        }
    }

    async fn end_what_is_over(&self, since: &mut Since, following: &BTreeMap<NodeId, u32>) {
        if !self.engine.watch(GroupId::META).is_some_and(|watch| watch.is_serving()) {
            // Who leads next counts anew: later than was asked for, and never not at all.
            *since = Since::default();
            return;
        }
        for node in since.over(following, Instant::now()) {
            let command = MetaCommand::SetFollowsOnly { node, seconds: None };
            let deadline = Instant::now() + RECORD_TIMEOUT;
            match self.coordinator.propose_meta(command, deadline).await {
                Ok(_) => tracing::warn!(%node, "it only followed for as long as was said"),
                Err(error) => tracing::debug!(%error, %node, "it still only follows; trying again"),
            }
        }
    }
}

/// Since when this node, as the meta leader, has seen others only follow. By its own clock, which
/// does not jump: that of whoever asked may be another.
#[derive(Default)]
struct Since(BTreeMap<NodeId, Instant>);

impl Since {
    /// Nodes whose while is over.
    fn over(&mut self, following: &BTreeMap<NodeId, u32>, now: Instant) -> Vec<NodeId> {
        self.0.retain(|node, _| following.contains_key(node));
        let mut is_over = |(node, seconds): &(&NodeId, &u32)| {
            let since = *self.0.entry(**node).or_insert(now);
            now.duration_since(since) >= Duration::from_secs((**seconds).into())
        };
        let over = following.iter().filter(|entry| is_over(entry));
        over.map(|(node, _)| *node).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_while_is_over_by_the_clock_of_who_saw_it_begin() {
        let (mut since, begin) = (Since::default(), Instant::now());
        let following = |nodes: &[(u64, u32)]| -> BTreeMap<NodeId, u32> {
            nodes.iter().map(|(node, seconds)| (NodeId(*node), *seconds)).collect()
        };
        let at = |seconds| begin + Duration::from_secs(seconds);
        let both = following(&[(1, 10), (2, 20)]);
        assert_eq!(since.over(&both, at(0)), []);
        assert_eq!(since.over(&both, at(9)), []);
        assert_eq!(since.over(&both, at(10)), [NodeId(1)]);
        assert_eq!(since.over(&both, at(11)), [NodeId(1)], "until it is recorded");
        assert_eq!(since.over(&following(&[(2, 20)]), at(19)), []);
        // Said anew, it begins anew.
        assert_eq!(since.over(&both, at(20)), [NodeId(2)]);
        assert_eq!(since.over(&both, at(29)), [NodeId(2)]);
        assert_eq!(since.over(&both, at(30)), [NodeId(1), NodeId(2)]);
    }
}
