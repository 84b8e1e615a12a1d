//! What a node can be told, and the checks on it.

mod layers;
mod membership;
mod section;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::{EngineSettings, NodeSettings, ScrubSettings};
pub use layers::{Layers, LoadError, Loaded};
pub use membership::TokenError;
use section::section;

/// Longest time that a setting or a request may ask for: a day.
pub(crate) const TIMEOUT_S_MAX: u64 = 86_400;
const MS_MAX: u64 = 3_600_000;
const SCRUB_MB_PER_S_MAX: u64 = 1 << 16;
/// A quarter of a year: a disk on which a bit has flipped has had time to lose another.
const SCRUB_INTERVAL_S_MAX: u64 = 90 * 86_400;
const MB_MAX: u64 = 1 << 24;
const THREADS_MAX: u64 = 1024;
const COUNT_MAX: u64 = 1 << 24;
/// Largest body that a node may be told to take; the commands that it becomes are limited too.
const BODY_BYTES_MAX: u64 = 64 << 20;

section! {
    /// Settings of a node. `config/vane.yaml` shows them all with their defaults.
    Settings {
        /// Address or name to listen on. There is no authentication: whoever reaches it, rules.
        host: String = "127.0.0.1".into();
        /// Port of the REST API; 0 takes a free one, which the log names.
        http_port: u16 = 6333;
        /// Port of Qdrant's gRPC; 0 takes a free one, which the log names.
        grpc_port: u16 = 6334;
        /// Port of the other nodes' calls and of administration (gRPC); 0 takes a free one.
        /// Every call there carries a token.
        peer_port: u16 = 6335;
        /// Directory of everything that is kept. Made when it is not there.
        data_dir: PathBuf = "data".into();
        /// Largest request body, in bytes; beyond it the answer is 413.
        max_request_bytes: usize = 32 << 20, from 1024 to BODY_BYTES_MAX;
        /// Seconds for a request that sets no `timeout` of its own; then the answer is 408.
        request_timeout_s: u64 = 60, from 1 to TIMEOUT_S_MAX;
        /// Seconds that requests have to end after SIGTERM before they are cut off.
        shutdown_grace_s: u64 = 20, from 0 to TIMEOUT_S_MAX;
        /// Requests worked on at a time; beyond them the answer is 429.
        concurrent_requests_max: usize = 1024, from 1 to COUNT_MAX;
        /// Stands before the names that metrics have in Qdrant, such as `qdrant_`; those that begin
        /// with `vane_` stay as they are.
        metrics_prefix: String = String::new();
        /// The cluster this node belongs to.
        cluster: Cluster = Cluster::default();
        /// Searching.
        search: Search = Search::default();
        /// Storing.
        storage: Storage = Storage::default();
        /// Logging.
        log: Log = Log::default();
    }
}

section! {
    /// Settings of searches.
    Search {
        /// Threads that search; 0 for as many as there are cores.
        threads: usize = 0, from 0 to THREADS_MAX;
        /// Searches that may wait for a thread; beyond them the answer is 429.
        pending_max: usize = 1024, from 1 to COUNT_MAX;
    }
}

section! {
    /// Settings of storage.
    Storage {
        /// MB of the disk left free: writes that would go below get 507. Deletes are still taken.
        min_free_mb: u64 = 1024, from 0 to MB_MAX;
        /// MB kept in a file that is given up when the disk is full all the same.
        ballast_mb: u64 = 64, from 0 to MB_MAX;
        /// Milliseconds between syncs of the applied state. No write is lost in between: its
        /// log is synced before it is acknowledged. A longer time means a longer start.
        flush_interval_ms: u64 = 1000, from 10 to MS_MAX;
        /// Rows after which a segment in memory is sealed into a file.
        growing_rows_max: usize = 20_000, from 1 to COUNT_MAX;
        /// MB after which a segment in memory is sealed into a file, and no more than a
        /// thirty-second of the memory.
        growing_mb_max: usize = 64, from 1 to MB_MAX;
        /// Threads that build graphs: so many at rest, half as many beside searches and writes; 0
        /// for as many as there are cores.
        build_threads: usize = 0, from 0 to THREADS_MAX;
        /// MB of memory that builds of graphs take at most, which bounds how large segments grow:
        /// of 384 dimensions one graph of 1.8 million points takes 1 GB, and builds on half of the
        /// cores and one more may run side by side. 0 for a quarter of what there is.
        build_memory_mb: usize = 0, from 0 to MB_MAX;
        /// Milliseconds without a write after which what is in memory is sealed and indexed.
        idle_seal_ms: u64 = 1000, from 1 to MS_MAX;
        /// MB of writes on their way to the log; beyond them the answer is 429.
        pending_write_mb: usize = 256, from 1 to MB_MAX;
        /// MB read in a second to see whether what lies on the disk is what was written; 0 for
        /// never.
        scrub_mb_per_s: u64 = 20, from 0 to SCRUB_MB_PER_S_MAX;
        /// Seconds from the start of one such pass over everything to the start of the next.
        scrub_interval_s: u64 = 86_400, from 1 to SCRUB_INTERVAL_S_MAX;
        /// Seconds between comparisons of the replicas of each shard.
        compare_interval_s: u64 = 300, from 1 to TIMEOUT_S_MAX;
    }
}

