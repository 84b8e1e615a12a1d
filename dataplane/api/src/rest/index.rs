//! Bodies of requests that make payload indexes.

pub(crate) mod text;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use vane_types::{CollectionConfig, FieldType, Hints, JsonPath};

use crate::engine::{ConfigChange, Write};
use crate::error::{Error, Kind};

/// `PUT /collections/{collection}/index`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateIndex {
    field_name: JsonPath,
    field_schema: Option<Value>,
}

/// Options of an index that place or tune it; but for `is_tenant` all without effect here. Every
/// index of keywords answers what `prefix` asks for.
const OPTIONS: [&str; 9] = [
    "is_tenant",
    "is_principal",
    "on_disk",
    "memory",
    "enable_hnsw",
    "lookup",
    "range",
    "principal",
    "prefix",
];

impl CreateIndex {
    /// The change it asks for, and its options.
    ///
    /// # Errors
    ///
    /// [`Kind::BadRequest`] without a schema, [`Kind::Malformed`] or [`Kind::Unsupported`] where
    /// the schema is none that this version builds.
    pub fn into_parts(self) -> Result<(Write, IndexOptions), Error> {
        let Some(schema) = self.field_schema else {
            return Err(Error::bad_request(
                "`field_schema` is needed: the type of the index, such as \"keyword\"",
            ));
        };
        let (field_type, options) = field_type(schema)?;
        let field = self.field_name;
        let kept = IndexOptions { field: field.clone(), options };
        Ok((Write::CreateIndex { field, field_type }, kept))
    }
}

/// Options of the index of a field: kept and returned.
#[derive(Debug, PartialEq)]
pub struct IndexOptions {
    field: JsonPath,
    /// Those that were given; none where there is no index any more.
    options: Map<String, Value>,
}

impl IndexOptions {
    /// What is to be changed of a collection that is as `config` says; `None` where it has these
    /// options already.
    pub fn into_change(self, config: &CollectionConfig) -> Option<ConfigChange> {
        let Self { field, options } = self;
        let known = config.hints.indexes.get(&field);
        if known.map_or(options.is_empty(), |known| *known == options) {
            return None;
        }
        let hints = Hints { indexes: BTreeMap::from([(field, options)]), ..Hints::default() };
        Some(ConfigChange { hints, ..ConfigChange::default() })
    }
}

/// Says of the index of a field whether its value is a point's tenant; its other options stay.
/// `None` where that is said already.
pub fn set_tenant(
    field: &JsonPath,
    is_tenant: bool,
    config: &CollectionConfig,
) -> Option<ConfigChange> {
    let mut options = config.hints.indexes.get(field).cloned().unwrap_or_default();
    match is_tenant {
        true => drop(options.insert("is_tenant".to_owned(), true.into())),
        false => drop(options.remove("is_tenant")),
    }
    IndexOptions { field: field.clone(), options }.into_change(config)
}

/// A text index with these parameters, and the options that are kept of it.
///
/// # Errors
///
/// As those of [`CreateIndex::into_parts`].
pub fn text_index(
    mut parameters: Map<String, Value>,
) -> Result<(FieldType, Map<String, Value>), Error> {
    parameters.insert("type".to_owned(), "text".into());
    field_type(parameters.into())
}

/// Says of the text index of a field how it takes texts apart; its other options stay.
pub fn set_text(
    field: &JsonPath,
    parameters: Map<String, Value>,
    config: &CollectionConfig,
) -> Option<ConfigChange> {
    let mut options = config.hints.indexes.get(field).cloned().unwrap_or_default();
    options.retain(|name, _| !text::is_param(name));
    options.extend(parameters);
    IndexOptions { field: field.clone(), options }.into_change(config)
}

/// The removal of the index of a field, which comes in the path of the request, and of its
/// options.
///
/// # Errors
///
/// [`Kind::BadRequest`] where the field is no JSON path.
pub fn drop_index(field: &str) -> Result<(Write, IndexOptions), Error> {
    let field: JsonPath = field.parse().map_err(Error::bad_request)?;
    let kept = IndexOptions { field: field.clone(), options: Map::new() };
    Ok((Write::DropIndex { field }, kept))
}

