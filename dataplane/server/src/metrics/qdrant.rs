//! The same figures under the names that dashboards for Qdrant know, as far as there are such
//! figures here.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use vane_api::rest::telemetry::{anonymous, state_of};
use vane_types::{DURATION_BOUNDS_US, Durations, NodeId};

use super::answers::{COLLECTIONS_TOLD_APART, Responses};
use super::served::{GRPC, REST};
use crate::engine::{CollectionHere, NodeMemory, ShardHere};
use crate::environment::Process;

/// The version of the API, as `GET /` has it.
const VERSION: &str = vane_api::rest::cluster::QDRANT_VERSION;

/// What is told from.
#[derive(Debug, Default)]
pub(super) struct QdrantFigures {
    /// Stands before each name.
    pub(super) prefix: String,
    /// Names of collections are replaced.
    pub(super) anonymize: bool,
    /// Requests by collection, in place of all together.
    pub(super) per_collection: bool,
    pub(super) node: Option<NodeId>,
    pub(super) members: usize,
    pub(super) meta: Option<Meta>,
    pub(super) collections: Vec<CollectionHere>,
    pub(super) memory: NodeMemory,
    pub(super) process: Process,
    /// By collection, or all under the empty name.
    pub(super) rest: BTreeMap<String, Responses>,
    pub(super) grpc: BTreeMap<String, Responses>,
}

/// The meta group as this node sees it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Meta {
    pub(super) term: u64,
    pub(super) committed: u64,
    /// Entries that are committed and not applied here.
    pub(super) waiting: u64,
    pub(super) votes: bool,
}

type Labels = Vec<(&'static str, String)>;
type Samples<T = u64> = Vec<(Labels, T)>;

/// Encodes families; one without samples is left out.
struct Families<'a, 'e> {
    encoder: &'a mut DescriptorEncoder<'e>,
    prefix: &'a str,
}

impl Families<'_, '_> {
    fn family(
        &mut self,
        (name, help): (&str, &str),
        kind: MetricType,
        encode: impl Fn(MetricEncoder<'_>, usize) -> fmt::Result,
        labels: &[&Labels],
    ) -> fmt::Result {
        if labels.is_empty() {
            return Ok(());
        }
        let name = format!("{}{name}", self.prefix);
        let mut metric = self.encoder.encode_descriptor(&name, help, None, kind)?;
        // Without labels there is one, and no braces.
        if labels.iter().all(|labels| labels.is_empty()) {
            return encode(metric, 0);
        }
        for (at, labels) in labels.iter().enumerate() {
            encode(metric.encode_family(*labels)?, at)?;
        }
        Ok(())
    }

    fn gauges(&mut self, name: &str, help: &str, samples: &Samples) -> fmt::Result {
        let labels: Vec<&Labels> = samples.iter().map(|(labels, _)| labels).collect();
        let encode = |mut metric: MetricEncoder<'_>, at: usize| {
            // Gauges are signed; nothing that is counted comes near their end.
            metric.encode_gauge(&i64::try_from(samples[at].1).unwrap_or(i64::MAX))
        };
        self.family((name, help), MetricType::Gauge, encode, &labels)
    }

    fn seconds(&mut self, name: &str, help: &str, samples: &Samples<f64>) -> fmt::Result {
        let labels: Vec<&Labels> = samples.iter().map(|(labels, _)| labels).collect();
        let encode = |mut metric: MetricEncoder<'_>, at: usize| metric.encode_gauge(&samples[at].1);
        self.family((name, help), MetricType::Gauge, encode, &labels)
    }

    /// `name` without `_total`, which the format adds.
    fn counters(&mut self, name: &str, help: &str, samples: &Samples) -> fmt::Result {
        let labels: Vec<&Labels> = samples.iter().map(|(labels, _)| labels).collect();
        let encode = |mut metric: MetricEncoder<'_>, at: usize| {
            metric.encode_counter::<NoLabelSet, u64, u64>(&samples[at].1, None)
        };
        self.family((name, help), MetricType::Counter, encode, &labels)
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Into<Option<u64>>) -> fmt::Result {
        let samples: Samples =
            value.into().map(|value| (Labels::new(), value)).into_iter().collect();
        self.gauges(name, help, &samples)
    }

    fn counter(&mut self, name: &str, help: &str, value: Option<u64>) -> fmt::Result {
        let samples: Samples = value.map(|value| (Labels::new(), value)).into_iter().collect();
        self.counters(name, help, &samples)
    }

    fn histograms(
        &mut self,
        name: &str,
        help: &str,
        samples: &[(Labels, &Durations)],
    ) -> fmt::Result {
        let labels: Vec<&Labels> = samples.iter().map(|(labels, _)| labels).collect();
        let encode = |mut metric: MetricEncoder<'_>, at: usize| {
            let durations = samples[at].1;
            let bounds = DURATION_BOUNDS_US.iter().map(|bound| *bound as f64 / 1e6);
            let mut classes: Vec<(f64, u64)> = bounds.zip(durations.classes).collect();
            let within: u64 = durations.classes.iter().sum();
            classes.push((f64::INFINITY, durations.count.saturating_sub(within)));
            let sum = durations.total_us as f64 / 1e6;
            metric.encode_histogram::<NoLabelSet>(sum, durations.count, &classes, None)
        };
        self.family((name, help), MetricType::Histogram, encode, &labels)
    }
}

