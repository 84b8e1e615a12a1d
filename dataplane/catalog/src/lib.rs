//! What the cluster agrees on: members, collections, aliases, shards and where their replicas
//! should be. It is the meta group's state machine.
//!
//! [`State`] is pure: a change gives the same answer and the same state wherever it is applied.
//! [`Catalog`] keeps it in memory and object by object in `data.db`. This crate must never read a
//! clock, call another node or open a shard: whoever acts on the catalog lives above it.

mod command;
mod level;
mod replica_plan;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use command::{
    AliasChange, Configure, Create, DecodeError, EncodeError, Logged, MetaCommand, NodeEntry, Seen,
    WantedReplica,
};
pub use replica_plan::{HeldReplica, ReplicaAction, proves_removal, replica_plan, replicas_here};
pub use state::{
    CollectionEntry, FOLLOWS_ONLY_SECONDS_MAX, FirstVectors, Member, REFILLS_MAX,
    REFILLS_OF_NODE_MAX, Refill, Requests, Route, ShardEntry, State, TargetReplica, TenantEntry,
    Tenants, collection_not_found, meta_peer, removed,
};
pub use store::{Catalog, OpenError};
pub use vane_types::{FeatureLevel, LevelTooLow};
