//! What spans shards: the catalogue of collections and aliases, the way of a request to
//! its shard and back, and the node's background threads.
//!
//! Owns which collections exist, where their shards are, how a query's parts are gathered
//! and fused, and the bounds on what is waiting. It must never look into a segment, keep
//! state outside a group's log, or know HTTP: the server speaks to clients, this crate to
//! shards.

mod catalogue;
mod cluster;
mod collection;
mod config_change;
mod error;
mod fusion;
mod gather;
mod log_store;
mod maintenance;
mod pool;
mod query;
mod settings;
mod shards;

pub use catalogue::AliasChange;
pub use cluster::Cluster;
pub use collection::Collection;
pub use config_change::{ConfigChange, VectorChange};
pub use error::{Error, OpenError};
pub use query::{By, Prefetch, Query};
pub use settings::Settings;
pub use vane_shard::{
    Info, NewPoint, Page, Record, Scored, Scroll, SearchParams, Selection, Want, WantPayload, WantVectors, Write,
};
