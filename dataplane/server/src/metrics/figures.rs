//! What a node and its collections hold, read anew for every scrape: one row a metric.
//!
//! Names are as they are exported, but for the endings that the format adds: `_total` to counters,
//! the unit to others.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use vane_types::Tally;

use crate::engine::{CollectionHere, Info, Member, NodeMemory, process_memory};

/// The figures of one moment.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// Of the replicas on this node, by collection.
    collections: BTreeMap<String, Info>,
    memory: NodeMemory,
    disk_free_bytes: u64,
    quotas_exceeded: usize,
    raft_syncs: u64,
    raft_entries: u64,
    reads_leading: u64,
    reads_following: u64,
    reads_by_lease: u64,
    snapshots_made: u64,
    snapshots_installed: u64,
    broken_replicas: usize,
    scrub_bytes: u64,
    scrub_passes: u64,
    scrub_damaged: u64,
    scrubbed_at: u64,
    uptime: Duration,
}

/// A collection, by its own name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCollection {
    collection: String,
}

/// What a collection has memory for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartOfMemory {
    collection: String,
    part: &'static str,
}

/// Searches of a collection with a kind of filter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFilter {
    collection: String,
    filter: &'static str,
}

enum Value {
    Count(u64),
    Seconds(f64),
    Share(f64),
}

/// One metric: its name, help, unit and type, and where its value is.
struct Row<Source> {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    kind: MetricType,
    value: fn(&Source) -> Value,
}

const fn row<Source>(
    name: &'static str,
    kind: MetricType,
    unit: Option<Unit>,
    help: &'static str,
    value: fn(&Source) -> Value,
) -> Row<Source> {
    Row { name, help, unit, kind, value }
}

use MetricType::{Counter, Gauge};

#[rustfmt::skip]
static OF_COLLECTION: [Row<Info>; 11] = [
    row("vane_points", Gauge, None, "Points.", |info| count(info.points)),
    row("vane_vectors", Gauge, None, "Vectors, of all names together.", |info| count(info.vectors)),
    row("vane_indexed_vectors", Gauge, None, "Vectors in segments with a graph.",
        |info| count(info.indexed_vectors)),
    row("vane_unreached_nodes", Gauge, None, "Nodes of graphs that no search can come to.",
        |info| count(info.unreached_nodes)),
    row("vane_segments", Gauge, None, "Segments.", |info| count(info.segments)),
    row("vane_growing_rows", Gauge, None, "Vectors in memory, not sealed yet.",
        |info| count(info.growing_rows)),
    row("vane_indexes_building", Gauge, None, "Graphs being built.",
        |info| count(info.indexes_building)),
    row("vane_indexes_built", Counter, None, "Graphs built since the start.",
        |info| Value::Count(info.indexes_built)),
    row("vane_vector_size", Gauge, Some(Unit::Bytes), "Size of all rows, dead ones included.",
        |info| Value::Count(info.vector_bytes)),
    row("vane_payload_size", Gauge, Some(Unit::Bytes), "Size of all payloads, as JSON.",
        |info| Value::Count(info.payload_bytes)),
    row("vane_graph_size", Gauge, Some(Unit::Bytes), "Size of graphs, in files and memory.",
        |info| Value::Count(info.graph_bytes)),
];

#[rustfmt::skip]
static PARTS_OF_MEMORY: Row<usize> =
    row("vane_collection_memory", Gauge, Some(Unit::Bytes),
        "Memory that a collection's replicas hold here beside mapped files, by what it is for.",
        |bytes| count(*bytes));

#[rustfmt::skip]
static OF_RECALL: [Row<Tally>; 3] = [
    row("vane_recall", Gauge, None,
        "Share of what they should find that searches by graphs found lately on this node, by \
         those that were answered exactly as well, and by how much a filter leaves.",
        |tally| Value::Share(tally.mean().unwrap_or(1.0))),
    row("vane_recall_searches", Gauge, None, "Searches that vane_recall is the mean of.",
        |tally| Value::Count(tally.searches)),
    row("vane_search_effort", Gauge, None,
        "Candidates that searches keep which do not say how many, as a multiple of what the \
         collection says: more than 1 where its min_recall asks for more.",
        |tally| Value::Share(f64::from(tally.ef_percent) / 100.0)),
];

