//! Bodies of requests that make payload indexes.

use serde::Deserialize;
use serde_json::Value;
use vane_types::{FieldType, JsonPath};

use crate::engine::Write;
use crate::error::{Error, Kind};

/// `PUT /collections/{collection}/index`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateIndex {
    field_name: JsonPath,
    field_schema: Option<Value>,
}

/// Options of an index that place or tune it, all without effect here.
const OPTIONS: [&str; 8] = [
    "is_tenant",
    "is_principal",
    "on_disk",
    "memory",
    "enable_hnsw",
    "lookup",
    "range",
    "principal",
];

impl CreateIndex {
    /// The change it asks for.
    ///
    /// # Errors
    ///
    /// [`Kind::BadRequest`] without a schema, [`Kind::Malformed`] or [`Kind::Unsupported`] where
    /// the schema is none that this version builds.
    pub fn into_write(self) -> Result<Write, Error> {
        let Some(schema) = self.field_schema else {
            return Err(Error::bad_request(
                "`field_schema` is needed: the type of the index, such as \"keyword\"",
            ));
        };
        Ok(Write::CreateIndex { field: self.field_name, field_type: field_type(schema)? })
    }
}

/// The removal of the index of a field, which comes in the path of the request.
///
/// # Errors
///
/// [`Kind::BadRequest`] where the field is no JSON path.
pub fn drop_index(field: &str) -> Result<Write, Error> {
    Ok(Write::DropIndex { field: field.parse().map_err(Error::bad_request)? })
}

/// The type that a schema names: `"keyword"` or `{"type": "keyword", …}`.
fn field_type(schema: Value) -> Result<FieldType, Error> {
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
    // Before the types: it is one of the API's, and told as missing, not as unknown.
    if matches!(name.as_str(), Some("text")) {
        return Err(Error::new(Kind::Unsupported, "`field_schema` of type text", ""));
    }
    // Though none has an effect: a misspelt option must not pass for one that was set.
    for (option, value) in options.into_iter().flatten() {
        check_option(&option, &value)?;
    }
    // By the reader of the types, which names those that there are.
    FieldType::deserialize(name).map_err(|error| Error::new(Kind::Malformed, "field_schema", error))
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
        "prefix" | "nested" if value.is_null() || *value == Value::Bool(false) => Ok(()),
        "prefix" | "nested" => Err(Error::unsupported(format!("field_schema.{option}"))),
        unknown => {
            Err(Error::new(Kind::Malformed, "field_schema", format!("unknown field `{unknown}`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::assert_refused;
    use super::field_type;
    use serde_json::json;
    use vane_types::FieldType;

    #[test]
    fn types_are_read_in_both_forms() {
        assert_eq!(field_type(json!("integer")).unwrap(), FieldType::Integer);
        let tenant =
            json!({"type": "keyword", "is_tenant": true, "on_disk": null, "memory": "cold"});
        assert_eq!(field_type(tenant).unwrap(), FieldType::Keyword);
        let integer =
            json!({"type": "integer", "lookup": true, "range": false, "enable_hnsw": true});
        assert_eq!(field_type(integer).unwrap(), FieldType::Integer);
    }

    #[test]
    fn mistakes_are_refused_by_name() {
        for (schema, named) in [
            (json!("text"), "text"),
            (json!({"type": "text", "tokenizer": "word"}), "text"),
            (json!("keywords"), "keywords"),
            (json!({"type": "keyword", "tenant": true}), "tenant"),
            (json!({"type": "keyword", "is_tenant": 1}), "is_tenant"),
            (json!({"type": "keyword", "prefix": true}), "prefix"),
            (json!({"is_tenant": true}), "field_schema"),
            (json!(1), "field_schema"),
        ] {
            let error = field_type(schema.clone()).unwrap_err();
            assert_refused(&schema.to_string(), &error, 400, named);
        }
    }
}
