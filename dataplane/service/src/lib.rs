//! One layer around every call, whichever door it came through.
//!
//! Owns who asks ([`Principal`]), until when ([`Call`]), how much at a time ([`Limits`]), what is
//! counted ([`Metrics`]) and what is written down about changes (`audit`), with one function for
//! each operation. It must never know HTTP, a body or a message: doors read requests and write
//! answers, and everything between the two happens here.

mod administration;
mod audit;
mod balance;
mod call;
mod collections;
mod engine;
mod evacuation;
mod limits;
mod metadata;
mod metrics;
mod operation;
mod points;
mod principal;
mod queries;
mod quotas;
mod replicas;
mod service;
mod shard_keys;
mod telemetry;
mod values;
mod vectors;

pub use administration::{CollectionState, MetaState};
pub use call::Call;
pub use collections::ReplicaPlaces;
pub use limits::{BodyRoom, Limits, Permit};
pub use metrics::{Metrics, latency_histogram};
pub use operation::Operation;
pub use principal::{Door, Principal};
pub use service::{Answering, Options, Service};
pub use telemetry::{Depth, WholeCluster};
