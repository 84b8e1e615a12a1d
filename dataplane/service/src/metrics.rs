//! What is counted of operations. Names are as they are exported, but for the endings that the
//! format adds: `_total` to counters, the unit to others.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::operation::Operation;

/// Upper bounds of latencies, in seconds.
const LATENCY_BUCKETS: [f64; 16] = [
    0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    30.0,
];

/// A histogram of latencies in seconds, with the same bounds for all of a node.
pub fn latency_histogram() -> Histogram {
    Histogram::new(LATENCY_BUCKETS)
}

/// Counters of operations, through every door.
#[derive(Debug)]
pub struct Metrics {
    searches: Work,
    inserts: Work,
    deletes: Work,
}

/// Operations of one kind.
#[derive(Debug)]
struct Work {
    /// Those that were asked for; a batch counts each of its parts.
    requests: Counter,
    /// Those that ended in an error.
    errors: Counter,
    /// From the parsed request to the result.
    duration: Histogram,
}

impl Metrics {
    /// New counters, which `registry` exports.
    pub fn register(registry: &mut Registry) -> Self {
        Self {
            searches: Work::register(
                registry,
                ["vane_search_duration", "vane_search_requests", "vane_search_errors"],
                "Searches (points/query; each part of a batch counts)",
            ),
            inserts: Work::register(
                registry,
                ["vane_insert_duration", "vane_insert_requests", "vane_insert_errors"],
                "Requests that write points or vectors",
            ),
            deletes: Work::register(
                registry,
                ["vane_delete_duration", "vane_delete_requests", "vane_delete_errors"],
                "Requests that delete points",
            ),
        }
    }

    /// Counts an operation that took so long.
    pub(crate) fn observe(&self, operation: Operation, elapsed: Duration, failed: bool) {
        let work = match operation {
            Operation::Query => &self.searches,
            Operation::Upsert | Operation::UpdateVectors => &self.inserts,
            Operation::DeletePoints | Operation::DeleteVectors => &self.deletes,
            // The others are counted by their doors alone.
            _ => return,
        };
        work.requests.inc();
        if failed {
            work.errors.inc();
        }
        work.duration.observe(elapsed.as_secs_f64());
    }
}

impl Work {
    /// `help` says what the three metrics of these names are about.
    fn register(
        registry: &mut Registry,
        [duration, requests, errors]: [&'static str; 3],
        help: &'static str,
    ) -> Self {
        let work = Self {
            requests: Counter::default(),
            errors: Counter::default(),
            // The bounds of REST's latencies, so that the two can be held together.
            duration: latency_histogram(),
        };
        let of_duration = format!("Duration. {help}");
        registry.register_with_unit(duration, of_duration, Unit::Seconds, work.duration.clone());
        registry.register(requests, help, work.requests.clone());
        registry.register(errors, format!("Failed. {help}"), work.errors.clone());
        work
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::Metrics;
    use crate::operation::Operation;

    #[test]
    fn operations_are_counted_under_the_names_that_dashboards_know() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.observe(Operation::Query, Duration::from_millis(1), true);
        metrics.observe(Operation::UpdateVectors, Duration::ZERO, false);
        metrics.observe(Operation::SetPayload, Duration::ZERO, false);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "vane_search_requests_total 1",
            "vane_search_errors_total 1",
            "vane_search_duration_seconds_count 1",
            "vane_insert_requests_total 1",
            "vane_insert_errors_total 0",
            "vane_delete_requests_total 0",
            "# HELP vane_delete_errors Failed. Requests that delete points.",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
        }
    }
}