impl Collector for QdrantFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families { encoder: &mut encoder, prefix: &self.prefix };
        let app = vec![("name", "qdrant".to_owned()), ("version", VERSION.to_owned())];
        families.gauges("app_info", "information about qdrant server", &vec![(app, 1)])?;
        families.gauge("app_status_recovery_mode", "It only lets collections be deleted", 0)?;
        self.collections(&mut families)?;
        self.replicas(&mut families)?;
        self.cluster(&mut families)?;
        self.requests(&mut families, "rest", &self.rest)?;
        self.requests(&mut families, "grpc", &self.grpc)?;
        self.process(&mut families)
    }
}

impl QdrantFigures {
    fn id(&self, collection: &CollectionHere) -> String {
        if self.anonymize { anonymous(&collection.name) } else { collection.name.clone() }
    }

    /// Collections that have figures of their own.
    fn told_apart(&self) -> impl Iterator<Item = &CollectionHere> {
        self.collections.iter().take(COLLECTIONS_TOLD_APART)
    }

    /// A figure of each collection.
    fn of_each(&self, figure: impl Fn(&CollectionHere) -> usize) -> Samples {
        let sample = |it: &CollectionHere| (vec![("id", self.id(it))], figure(it) as u64);
        self.told_apart().map(sample).collect()
    }

    fn collections(&self, families: &mut Families<'_, '_>) -> fmt::Result {
        let all = self.collections.iter().flat_map(|it| &it.shards);
        let vectors: usize =
            all.filter_map(|shard| shard.info.as_ref()).map(|info| info.vectors).sum();
        families.gauge("collections_total", "Collections", self.collections.len() as u64)?;
        families.gauge(
            "collections_vector_total",
            "Vectors of all collections on this node",
            vectors as u64,
        )?;
        let points = self.of_each(|it| infos(it).map(|info| info.points).sum());
        families.gauges("collection_points", "Points of a collection on this node", &points)?;
        let mut vectors: Samples = Vec::new();
        let mut left_out: Samples = Vec::new();
        for collection in self.told_apart() {
            let mut by_name: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
            for (name, of_vector) in infos(collection).flat_map(|info| &info.by_vector) {
                let sums = by_name.entry(name).or_default();
                sums.0 += of_vector.vectors as u64;
                sums.1 += of_vector.left_out as u64;
            }
            for (name, (all, out)) in by_name {
                let labels = |key| vec![(key, self.id(collection)), ("vector", name.to_owned())];
                vectors.push((labels("collection"), all));
                left_out.push((labels("id"), out));
            }
        }
        families.gauges("collection_vectors", "Vectors by their name, on this node", &vectors)?;
        families.gauges(
            "collection_indexed_only_excluded_points",
            "Vectors that a search with indexed_only leaves out",
            &left_out,
        )?;
        let running = self.of_each(|it| infos(it).map(|info| info.jobs_running).sum());
        families.gauges(
            "collection_running_optimizations",
            "Background jobs that run",
            &running,
        )?;
        let waiting = self.of_each(|it| infos(it).map(|info| info.waiting as usize).sum());
        families.gauges(
            "collection_update_queue_length",
            "Writes that are in the log and not applied yet",
            &waiting,
        )?;
        families.gauges(
            "collection_update_queue_deferred_points",
            "Points that reads do not show yet: there are none, an applied write shows",
            &self.of_each(|_| 0),
        )
    }

