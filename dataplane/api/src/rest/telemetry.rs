//! What a node says about itself at length: `GET /telemetry`, `GET /cluster/telemetry`.
//!
//! Figures that there are not are null or left out, not made up.

mod cluster;
mod collections;
mod requests;
mod segments;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use serde_json::{Map, Value, json};
use vane_types::{Durations, NodeId};

use super::cluster::{ConsensusThread, MemberState, QDRANT_VERSION, cluster_status};
use crate::engine::{CollectionHere, JobsHere, NodeMemory, SegmentFigures};
pub use cluster::{NodeTelemetry, ReplicaTelemetry, cluster_telemetry};
pub use collections::state_of;

/// By what was asked for, such as `PUT /collections/{collection_name}/points`, and by status.
pub type Responses = BTreeMap<String, BTreeMap<i32, Durations>>;

/// How much is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// From 0, the least, on.
    pub level: usize,
    /// Names of the user's are replaced.
    pub anonymize: bool,
    /// Requests also by collection.
    pub per_collection: bool,
}

/// What one door answered.
#[derive(Debug, Clone, Default)]
pub struct DoorTelemetry {
    /// All together.
    pub responses: Responses,
    /// Of each collection.
    pub of_collections: BTreeMap<String, Responses>,
}

/// What the process runs on.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Cores that it may use.
    pub cores: usize,
    /// KiB of memory that there is.
    pub memory_kib: Option<u64>,
    /// KiB of its disk.
    pub disk_kib: Option<u64>,
    /// It runs in a container of Docker's.
    pub is_docker: bool,
    /// It runs in a pod.
    pub is_pod: bool,
    /// What of the processor it may use, separated by commas.
    pub cpu_flags: String,
}

/// The cluster as the node sees it.
#[derive(Debug)]
pub struct ClusterTelemetry {
    /// The node.
    pub node: NodeId,
    /// Members.
    pub members: Vec<MemberState>,
    /// The meta group, by the thread of its log.
    pub thread: ConsensusThread,
}

/// A collection, and the jobs of its replicas here by the ordinal of their shard.
#[derive(Debug)]
pub struct CollectionTelemetry {
    /// What the node knows of it.
    pub here: CollectionHere,
    /// Where they were asked for.
    pub jobs: BTreeMap<usize, JobsHere>,
    /// The segments of its replicas here in the same way, where they were asked for.
    pub segments: BTreeMap<usize, Vec<SegmentFigures>>,
}

/// Everything that is told from.
#[derive(Debug)]
pub struct Telemetry<'a> {
    /// Of the process: drawn at its start.
    pub id: String,
    /// When it began, as the API writes times.
    pub started: String,
    /// Writes a moment as the API does.
    pub moment: fn(Instant) -> String,
    /// What it runs on.
    pub environment: Environment,
    /// The cluster; `None` while the node belongs to none.
    pub cluster: Option<ClusterTelemetry>,
    /// All collections.
    pub collections: &'a [CollectionTelemetry],
    /// REST.
    pub rest: DoorTelemetry,
    /// gRPC.
    pub grpc: DoorTelemetry,
    /// What the process has in memory.
    pub memory: NodeMemory,
    /// Bytes of its address space.
    pub mapped_bytes: u64,
}

/// `GET /telemetry`.
pub fn telemetry(of: &Telemetry<'_>, wanted: Wanted) -> Value {
    let mut told = Map::from_iter([
        ("id".to_owned(), json!(of.id)),
        ("app".to_owned(), app(of, wanted)),
        ("collections".to_owned(), collections::collections(of, wanted)),
        ("cluster".to_owned(), cluster(of, wanted)),
        (
            "requests".to_owned(),
            json!({
                "rest": requests::door(&of.rest, wanted),
                "grpc": requests::door(&of.grpc, wanted),
            }),
        ),
    ]);
    if wanted.level > 0 {
        told.insert("memory".to_owned(), memory(&of.memory, of.mapped_bytes));
        // What requests of a collection cost is not counted, so there is none to tell of.
        told.insert("hardware".to_owned(), json!({ "collection_data": {} }));
    }
    Value::Object(told)
}

fn app(of: &Telemetry<'_>, wanted: Wanted) -> Value {
    let mut app = json!({
        "name": "qdrant",
        "version": QDRANT_VERSION,
        "vane": env!("CARGO_PKG_VERSION"),
        "startup": of.started,
    });
    if wanted.level > 0 {
        let Environment { cores, memory_kib, disk_kib, is_docker, is_pod, cpu_flags } =
            &of.environment;
        let runtime = match (is_pod, is_docker) {
            (true, _) => "kubernetes",
            (false, true) => "docker",
            (false, false) => "none",
        };
        app["features"] = json!({
            "debug": cfg!(debug_assertions),
            "service_debug_feature": false,
            "recovery_mode": false,
            "gpu": false,
            "rocksdb": true,
            "staging": false,
        });
        app["system"] = json!({
            "is_docker": is_docker,
            "container_runtime": runtime,
            "cores": cores,
            "ram_size": memory_kib,
            "disk_size": disk_kib,
            "cpu_flags": cpu_flags,
            "cpu_endian": if cfg!(target_endian = "little") { "little" } else { "big" },
        });
    }
    app
}

fn cluster(of: &Telemetry<'_>, wanted: Wanted) -> Value {
    let Some(ClusterTelemetry { node, members, thread }) = &of.cluster else {
        return json!({ "enabled": false });
    };
    let mut told = json!({ "enabled": true });
    if wanted.level > 0 {
        let all = cluster_status(*node, members, thread, of.moment);
        let raft = &all["raft_info"];
        told["status"] = json!({
            "number_of_peers": members.len(),
            "term": raft["term"],
            "commit": raft["commit"],
            "pending_operations": raft["pending_operations"],
            "role": raft["role"],
            "is_voter": raft["is_voter"],
            "peer_id": node,
            "consensus_thread_status": all["consensus_thread_status"],
        });
        if wanted.level > 1 && !wanted.anonymize {
            told["peers"] = all["peers"].clone();
        }
        told["resharding_enabled"] = json!(false);
    }
    told
}

/// The allocator does not say how it divides what it has: all of it counts as allocated, and
/// nothing beside it as its own.
fn memory(memory: &NodeMemory, mapped_bytes: u64) -> Value {
    json!({
        "active_bytes": memory.anonymous,
        "allocated_bytes": memory.anonymous,
        "metadata_bytes": 0,
        "resident_bytes": memory.resident,
        "retained_bytes": mapped_bytes,
    })
}

impl Wanted {
    /// A name of the user's, or what stands for it.
    pub fn name(self, name: &str) -> String {
        if self.anonymize { anonymous(name) } else { name.to_owned() }
    }
}

/// What stands for a name: the same for the same, as long as the program is.
pub fn anonymous(name: &str) -> String {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish().to_string()
}
