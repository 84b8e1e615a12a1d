//! The JSON of the API: what is read ([`serde::Deserialize`]) and what is written.
//!
//! Unknown fields are refused in what is written, and passed over in what is read ([`ignored`]);
//! fields that this version does not act on are refused when they would change what the answer
//! means.

pub mod alias;
pub mod cluster;
pub mod cluster_operation;
pub mod collection;
mod document;
pub mod explained;
pub mod facet;
#[cfg(test)]
mod fixture;
pub mod ignored;
pub mod index;
pub mod info;
pub mod issues;
pub(crate) mod lists;
pub mod matrix;
pub mod memory;
pub mod optimizations;
mod order;
pub mod parse;
pub mod query;
pub mod quota;
pub mod read;
pub mod record;
pub mod select;
pub mod shard_key;
pub mod telemetry;
pub mod text;
pub mod time;
pub mod update;
mod vector;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny};

/// Marks an error as one about what is missing in this version; the field's name comes
/// before it.
pub const NOT_SUPPORTED: &str = "is not supported by this version of Vane";

/// Marks an error as one that Qdrant finds where a query is carried out, and begins its text.
pub(crate) const INVALID: &str = "Validation failed: ";

/// Marks an error as one in a vector: where in it, and what, come behind.
pub(crate) const IN_VECTOR: &str = "in a vector: ";

/// A field that may only be absent or null.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unsupported;

impl<'de> Deserialize<'de> for Unsupported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Whatever it holds: any value but null asks for what is not there.
        match Option::<IgnoredAny>::deserialize(deserializer)? {
            None => Ok(Self),
            Some(_) => Err(D::Error::custom(NOT_SUPPORTED)),
        }
    }
}

/// A field that may be absent, null, false or empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnsupportedUnlessEmpty;

impl<'de> Deserialize<'de> for UnsupportedUnlessEmpty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde_json::Value;
        // Clients send fields that nobody set, and empty ones ask for nothing.
        match Value::deserialize(deserializer)? {
            Value::Null | Value::Bool(false) => Ok(Self),
            Value::Object(object) if object.is_empty() => Ok(Self),
            Value::Array(list) if list.is_empty() => Ok(Self),
            Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => Err(D::Error::custom(NOT_SUPPORTED)),
        }
    }
}
