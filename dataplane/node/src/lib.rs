//! The life of a node: from an empty disk to a member of a cluster, and to its end.
//!
//! Owns founding and joining, the replicas that are open here and the threads that keep them,
//! what this node answers others, the reconciler of members, and what people are shown. It
//! reaches other nodes through `vane_transport` alone, acts on what the catalog says and on
//! plans of `vane_placement`, and must never decide about them itself, route a client's
//! request (the coordinator does), or know HTTP.

mod administration;
mod admission;
mod broken;
mod catalog_sync;
mod compare;
mod drain;
mod following;
mod gate;
mod introducing;
mod leader_request;
mod liveness;
mod log_store;
mod maintenance;
mod member;
mod memory;
mod meta_replica;
mod node;
mod not_ready;
mod open_error;
mod overview;
mod peer_member;
mod pool;
mod progress;
mod proposals;
mod quota;
mod reads;
mod rebalancer;
mod reception;
mod reconciler;
mod recovery;
mod refill;
mod replicas;
mod report;
mod scrub;
mod search_views;
mod settings;
mod shards;
mod standing;

pub use liveness::Failed;
pub use member::Member;
pub use memory::of_process as process_memory;
pub use node::Node;
pub use not_ready::NotReady;
pub use open_error::OpenError;
pub use overview::{
    BalanceOverview, CollectionHere, CollectionOverview, JobsHere, MemoryOverview, MoveOverview,
    MovePhase, NodeOverview, PeerQuota, Problem, QuotaOverview, ReplicaHere, Safety, ShardHere,
    ShardOverview, ShardReplica, Summary,
};
pub use quota::{Exceeded, Usage};
pub use reads::ReadCounters;
pub use reception::Reception;
pub use recovery::{Fate, GroupState, Recovering, Recovery};
pub use scrub::{ScrubProgress, ScrubSettings};
pub use settings::{NodeSettings, Settings};
pub use shards::NodeShards;
pub use vane_storage::data_dir::Marker;

/// A collection as this node's coordinator sees it.
pub type Collection = vane_coordinator::Collection<NodeShards>;
