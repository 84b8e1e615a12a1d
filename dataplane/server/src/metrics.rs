//! `/metrics`: reads what the node holds, then writes all metrics out.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;

use crate::metric_definitions::{OfCollection, State};
use crate::node::Node;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`, in the OpenMetrics format.
pub(crate) async fn scrape(Shared(node): Shared<Arc<Node>>) -> Response {
    // Shards count their vectors for this: not on a thread that answers requests.
    let text = tokio::task::spawn_blocking(move || render(&node)).await;
    match text {
        Ok(Some(text)) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Ok(None) | Err(_) => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn render(node: &Node) -> Option<String> {
    let state = node.metrics.state.lock();
    refresh(&state, node);
    let mut text = String::new();
    encode(&mut text, &node.metrics.registry).ok()?;
    Some(text)
}

fn refresh(state: &State, node: &Node) {
    let names = node.cluster.collection_names();
    state.collections.set(gauge(names.len()));
    state.uptime.set(node.started.elapsed().as_secs_f64());
    state.disk_free.set(i64::try_from(node.cluster.disk_free_bytes()).unwrap_or(i64::MAX));
    state.resident_memory.set(gauge(resident_bytes()));
    let of_collections = [
        &state.points,
        &state.vectors,
        &state.indexed_vectors,
        &state.segments,
        &state.growing_rows,
        &state.indexes_building,
        &state.vector_bytes,
        &state.graph_bytes,
    ];
    // Collections that are gone must not stay.
    of_collections.iter().for_each(|it| it.clear());
    state.indexes_built.clear();
    for name in names {
        let Ok(collection) = node.cluster.collection(&name) else { continue };
        let info = collection.info();
        let label = OfCollection { collection: name };
        let values = [
            info.points,
            info.vectors,
            info.indexed_vectors,
            info.segments,
            info.growing_rows,
            info.indexes_building,
            usize::try_from(info.vector_bytes).unwrap_or(usize::MAX),
            usize::try_from(info.graph_bytes).unwrap_or(usize::MAX),
        ];
        for (family, value) in of_collections.iter().zip(values) {
            family.get_or_create(&label).set(gauge(value));
        }
        state.indexes_built.get_or_create(&label).inc_by(info.indexes_built);
    }
}

fn gauge(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Resident memory of this process; 0 where the system does not say.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap_or_default();
    let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    kilobytes << 10
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn resident_memory_is_known() {
        assert!(super::resident_bytes() > 1 << 20);
    }
}
