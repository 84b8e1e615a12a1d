//! Decides which nodes hold which replicas.
//!
//! Owns the rules: never two replicas of a shard on one node, then spread over zones, then
//! even load. Pure: facts in, a plan out, the same plan for the same facts in whatever order
//! they come. It must never do I/O, read a clock, draw a random number, or change anything:
//! who asks decides whether and how a plan is carried out.
//!
//! Nodes without a zone count as one zone of their own: nothing says that they would not
//! fail together.

mod error;
mod facts;
mod leaders;
mod meta_voters;
mod place_new;
mod zones;

pub use error::Unplaceable;
pub use facts::{Load, NodeFacts, node_facts};
pub use meta_voters::meta_voters;
pub use place_new::{REPLICAS_PER_PLAN_MAX, place_collection, place_new};
