//! Leaders go before their node does, so that nobody has to wait for an election: before a roll-out
//! replaces its pod, and before others evict it from a machine that is drained.

use std::time::Duration;

use vane_proto::{LEVEL_OF_ROLLS, admin};

use super::Step;
use crate::cluster::observed::{Observed, Pod};
use crate::database::Database;

/// Seconds for which a node leads nothing that is about to be replaced: an operator that ends
/// meanwhile has it back soon.
const FOR_A_ROLL_S: u32 = 300;
/// Seconds for which one leads nothing whose machine is drained: who drains it may take long.
const FOR_A_DRAIN_S: u32 = 3600;
/// How long others may take. What is left then is handed over as the node stops.
const HAND_OVER_MAX: Duration = Duration::from_secs(60);

/// Why a node is about to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Going {
    /// Its pod is replaced.
    Replaced,
    /// Its machine is drained.
    Drained,
}

/// What comes before a pod goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum First {
    /// Its node is told to lead nothing.
    Asks(Step),
    /// It was, and leads something that others could lead.
    Waits,
}

/// What comes before a pod goes; nothing where its node leads nothing that others could lead, or
/// was given its time.
pub(super) fn first(observed: &Observed, pod: &Pod, why: Going) -> Option<First> {
    let database = observed.database.as_ref()?;
    let node = node_of(observed, pod)?;
    let replicas = observed.set.as_ref()?.replicas;
    // Older nodes do not know how, and of one node there is nobody else.
    if database.cluster.feature_level < LEVEL_OF_ROLLS || replicas == 1 {
        return None;
    }
    if !node.follows_only {
        let seconds = match why {
            Going::Replaced => FOR_A_ROLL_S,
            Going::Drained => FOR_A_DRAIN_S,
        };
        return Some(First::Asks(Step::HandOver { node: node.id, pod: pod.name.clone(), seconds }));
    }
    let for_long = observed.following.get(&node.id).copied().unwrap_or_default();
    let waits = for_long < HAND_OVER_MAX && leads_what_others_could(database, node.id);
    waits.then_some(First::Waits)
}

/// Lets the node of a pod lead again that was to go and stays; nothing where it may, or where it is
/// not ready: then its start is the end of it. Without status, which says who was asked, it leads
/// again after its while.
pub(super) fn take_back(observed: &Observed, pod: &str) -> Option<Step> {
    let pod = observed.pods.values().find(|there| there.name == pod && there.ready)?;
    let node = node_of(observed, pod).filter(|node| node.follows_only)?;
    Some(Step::LetLead { node: node.id, pod: pod.name.clone() })
}

/// The node that a pod runs.
pub(super) fn node_of<'a>(observed: &'a Observed, pod: &Pod) -> Option<&'a admin::Node> {
    observed.database.as_ref()?.newest().get(pod.name.as_str()).copied()
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
