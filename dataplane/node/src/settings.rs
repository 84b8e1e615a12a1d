//! What a node is told at start.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use std::net::IpAddr;

use vane_shard::{BuildCores, ShardSettings, SpareTime};
use vane_storage::{memory_bytes, share_of_memory};

use crate::scrub::ScrubSettings;

/// Points that come into a payload index at a time: about a millisecond's work.
const FILL_POINTS: usize = 128;
/// Part of the memory that a growing segment may take, as a divisor: some are sealed beside it.
const GROWING_SHARE: u64 = 32;

/// How a node presents itself, and how it calls the others.
#[derive(Debug, Clone)]
pub struct NodeSettings {
    /// A name for people, such as the host's.
    pub name: String,
    /// Where peers reach it: host:port.
    pub address: String,
    /// Where clients reach its REST API: host:port.
    pub rest_address: String,
    /// Version that it runs.
    pub version: String,
    /// Address to call the others from, where the machine has several.
    pub dial_from: Option<IpAddr>,
    /// The secret that every call between nodes carries.
    pub token: String,
    /// Where other members may be found (`vane_discovery::Seed`). `None`: the node belongs
    /// to no others, and founds a cluster of one on an empty disk.
    pub seeds: Option<Vec<String>>,
}

/// Bounds and places of a node.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Itself and the others.
    pub node: NodeSettings,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Threads that search.
    pub search_threads: usize,
    /// Threads that build graphs, at most.
    pub build_threads: usize,
    /// Bytes of memory that builds of graphs may take, which bounds how large segments grow;
    /// `None` for a quarter of what there is.
    pub build_bytes_max: Option<usize>,
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
    /// Silence of a node after which another may have its vote in the meta group.
    pub lost_after: Duration,
    /// Bytes after which a growing segment is sealed.
    pub growing_bytes_max: usize,
    /// Rows after which a growing segment is sealed.
    pub growing_rows_max: usize,
    /// How fast and how often everything is read to see whether it is what was written.
    pub scrub: ScrubSettings,
    /// Time between comparisons of replicas.
    pub compare_interval: Duration,
}

impl Settings {
    /// The part that a shard is told.
    pub(crate) fn shard(&self) -> ShardSettings {
        let quarter = || usize::try_from(memory_bytes() / 4).unwrap_or(usize::MAX);
        let build_bytes = self.build_bytes_max.unwrap_or_else(quarter);
        let build_cores = Arc::new(BuildCores::new(self.build_threads));
        ShardSettings {
            growing_rows_max: self.growing_rows_max,
            growing_bytes_max: share_of_memory(GROWING_SHARE, self.growing_bytes_max),
            idle_after: self.idle_seal_after,
            fill_points: FILL_POINTS,
            // One more is at work where rows pile up.
            build_bytes_max: build_bytes / (build_cores.builds_max() + 1),
            build_cores,
            spare_time: Arc::new(SpareTime::default()),
            stirred: Arc::default(),
            may_have_few_bits: Arc::default(),
        }
    }
}
