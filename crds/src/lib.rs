//! The API that people apply to Kubernetes: `VectorCluster`, `Collection` and
//! `ShardPlacement` in `vanedb.io/v1alpha1`.
//!
//! Owns the types, their rules (CEL, which the API server enforces), and the YAML and the
//! reference generated from them. Holds no logic of the operator, talks to nobody, and only
//! ever gains optional fields: there is no conversion between versions.

#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "KubeSchema repeats each struct inside a function")]
#![allow(clippy::duplicated_attributes, reason = "columns have the same type, each")]

pub mod cluster;
pub mod collection;
pub mod conditions;
pub mod definitions;
pub mod limits;
pub mod placement;
pub mod quantity;
pub mod reference;

pub use cluster::VectorCluster;
pub use collection::Collection;
pub use placement::ShardPlacement;
pub use quantity::Quantity;

/// API group of all kinds.
pub const GROUP: &str = "vanedb.io";
/// Version of all kinds.
pub const VERSION: &str = "v1alpha1";
