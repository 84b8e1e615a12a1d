//! What a node is told at start.

use std::path::PathBuf;
use std::time::Duration;

/// Bounds and places of a node.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Threads that search.
    pub search_threads: usize,
    /// Searches that may wait for a thread.
    pub pending_searches_max: usize,
    /// Bytes of writes that may be between proposal and answer.
    pub pending_write_bytes_max: usize,
    /// Bytes of the disk that growing writes leave free.
    pub min_free_bytes: u64,
    /// Bytes kept in a file that is removed when the disk is full.
    pub ballast_bytes: u64,
    /// Time between syncs of `data.db`; logs are truncated behind them.
    pub flush_interval: Duration,
    /// Pause of writes after which a shard's tail is sealed and indexed.
    pub idle_seal_after: Duration,
    /// Bytes after which a growing segment is sealed.
    pub growing_bytes_max: usize,
    /// Rows after which a growing segment is sealed.
    pub growing_rows_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            search_threads: std::thread::available_parallelism().map_or(2, usize::from),
            pending_searches_max: 1024,
            pending_write_bytes_max: 256 << 20,
            min_free_bytes: 1 << 30,
            ballast_bytes: 64 << 20,
            flush_interval: Duration::from_secs(1),
            idle_seal_after: Duration::from_secs(1),
            growing_bytes_max: 64 << 20,
            growing_rows_max: 20_000,
        }
    }
}
