//! What the official clients ask a server about itself.

use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::json;

use super::answer::Answer;
use super::call::Call;

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

/// `GET /cluster`: this version is one node.
pub(crate) async fn cluster(call: Call) -> Answer {
    call.answer(json!({ "status": "disabled" }))
}
