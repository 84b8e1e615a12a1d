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

type Labels = [(&'static str, String); 1];

/// Handles to all metrics.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    reconciliations: Family<Labels, Counter>,
    errors: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram>,
    running: Gauge,
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
            running: Gauge::default(),
            leader: Gauge::default(),
        };
        registry.register("reconciliations", "Passes over an object, by kind", metrics.reconciliations.clone());
        registry.register("errors", "Passes that failed, by what failed", metrics.errors.clone());
        registry.register("reconcile_seconds", "Duration of passes, by kind", metrics.seconds.clone());
        registry.register("reconciling", "Passes under way", metrics.running.clone());
        registry.register("leader", "Whether this process holds the Lease", metrics.leader.clone());
        *metrics.registry.lock() = registry;
        metrics
    }
}

impl Metrics {
    pub(crate) fn began(&self) {
        self.running.inc();
    }

    pub(crate) fn ended(&self, kind: &str, took: Duration, error: Option<&str>) {
        self.running.dec();
        self.reconciliations.get_or_create(&[("kind", kind.to_owned())]).inc();
        self.seconds.get_or_create(&[("kind", kind.to_owned())]).observe(took.as_secs_f64());
        if let Some(error) = error {
            self.errors.get_or_create(&[("error", error.to_owned())]).inc();
        }
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
