//! What is counted of the REST interface: answers by route and status.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use vane_service::latency_histogram;

use super::answers::Answers;

/// What an answer is counted under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Answered {
    pub(crate) method: &'static str,
    pub(crate) endpoint: String,
    pub(crate) status: u16,
}

/// What a latency is counted under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Endpoint {
    pub(crate) method: &'static str,
    pub(crate) endpoint: String,
}

/// Counters of requests over REST.
pub(crate) struct RestMetrics {
    pub(crate) answered: Family<Answered, Counter>,
    pub(crate) latency: Family<Endpoint, Histogram, fn() -> Histogram>,
    pub(crate) in_flight: Gauge,
    /// The same by Qdrant's names.
    pub(crate) answers: Answers,
}

impl RestMetrics {
    /// New counters, which `registry` exports.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            answered: Family::default(),
            latency: Family::new_with_constructor(latency_histogram),
            in_flight: Gauge::default(),
            answers: Answers::default(),
        };
        registry.register(
            "vane_rest_requests",
            "REST requests answered, by route and status",
            metrics.answered.clone(),
        );
        registry.register_with_unit(
            "vane_rest_request_duration",
            "Time from the head of a REST request to the head of its answer",
            Unit::Seconds,
            metrics.latency.clone(),
        );
        registry.register(
            "vane_rest_requests_in_flight",
            "REST requests being worked on",
            metrics.in_flight.clone(),
        );
        metrics
    }
}
