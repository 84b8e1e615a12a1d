//! What a node says about itself, its cluster, and where collections lie in it.

use serde::Serialize;
use serde_json::{Map, Value, json};

use vane_types::{NodeId, PeerId};

use crate::engine::{GroupStatus, Layout, Role, ShardReplica};

/// The API version that is spoken. Clients of a minor version further away warn.
const QDRANT_VERSION: &str = "1.20.0";
/// Where the build does not say: clients want 40 digits.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// `GET /`.
#[derive(Debug, Serialize)]
pub struct Version {
    title: &'static str,
    version: &'static str,
    commit: &'static str,
    /// Version of Vane.
    vane: &'static str,
}

impl Version {
    /// What this build answers.
    pub fn of_this_build() -> Self {
        Self {
            title: "qdrant - vector search engine",
            version: QDRANT_VERSION,
            commit: option_env!("VANE_COMMIT").unwrap_or(NO_COMMIT),
            vane: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// `GET /cluster`: members by number with their addresses, and the meta group as `node` sees it.
/// `now` is this moment, as the API writes times.
pub fn cluster_status(
    node: NodeId,
    members: &[(NodeId, String)],
    status: &GroupStatus,
    now: &str,
) -> Value {
    let peers: Map<String, Value> = members
        .iter()
        .map(|(id, address)| (id.to_string(), json!({ "uri": format!("http://{address}") })))
        .collect();
    let role = match status.role {
        Role::Leader => "Leader",
        Role::Candidate => "Candidate",
        // To Raft a learner is a follower; the API tells them apart.
        Role::Follower if status.conf.learners.contains(&status.peer) => "Learner",
        Role::Follower => "Follower",
    };
    json!({
        "status": "enabled",
        "peer_id": node,
        "peers": peers,
        "raft_info": {
            "term": status.term,
            "commit": status.committed,
            "pending_operations": status.committed.saturating_since(status.applied),
            "leader": status.leader.map(PeerId::node),
            "role": role,
            "is_voter": status.conf.voters.contains(&status.peer),
        },
        // Always: a thread of the log that fails ends the process.
        "consensus_thread_status": { "consensus_thread_status": "working", "last_update": now },
        "message_send_failures": {},
    })
}

/// `GET /collections/{collection}/cluster`: replicas as `node` sees them, each with the ordinal of
/// its shard, its node, and its points where it is on this node.
pub fn collection_cluster(node: NodeId, layout: Layout, replicas: &[ShardReplica]) -> Value {
    let (mut local, mut remote) = (Vec::new(), Vec::new());
    for ShardReplica { ordinal, node: holder, points } in replicas {
        // Only a node with a replica counts its points, so they say which are local.
        match points {
            Some(points) => {
                local.push(
                    json!({ "shard_id": ordinal, "points_count": points, "state": "Active" }),
                );
            }
            None => {
                remote.push(json!({ "shard_id": ordinal, "peer_id": holder, "state": "Active" }));
            }
        }
    }
    json!({
        "peer_id": node,
        "shard_count": layout.shards,
        "local_shards": local,
        "remote_shards": remote,
        "shard_transfers": [],
    })
}
