//! All nodes and all replicas: `GET /cluster/telemetry`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use vane_types::NodeId;

use super::super::cluster::QDRANT_VERSION;
use super::super::info::status;
use super::collections::{state_of, transfers};
use crate::engine::{CollectionHere, GroupStatus, Info, ReplicaHere, ShardHere};

/// A member, as the node that answers last heard from it.
#[derive(Debug, Clone)]
pub struct NodeTelemetry {
    /// Its number.
    pub node: NodeId,
    /// Its address for other nodes.
    pub address: String,
    /// It answers.
    pub alive: bool,
    /// It votes in the meta group.
    pub votes: bool,
    /// It leads the meta group.
    pub leads: bool,
    /// Index of the meta group that it has applied, where it said so.
    pub applied: u64,
}

/// What the replicas of a collection say, by shard and node; those that did not answer are missing.
pub type ReplicaTelemetry = BTreeMap<(usize, NodeId), Info>;

/// The answer. `now` is this moment, as the API writes times.
pub fn cluster_telemetry(
    nodes: &[NodeTelemetry],
    meta: Option<&GroupStatus>,
    collections: &[(CollectionHere, ReplicaTelemetry)],
    now: &str,
) -> Value {
    let peers: Map<String, Value> =
        nodes.iter().map(|node| (node.node.to_string(), peer(node, meta, now))).collect();
    let collections: Map<String, Value> = collections
        .iter()
        .map(|(here, said)| (here.name.clone(), collection(here, said)))
        .collect();
    json!({
        "collections": collections,
        "cluster": { "enabled": true, "number_of_peers": nodes.len(), "peers": peers },
    })
}

fn peer(node: &NodeTelemetry, meta: Option<&GroupStatus>, now: &str) -> Value {
    let mut told = json!({ "uri": format!("http://{}", node.address), "responsive": node.alive });
    // Its term and what is committed are those of its group, which this node knows.
    if let Some(meta) = meta.filter(|_| node.alive) {
        told["details"] = json!({
            "version": QDRANT_VERSION,
            "role": if node.leads { "Leader" } else { "Follower" },
            "is_voter": node.votes,
            "term": meta.term,
            "commit": meta.committed,
            "num_pending_operations": meta.committed.0.saturating_sub(node.applied),
            "consensus_thread_status": {
                "consensus_thread_status": "working", "last_update": now,
            },
        });
    }
    told
}

fn collection(here: &CollectionHere, said: &ReplicaTelemetry) -> Value {
    let shards: Vec<Value> = here.shards.iter().map(|it| shard(it, said)).collect();
    let transfers: Vec<Value> = here.shards.iter().flat_map(transfers).collect();
    json!({
        "id": here.name,
        "shards": shards,
        "reshardings": [],
        "shard_transfers": transfers,
    })
}

fn shard(shard: &ShardHere, said: &ReplicaTelemetry) -> Value {
    let replicas: Vec<Value> =
        shard.replicas.iter().map(|it| replica(it, said.get(&(shard.ordinal, it.node)))).collect();
    json!({ "id": shard.ordinal, "key": null, "replicas": replicas })
}

fn replica(replica: &ReplicaHere, info: Option<&Info>) -> Value {
    let mut told = json!({ "peer_id": replica.node, "state": state_of(replica) });
    if let Some(info) = info {
        let by_name = info.by_vector.iter();
        let by_name: Map<String, Value> =
            by_name.map(|(name, of_vector)| (name.clone(), json!(of_vector.vectors))).collect();
        told["status"] = json!(status(info));
        told["total_optimized_points"] = json!(info.optimized);
        told["vectors_size_bytes"] = json!(info.vector_bytes);
        told["num_points"] = json!(info.points);
        told["num_vectors"] = json!(info.vectors);
        told["num_vectors_by_name"] = json!(by_name);
    }
    told
}
