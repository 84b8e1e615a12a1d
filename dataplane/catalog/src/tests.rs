//! Changes of the catalog, and what a node reads back. Here: what the tests begin with.

mod aliases;
mod collections;
mod members;
mod shards;
mod store;

use std::collections::BTreeMap;

use uuid::Uuid;
use vane_types::NodeId;

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
