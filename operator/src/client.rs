//! The way to Kubernetes: counted, and no more requests in a second than are allowed.

use std::time::Duration;

use axum::http::Request;
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config, Error};
use tower::limit::RateLimitLayer;
use tower::util::MapRequestLayer;

use crate::metrics::Metrics;

/// A client that waits with a request once `per_second` were made in a second: an operator of
/// thousands of clusters must not take the API server from everybody else, least in an outage.
///
/// # Errors
///
/// The configuration cannot be used.
pub fn limited(config: Config, per_second: u32, metrics: &Metrics) -> Result<Client, Error> {
    let metrics = metrics.clone();
    let count = move |request: Request<Body>| {
        metrics.requested(request.method().as_str());
        request
    };
    let builder = ClientBuilder::try_from(config)?;
    let limit = RateLimitLayer::new(u64::from(per_second), Duration::from_secs(1));
    // Counted once it may go.
    Ok(builder.with_layer(&MapRequestLayer::new(count)).with_layer(&limit).build())
}
