//! What the official clients ask a server about itself.

use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Map, Value, json};
use vane_cluster::Role;

use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;

/// The API version that is spoken. Clients of a minor version further away warn.
const QDRANT_VERSION: &str = "1.20.0";
/// Where the build does not say: clients want 40 digits.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

#[derive(Serialize)]
struct Version {
    title: &'static str,
    version: &'static str,
    commit: &'static str,
    /// Version of Vane.
    vane: &'static str,
}

/// `GET /`: clients call it first and warn when they do not like what it says.
pub(crate) async fn version() -> impl IntoResponse {
    Json(Version {
        title: "qdrant - vector search engine",
        version: QDRANT_VERSION,
        commit: option_env!("VANE_COMMIT").unwrap_or(NO_COMMIT),
        vane: env!("CARGO_PKG_VERSION"),
    })
}

/// `GET /cluster`: members and consensus, as this node sees them.
pub(crate) async fn cluster(call: Call) -> Result<Answer, ApiError> {
    let cluster = call.cluster()?;
    let status = cluster.meta_status().await.unwrap_or_default();
    let peers: Map<String, Value> = cluster
        .nodes()
        .into_iter()
        .map(|it| (it.id.to_string(), json!({ "uri": format!("http://{}", it.entry.address) })))
        .collect();
    let role = match status.role {
        Role::Leader => "Leader",
        Role::Candidate => "Candidate",
        Role::Follower if status.conf.learners.contains(&status.peer) => "Learner",
        Role::Follower => "Follower",
    };
    Ok(call.answer(json!({
        "status": "enabled",
        "peer_id": cluster.node_id(),
        "peers": peers,
        "raft_info": {
            "term": status.term,
            "commit": status.committed,
            "pending_operations": status.committed.saturating_sub(status.applied),
            "leader": Some(status.leader).filter(|it| *it != 0).map(vane_cluster::node_of),
            "role": role,
            "is_voter": status.conf.voters.contains(&status.peer),
        },
        "consensus_thread_status": { "consensus_thread_status": "working", "last_update": now() },
        "message_send_failures": {},
    })))
}

/// This moment, as the API writes times.
fn now() -> String {
    jiff::Timestamp::now().to_string()
}
