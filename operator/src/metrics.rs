//! What the operator counts, for Prometheus.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Seconds; a pass waits for a few calls.
const DURATIONS_S: [f64; 9] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];

/// Labels of figures by kind of object.
type Kind = [(&'static str, String); 1];
/// Labels of errors: the kind of the object, and what failed.
type Failure = [(&'static str, String); 2];

/// Labels of requests: the method of HTTP.
type Method = [(&'static str, String); 1];

/// Handles to all metrics.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    reconciliations: Family<Kind, Counter>,
    errors: Family<Failure, Counter>,
    seconds: Family<Kind, Histogram>,
    running: Family<Kind, Gauge>,
    retrying: Family<Kind, Gauge>,
    watch_errors: Family<Kind, Counter>,
    requests: Family<Method, Counter>,
    leader: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("vane_operator");
        let metrics = Self {
            registry: Arc::default(),
            reconciliations: Family::default(),
            errors: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(DURATIONS_S)),
            running: Family::default(),
            retrying: Family::default(),
            watch_errors: Family::default(),
            requests: Family::default(),
            leader: Gauge::default(),
        };
        let Self {
            reconciliations,
            errors,
            seconds,
            running,
            retrying,
            watch_errors,
            requests,
            leader,
            ..
        } = metrics.clone();
        registry.register("reconciliations", "Passes over an object, by kind", reconciliations);
        registry.register("errors", "Passes that failed, by kind and by what failed", errors);
        registry.register("reconcile_seconds", "Duration of passes, by kind", seconds);
        registry.register("reconciling", "Passes under way, by kind", running);
        let help = "Queue of failures: objects whose last pass failed and that wait for the next \
                    one, by kind";
        registry.register("retrying", help, retrying);
        let help = "Watches that failed, by the kind that they are for: while they do, changes go \
                    unnoticed; the definitions or the operator's rights may be missing";
        registry.register("watch_errors", help, watch_errors);
        let help = "Requests to Kubernetes, by method, without those for the Lease";
        registry.register("kube_requests", help, requests);
        registry.register("leader", "Whether this process holds the Lease", leader);
        *metrics.registry.lock() = registry;
        metrics
    }
}

impl Metrics {
    pub(crate) fn began(&self, kind: &str) {
        self.running.get_or_create(&[("kind", kind.to_owned())]).inc();
    }

    pub(crate) fn ended(&self, kind: &str, took: Duration, error: Option<&str>) {
        let by_kind = [("kind", kind.to_owned())];
        self.running.get_or_create(&by_kind).dec();
        self.reconciliations.get_or_create(&by_kind).inc();
        self.seconds.get_or_create(&by_kind).observe(took.as_secs_f64());
        if let Some(error) = error {
            self.errors
                .get_or_create(&[("kind", kind.to_owned()), ("error", error.to_owned())])
                .inc();
        }
    }

    /// So many objects of a kind wait after a failure.
    pub(crate) fn retrying(&self, kind: &str, objects: usize) {
        let objects = i64::try_from(objects).unwrap_or(i64::MAX);
        self.retrying.get_or_create(&[("kind", kind.to_owned())]).set(objects);
    }

    /// A watch for the objects of a kind failed.
    pub(crate) fn watch_failed(&self, kind: &str) {
        self.watch_errors.get_or_create(&[("kind", kind.to_owned())]).inc();
    }

    /// A request goes to Kubernetes.
    pub(crate) fn requested(&self, method: &str) {
        self.requests.get_or_create(&[("method", method.to_owned())]).inc();
    }

    pub(crate) fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// In the format that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _infallible = encode(&mut text, &self.registry.lock());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_is_counted_by_kind() {
        let metrics = Metrics::default();
        metrics.began("Collection");
        metrics.began("VectorCluster");
        metrics.ended("VectorCluster", Duration::from_millis(20), Some("no_token"));
        metrics.retrying("VectorCluster", 1);
        metrics.watch_failed("Collection");
        metrics.requested("GET");
        metrics.leads(true);
        let text = metrics.text();
        for line in [
            "vane_operator_reconciling{kind=\"Collection\"} 1",
            "vane_operator_reconciling{kind=\"VectorCluster\"} 0",
            "vane_operator_reconciliations_total{kind=\"VectorCluster\"} 1",
            "vane_operator_errors_total{kind=\"VectorCluster\",error=\"no_token\"} 1",
            "vane_operator_reconcile_seconds_count{kind=\"VectorCluster\"} 1",
            "vane_operator_retrying{kind=\"VectorCluster\"} 1",
            "vane_operator_watch_errors_total{kind=\"Collection\"} 1",
            "vane_operator_kube_requests_total{method=\"GET\"} 1",
            "vane_operator_leader 1",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
        }
        assert!(text.contains("# HELP vane_operator_retrying Queue of failures"), "{text}");
    }
}