/// The type that a schema names, `"keyword"` or `{"type": "keyword", …}`, and its options.
fn field_type(schema: Value) -> Result<(FieldType, Map<String, Value>), Error> {
    let (name, options) = match schema {
        Value::String(name) => (Value::String(name), None),
        // Taken out, so that what is left are options.
        Value::Object(mut fields) => (fields.remove("type").unwrap_or_default(), Some(fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            return Err(Error::malformed(
                "field_schema: expected a type or an object with a `type`",
            ));
        }
    };
    let is_text = name.as_str() == Some("text");
    // Though most have no effect: a misspelt option must not pass for one that was set.
    let mut options = options.unwrap_or_default();
    for (option, value) in &options {
        if !(is_text && text::is_param(option)) {
            check_option(option, value)?;
        }
    }
    options.retain(|_, value| !value.is_null());
    if is_text {
        return Ok((FieldType::Text(text::params(&mut options)?), options));
    }
    // By the reader of the types, which names those that there are.
    let read = FieldType::deserialize(name);
    let read = read.map_err(|error| Error::new(Kind::Malformed, "field_schema", error))?;
    Ok((read, options))
}

fn check_option(option: &str, value: &Value) -> Result<(), Error> {
    match option {
        "memory" if value.is_string() || value.is_null() => Ok(()),
        known if OPTIONS.contains(&known) && (value.is_boolean() || value.is_null()) => Ok(()),
        known if OPTIONS.contains(&known) => Err(Error::new(
            Kind::Malformed,
            format!("field_schema.{known}"),
            format!("`{value}` is not of its type"),
        )),
        // Off is what this version does anyway.
        "nested" | "scoring" if value.is_null() || *value == Value::Bool(false) => Ok(()),
        "nested" | "scoring" => Err(Error::unsupported(format!("field_schema.{option}"))),
        unknown => {
            Err(Error::new(Kind::Malformed, "field_schema", format!("unknown field `{unknown}`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::assert_refused;
    use super::*;
    use serde_json::json;
    use vane_types::schema::text::Tokenizer;

    #[test]
    fn types_are_read_in_both_forms() {
        let read = |schema| field_type(schema).unwrap();
        assert_eq!(read(json!("integer")), (FieldType::Integer, Map::new()));
        let tenant =
            json!({"type": "keyword", "is_tenant": true, "on_disk": null, "memory": "cold"});
        let (schema, options) = read(tenant);
        assert_eq!(schema, FieldType::Keyword);
        assert_eq!(Value::from(options), json!({"is_tenant": true, "memory": "cold"}));
        let integer =
            json!({"type": "integer", "lookup": true, "range": false, "enable_hnsw": true});
        assert_eq!(read(integer).0, FieldType::Integer);
        assert_eq!(read(json!("text")).0, FieldType::of_name("text").unwrap());
        let prefix = json!({"type": "keyword", "prefix": true});
        assert_eq!(Value::from(read(prefix).1), json!({"prefix": true}));
        let text = json!({"type": "text", "tokenizer": "prefix", "on_disk": true,
            "stopwords": "english", "enable_hnsw": null});
        let (schema, options) = read(text);
        let FieldType::Text(params) = schema else { panic!("{schema:?}") };
        assert_eq!(params.tokenizer, Tokenizer::Prefix);
        assert_eq!(Value::from(options), json!({"tokenizer": "prefix", "on_disk": true}));
    }

    #[test]
    fn options_are_changed_where_they_are_others_than_before() {
        let mut config = CollectionConfig::default();
        let create = |schema: Value| {
            let body = json!({"field_name": "k", "field_schema": schema});
            serde_json::from_value::<CreateIndex>(body).unwrap().into_parts().unwrap().1
        };
        assert!(create(json!("keyword")).into_change(&config).is_none());
        let tenant = json!({"type": "keyword", "is_tenant": true});
        let change = create(tenant.clone()).into_change(&config).unwrap();
        config.hints.merge(change.hints);
        assert!(create(tenant).into_change(&config).is_none());
        let field = "k".parse().unwrap();
        assert!(set_tenant(&field, true, &config).is_none());
        let mut other = config.clone();
        other.hints.merge(set_tenant(&field, false, &config).unwrap().hints);
        assert_eq!(other.tenant_field(), None);
        other.hints.merge(set_tenant(&field, true, &other).unwrap().hints);
        assert_eq!(other.tenant_field(), Some(&field));
        let change = drop_index("k").unwrap().1.into_change(&config).unwrap();
        config.hints.merge(change.hints);
        assert!(config.hints.is_empty());
    }

    #[test]
    fn mistakes_are_refused_by_name() {
        for (schema, named) in [
            (json!({"type": "text", "tokenizer": "code"}), "code"),
            (json!({"type": "text", "tokenizers": "word"}), "tokenizers"),
            (json!({"type": "text", "min_token_len": -1}), "-1"),
            (json!({"type": "text", "stopwords": "latin"}), "latin"),
            (json!({"type": "text", "stopwords": {"words": []}}), "words"),
            (json!({"type": "text", "stemmer": {"type": "porter"}}), "porter"),
            (json!({"type": "text", "stemmer": {"type": "snowball"}}), "language"),
            (json!({"type": "text", "scoring": true}), "scoring"),
            (json!({"type": "keyword", "tokenizer": "word"}), "tokenizer"),
            (json!("keywords"), "keywords"),
            (json!({"type": "keyword", "tenant": true}), "tenant"),
            (json!({"type": "keyword", "is_tenant": 1}), "is_tenant"),
            (json!({"type": "keyword", "prefix": "x"}), "prefix"),
            (json!({"type": "keyword", "nested": "n"}), "nested"),
            (json!({"is_tenant": true}), "field_schema"),
            (json!(1), "field_schema"),
        ] {
            let error = field_type(schema.clone()).unwrap_err();
            assert_refused(&schema.to_string(), &error, 400, named);
        }
    }
}
