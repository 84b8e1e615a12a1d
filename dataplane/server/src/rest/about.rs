//! What the official clients ask a server about itself.

use axum::Json;
use axum::response::IntoResponse;
use vane_api::rest::cluster::{Version, cluster_status};

use super::answer::Answered;
use super::call::Call;

/// `GET /`: clients call it first and warn when they do not like what it says.
pub(crate) async fn version() -> impl IntoResponse {
    Json(Version::of_this_build())
}

/// `GET /cluster`: members and consensus, as this node sees them.
pub(crate) async fn cluster(call: Call) -> Answered {
    let state = call.service.meta_state(&call.context).await?;
    let now = jiff::Timestamp::now().to_string();
    Ok(call.answer(cluster_status(state.node, &state.members, state.status.as_ref(), &now)))
}
