//! `/livez`, `/readyz` and `/metrics`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::metrics::Metrics;

/// Whether the operator works, or stands by for the one that does.
pub type Ready = Arc<AtomicBool>;

/// Listens. All addresses of both families become those of IPv4 where there is no IPv6.
///
/// # Errors
///
/// The address is taken, or not this machine's.
pub async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    let is_taken = bound.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::AddrInUse);
    if bound.is_err() && !is_taken && address.ip() == Ipv6Addr::UNSPECIFIED {
        return TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await;
    }
    bound
}

/// Answers until it is aborted.
///
/// # Errors
///
/// The listener broke: probes go unanswered from then on.
pub async fn serve(listener: TcpListener, ready: Ready, metrics: Metrics) -> std::io::Result<()> {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let readyz = move || async move {
        if ready.load(Ordering::Relaxed) {
            (StatusCode::OK, "ok")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "starting")
        }
    };
    let router = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(|| async move { ([(CONTENT_TYPE, OPEN_METRICS)], metrics.text()) }));
    axum::serve(listener, router).await
}
