//! The replicas that a collection's shards gain or lose when it is to have another number of them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use thiserror::Error;
use vane_catalog::{State, WantedReplica};
use vane_types::NodeId;

use crate::error::Unplaceable;
use crate::facts::{NodeFacts, node_facts};
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
    let mut nodes = Nodes::new(state, &alive, &shards);
    let mut plans = Vec::new();
    for asked in shards {
        let mut wanted = asked.wanted.clone();
        let before = wanted.len();
        while voters(&wanted).count() < factor as usize {
            let node = nodes.next(&wanted).ok_or_else(|| nodes.too_few(factor))?;
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

fn voters(wanted: &[WantedReplica]) -> impl Iterator<Item = NodeId> {
    wanted.iter().filter(|replica| !replica.learner).map(|replica| replica.node)
}

/// The members with what they carry, as it becomes.
struct Nodes {
    facts: BTreeMap<NodeId, NodeFacts>,
    /// Replicas of the collection on each node.
    carried: BTreeMap<NodeId, u64>,
}

impl Nodes {
    fn new(state: &State, alive: impl Fn(NodeId) -> bool, shards: &[ShardRequest<'_>]) -> Self {
        let facts = node_facts(state, alive).into_iter().map(|facts| (facts.id, facts)).collect();
        let mut carried = BTreeMap::new();
        for replica in shards.iter().flat_map(|shard| &shard.wanted) {
            *carried.entry(replica.node).or_default() += 1;
        }
        Self { facts, carried }
    }

    fn carried(&self, node: NodeId) -> u64 {
        self.carried.get(&node).copied().unwrap_or_default()
    }

    fn zone(&self, node: NodeId) -> Option<&str> {
        self.facts.get(&node).and_then(|facts| facts.zone.as_deref())
    }

    /// How many of some replicas are in the zone of a node.
    fn in_its_zone(&self, node: NodeId, wanted: &[WantedReplica]) -> usize {
        wanted.iter().filter(|replica| self.zone(replica.node) == self.zone(node)).count()
    }

    /// The node for one more replica.
    fn next(&mut self, wanted: &[WantedReplica]) -> Option<NodeId> {
        let has_one = |node: NodeId| wanted.iter().any(|replica| replica.node == node);
        let free = self.facts.values().filter(|node| node.accepts_replicas && !has_one(node.id));
        let cost = |facts: &&NodeFacts| {
            let (zone, carried) = (self.in_its_zone(facts.id, wanted), self.carried(facts.id));
            (zone, carried, facts.total.replicas, facts.id)
        };
        let node = free.min_by_key(cost)?.id;
        *self.carried.entry(node).or_default() += 1;
        Some(node)
    }

    /// The voter that goes first.
    fn first_to_go(
        &mut self,
        wanted: &[WantedReplica],
        alive: impl Fn(NodeId) -> bool,
    ) -> Option<NodeId> {
        let stays = |node: NodeId| self.facts.get(&node).is_some_and(|facts| facts.keeps_vote);
        let rank = |node: &NodeId| {
            let (zone, carried) = (self.in_its_zone(*node, wanted), self.carried(*node));
            (!alive(*node), !stays(*node), zone, carried, *node)
        };
        let node = voters(wanted).max_by_key(rank)?;
        *self.carried.entry(node).or_default() -= 1;
        Some(node)
    }

    fn too_few(&self, factor: u32) -> Unplaceable {
        let available = self.facts.values().filter(|facts| facts.accepts_replicas).count();
        let (wanted, members) = (factor as usize, self.facts.len());
        Unplaceable::TooFewNodes { wanted, available, members }
    }
}
