//! From what this node knows of the others to the planner's terms.

use std::collections::BTreeMap;

use vane_placement::{Load, Node, Unplaceable};
use vane_raft::node_of;

use crate::error::Error;
use crate::health::is_alive;
use crate::inner::Inner;
use vane_catalog::State;

/// Nodes for the shards of a new collection.
pub(crate) fn place_new(
    inner: &Inner,
    shards: u32,
    replication_factor: u32,
) -> Result<Vec<Vec<u64>>, Error> {
    let nodes = inner.meta.read(|it| planner_nodes(it, |node| is_alive(inner, node)));
    let placed = vane_placement::place_new(&nodes, shards as usize, replication_factor as usize);
    placed.map_err(|error| match error {
        Unplaceable::TooFewNodes { .. } => Error::BadInput(error.to_string()),
        other => Error::Unavailable(other.to_string()),
    })
}

/// Nodes that should vote in the meta group.
pub(crate) fn meta_voters(inner: &Inner, voters: &[u64]) -> Vec<u64> {
    let nodes = inner.meta.read(|it| planner_nodes(it, |node| is_alive(inner, node)));
    vane_placement::meta_voters(&nodes, voters)
}

fn planner_nodes(state: &State, alive: impl Fn(u64) -> bool) -> Vec<Node> {
    let mut nodes: BTreeMap<u64, Node> = BTreeMap::new();
    for node in state.nodes.values() {
        let (in_collection, total) = (Load::default(), Load::default());
        let accepts_replicas = alive(node.id);
        nodes.insert(
            node.id,
            Node { id: node.id, zone: node.zone.clone(), accepts_replicas, in_collection, total },
        );
    }
    for shard in state.shards.values() {
        let first = shard.first.first().map(|it| node_of(*it));
        for id in shard.nodes() {
            let Some(node) = nodes.get_mut(&id) else { continue };
            let leads = u64::from(first == Some(id));
            node.total.replicas += 1;
            node.total.leaders += leads;
        }
    }
    nodes.into_values().collect()
}
