//! What a plan knows of the nodes, read off the catalog.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use vane_catalog::{Member, ShardEntry, State};
use vane_types::NodeId;

/// A member of the cluster, as a plan sees it. Of two with one id the first counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFacts {
    /// Number of the member.
    pub id: NodeId,
    /// Where it stands: nodes of one zone may fail together.
    pub zone: Option<String>,
    /// Whether new replicas may come here: it is alive, not draining, not full.
    pub accepts_replicas: bool,
    /// Whether it keeps a vote in the meta group that it has: it does not leave, and was not
    /// silent for too long.
    pub keeps_vote: bool,
    /// Whether it may lead: nobody said that it is only to follow.
    pub may_lead: bool,
    /// What it has of the collection that is asked about; nothing of a new one.
    pub in_collection: Load,
    /// What it has of all collections together.
    pub total: Load,
}

/// What a node carries, or is about to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Replicas.
    pub replicas: u64,
    /// Of those, how many are their shard's preferred leader.
    pub leaders: u64,
}

/// All members with what they carry, for a collection that has no shards yet. Those that are
/// `alive` and do not leave take new replicas.
pub fn node_facts(state: &State, alive: impl Fn(NodeId) -> bool) -> Vec<NodeFacts> {
    let mut loads = loads(state.shards.values());
    let mut facts = unloaded_facts(state, alive);
    for node in &mut facts {
        node.total = loads.remove(&node.id).unwrap_or_default();
    }
    facts
}

/// The same without what they carry, which takes a look at each shard there is.
pub(crate) fn unloaded_facts(state: &State, alive: impl Fn(NodeId) -> bool) -> Vec<NodeFacts> {
    let facts = |member: &Member| NodeFacts {
        id: member.id,
        zone: member.zone.clone(),
        accepts_replicas: alive(member.id) && !member.leaving,
        keeps_vote: !member.leaving,
        may_lead: member.follows_only.is_none(),
        in_collection: Load::default(),
        total: Load::default(),
    };
    state.nodes.values().map(facts).collect()
}

/// What each node carries of some shards, as the catalog has their members.
fn loads<'a>(shards: impl Iterator<Item = &'a ShardEntry>) -> BTreeMap<NodeId, Load> {
    let mut loads: BTreeMap<NodeId, Load> = BTreeMap::new();
    for shard in shards {
        // As it was placed: who leads at the moment changes with every failure.
        let preferred = shard.first.first().map(|peer| peer.node());
        for node in shard.nodes() {
            let load = loads.entry(node).or_default();
            load.replicas += 1;
            load.leaders += u64::from(preferred == Some(node));
        }
    }
    loads
}

/// Those that take new replicas, by id, each once.
pub(crate) fn candidates(nodes: &[NodeFacts]) -> Vec<&NodeFacts> {
    let mut candidates = members(nodes);
    candidates.retain(|node| node.accepts_replicas);
    candidates
}

/// All nodes by id, each once.
pub(crate) fn members(nodes: &[NodeFacts]) -> Vec<&NodeFacts> {
    let mut members: Vec<&NodeFacts> = nodes.iter().collect();
    // A stable sort: of two with one id the first given stays first.
    members.sort_by_key(|node| node.id);
    members.dedup_by_key(|node| node.id);
    members
}
