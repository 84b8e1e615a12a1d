//! `/metrics`: what was counted, and what the node holds at the moment.

mod answers;
mod figures;
mod grpc;
mod qdrant;
mod rest;
mod served;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use serde::Deserialize;

use crate::environment::{self, Process};
use crate::state::AppState;
use answers::Answers;
use figures::Figures;
pub(crate) use grpc::{GrpcMetrics, Method, MethodAnswered};
use qdrant::{Meta, QdrantFigures};
pub(crate) use rest::{Answered, Endpoint, RestMetrics};
pub(crate) use served::{is_served, qdrant_name};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a process counts. Names are whole, so the registry has no prefix.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) rest: RestMetrics,
    pub(crate) grpc: GrpcMetrics,
    /// Held by whoever counts for a scrape.
    scraping: tokio::sync::Mutex<()>,
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
        (Self { registry, rest, grpc, scraping: tokio::sync::Mutex::default() }, of_service)
    }
}

/// Parameters of a scrape.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Scrape {
    anonymize: Option<bool>,
    per_collection: Option<bool>,
}

/// `GET /metrics`, in the OpenMetrics format.
pub(crate) async fn scrape(
    State(state): State<Arc<AppState>>,
    asked: Result<Query<Scrape>, QueryRejection>,
) -> Response {
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(rejection) => return rejection.into_response(),
    };
    // One after the other: however many scrape, one thread counts.
    let _one_at_a_time = state.metrics.scraping.lock().await;
    let mut figures = QdrantFigures::of_process(&state, asked);
    if let Ok(member) = state.service.member() {
        figures.node = Some(member.node_id());
        figures.members = member.nodes().len();
        figures.meta = member.meta_status().await.map(|status| Meta {
            term: status.term.0,
            committed: status.committed.0,
            waiting: status.committed.saturating_since(status.applied),
            votes: status.conf.voters.contains(&status.peer),
        });
    }
    // Shards count their vectors for this: not on a thread that answers requests.
    let counting = Arc::clone(&state);
    let text = tokio::task::spawn_blocking(move || render(&counting, figures)).await;
    match text {
        Ok(Ok(text)) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Ok(Err(_)) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl QdrantFigures {
    fn of_process(state: &AppState, asked: Scrape) -> Self {
        let per_collection = asked.per_collection.unwrap_or_default();
        let exists = |name: &str| state.knows(name);
        let of_door = |answers: &Answers| match per_collection {
            true => answers.read_by_collection(exists),
            false => [(String::new(), answers.read())].into(),
        };
        Self {
            prefix: state.settings.metrics_prefix.clone(),
            anonymize: asked.anonymize.unwrap_or_default(),
            per_collection,
            memory: environment::memory(),
            process: Process::read(),
            rest: of_door(&state.metrics.rest.answers),
            grpc: of_door(&state.metrics.grpc.answers),
            ..Self::default()
        }
    }
}

fn render(state: &AppState, mut figures: QdrantFigures) -> Result<String, std::fmt::Error> {
    let member = state.service.member().ok();
    let here = member.as_ref().map(|member| member.collections_here(true)).unwrap_or_default();
    // A registry of its own: these figures are of this moment, and another scrape has others.
    let mut moment = Registry::default();
    let own = Figures::read(member.as_deref(), &here, state.started.elapsed());
    figures.collections = here;
    moment.register_collector(Box::new(own));
    moment.register_collector(Box::new(figures));
    let mut text = String::new();
    encode_registry(&mut text, &state.metrics.registry)?;
    encode_registry(&mut text, &moment)?;
    // Once for both registries: the format has one end.
    encode_eof(&mut text)?;
    Ok(text)
}