    fn replicas(&self, families: &mut Families<'_, '_>) -> fmt::Result {
        let shards = || self.collections.iter().flat_map(|it| &it.shards);
        let active = shards().map(|shard| count(shard, &["Active"]));
        let least = active.clone().min().unwrap_or_default();
        families.gauge(
            "collection_active_replicas_min",
            "Replicas that answer and vote, of the shard with the fewest",
            least,
        )?;
        families.gauge(
            "collection_active_replicas_max",
            "Replicas that answer and vote, of the shard with the most",
            active.max().unwrap_or_default(),
        )?;
        let dead: u64 = shards().map(|shard| count(shard, &["Dead", "Partial"])).sum();
        families.gauge(
            "collection_dead_replicas",
            "Replicas that should vote and do not, or do not answer",
            dead,
        )?;
        let is_here = |node: &&NodeId| Some(**node) == self.node;
        let incoming = self.of_each(|it| {
            it.shards.iter().flat_map(|shard| &shard.incoming).filter(is_here).count()
        });
        families.gauges(
            "collection_shard_transfer_incoming",
            "Replicas on their way to this node",
            &incoming,
        )?;
        let outgoing = self.of_each(|it| {
            let led = it.shards.iter().filter(|shard| shard.leader.is_some_and(|it| is_here(&&it)));
            led.map(|shard| shard.incoming.len()).sum()
        });
        families.gauges(
            "collection_shard_transfer_outgoing",
            "Replicas on their way from this node, which leads their shards",
            &outgoing,
        )
    }

    fn cluster(&self, families: &mut Families<'_, '_>) -> fmt::Result {
        families.gauge(
            "cluster_enabled",
            "Always 1 of a member",
            u64::from(self.node.is_some()),
        )?;
        let Some(node) = self.node else { return Ok(()) };
        families.gauge("cluster_peers_total", "Members", self.members as u64)?;
        let Some(Meta { term, committed, waiting, votes }) = self.meta else { return Ok(()) };
        families.gauge("cluster_term", "Term of the meta group", term)?;
        let of_peer = vec![(vec![("peer_id", node.to_string())], committed)];
        families.gauges("cluster_commit", "Last entry that the meta group committed", &of_peer)?;
        families.gauge(
            "cluster_pending_operations_total",
            "Entries of the meta group that are committed and not applied here",
            waiting,
        )?;
        families.gauge("cluster_voter", "Whether this node votes in it", u64::from(votes))
    }

