//! The JSON of the API: what is read ([`serde::Deserialize`]) and what is written.
//!
//! Unknown fields are refused, and fields that this version does not act on are refused
//! when they would change what the answer means.

pub(crate) mod alias;
pub(crate) mod collection;
mod engine;
pub(crate) mod error;
#[cfg(test)]
mod fixture;
pub(crate) mod index;
pub(crate) mod info;
pub(crate) mod parse;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod record;
pub(crate) mod select;
pub(crate) mod text;
pub(crate) mod update;
pub(crate) mod vector;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny};

/// Marks an error as one about what is missing in this version; the field's name comes
/// before it.
pub(crate) const NOT_SUPPORTED: &str = "is not supported by this version of Vane";

/// A field that may only be absent or null.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unsupported;

impl<'de> Deserialize<'de> for Unsupported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<IgnoredAny>::deserialize(deserializer)? {
            None => Ok(Self),
            Some(_) => Err(D::Error::custom(NOT_SUPPORTED)),
        }
    }
}

/// A field that may be absent, null, false or empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct UnsupportedUnlessEmpty;

impl<'de> Deserialize<'de> for UnsupportedUnlessEmpty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde_json::Value;
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
