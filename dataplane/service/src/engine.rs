//! What of the engine is called. The only file that names its crates.

pub(crate) use vane_catalog::{AliasChange, WantedReplica};
pub(crate) use vane_coordinator::{
    AskedOf, ConfigChange, Coordinator, Explaining, Group, Grouping, Layout, LayoutChange, Matrix,
    MatrixRow, Partial, Query, RequestOptions, Requested, ShardKeys, Shards,
};
pub(crate) use vane_node::{
    BalanceOverview, Collection, CollectionHere, CollectionOverview, Marker, Member,
    MemoryOverview, Node, NodeOverview, NodeShards, QuotaOverview, Safety, ShardOverview, Summary,
};
pub(crate) use vane_placement::{
    Evacuation, RemovalStep, ReplicaPlan, ReplicaRequest, Waited, evacuation, plan_replicas,
    plan_resize, removal_step,
};
pub(crate) use vane_raft::GroupStatus;
pub(crate) use vane_shard::{
    FacetHit, Info, Ordered, Outlook, Page, Record, Scored, Scroll, Unindexed, Usage, Want, Write,
};
pub(crate) use vane_transport::Freshness;
