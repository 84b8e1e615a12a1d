//! `/metrics`: what was counted, and what the node holds at the moment.

mod figures;
mod grpc;
mod rest;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::state::AppState;
use figures::Figures;
pub(crate) use grpc::{GrpcMetrics, Method, MethodAnswered};
pub(crate) use rest::{Answered, Endpoint, RestMetrics};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a process counts. Names are whole, so the registry has no prefix.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) rest: RestMetrics,
    pub(crate) grpc: GrpcMetrics,
}

/// What was running.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

impl Metrics {
    /// New counters: those of the listeners, and those that the service is to count.
    pub(crate) fn new() -> (Self, vane_service::Metrics) {
        let mut registry = Registry::default();
        // Prometheus has no texts: a gauge that is always 1 carries the version as its label.
        let build: Family<Build, Gauge> = Family::default();
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("vane_build_info", "Always 1; says which version runs", build);
        let rest = RestMetrics::register(&mut registry);
        let grpc = GrpcMetrics::register(&mut registry);
        let of_service = vane_service::Metrics::register(&mut registry);
        (Self { registry, rest, grpc }, of_service)
    }
}

/// `GET /metrics`, in the OpenMetrics format.
pub(crate) async fn scrape(State(state): State<Arc<AppState>>) -> Response {
    // Shards count their vectors for this: not on a thread that answers requests.
    let text = tokio::task::spawn_blocking(move || render(&state)).await;
    match text {
        Ok(Ok(text)) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Ok(Err(_)) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn render(state: &AppState) -> Result<String, std::fmt::Error> {
    let member = state.service.member().ok();
    // A registry of its own: these figures are of this moment, and another scrape has others.
    let mut moment = Registry::default();
    let figures = Figures::read(member.as_deref(), state.started.elapsed());
    moment.register_collector(Box::new(figures));
    let mut text = String::new();
    encode_registry(&mut text, &state.metrics.registry)?;
    encode_registry(&mut text, &moment)?;
    // Once for both registries: the format has one end.
    encode_eof(&mut text)?;
    Ok(text)
}
