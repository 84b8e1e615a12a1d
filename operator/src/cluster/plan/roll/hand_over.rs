//! Leaders go before their node does: nobody has to wait for an election then.

use std::time::Duration;

use vane_proto::{LEVEL_OF_ROLLS, admin};

use super::{Facts, Next, doing, waiting};
use crate::cluster::observed::Pod;
use crate::cluster::plan::Step;
use crate::database::Database;

/// How long others may take. What is left then is handed over as the node stops.
const HAND_OVER_MAX: Duration = Duration::from_secs(60);

impl Facts<'_> {
    /// What is to be done or waited for before the pod is evicted.
    pub(super) fn hand_over(&self, pod: &Pod) -> Option<Next> {
        let database = self.observed.database.as_ref()?;
        let node = self.node_of(pod)?;
        // Older nodes do not know how, and of one node there is nobody else.
        if database.cluster.feature_level < LEVEL_OF_ROLLS || self.set.replicas == 1 {
            return None;
        }
        if !node.follows_only {
            let step = Step::HandOver { node: node.id, pod: pod.name.clone() };
            let what = format!("{} hands over what it leads", pod.name);
            return Some(doing(Some(pod.name.clone()), what, step));
        }
        let for_long = self.observed.following.get(&node.id).copied().unwrap_or_default();
        let waits = for_long < HAND_OVER_MAX && leads_what_others_could(database, node.id);
        waits.then(|| waiting(&pod.name, "hands over what it leads"))
    }

    /// A node that was kept from leading to be replaced, and is not to be replaced any more: the
    /// last pass said so in status. Without status it leads again after its while.
    pub(super) fn let_lead(&self, next: Option<&str>) -> Option<(String, Step)> {
        let before = self.cluster.status.update.as_ref()?.pod.as_ref()?;
        let pod = self.observed.pods.values().find(|pod| pod.name == *before)?;
        let node = self.node_of(pod).filter(|node| node.follows_only)?;
        let is_left = next != Some(before) && pod.ready;
        let step = Step::LetLead { node: node.id, pod: pod.name.clone() };
        is_left.then(|| (pod.name.clone(), step))
    }

    pub(super) fn node_of(&self, pod: &Pod) -> Option<&admin::Node> {
        self.observed.database.as_ref()?.newest().get(pod.name.as_str()).copied()
    }
}

/// Whether a node leads a group in which another has a vote.
fn leads_what_others_could(database: &Database, node: u64) -> bool {
    let shards = database.shards.iter().filter_map(|shard| shard.group.as_ref());
    let mut groups = shards.chain(database.cluster.meta.as_ref());
    groups.any(|group| {
        let mut others = group.replicas.iter().filter(|replica| replica.node_id != node);
        group.leader_node == node
            && others.any(|replica| replica.active && replica.role() == admin::Role::Voter)
    })
}
