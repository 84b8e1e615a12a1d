//! Where the replicas of a collection are. It is what REST answers, put into a message.

use serde_json::Value;
use vane_wire::qdrant::{
    CollectionClusterInfoResponse, LocalShardInfo, RemoteShardInfo, ReplicaState, ShardTransferInfo,
};

/// The answer to `Collections/CollectionClusterInfo`, of what REST answers.
pub fn cluster_info(json: &Value, time: f64) -> CollectionClusterInfoResponse {
    let each = |list: &'static str| json[list].as_array().into_iter().flatten();
    CollectionClusterInfoResponse {
        peer_id: number(json, "peer_id"),
        shard_count: number(json, "shard_count"),
        local_shards: each("local_shards").map(local).collect(),
        remote_shards: each("remote_shards").map(remote).collect(),
        shard_transfers: each("shard_transfers").map(transfer).collect(),
        resharding_operations: Vec::new(),
        time,
    }
}

fn number(json: &Value, field: &str) -> u64 {
    json[field].as_u64().unwrap_or_default()
}

fn shard(json: &Value) -> u32 {
    u32::try_from(number(json, "shard_id")).unwrap_or(u32::MAX)
}

fn state(json: &Value) -> i32 {
    let known = json["state"].as_str().and_then(ReplicaState::from_str_name);
    known.unwrap_or(ReplicaState::Dead).into()
}

fn local(json: &Value) -> LocalShardInfo {
    let points_count = number(json, "points_count");
    LocalShardInfo { shard_id: shard(json), points_count, state: state(json), shard_key: None }
}

fn remote(json: &Value) -> RemoteShardInfo {
    let peer_id = number(json, "peer_id");
    RemoteShardInfo { shard_id: shard(json), peer_id, state: state(json), shard_key: None }
}

fn transfer(json: &Value) -> ShardTransferInfo {
    ShardTransferInfo {
        shard_id: shard(json),
        to_shard_id: None,
        from: number(json, "from"),
        to: number(json, "to"),
        sync: json["sync"].as_bool().unwrap_or_default(),
    }
}
