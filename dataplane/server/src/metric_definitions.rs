//! Every metric: its name, its unit, what it says.

use std::fmt::Debug;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

/// Upper bounds of latencies, in seconds.
const LATENCY_BUCKETS: [f64; 16] = [
    0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    30.0,
];

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

/// A collection, by its own name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfCollection {
    pub(crate) collection: String,
}

/// What was running.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

type Latency = Family<Endpoint, Histogram, fn() -> Histogram>;
pub(crate) type FloatGauge = Gauge<f64, AtomicU64>;

/// The metrics of a process.
pub(crate) struct Metrics {
    pub(crate) registry: Registry,
    pub(crate) answered: Family<Answered, Counter>,
    pub(crate) latency: Latency,
    pub(crate) in_flight: Gauge,
    pub(crate) searches: Work,
    pub(crate) inserts: Work,
    pub(crate) deletes: Work,
    /// Brought up to date by whoever reads them, one at a time.
    pub(crate) state: Mutex<State>,
}

/// Requests of one kind.
pub(crate) struct Work {
    /// Those that were asked for; a batch counts each of its parts.
    pub(crate) requests: Counter,
    /// Those that ended in an error.
    pub(crate) errors: Counter,
    /// From the parsed request to the result.
    pub(crate) duration: Histogram,
}

/// What the node holds.
pub(crate) struct State {
    pub(crate) collections: Gauge,
    pub(crate) points: Family<OfCollection, Gauge>,
    pub(crate) vectors: Family<OfCollection, Gauge>,
    pub(crate) indexed_vectors: Family<OfCollection, Gauge>,
    pub(crate) segments: Family<OfCollection, Gauge>,
    pub(crate) growing_rows: Family<OfCollection, Gauge>,
    pub(crate) indexes_building: Family<OfCollection, Gauge>,
    pub(crate) indexes_built: Family<OfCollection, Counter>,
    pub(crate) vector_bytes: Family<OfCollection, Gauge>,
    pub(crate) graph_bytes: Family<OfCollection, Gauge>,
    pub(crate) raft_syncs: Counter,
    pub(crate) raft_entries: Counter,
    pub(crate) snapshots_made: Counter,
    pub(crate) snapshots_installed: Counter,
    pub(crate) resident_memory: Gauge,
    pub(crate) disk_free: Gauge,
    pub(crate) uptime: FloatGauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("vane");
        let mut it = Definer(&mut registry);
        let build: Family<Build, Gauge> =
            it.define("build_info", "Always 1; says which version runs");
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        let answered = it.define("rest_requests", "REST requests answered, by route and status");
        let latency: Latency = Family::new_with_constructor(histogram);
        let help = "Time from the head of a REST request to the head of its answer";
        it.0.register_with_unit("rest_request_duration", help, Unit::Seconds, latency.clone());
        let in_flight = it.define("rest_requests_in_flight", "REST requests being worked on");
        Self {
            answered,
            latency,
            in_flight,
            searches: Work::new(
                &mut it,
                "search",
                "Searches (points/query; each part of a batch counts)",
            ),
            inserts: Work::new(&mut it, "insert", "Requests that write points or vectors"),
            deletes: Work::new(&mut it, "delete", "Requests that delete points"),
            state: Mutex::new(State::new(&mut it)),
            registry,
        }
    }
}

impl Work {
    fn new(it: &mut Definer<'_>, kind: &str, help: &str) -> Self {
        let duration = histogram();
        let text = format!("Duration. {help}");
        it.0.register_with_unit(format!("{kind}_duration"), text, Unit::Seconds, duration.clone());
        Self {
            requests: it.define(&format!("{kind}_requests"), help),
            errors: it.define(&format!("{kind}_errors"), &format!("Failed. {help}")),
            duration,
        }
    }
}

impl State {
    fn new(it: &mut Definer<'_>) -> Self {
        Self {
            collections: it.define("collections", "Collections"),
            points: it.define("points", "Points"),
            vectors: it.define("vectors", "Vectors, of all names together"),
            indexed_vectors: it.define("indexed_vectors", "Vectors in segments with a graph"),
            segments: it.define("segments", "Segments"),
            growing_rows: it.define("growing_rows", "Vectors in memory, not sealed yet"),
            indexes_building: it.define("indexes_building", "Graphs being built"),
            indexes_built: it.define("indexes_built", "Graphs built since the start"),
            vector_bytes: it.bytes("vector_size", "Size of all rows, dead ones included"),
            graph_bytes: it.bytes("graph_size", "Size of graphs in memory"),
            raft_syncs: it
                .define("raft_log_syncs", "Synced writes of raft.db, for all groups together"),
            raft_entries: it.define("raft_log_entries", "Entries written to raft.db"),
            snapshots_made: it.define(
                "raft_snapshots_made",
                "Snapshots made for replicas that the log no longer reaches",
            ),
            snapshots_installed: it.define("raft_snapshots_installed", "Snapshots installed here"),
            resident_memory: it
                .bytes("resident_memory", "Resident memory, mapped pages of files included"),
            disk_free: it.bytes("disk_free", "Free space of the data directory's disk"),
            uptime: {
                let uptime = FloatGauge::default();
                it.0.register_with_unit(
                    "uptime",
                    "Time since the start",
                    Unit::Seconds,
                    uptime.clone(),
                );
                uptime
            },
        }
    }
}

fn histogram() -> Histogram {
    Histogram::new(LATENCY_BUCKETS)
}

struct Definer<'a>(&'a mut Registry);

impl Definer<'_> {
    fn define<M: Metric + Default + Clone + Debug>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.0.register(name, help, metric.clone());
        metric
    }

    fn bytes<M: Metric + Default + Clone + Debug>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.0.register_with_unit(name, help, Unit::Bytes, metric.clone());
        metric
    }
}
