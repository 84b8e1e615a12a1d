//! Where one more replica of a shard goes, and which goes first, while others come and go.

use std::collections::BTreeMap;

use vane_catalog::{State, WantedReplica};
use vane_types::NodeId;

use crate::error::Unplaceable;
use crate::facts::{NodeFacts, node_facts};
use crate::replica_request::ShardRequest;

/// The nodes of the voters among some replicas.
pub(crate) fn voters(wanted: &[WantedReplica]) -> impl Iterator<Item = NodeId> {
    wanted.iter().filter(|replica| !replica.learner).map(|replica| replica.node)
}

/// The members with what they carry, as it becomes.
pub(crate) struct Places {
    facts: BTreeMap<NodeId, NodeFacts>,
    /// Replicas of the collection on each node.
    carried: BTreeMap<NodeId, u64>,
}

impl Places {
    pub(crate) fn new(state: &State, alive: impl Fn(NodeId) -> bool) -> Self {
        let facts = node_facts(state, alive).into_iter().map(|facts| (facts.id, facts)).collect();
        Self { facts, carried: BTreeMap::new() }
    }

    /// From here on it is about the collection of these shards.
    pub(crate) fn begin(&mut self, shards: &[ShardRequest<'_>]) {
        self.carried.clear();
        for replica in shards.iter().flat_map(|shard| &shard.wanted) {
            *self.carried.entry(replica.node).or_default() += 1;
        }
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

    /// The node for one more replica beside those that are wanted: the preferred one, where it can
    /// take one. Else where the shard has the fewest of a zone, then where the collection has the
    /// fewest, then where there are the fewest of all.
    pub(crate) fn next(
        &mut self,
        wanted: &[WantedReplica],
        preferred: Option<NodeId>,
    ) -> Option<NodeId> {
        let has_one = |node: NodeId| wanted.iter().any(|replica| replica.node == node);
        let free = self.facts.values().filter(|node| node.accepts_replicas && !has_one(node.id));
        let cost = |facts: &&NodeFacts| {
            let (zone, carried) = (self.in_its_zone(facts.id, wanted), self.carried(facts.id));
            let is_other = preferred != Some(facts.id);
            (is_other, zone, carried, facts.total.replicas, facts.id)
        };
        let node = free.min_by_key(cost)?.id;
        *self.carried.entry(node).or_default() += 1;
        // Of many collections with a shard each, not all go to the same node.
        if let Some(facts) = self.facts.get_mut(&node) {
            facts.total.replicas += 1;
        }
        Some(node)
    }

    /// The voter that goes first.
    pub(crate) fn first_to_go(
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

    pub(crate) fn too_few(&self, factor: u32) -> Unplaceable {
        let available = self.facts.values().filter(|facts| facts.accepts_replicas).count();
        let (wanted, members) = (factor as usize, self.facts.len());
        Unplaceable::TooFewNodes { wanted, available, members }
    }
}
