//! Compares this node's replicas with the others of their groups, by the sums that all keep of
//! the same entries of the log.
//!
//! Every replica compares for itself: the odd one out takes itself out of use, and nobody needs
//! to be told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;
use vane_placement::{Agreement, compare};
use vane_raft::StateMachine;
use vane_shard::Shard;
use vane_transport::{ReportRequest, Sums};
use vane_types::{GroupId, LogIndex, NodeId, PeerId};

use crate::replicas::{Replica, Replicas};
use crate::report::Reporter;

/// Groups whose replicas differ, where nobody can say which of them are right.
pub(crate) type Differing = Mutex<BTreeSet<GroupId>>;

/// Compares.
pub(crate) struct Comparison {
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) interval: Duration,
}

impl Comparison {
    /// Compares until the node ends.
    pub(crate) async fn run(self) {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.compare_all().await;
        }
    }

    async fn compare_all(&self) {
        let mine: Vec<(GroupId, Replica)> = self.replicas.all();
        let told = self.ask(&mine).await;
        let mut differing = BTreeSet::new();
        for (group, replica) in mine {
            let members = replica.shard.conf().members();
            let others: Vec<Sums> = members
                .iter()
                .filter(|peer| **peer != replica.peer)
                .filter_map(|peer| told.get(&peer.node())?.get(&group).cloned())
                .collect();
            // Mine last: whoever is behind what the others told has caught up perhaps.
            match compare(&replica.shard.sums(), &others, members.len()) {
                Agreement::Unknown | Agreement::Agrees => {}
                Agreement::OddOneOut(at) => replica.shard.mark_damaged(&format!(
                    "at entry {at} it has not come to what a majority of its group has come to"
                )),
                Agreement::Unclear(at) => {
                    differing.extend(is_still_differing(group, &replica, at).await);
                }
            }
        }
        *self.reporter.differing.lock() = differing;
    }

    /// The sums of the others, by node.
    async fn ask(&self, mine: &[(GroupId, Replica)]) -> BTreeMap<NodeId, BTreeMap<GroupId, Sums>> {
        let mut wanted: BTreeMap<NodeId, Vec<GroupId>> = BTreeMap::new();
        for (group, replica) in mine {
            for node in replica.shard.conf().members().into_iter().map(PeerId::node) {
                wanted.entry(node).or_default().push(*group);
            }
        }
        wanted.remove(&self.reporter.me);
        let mut asked = JoinSet::new();
        for (node, groups) in wanted {
            let reporter = Arc::clone(&self.reporter);
            asked.spawn(
                async move { (node, reporter.ask(node, ReportRequest::Sums(groups)).await) },
            );
        }
        let mut told = BTreeMap::new();
        while let Some(answered) = asked.join_next().await {
            // One that is away is compared when it is back.
            if let Ok((node, Some(report))) = answered {
                told.insert(node, report.sums);
            }
        }
        told
    }
}

/// Adds up again what this replica has: where that shows that it is damaged, it is out of use and
/// the others are right. Where not, people have to look.
async fn is_still_differing(group: GroupId, replica: &Replica, at: LogIndex) -> Option<GroupId> {
    let shard: Arc<Shard> = Arc::clone(&replica.shard);
    // As fast as it goes: until then, one of two wrong answers is given.
    let scrubbed = tokio::task::spawn_blocking(move || shard.scrub(&mut |_| true)).await;
    if replica.shard.damaged().is_some() {
        return None;
    }
    tracing::error!(
        %group,
        %at,
        ?scrubbed,
        "replicas of a shard differ, and what lies here is what was written: compare the points \
         of both, and remove the replica that is wrong"
    );
    Some(group)
}
