//! What the official clients ask a server about itself.

use std::time::Instant;

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
    // By the clock of the machine, from the one that only goes on.
    let at = |moment: Instant| {
        let ago = jiff::SignedDuration::try_from(moment.elapsed()).unwrap_or_default();
        (jiff::Timestamp::now() - ago).to_string()
    };
    Ok(call.answer(cluster_status(state.node, &state.members, &state.thread, at)))
}