    fn requests(
        &self,
        families: &mut Families<'_, '_>,
        door: &str,
        answered: &BTreeMap<String, Responses>,
    ) -> fmt::Result {
        let served = if door == "rest" { &REST } else { &GRPC };
        let mut all: Vec<(Labels, i32, &Durations)> = Vec::new();
        for (collection, responses) in answered {
            let served = responses.iter().filter(|(asked, _)| served.tells(asked));
            for (asked, by_status) in served {
                for (status, durations) in by_status {
                    let mut labels = served_labels(asked, *status);
                    if self.per_collection {
                        let name = match self.anonymize {
                            true => anonymous(collection),
                            false => collection.clone(),
                        };
                        labels.push(("collection", name));
                    }
                    all.push((labels, *status, durations));
                }
            }
        }
        let counts = all.iter().map(|(labels, _, it)| (labels.clone(), it.count)).collect();
        let name = |what: &str| format!("{door}_responses{what}");
        families.counters(&name(""), "Answers", &counts)?;
        // Those of failures would say nothing of how long the work takes.
        let well = all.iter().filter(|(_, status, _)| *status == served.well);
        let well: Vec<(Labels, &Durations)> =
            well.map(|(labels, _, durations)| (labels.clone(), *durations)).collect();
        let seconds = |of: fn(&Durations) -> f64| -> Samples<f64> {
            well.iter().map(|(labels, it)| (labels.clone(), of(it) / 1e6)).collect()
        };
        let (mean, least, most) = (
            seconds(|it| it.mean_us),
            seconds(|it| it.min_us as f64),
            seconds(|it| it.max_us as f64),
        );
        families.seconds(&name("_avg_duration_seconds"), "Mean of the latest", &mean)?;
        families.seconds(&name("_min_duration_seconds"), "The shortest", &least)?;
        families.seconds(&name("_max_duration_seconds"), "The longest", &most)?;
        families.histograms(&name("_duration_seconds"), "How long answers took", &well)
    }

    fn process(&self, families: &mut Families<'_, '_>) -> fmt::Result {
        let NodeMemory { resident, anonymous, .. } = self.memory;
        families.gauge(
            "memory_resident_bytes",
            "Resident memory, pages of files included",
            resident,
        )?;
        families.gauge(
            "memory_active_bytes",
            "Resident memory without pages of files",
            anonymous,
        )?;
        families.gauge(
            "memory_allocated_bytes",
            "The same: the allocator does not divide it",
            anonymous,
        )?;
        let it = &self.process;
        families.gauge("process_threads", "Threads", it.threads)?;
        families.gauge("process_open_mmaps", "Mapped areas", it.mappings)?;
        families.gauge(
            "system_max_mmaps",
            "Mapped areas that a process may have",
            it.mappings_max,
        )?;
        families.gauge("process_open_fds", "Open files", it.open_files)?;
        families.gauge("process_max_fds", "Files that it may have open", it.open_files_max)?;
        let faults = |of: fn(&crate::environment::Faults) -> u64| it.faults.as_ref().map(of);
        families.counter("process_minor_page_faults", "Without a disk", faults(|it| it.minor))?;
        families.counter("process_major_page_faults", "With a disk", faults(|it| it.major))?;
        families.counter(
            "process_minor_page_faults_children",
            "Without a disk, of children that ended",
            faults(|it| it.minor_of_children),
        )?;
        families.counter(
            "process_major_page_faults_children",
            "With a disk, of children that ended",
            faults(|it| it.major_of_children),
        )
    }
}

/// What the replicas of a collection here hold.
fn infos(collection: &CollectionHere) -> impl Iterator<Item = &crate::engine::Info> {
    collection.shards.iter().filter_map(|shard| shard.info.as_ref())
}

fn count(shard: &ShardHere, states: &[&str]) -> u64 {
    shard.replicas.iter().filter(|it| states.contains(&state_of(it))).count() as u64
}

fn served_labels(asked: &str, status: i32) -> Labels {
    let mut labels = match asked.split_once(' ') {
        Some((method, endpoint)) => {
            vec![("method", method.to_owned()), ("endpoint", endpoint.to_owned())]
        }
        None => vec![("endpoint", asked.to_owned())],
    };
    labels.push(("status", status.to_string()));
    labels
}

#[cfg(test)]
mod tests;
