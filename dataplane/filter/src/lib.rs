//! Filters over payloads: their JSON form, what they mean, and how payload indexes answer
//! them.
//!
//! Owns the [`Filter`] type, the plain evaluator ([`matches()`], which defines what a filter
//! means), the memcomparable keys of indexed values ([`index_keys`]), the payload index in
//! memory and the resolution of a filter to a set of slots ([`resolve()`]). It must never do
//! I/O, hold a lock or read a clock: the same filter and payload give the same answer on
//! every replica and in every year.

mod bounds;
mod datetime;
mod dense;
mod evaluate;
mod filter;
mod geo;
mod index_key;
mod invalid;
mod kinds;
mod level;
mod lookups;
mod number;
mod operator;
mod parse;
mod payload_index;
mod posting;
mod resolve;
mod shared_map;
mod slice;
mod slot_set;
mod stored_value;
mod tenant_index;
mod tenants;
mod text;
mod unindexed;
mod validate;
mod value_set;

#[cfg(test)]
mod tests;

pub use bounds::Bounds;
pub use datetime::Datetime;
pub use dense::{members, words};
pub use evaluate::{Candidate, matches};
pub use filter::{
    Clause, Condition, FieldCondition, FieldRef, Filter, Match, MinShould, Nested, Range, Scalar,
    Scalars,
};
pub use geo::{BoundingBox, Point, Polygon, Radius, Ring};
pub use invalid::{Invalid, InvalidKind};
pub use kinds::{index_keys, slots_of_type};
pub use lookups::lookups;
pub use number::Number;
pub use payload_index::PayloadIndex;
pub use resolve::{Indexes, Resolved, resolve};
pub use slice::Slice;
pub use slot_set::SlotSet;
pub use stored_value::{Counted, FacetValue, Order, OrderValue};
pub use tenant_index::TenantIndex;
pub use text::bm25::Bm25;
pub use unindexed::unindexed;
pub use value_set::ValueSet;
