//! The replicas that a collection's shards gain or lose when it is to have another number of them.

#[cfg(test)]
mod tests;

use thiserror::Error;
use vane_catalog::{State, WantedReplica};
use vane_types::NodeId;

use crate::error::Unplaceable;
use crate::places::{Places, voters};
use crate::replica_request::{ReplicaPlan, ReplicaRefusal, ShardRequest};

/// Why a collection does not get another number of replicas. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResizeRefusal {
    /// There are too few nodes.
    #[error(transparent)]
    Unplaceable(#[from] Unplaceable),
    /// A shard could not do with so few, as its nodes are now.
    #[error(transparent)]
    Shard(#[from] ReplicaRefusal),
}

/// One plan for each shard of a collection that has, or is to have, another number of voters than
/// `factor`. New ones go where the shard has the fewest of a zone, then where the collection has
/// the fewest, then where there are the fewest of all. First to go are those on nodes that are dead
/// or leave, then those of which a zone, then a node has the most. Learners stay.
///
/// # Errors
/// [`ResizeRefusal`], where one of the shards cannot: then there is no plan for the others either.
pub fn plan_resize(
    state: &State,
    collection: &str,
    factor: u32,
    alive: impl Fn(NodeId) -> bool,
) -> Result<Vec<ReplicaPlan>, ResizeRefusal> {
    let groups = state.collections.get(collection).map(|entry| entry.shards.clone());
    let shards: Vec<ShardRequest<'_>> = (0..)
        .zip(groups.unwrap_or_default())
        .filter_map(|(shard, group)| {
            Some(ShardRequest::new(group, shard, state.shards.get(&group)?))
        })
        .collect();
    let mut nodes = Places::new(state, &alive);
    nodes.begin(&shards);
    let mut plans = Vec::new();
    for asked in shards {
        let mut wanted = asked.wanted.clone();
        let before = wanted.len();
        while voters(&wanted).count() < factor as usize {
            let node = nodes.next(&wanted, None).ok_or_else(|| nodes.too_few(factor))?;
            wanted.push(WantedReplica { node, learner: false });
        }
        while voters(&wanted).count() > factor as usize {
            let Some(node) = nodes.first_to_go(&wanted, &alive) else { break };
            wanted.retain(|replica| replica.node != node);
            asked.check_left(&wanted, WantedReplica { node, learner: false }, &alive)?;
        }
        if wanted.len() != before {
            plans.push(asked.plan(wanted)?);
        }
    }
    Ok(plans)
}
