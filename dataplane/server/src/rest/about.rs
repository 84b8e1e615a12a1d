//! What the official clients ask a server about itself.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use vane_api::rest::cluster::{Version, cluster_status};
use vane_api::rest::issues::issues;
use vane_api::rest::telemetry::{Telemetry, Wanted, cluster_telemetry};
use vane_service::Depth;

use super::answer::Answered;
use super::call::{Asked, Call};
use crate::environment;
use crate::state::AppState;

/// From this level on telemetry tells of shards, and of their jobs with them.
const LEVEL_OF_SHARDS: usize = 3;
/// From this level on it tells of each segment.
const LEVEL_OF_SEGMENTS: usize = 4;
/// The level of the cluster's telemetry where none is named: all replicas with their figures.
const LEVEL_OF_CLUSTER: usize = 2;

/// `GET /`: clients call it first and warn when they do not like what it says.
pub(super) async fn version() -> impl IntoResponse {
    Json(Version::of_this_build())
}

/// `GET /cluster`: members and consensus, as this node sees them.
pub(super) async fn cluster(call: Call) -> Answered {
    let state = call.service.meta_state(&call.context).await?;
    Ok(call.answer(cluster_status(state.node, &state.members, &state.thread, written)))
}

/// How much is to be told.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Details {
    details_level: Option<usize>,
    anonymize: Option<bool>,
    per_collection: Option<bool>,
}

/// `GET /telemetry`: what this node knows of itself.
pub(super) async fn telemetry(
    State(state): State<Arc<AppState>>,
    Asked(details): Asked<Details>,
    call: Call,
) -> Answered {
    let wanted = Wanted {
        level: details.details_level.unwrap_or_default(),
        anonymize: details.anonymize.unwrap_or_default(),
        per_collection: details.per_collection.unwrap_or_default(),
    };
    let depth = match wanted.level {
        0 => Depth::Names,
        level if level < LEVEL_OF_SHARDS => Depth::Figures,
        level if level < LEVEL_OF_SEGMENTS => Depth::Jobs,
        _ => Depth::Segments,
    };
    let (cluster, collections) = call.service.telemetry(&call.context, depth).await?;
    let exists = |name: &str| state.knows(name);
    let told = Telemetry {
        id: state.process_id.to_string(),
        started: state.started_at.to_string(),
        moment: written,
        environment: environment::of_process(&state.settings.data_dir),
        cluster,
        collections: &collections,
        rest: state.metrics.rest.answers.telemetry(wanted.per_collection, exists),
        grpc: state.metrics.grpc.answers.telemetry(wanted.per_collection, exists),
        memory: environment::memory(),
        mapped_bytes: environment::mapped_bytes(),
    };
    Ok(call.answer(vane_api::rest::telemetry::telemetry(&told, wanted)))
}

/// `GET /cluster/telemetry`: all members and all replicas.
pub(super) async fn whole_cluster(Asked(details): Asked<Details>, call: Call) -> Answered {
    let with_figures = details.details_level.unwrap_or(LEVEL_OF_CLUSTER) > 0;
    let whole = call.service.whole_cluster(&call.context, with_figures).await?;
    let (nodes, meta) = (&whole.nodes, whole.meta.as_ref());
    Ok(call.answer(cluster_telemetry(nodes, meta, &whole.collections, &now())))
}

/// `GET /issues`: what could be done about slow requests.
pub(super) async fn list_issues(call: Call) -> Answered {
    let noted = call.service.issues(&call.context).await?;
    Ok(call.answer(issues(&noted)))
}

/// `DELETE /issues`.
pub(super) async fn clear_issues(call: Call) -> Answered {
    call.service.clear_issues(&call.context).await?;
    Ok(call.answer(true))
}

/// A moment by the clock of the machine, from the one that only goes on.
fn written(moment: Instant) -> String {
    let ago = jiff::SignedDuration::try_from(moment.elapsed()).unwrap_or_default();
    (jiff::Timestamp::now() - ago).to_string()
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}
