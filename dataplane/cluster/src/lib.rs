//! What spans shards and nodes: the catalogue that the meta group agrees on, the way of a
//! request to the leaders of its shards and back, and who has which replica.
//!
//! Owns membership (founding, joining, the marker of the disk), routing by hash range,
//! forwarding with retries that cannot apply twice, scatter and gather, changes of a shard's
//! members, the connections between nodes, and the bounds on what is waiting. It must never
//! look into a segment, keep state outside a group's log, or know HTTP: the server speaks to
//! clients, this crate to shards, wherever they are.

mod admission;
mod cluster;
mod collection;
mod config_change;
mod direct;
mod driver;
mod error;
mod follow;
mod fusion;
mod gateway;
mod gather;
mod hand_over;
mod health;
mod held;
mod host;
mod inner;
mod local;
mod log_store;
mod maintenance;
mod net;
mod overview;
mod partial;
mod placing;
mod pool;
mod propose;
mod query;
mod replicas;
mod report;
mod routes;
mod running;
mod settings;
mod wire;

pub use cluster::{Cluster, Spread};
pub use collection::{Collection, Terms};
pub use config_change::{ConfigChange, VectorChange};
pub use error::{Error, OpenError};
pub use host::Host;
pub use local::Freshness;
pub use net::Token;
pub use overview::{CollectionOverview, NodeOverview, ShardOverview, Summary};
pub use partial::Partial;
pub use query::{By, Prefetch, Query};
pub use report::GroupReport;
pub use settings::{NodeSettings, Settings};
pub use vane_catalog::{AliasChange, Wanted};
pub use vane_raft::{GroupStatus, Role, node_of};
pub use vane_shard::{
    Info, NewPoint, Page, Record, Scored, Scroll, SearchParams, Selection, Want, WantPayload,
    WantVectors, Write,
};
pub use vane_storage::data_dir::Marker;
