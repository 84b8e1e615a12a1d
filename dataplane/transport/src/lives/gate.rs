//! When a node that has started may take part in its groups.

use std::collections::BTreeSet;
use std::time::Duration;

use vane_types::NodeId;

/// Time for those that a majority does not need: somebody among them may know of a later start.
const GRACE: Duration = Duration::from_millis(300);
/// Time after which a node does not wait for a majority of the cluster any more. Its groups may
/// have theirs: each member takes a vote or an acknowledgement only from a start that was
/// introduced to it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whom a node has introduced its start to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// They know of no later start.
    pub(super) accepted: BTreeSet<NodeId>,
    /// They were tried, and did not answer.
    pub(super) silent: BTreeSet<NodeId>,
}

/// Whether node `me` may vote, acknowledge and stand for election, `waited` after it began to
/// ask. `members` are all that it knows, `voters` those that vote in the meta group.
///
/// Until then it is silent, so a disk from the past is found out by whoever is there and knows
/// better. A majority is enough, of all or of the meta group's voters, and this node counts
/// itself: two of three go on as before while the third is away.
pub(super) fn may_speak(
    me: NodeId,
    members: &BTreeSet<NodeId>,
    voters: &BTreeSet<NodeId>,
    asked: &Asked,
    waited: Duration,
) -> bool {
    let others = || members.iter().filter(|node| **node != me);
    if others().all(|node| asked.accepted.contains(node)) || waited >= PATIENCE {
        return true;
    }
    let is_majority = |nodes: &BTreeSet<NodeId>| {
        let with = nodes.iter().filter(|node| **node == me || asked.accepted.contains(node));
        with.count() * 2 > nodes.len()
    };
    let all_tried =
        || others().all(|node| asked.accepted.contains(node) || asked.silent.contains(node));
    (is_majority(members) || is_majority(voters)) && (all_tried() || waited >= GRACE)
}