#[rustfmt::skip]
static OF_NODE: [Row<Figures>; 21] = [
    row("vane_collections", Gauge, None, "Collections.",
        |figures| count(figures.collections.len())),
    row("vane_raft_log_syncs", Counter, None,
        "Synced writes of raft.db, for all groups together.",
        |figures| Value::Count(figures.raft_syncs)),
    row("vane_raft_log_entries", Counter, None, "Entries written to raft.db.",
        |figures| Value::Count(figures.raft_entries)),
    row("vane_reads_leading", Counter, None, "Reads answered by replicas here that lead.",
        |figures| Value::Count(figures.reads_leading)),
    row("vane_reads_following", Counter, None,
        "Reads answered by replicas here that follow, once they had what their leader has.",
        |figures| Value::Count(figures.reads_following)),
    row("vane_reads_by_lease", Counter, None,
        "Of those, reads that a lease answered, without a question to the leader.",
        |figures| Value::Count(figures.reads_by_lease)),
    row("vane_raft_snapshots_made", Counter, None,
        "Snapshots made for replicas that the log no longer reaches.",
        |figures| Value::Count(figures.snapshots_made)),
    row("vane_raft_snapshots_installed", Counter, None, "Snapshots installed here.",
        |figures| Value::Count(figures.snapshots_installed)),
    row("vane_replicas_broken", Gauge, None,
        "Replicas of this node that are out of use: damaged, not opened, or ahead of its version.",
        |figures| count(figures.broken_replicas)),
    row("vane_scrub_read", Counter, Some(Unit::Bytes),
        "Bytes read to see whether they are what was written.",
        |figures| Value::Count(figures.scrub_bytes)),
    row("vane_scrub_passes", Counter, None, "Passes over everything that this node has.",
        |figures| Value::Count(figures.scrub_passes)),
    row("vane_scrub_damaged_replicas", Counter, None, "Replicas that were found to be damaged.",
        |figures| Value::Count(figures.scrub_damaged)),
    row("vane_scrub_whole_timestamp", Gauge, Some(Unit::Seconds),
        "When a pass last found everything whole, in seconds since 1970; 0 for never.",
        |figures| Value::Count(figures.scrubbed_at)),
    row("vane_resident_memory", Gauge, Some(Unit::Bytes),
        "Resident memory, mapped pages of files included.",
        |figures| Value::Count(figures.memory.resident)),
    row("vane_anonymous_memory", Gauge, Some(Unit::Bytes),
        "Resident memory without pages of files, which the system cannot take back.",
        |figures| Value::Count(figures.memory.anonymous)),
    row("vane_pinned_memory", Gauge, Some(Unit::Bytes),
        "Mapped files that the system may not take out of memory, as collections asked for.",
        |figures| Value::Count(figures.memory.pinned)),
    row("vane_memtable_memory", Gauge, Some(Unit::Bytes),
        "What RocksDB has in no table yet, of points and logs.",
        |figures| Value::Count(figures.memory.memtables)),
    row("vane_block_cache_memory", Gauge, Some(Unit::Bytes), "Blocks of RocksDB's tables.",
        |figures| Value::Count(figures.memory.block_cache)),
    row("vane_disk_free", Gauge, Some(Unit::Bytes), "Free space of the data directory's disk.",
        |figures| Value::Count(figures.disk_free_bytes)),
    row("vane_quotas_exceeded", Gauge, None,
        "Quotas, of memory and of the disk, for which this node takes no writes that grow.",
        |figures| count(figures.quotas_exceeded)),
    row("vane_uptime", Gauge, Some(Unit::Seconds), "Time since the start.",
        |figures| Value::Seconds(figures.uptime.as_secs_f64())),
];

impl Figures {
    /// Reads them. It counts vectors, so it is not for a thread that answers requests.
    pub(super) fn read(member: Option<&Member>, here: &[CollectionHere], uptime: Duration) -> Self {
        // Also while the node is no member: the process has a size and an age.
        let of_process = Self { uptime, ..Self::default() };
        let Some(member) = member else {
            return Self { memory: process_memory(), ..of_process };
        };
        let (counters, scrub) = (member.raft_counters(), member.scrub_progress());
        let reads = member.read_counters();
        Self {
            collections: here.iter().map(sum).collect(),
            memory: member.memory(),
            disk_free_bytes: member.disk_free_bytes(),
            quotas_exceeded: member.quotas_exceeded().count(),
            raft_syncs: load(&counters.syncs),
            raft_entries: load(&counters.entries),
            reads_leading: load(&reads.leading),
            reads_following: load(&reads.following),
            reads_by_lease: load(&reads.by_lease),
            snapshots_made: load(&counters.snapshots_made),
            snapshots_installed: load(&counters.snapshots_installed),
            broken_replicas: member.broken_replicas(),
            scrub_bytes: scrub.bytes(),
            scrub_passes: scrub.passes(),
            scrub_damaged: scrub.damaged(),
            scrubbed_at: scrub.whole_at(),
            ..of_process
        }
    }
}

