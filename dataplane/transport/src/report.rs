//! What a node tells of itself and of the groups that it leads.

use std::collections::BTreeMap;

use vane_raft::GroupStatus;
use vane_shard::Memory;
use vane_types::{GroupId, LogIndex, NodeId};

use crate::TransferReport;

/// Which groups a report is wanted of. Those that the node does not lead are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ReportRequest {
    /// None: only what the node tells of itself.
    #[default]
    NodeOnly,
    /// These.
    Groups(Vec<GroupId>),
    /// All.
    AllLed,
    /// Of replicas of these, led or not, what their points add up to.
    Sums(Vec<GroupId>),
    /// What the node has memory for.
    Memory,
}

/// What a replica's points add up to at some entries of its log: replicas of one group have the
/// same sum at the same entry.
pub type Sums = Vec<(LogIndex, u64)>;

/// A replica that is out of use, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenReplica {
    /// Its group.
    pub group: GroupId,
    /// For people.
    pub why: String,
}

/// A node's report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeReport {
    /// The node that reports.
    pub node: NodeId,
    /// Version of Vane that it runs.
    pub version: String,
    /// Protocol that it speaks.
    pub protocol: u32,
    /// Bytes free on its disk.
    pub disk_free_bytes: u64,
    /// Bytes of its disk in all.
    pub disk_total_bytes: u64,
    /// Its disk has no room for writes that grow.
    pub disk_full: bool,
    /// Index of the meta group that it has applied.
    pub meta_applied: LogIndex,
    /// It leads the meta group.
    pub leads_meta: bool,
    /// Open replicas of shards.
    pub replicas: u64,
    /// Those of the replicas that lead.
    pub leaders: u64,
    /// The groups that were asked for and that it leads.
    pub groups: BTreeMap<GroupId, GroupReport>,
    /// Replicas that are out of use here.
    pub broken: Vec<BrokenReplica>,
    /// Groups whose replicas differ, and nobody can say which are right.
    pub differing: Vec<GroupId>,
    /// Seconds since 1970 at which all that lies here was last found whole; 0 for never.
    pub scrubbed_at: u64,
    /// Of what the pass under way has to read, how many thousandths it has read.
    pub scrub_permille: u32,
    /// The sums that were asked for.
    pub sums: BTreeMap<GroupId, Sums>,
    /// What it has memory for, where that was asked for.
    pub memory: Option<NodeMemory>,
    /// Memory of its process, in per cent of what it may have.
    pub memory_percent: Option<u32>,
    /// Its disk in use, in per cent.
    pub disk_percent: Option<u32>,
    /// It takes no writes that grow, by the cluster's quotas.
    pub over_quota: bool,
}

/// What a node has memory for, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeMemory {
    /// In memory, pages of mapped files included.
    pub resident: u64,
    /// Of that, what the system cannot take back.
    pub anonymous: u64,
    /// Of mapped files, what the system may not take out of memory.
    pub pinned: u64,
    /// What RocksDB has in no table yet, of data and logs.
    pub memtables: u64,
    /// Blocks of RocksDB's tables.
    pub block_cache: u64,
    /// What the replicas of collections hold; each collection has an entry.
    pub collections: BTreeMap<String, Memory>,
}

/// A group as its leader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupReport {
    /// Raft's view.
    pub status: GroupStatus,
    /// Points; 0 for the meta group.
    pub points: u64,
    /// Bytes of vectors.
    pub vector_bytes: u64,
    /// Vectors in a graph.
    pub indexed_vectors: u64,
    /// Nodes of graphs that no search can come to.
    pub unreached_nodes: u64,
    /// Snapshots on their way from its leader.
    pub transfers: Vec<TransferReport>,
}
