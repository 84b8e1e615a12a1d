//! Turns VectorCluster, Collection and ShardPlacement objects into a running database.
//!
//! Owns what Kubernetes should have for each of them, in which order it changes, and what is
//! said about it. It knows no Raft: it meets the database in its admin interface. It never
//! writes to a spec, never forces, and never deletes data that it was not asked to delete.

#![forbid(unsafe_code)]

mod aging;
pub mod args;
pub mod client;
pub mod cluster;
pub mod collection;
pub mod context;
pub mod controllers;
mod copies;
pub mod database;
pub mod error;
mod events;
pub mod failpoint;
pub mod health;
pub mod lease;
pub mod metrics;
pub mod names;
mod placement;
mod reconcile;
mod sightings;
mod status;
pub mod turns;
