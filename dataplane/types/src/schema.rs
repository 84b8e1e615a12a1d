//! Types of payload indexes.

use serde::{Deserialize, Serialize};

/// What a payload index holds. Values of another JSON type are not indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Strings, matched whole.
    Keyword,
    /// 64-bit integers; `1.0` counts as `1`.
    Integer,
    /// Numbers, as f64.
    Float,
    /// `true` and `false`.
    Bool,
    /// Objects with `lon` and `lat`.
    Geo,
    /// Strings in RFC 3339 or one of its shorter forms, in microseconds UTC.
    Datetime,
    /// Strings that are UUIDs.
    Uuid,
}

impl FieldType {
    /// The name it is written under in JSON and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Geo => "geo",
            Self::Datetime => "datetime",
            Self::Uuid => "uuid",
        }
    }
}
