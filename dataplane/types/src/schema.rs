//! What a payload index is declared as.

pub mod text;

use serde::{Deserialize, Serialize};

use crate::level::FeatureLevel;
use text::TextParams;

/// A payload index as a collection declares it: the type of its values. Values of another
/// JSON type are not indexed.
///
/// Parameters of a type are fields of its variant. In JSON a type without parameters is its
/// name, one with parameters `{"name": {…}}`. What is not known is refused: an index made
/// without it would answer otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum FieldSchema {
    /// Strings, matched whole.
    Keyword,
    /// 64-bit integers; `1.0` is none.
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
    /// Strings, by the tokens that they have.
    Text(TextParams),
}

impl FieldSchema {
    /// The type of a name with its parameters at their defaults; `None` where there is none.
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text(TextParams::default())),
            name => Self::from_logged(name).ok(),
        }
    }

    /// One of each type, with parameters at their defaults.
    pub fn all() -> [Self; 8] {
        [
            Self::Keyword,
            Self::Integer,
            Self::Float,
            Self::Bool,
            Self::Geo,
            Self::Datetime,
            Self::Uuid,
            Self::Text(TextParams::default()),
        ]
    }

    /// The name of the type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Geo => "geo",
            Self::Datetime => "datetime",
            Self::Uuid => "uuid",
            Self::Text(_) => "text",
        }
    }

    /// The level from which on an index may be declared as this.
    pub fn level(&self) -> FeatureLevel {
        match self {
            Self::Keyword
            | Self::Integer
            | Self::Float
            | Self::Bool
            | Self::Geo
            | Self::Datetime
            | Self::Uuid => FeatureLevel::FIRST,
            Self::Text(_) => FeatureLevel::KINDS,
        }
    }

    /// The form in a logged command: its JSON, without quotes where that is a name alone.
    pub fn to_logged(&self) -> String {
        match serde_json::to_value(self).expect("a schema is plain data") {
            serde_json::Value::String(name) => name,
            with_parameters => with_parameters.to_string(),
        }
    }

    /// Reads [`FieldSchema::to_logged`].
    ///
    /// # Errors
    /// A type or a parameter that this version does not know.
    pub fn from_logged(text: &str) -> Result<Self, serde_json::Error> {
        // The name of a type alone never begins so.
        if text.starts_with('{') {
            return serde_json::from_str(text);
        }
        serde_json::from_value(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_logged_by_their_names() {
        for (schema, name) in [(FieldSchema::Keyword, "keyword"), (FieldSchema::Geo, "geo")] {
            assert_eq!(schema.to_logged(), name);
            assert_eq!(FieldSchema::from_logged(name).unwrap(), schema);
            assert_eq!((FieldSchema::of_name(name), schema.name()), (Some(schema), name));
        }
        let text = FieldSchema::of_name("text").unwrap();
        assert_eq!(text.to_logged(), r#"{"text":{"lowercase":true,"tokenizer":"word"}}"#);
        assert_eq!(FieldSchema::from_logged(&text.to_logged()).unwrap(), text);
        assert_eq!((text.name(), text.level()), ("text", FeatureLevel::KINDS));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for unknown in ["text", "", "Keyword", r#"{"texts":{}}"#, r#"{"keyword":{"prefix":true}}"#]
        {
            assert!(FieldSchema::from_logged(unknown).is_err(), "{unknown}");
        }
    }
}
