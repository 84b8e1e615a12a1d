//! Where the replicas of a new collection go.
//!
//! Three steps, each exact, so that no later goal costs an earlier one:
//!
//! 1. **Division** (`zones`): how many replicas of a shard each zone has.
//! 2. **Shares** (`shares`): how many replicas each node takes in all. Always the next one to
//!    the node with the least; that is optimal, because the limits (a node takes a shard
//!    once, a zone so many of it) nest (Federgruen and Groenevelt, "The Greedy Procedure for
//!    Resource Allocation Problems", 1986).
//! 3. **Deal** (`deal`): which shards they are. Each shard goes to the nodes with the most
//!    left of their share; that always comes out even (Gale 1957, Ryser 1957).
//!
//! Preferred leaders are chosen among the replicas at the end (`leaders`).
//!
//! Shares and deal take O(R log N) for R replicas on N nodes; leaders at most O(shards · R).
//! Ten thousand replicas on a thousand nodes take about a tenth of a second at most.

mod deal;
mod shares;
#[cfg(test)]
mod tests;

use vane_catalog::State;
use vane_types::NodeId;

use crate::error::Unplaceable;
use crate::facts::{NodeFacts, candidates, members, node_facts};
use crate::leaders::Leaders;
use crate::zones::{Division, zones};

/// Replicas of one collection: more than this one plan does not place.
pub const REPLICAS_PER_PLAN_MAX: usize = 20_000;

/// Nodes for each shard of a collection that is to be made in the cluster of a catalog, as
/// [`place_new`] chooses them. Those that are `alive` take replicas.
///
/// # Errors
/// [`Unplaceable`] when there are too few nodes, or the numbers make no collection.
pub fn place_collection(
    state: &State,
    alive: impl Fn(NodeId) -> bool,
    shards: u32,
    replication_factor: u32,
) -> Result<Vec<Vec<NodeId>>, Unplaceable> {
    place_new(&node_facts(state, alive), shards as usize, replication_factor as usize)
}

/// Nodes for each shard of a new collection, by ordinal; the first of a shard's nodes is its
/// preferred leader, the others follow by id.
///
/// In this order: no two replicas of a shard on one node; each shard as evenly over zones as
/// their sizes allow; the collection's replicas evenly over nodes; all replicas evenly over
/// nodes; preferred leaders evenly over nodes, the collection's before all. What is alike in
/// all of this goes to the lower id.
///
/// # Errors
/// [`Unplaceable`] when there are too few nodes, or the numbers make no collection.
pub fn place_new(
    nodes: &[NodeFacts],
    shards: usize,
    replication_factor: usize,
) -> Result<Vec<Vec<NodeId>>, Unplaceable> {
    let candidates = candidates(nodes);
    if replication_factor == 0 {
        return Err(Unplaceable::NoReplicas);
    }
    if replication_factor > candidates.len() {
        let (available, members) = (candidates.len(), members(nodes).len());
        return Err(Unplaceable::TooFewNodes { wanted: replication_factor, available, members });
    }
    // Before anything is reckoned: the work grows with the replicas, and a request names them.
    if shards
        .checked_mul(replication_factor)
        .is_none_or(|replicas| replicas > REPLICAS_PER_PLAN_MAX)
    {
        return Err(Unplaceable::TooManyReplicas {
            shards,
            replication_factor,
            max: REPLICAS_PER_PLAN_MAX,
        });
    }
    let zones = zones(&candidates);
    let division = Division::of(&zones, replication_factor);
    let shares = shares::share_out(&candidates, &zones, division, shards);
    let dealt = deal::deal(&zones, division, shares, shards);
    let choices: Vec<Vec<usize>> = dealt.iter().map(|all| may_lead(&candidates, all)).collect();
    let leaders = Leaders::of(&candidates, &choices);
    let mut plan = Vec::with_capacity(shards);
    for (places, leader) in dealt.into_iter().zip(leaders) {
        let leader = leader.expect("a shard with replicas has a leader");
        let others = places.into_iter().filter(|place| *place != leader);
        let leader_first = std::iter::once(leader).chain(others);
        plan.push(leader_first.map(|place| candidates[place].id).collect());
    }
    Ok(plan)
}

/// Of a shard's nodes those that may lead; all where none may, since one has to.
fn may_lead(candidates: &[&NodeFacts], places: &[usize]) -> Vec<usize> {
    let may: Vec<usize> =
        places.iter().copied().filter(|place| candidates[*place].may_lead).collect();
    if may.is_empty() { places.to_vec() } else { may }
}
