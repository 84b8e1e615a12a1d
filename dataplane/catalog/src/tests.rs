//! Changes of the catalog, and what a node reads back. Here: what the tests begin with.

mod aliases;
mod collections;
mod hostile;
mod levels;
mod members;
mod metadata;
mod model;
mod policy;
mod refill;
mod replica_plan;
mod requests;
mod shards;
mod store;
mod stored_form;
mod tenants;
mod vectors;

use std::collections::BTreeMap;

use uuid::Uuid;
use vane_raft::Conf;
use vane_types::command::RequestId;
use vane_types::{GroupId, NodeId, PeerId};

use super::*;

fn node(n: u128) -> NodeEntry {
    let address = format!("127.0.0.1:{n}");
    NodeEntry {
        disk_id: Uuid::from_u128(n),
        name: format!("n{n}"),
        rest_address: address.clone(),
        address,
        version: "1".into(),
        start: 1,
        level: FeatureLevel::FIRST,
    }
}

fn create(name: &str, placement: &[&[u64]], key: &str) -> MetaCommand {
    MetaCommand::Create(Create {
        name: name.into(),
        config: config(),
        replication_factor: 3,
        write_consistency_factor: 2,
        placement: placement.iter().map(|nodes| numbered(nodes)).collect(),
        key: key.into(),
    })
}

fn config() -> vane_types::CollectionConfig {
    vane_types::CollectionConfig {
        vectors: BTreeMap::new(),
        hnsw: vane_types::HnswConfig::default(),
        optimizer: vane_types::OptimizerConfig::default(),
        payload_schema: BTreeMap::new(),
        metadata: serde_json::Map::new(),
        ..vane_types::CollectionConfig::default()
    }
}

fn numbered(nodes: &[u64]) -> Vec<NodeId> {
    nodes.iter().copied().map(NodeId).collect()
}

fn founded() -> State {
    let mut state = State { next_group: 1, ..State::default() };
    for n in 1..=4 {
        state.apply(MetaCommand::PutNode(node(n))).unwrap();
    }
    state.apply(create("c", &[&[1, 2, 3], &[2, 3, 4]], "key")).unwrap();
    state
}

fn request(sequence: u64, basis: u64) -> RequestId {
    RequestId { session: 5, sequence, basis }
}

fn peer(node: u64, incarnation: u32) -> PeerId {
    PeerId::new(NodeId(node), incarnation)
}

/// Replicas with a vote on each of the nodes.
fn voters(nodes: &[u64]) -> Vec<WantedReplica> {
    nodes.iter().map(|node| WantedReplica { node: NodeId(*node), learner: false }).collect()
}

/// Asks for voters of a shard on these nodes.
fn reconfigure(state: &mut State, group: GroupId, nodes: &[u64]) {
    let replicas = voters(nodes);
    state.apply(MetaCommand::Reconfigure { group, replicas, if_revision: None }).unwrap();
}

/// Reports that a shard's voters are where they should be, if they were to change.
fn settle(state: &mut State, group: GroupId) {
    let Some(target) = state.shards[&group].target.clone() else { return };
    let voters: Vec<PeerId> = target.iter().map(|replica| replica.peer).collect();
    let conf = Conf::founding(&voters);
    state.apply(MetaCommand::Settle { group, conf, seen: None }).unwrap();
    assert_eq!(state.shards[&group].target, None);
}
