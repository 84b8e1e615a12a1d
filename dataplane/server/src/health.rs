//! Health: is the process alive, and should requests be sent here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use vane_api::not_ready;

use crate::engine::NotReady;
use crate::state::AppState;

/// `GET /healthz` and `GET /livez`: answers while the process can answer at all.
pub(crate) async fn live() -> &'static str {
    "healthz check passed"
}

/// `GET /readyz`: 503 with the reason while requests should go elsewhere.
pub(crate) async fn ready(State(state): State<Arc<AppState>>) -> Response {
    match state.check_ready() {
        Ok(()) => "all shards are ready".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, not_ready(&why)).into_response(),
    }
}

#[derive(Serialize)]
struct Summary {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    version: &'static str,
    uptime_s: u64,
    collections: usize,
}

/// `GET /health`: a summary for people and scripts.
pub(crate) async fn summary(State(state): State<Arc<AppState>>) -> Response {
    let checked = state.check_ready();
    let reason = checked.as_ref().err().map(not_ready);
    let (status, code) = match &checked {
        Ok(()) => ("ok", StatusCode::OK),
        Err(NotReady::Starting { .. }) => ("starting", StatusCode::SERVICE_UNAVAILABLE),
        Err(_) => ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
    };
    // A node that is no member yet has none, and a summary all the same.
    let coordinator = state.service.coordinator();
    let collections = coordinator.map_or(0, |coordinator| coordinator.collection_names().len());
    let summary = Summary {
        status,
        reason,
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: state.started.elapsed().as_secs(),
        collections,
    };
    (code, Json(summary)).into_response()
}
