//! What of the engine the shapes are made from and into. The only file that names its crates.

pub(crate) use vane_catalog::{AliasChange, TargetReplica, WantedReplica};
pub(crate) use vane_coordinator::{
    By, ByExamples, ConfigChange, Decay, Denied, Diverse, Example, Expression, Feedback, Formula,
    Function, Group, GroupLookup, GroupValue, Grouping, Layout, LayoutChange, Limited, Lookup,
    Matrix, MatrixRow, Pair, Place, Prefetch, Query, SearchExplained, ShardExplained, ShardKeys,
    SparseChange, Strategy, User, VectorChange,
};
#[cfg(test)]
pub(crate) use vane_node::PeerQuota;
pub(crate) use vane_node::{
    BalanceOverview, CollectionHere, CollectionOverview, Failed, JobsHere, Marker, MemoryOverview,
    MoveOverview, MovePhase, NodeOverview, NotReady, Problem, QuotaOverview, ReplicaHere, Safety,
    ShardHere, ShardOverview, Summary, Usage as NodeUsage,
};
pub(crate) use vane_placement::{
    RemovalRefusal, ReplicaRefusal, ReplicaRequest, ResizeRefusal, Standing, Transfer, transfers,
};
#[cfg(test)]
pub(crate) use vane_raft::{Conf, PeerStatus};
pub(crate) use vane_raft::{GroupStatus, Role};
pub(crate) use vane_shard::{
    Bytes, Condition, FacetHit, Info, Job, Memory, NewPoint, Ordered, Outlook, PartExplained,
    Record, Scored, Scroll, SearchParams, SearchWay, SegmentFigures, SegmentOf, Selection,
    Unindexed, UpdateMode, Usage, UsageOfVector, Want, WantPayload, WantVectors, Write,
};
#[cfg(test)]
pub(crate) use vane_shard::{InfoOfVector, Optimizer};
pub(crate) use vane_transport::{GroupReport, NodeMemory, TransferPhase, TransferReport};
