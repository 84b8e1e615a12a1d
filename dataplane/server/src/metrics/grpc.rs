//! What is counted of Qdrant's gRPC: calls by method and code.

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
pub(crate) struct MethodAnswered {
    pub(crate) method: String,
    /// The name of the code, such as `NotFound`.
    pub(crate) code: String,
}

/// What a latency is counted under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Method {
    pub(crate) method: String,
}

/// Counters of calls over Qdrant's gRPC.
pub(crate) struct GrpcMetrics {
    pub(crate) answered: Family<MethodAnswered, Counter>,
    pub(crate) latency: Family<Method, Histogram, fn() -> Histogram>,
    pub(crate) in_flight: Gauge,
    /// The same by Qdrant's names.
    pub(crate) answers: Answers,
}

impl GrpcMetrics {
    /// New counters, which `registry` exports.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            answered: Family::default(),
            latency: Family::new_with_constructor(latency_histogram),
            in_flight: Gauge::default(),
            answers: Answers::default(),
        };
        registry.register(
            "vane_grpc_requests",
            "Calls of Qdrant's gRPC answered, by method and code",
            metrics.answered.clone(),
        );
        registry.register_with_unit(
            "vane_grpc_request_duration",
            "Time from the head of a call of Qdrant's gRPC to the head of its answer",
            Unit::Seconds,
            metrics.latency.clone(),
        );
        registry.register(
            "vane_grpc_requests_in_flight",
            "Calls of Qdrant's gRPC being worked on",
            metrics.in_flight.clone(),
        );
        metrics
    }
}
