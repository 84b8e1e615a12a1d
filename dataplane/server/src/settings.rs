//! What a node can be told, and the checks on it.

mod layers;
mod membership;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use layers::{Layers, LoadError, Loaded};

/// Settings of a node. `config/vane.yaml` shows them all with their defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address or name to listen on. There is no authentication: whoever reaches it, rules.
    pub host: String,
    /// Port of the REST API; 0 takes a free one, which the log names.
    pub http_port: u16,
    /// Port of the other nodes' calls and of administration (gRPC); 0 takes a free one.
    /// Every call there carries a token.
    pub peer_port: u16,
    /// Directory of everything that is kept. Made when it is not there.
    pub data_dir: PathBuf,
    /// Largest request body, in bytes; beyond it the answer is 413.
    pub max_request_bytes: usize,
    /// Seconds for a request that sets no `timeout` of its own; then the answer is 408.
    pub request_timeout_s: u64,
    /// Seconds that requests have to end after SIGTERM before they are cut off.
    pub shutdown_grace_s: u64,
    /// Requests worked on at a time; beyond them the answer is 429.
    pub concurrent_requests_max: usize,
    /// The cluster this node belongs to.
    pub cluster: Cluster,
    /// Searching.
    pub search: Search,
    /// Storing.
    pub storage: Storage,
    /// Logging.
    pub log: Log,
}

/// Settings of membership. Left alone, the node founds a cluster of its own on an empty
/// disk. What a disk belongs to already is never changed by settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// Settings of searches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// Threads that search; 0 for as many as there are cores.
    pub threads: usize,
    /// Searches that may wait for a thread; beyond them the answer is 429.
    pub pending_max: usize,
}

/// Settings of storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// MB of the disk left free: writes that would go below get 507. Deletes are still taken.
    pub min_free_mb: u64,
    /// MB kept in a file that is given up when the disk is full all the same.
    pub ballast_mb: u64,
    /// Milliseconds between syncs of the applied state. No write is lost in between: its
    /// log is synced before it is acknowledged. A longer time means a longer start.
    pub flush_interval_ms: u64,
    /// Rows after which a segment in memory is sealed into a file.
    pub growing_rows_max: usize,
    /// MB after which a segment in memory is sealed into a file.
    pub growing_mb_max: usize,
    /// Milliseconds without a write after which what is in memory is sealed and indexed.
    pub idle_seal_ms: u64,
    /// MB of writes on their way to the log; beyond them the answer is 429.
    pub pending_write_mb: usize,
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

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            http_port: 6333,
            peer_port: 6335,
            data_dir: "data".into(),
            max_request_bytes: 32 << 20,
            request_timeout_s: 60,
            shutdown_grace_s: 20,
            concurrent_requests_max: 1024,
            cluster: Cluster::default(),
            search: Search::default(),
            storage: Storage::default(),
            log: Log::default(),
        }
    }
}

impl Default for Search {
    fn default() -> Self {
        Self { threads: 0, pending_max: 1024 }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            min_free_mb: 1024,
            ballast_mb: 64,
            flush_interval_ms: 1000,
            growing_rows_max: 20_000,
            growing_mb_max: 64,
            idle_seal_ms: 1000,
            pending_write_mb: 256,
        }
    }
}

/// Longest time that a setting or a request may ask for: a day.
pub(crate) const TIMEOUT_S_MAX: u64 = 86_400;
const MS_MAX: u64 = 3_600_000;
const MB_MAX: u64 = 1 << 24;
const THREADS_MAX: u64 = 1024;
const COUNT_MAX: u64 = 1 << 24;

