//! The words every layer shares: ids, vectors, payloads, collections, commands, limits.
//!
//! Owns the meaning and the stored form of these words. It must never do I/O, hold a
//! lock, read a clock, or depend on another crate of this workspace.

pub mod collection;
pub mod command;
pub mod distance;
mod durations;
pub mod error;
pub mod hints;
pub mod ids;
pub mod json;
pub mod key_range;
pub mod level;
pub mod limits;
pub mod names;
pub mod path;
pub mod payload;
pub mod planted;
pub mod policy;
pub mod quantization;
pub mod quota;
mod recall;
pub mod schema;
mod strict;
pub mod text;
pub mod vector;
mod vector_change;
mod vector_ids;

pub use collection::{
    CollectionConfig, Datatype, HnswConfig, OptimizerConfig, Residence, SearchConfig, SparseParams,
    VectorParams, VectorSpec,
};
pub use command::Refusal;
pub use distance::Distance;
pub use durations::{DURATION_BOUNDS_US, Durations};
pub use error::{Changed, Error, ErrorKind, FailedShards, Retry, Subject, innermost};
pub use hints::Hints;
pub use ids::{GroupId, LogIndex, NodeId, OwnId, PeerId, PointId, ShardKey, Slot, TenantId, Term};
pub use key_range::{KeyRange, RangeEpoch, ShardRange};
pub use level::{FeatureLevel, LevelTooLow};
pub use path::{JsonPath, PathError};
pub use payload::Payload;
pub use policy::{Policy, Rebalance};
pub use quota::Quotas;
pub use recall::{FilterClass, Recall, Tally};
pub use schema::{FieldSchema, FieldSchema as FieldType};
pub use strict::{MultiLimit, SparseLimit, StrictMode};
pub use vector::{MultiVector, NamedVectors, SparseVector, Vector, VectorError, VectorKind};
pub use vector_change::{NewVector, VectorRefusal};
pub use vector_ids::{VectorId, VectorIds};