/// Settings of membership. Left alone, the node founds a cluster of its own on an empty
/// disk. What a disk belongs to already is never changed by settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// Belong to a cluster of several nodes: on an empty disk join it through the seeds, or
    /// wait to be bootstrapped (`vanectl bootstrap`). Seeds imply it.
    pub enabled: bool,
    /// Where members may be found, separated by commas: `10.0.0.1:6335`, `host:6335`, or
    /// `dns:name:6335` for all addresses of a name.
    pub seeds: String,
    /// Name of the node for people; empty for the machine's.
    pub name: String,
    /// Where the other nodes reach this one (host:port); empty for `host` and `peer_port`.
    pub address: String,
    /// Where clients reach its REST API (host:port); empty for `host` and `http_port`.
    pub rest_address: String,
    /// IP address to call the other nodes from; empty for the system's choice.
    pub dial_from: String,
    /// Secret that every call between nodes and of administration carries. Needed in a
    /// cluster; else one is drawn and kept in `<data_dir>/admin-token`.
    pub token: String,
    /// File with the secret, instead of `token`.
    pub token_file: PathBuf,
    /// Seconds of silence after which another node may have a node's vote in the meta group.
    pub lost_after_s: u64,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            enabled: false,
            seeds: String::new(),
            name: String::new(),
            address: String::new(),
            rest_address: String::new(),
            dial_from: String::new(),
            token: String::new(),
            token_file: PathBuf::new(),
            lost_after_s: 600,
        }
    }
}

/// Settings of logs, which go to stderr.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Least severe level that is logged. Every request is one line at `debug`.
    pub level: LogLevel,
    /// Form of the lines.
    pub format: LogFormat,
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

impl Settings {
    /// Everything that is out of its range, one line each; empty when all is well.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.host.trim().is_empty() {
            problems.push(
                "host is empty; give an address such as 127.0.0.1, or `::` for all".to_owned(),
            );
        }
        if self.data_dir.as_os_str().is_empty() {
            problems.push("data_dir is empty; give a directory".to_owned());
        }
        if !is_metric_name(&self.metrics_prefix) {
            problems.push(format!(
                "metrics_prefix is `{}`; give letters, digits and `_`, and no digit first",
                self.metrics_prefix
            ));
        }
        problems.extend(self.cluster.problems());
        problems.extend(self.outside(""));
        problems.extend(self.search.outside("search."));
        problems.extend(self.storage.outside("storage."));
        // A body that is larger than all that may wait could never be taken.
        let bytes_max = (self.storage.pending_write_mb as u64) << 20;
        if self.max_request_bytes as u64 > bytes_max {
            problems.push(format!(
                "max_request_bytes is {}, more than storage.pending_write_mb ({bytes_max} bytes) \
                 lets in; raise that or lower this",
                self.max_request_bytes
            ));
        }
        problems
    }

    /// Threads that search.
    pub fn search_threads(&self) -> usize {
        or_cores(self.search.threads)
    }

    /// The part that the engine is told.
    pub(crate) fn engine(&self, node: NodeSettings) -> EngineSettings {
        let storage = &self.storage;
        EngineSettings {
            node,
            data_dir: self.data_dir.clone(),
            search_threads: self.search_threads(),
            build_threads: or_cores(storage.build_threads),
            build_bytes_max: Some(storage.build_memory_mb << 20).filter(|bytes| *bytes > 0),
            pending_searches_max: self.search.pending_max,
            pending_write_bytes_max: storage.pending_write_mb << 20,
            min_free_bytes: storage.min_free_mb << 20,
            ballast_bytes: storage.ballast_mb << 20,
            flush_interval: Duration::from_millis(storage.flush_interval_ms),
            idle_seal_after: Duration::from_millis(storage.idle_seal_ms),
            lost_after: Duration::from_secs(self.cluster.lost_after_s),
            growing_bytes_max: storage.growing_mb_max << 20,
            growing_rows_max: storage.growing_rows_max,
            scrub: ScrubSettings {
                bytes_per_second: storage.scrub_mb_per_s << 20,
                interval: Duration::from_secs(storage.scrub_interval_s),
            },
            compare_interval: Duration::from_secs(storage.compare_interval_s),
        }
    }

    /// These settings as a file that `--config` takes.
    pub fn to_yaml(&self) -> String {
        serde_saphyr::to_string(self).expect("settings are plain data")
    }
}

/// Whether a metric's name may begin so.
fn is_metric_name(prefix: &str) -> bool {
    let may_be = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    prefix.chars().all(may_be) && !prefix.starts_with(|letter: char| letter.is_ascii_digit())
}

/// As many as are set, or as there are cores.
fn or_cores(threads: usize) -> usize {
    match threads {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        threads => threads,
    }
}
