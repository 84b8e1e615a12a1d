//! `/metrics`: reads what the node holds, then writes all metrics out.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State as Shared;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use vane_cluster::Cluster;

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
    state.uptime.set(node.started.elapsed().as_secs_f64());
    let cluster = node.cluster().ok();
    let infos = cluster.as_ref().map(Cluster::local_infos).unwrap_or_default();
    state.collections.set(gauge(infos.len()));
    if let Some(cluster) = &cluster {
        state.disk_free.set(i64::try_from(cluster.disk_free_bytes()).unwrap_or(i64::MAX));
        raft(state, cluster);
    }
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
    for (name, info) in infos {
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

fn raft(state: &State, cluster: &Cluster) {
    let counters = cluster.raft_counters();
    let values = [
        (&state.raft_syncs, &counters.syncs),
        (&state.raft_entries, &counters.entries),
        (&state.snapshots_made, &counters.snapshots_made),
        (&state.snapshots_installed, &counters.snapshots_installed),
    ];
    for (counter, value) in values {
        // Counters only go up: what is new since the last look.
        let value = value.load(Ordering::Relaxed);
        counter.inc_by(value.saturating_sub(counter.get()));
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
