//! Identifiers: points, tenants, slots, groups, nodes, peers, terms, log positions.
//!
//! Each is a type of its own, so that a peer cannot be taken for a node nor a term for an
//! index. Their JSON form is the bare number; so is what they are stored as.

mod log;
mod member;
mod point;
mod tenant;

use derive_more::Display;
use serde::{Deserialize, Serialize};

pub use log::{LogIndex, Term};
pub use member::{NodeId, PeerId};
pub use point::{InvalidPointId, OwnId, PointId};
pub use tenant::{ShardKey, TenantId};

/// Dense number of a point inside one shard. Assigned at apply in log order, so it is the
/// same on every replica; payload indexes and filters are sets of slots.
pub type Slot = u32;

/// A replicated log and the state machine behind it.
#[derive(Display, Serialize, Deserialize)]
#[serde(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u64);

impl GroupId {
    /// The group that holds what the cluster agrees on: collections and aliases.
    pub const META: Self = Self(0);
}
