//! The next step of taking one member out of the database: its copies go to others, then its vote,
//! then it. For a node that is to go, and for one whose disk was lost.

use vane_proto::admin;

use super::Step;
use crate::database::Database;

/// What is next for a member that is to go, and in words what is done or waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Removal {
    pub(super) step: Option<Step>,
    pub(super) waits_for: String,
}

impl Removal {
    fn does(step: Step) -> Self {
        Self { waits_for: step.to_string(), step: Some(step) }
    }

    pub(super) fn waits(waits_for: impl Into<String>) -> Self {
        Self { step: None, waits_for: waits_for.into() }
    }
}

/// The next step of a member that is to go. `successor` is a node that its copies go to where they
/// can; shards of which `is_stuck` says so are not asked to move again and again in vain.
pub(super) fn removal(
    database: &Database,
    node: &admin::Node,
    successor: Option<&admin::Node>,
    is_stuck: impl Fn(&admin::Shard) -> bool,
) -> Removal {
    let pod = node.name.clone();
    if !node.leaving {
        return Removal::does(Step::Leave { node: node.id, pod });
    }
    let named: Vec<&admin::Shard> =
        database.shards.iter().filter(|shard| has_copy(shard, node.id)).collect();
    if named.iter().any(|shard| is_to_stay(shard, node.id) && !is_stuck(shard)) {
        let successor = successor.map_or(0, |node| node.id);
        return Removal::does(Step::MoveCopies { node: node.id, pod, successor });
    }
    match named.len() {
        0 => {}
        1 => return Removal::waits(format!("1 shard is on its way from {pod} to another node")),
        shards => {
            return Removal::waits(format!(
                "{shards} shards are on their way from {pod} to others"
            ));
        }
    }
    // A vote that is silent is taken out of the meta group afterwards.
    if node.alive && node.meta_voter {
        return Removal::waits(format!("another node takes the vote of {pod} in the meta group"));
    }
    Removal::does(Step::RemoveNode { node: node.id, pod, disk: node.disk_id.clone() })
}

/// Whether a shard has a copy on a node, or is to have one.
pub(super) fn has_copy(shard: &admin::Shard, node: u64) -> bool {
    let there = shard.group.iter().flat_map(|group| &group.replicas);
    let mut nodes = there.map(|replica| replica.node_id).chain(targets(shard));
    nodes.any(|there| there == node)
}

/// Whether the copy of a shard on a node is to stay there, as far as anybody has asked.
fn is_to_stay(shard: &admin::Shard, node: u64) -> bool {
    match shard.target.is_empty() {
        true => has_copy(shard, node),
        false => targets(shard).any(|there| there == node),
    }
}

fn targets(shard: &admin::Shard) -> impl Iterator<Item = u64> {
    shard.target.iter().map(|replica| replica.node_id)
}