/// What the replicas of a collection here hold together; nothing without one, which is not the
/// same as no such collection.
fn sum(here: &CollectionHere) -> (String, Info) {
    let mut sum = Info::default();
    here.shards.iter().filter_map(|shard| shard.info.clone()).for_each(|info| sum.add(info));
    (here.name.clone(), sum)
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for row in &OF_NODE {
            let metric = row.describe(&mut encoder)?;
            (row.value)(self).encode(row.kind, metric)?;
        }
        // A family without members would be a name and a help text without a value.
        if self.collections.is_empty() {
            return Ok(());
        }
        for row in &OF_COLLECTION {
            let mut metric = row.describe(&mut encoder)?;
            for (name, info) in &self.collections {
                let labels = OfCollection { collection: name.clone() };
                (row.value)(info).encode(row.kind, metric.encode_family(&labels)?)?;
            }
        }
        self.encode_recall(&mut encoder)?;
        let mut metric = PARTS_OF_MEMORY.describe(&mut encoder)?;
        for (collection, memory) in &self.memory.collections {
            for (part, bytes) in memory.parts() {
                let labels = PartOfMemory { collection: collection.clone(), part };
                let value = (PARTS_OF_MEMORY.value)(&bytes);
                value.encode(PARTS_OF_MEMORY.kind, metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

impl Figures {
    fn encode_recall(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut measured: Vec<(OfFilter, &Tally)> = Vec::new();
        for (name, info) in &self.collections {
            for (class, tally) in &info.recall.0 {
                let (collection, filter) = (name.clone(), class.name());
                measured.push((OfFilter { collection, filter }, tally));
            }
        }
        if measured.is_empty() {
            return Ok(());
        }
        for row in &OF_RECALL {
            let mut metric = row.describe(encoder)?;
            for (labels, tally) in &measured {
                (row.value)(tally).encode(row.kind, metric.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

impl<Source> Row<Source> {
    fn describe<'a>(
        &'a self,
        encoder: &'a mut DescriptorEncoder<'_>,
    ) -> Result<MetricEncoder<'a>, fmt::Error> {
        encoder.encode_descriptor(self.name, self.help, self.unit.as_ref(), self.kind)
    }
}

impl Value {
    fn encode(self, kind: MetricType, encoder: MetricEncoder<'_>) -> fmt::Result {
        match (self, kind) {
            (Self::Count(count), Counter) => ConstCounter::new(count).encode(encoder),
            (Self::Count(count), _) => {
                // Gauges are signed; nothing that is counted comes near their end.
                ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX)).encode(encoder)
            }
            (Self::Seconds(seconds) | Self::Share(seconds), _) => {
                ConstGauge::new(seconds).encode(encoder)
            }
        }
    }
}

fn count(value: usize) -> Value {
    Value::Count(u64::try_from(value).unwrap_or(u64::MAX))
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::Figures;
    use crate::engine::{Info, Memory, NodeMemory};

    fn exported(figures: Figures) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(figures));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn names_types_units_and_labels_are_as_dashboards_know_them() {
        let info = Info { points: 3, indexes_built: 2, vector_bytes: 8, ..Info::default() };
        let memory = Memory { ids: 24, ..Memory::default() };
        let collections = BTreeMap::from([("a".to_owned(), memory)]);
        let figures = Figures {
            collections: BTreeMap::from([("a".to_owned(), info)]),
            memory: NodeMemory { memtables: 9, collections, ..NodeMemory::default() },
            disk_free_bytes: 7,
            raft_syncs: 5,
            uptime: Duration::from_millis(1500),
            ..Figures::default()
        };
        let text = exported(figures);
        for lines in [
            "# HELP vane_points Points.\n# TYPE vane_points gauge\n\
             vane_points{collection=\"a\"} 3\n",
            "# TYPE vane_indexes_built counter\nvane_indexes_built_total{collection=\"a\"} 2\n",
            "# UNIT vane_vector_size_bytes bytes\nvane_vector_size_bytes{collection=\"a\"} 8\n",
            "# UNIT vane_collection_memory_bytes bytes\n\
             vane_collection_memory_bytes{collection=\"a\",part=\"ids\"} 24\n",
            "# TYPE vane_raft_log_syncs counter\nvane_raft_log_syncs_total 5\n",
            "# UNIT vane_memtable_memory_bytes bytes\nvane_memtable_memory_bytes 9\n",
            "# UNIT vane_disk_free_bytes bytes\nvane_disk_free_bytes 7\n",
            "# UNIT vane_uptime_seconds seconds\nvane_uptime_seconds 1.5\n",
            "vane_collections 1\n",
        ] {
            assert!(text.contains(lines), "no {lines} in\n{text}");
        }
    }

    #[test]
    fn without_collections_no_metric_of_them_is_named() {
        let text = exported(Figures::default());
        assert!(text.contains("vane_collections 0\n") && !text.contains("vane_points"), "{text}");
    }
}