impl Settings {
    /// Everything that is out of its range, one line each; empty when all is well.
    pub fn problems(&self) -> Vec<String> {
        let Self {
            host, data_dir, cluster, search, storage, log: Log { level: _, format: _ }, ..
        } = self;
        let mut problems = Vec::new();
        if host.trim().is_empty() {
            problems.push(
                "host is empty; give an address such as 127.0.0.1, or 0.0.0.0 for all".to_owned(),
            );
        }
        if data_dir.as_os_str().is_empty() {
            problems.push("data_dir is empty; give a directory".to_owned());
        }
        problems.extend(cluster.problems());
        let body_max = vane_types::limits::COMMAND_BYTES_MAX as u64 / 2;
        let ranges = [
            ("max_request_bytes", self.max_request_bytes as u64, 1024, body_max),
            ("request_timeout_s", self.request_timeout_s, 1, TIMEOUT_S_MAX),
            ("shutdown_grace_s", self.shutdown_grace_s, 0, TIMEOUT_S_MAX),
            ("concurrent_requests_max", self.concurrent_requests_max as u64, 1, COUNT_MAX),
            ("search.threads", search.threads as u64, 0, THREADS_MAX),
            ("search.pending_max", search.pending_max as u64, 1, COUNT_MAX),
            ("storage.min_free_mb", storage.min_free_mb, 0, MB_MAX),
            ("storage.ballast_mb", storage.ballast_mb, 0, MB_MAX),
            ("storage.flush_interval_ms", storage.flush_interval_ms, 10, MS_MAX),
            ("storage.growing_rows_max", storage.growing_rows_max as u64, 1, COUNT_MAX),
            ("storage.growing_mb_max", storage.growing_mb_max as u64, 1, MB_MAX),
            ("storage.idle_seal_ms", storage.idle_seal_ms, 1, MS_MAX),
            ("storage.pending_write_mb", storage.pending_write_mb as u64, 1, MB_MAX),
        ];
        let outside =
            ranges.into_iter().filter(|(_, value, min, max)| !(min..=max).contains(&value));
        problems.extend(outside.map(|(key, value, min, max)| {
            format!("{key} is {value}, must be from {min} to {max}")
        }));
        let bytes_max = (storage.pending_write_mb as u64) << 20;
        if self.max_request_bytes as u64 > bytes_max {
            problems.push(format!(
                "max_request_bytes is {}, more than storage.pending_write_mb ({bytes_max} bytes) lets in; \
                 raise that or lower this",
                self.max_request_bytes
            ));
        }
        problems
    }

    /// Threads that search.
    pub fn search_threads(&self) -> usize {
        match self.search.threads {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            threads => threads,
        }
    }

    /// Time for a request that sets none of its own.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_s)
    }

    /// The part that the engine is told.
    pub(crate) fn engine(&self, node: vane_cluster::NodeSettings) -> vane_cluster::Settings {
        let storage = &self.storage;
        vane_cluster::Settings {
            node,
            data_dir: self.data_dir.clone(),
            search_threads: self.search_threads(),
            pending_searches_max: self.search.pending_max,
            pending_write_bytes_max: storage.pending_write_mb << 20,
            min_free_bytes: storage.min_free_mb << 20,
            ballast_bytes: storage.ballast_mb << 20,
            flush_interval: Duration::from_millis(storage.flush_interval_ms),
            idle_seal_after: Duration::from_millis(storage.idle_seal_ms),
            growing_bytes_max: storage.growing_mb_max << 20,
            growing_rows_max: storage.growing_rows_max,
        }
    }

    /// These settings as a file that `--config` takes.
    pub fn to_yaml(&self) -> String {
        // JSON scalars are YAML scalars, and the settings are two levels deep.
        let json = serde_json::to_value(self).expect("settings are plain data");
        let mut yaml = String::new();
        for (key, value) in json.as_object().into_iter().flatten() {
            match value.as_object() {
                None => yaml += &format!("{key}: {value}\n"),
                Some(section) => {
                    yaml += &format!("{key}:\n");
                    section.iter().for_each(|(key, value)| yaml += &format!("  {key}: {value}\n"));
                }
            }
        }
        yaml
    }
}
