//! Payload indexes: make and drop.

use serde::Deserialize;
use serde_json::Value;
use vane_cluster::Write;
use vane_types::{FieldType, JsonPath};

use super::answer::Answer;
use super::body::Json;
use super::call::{Call, In};
use super::error::ApiError;
use super::updates::write;
use super::wire::NOT_SUPPORTED;

/// `PUT /collections/{collection}/index`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateIndex {
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

/// `PUT /collections/{collection}/index`.
pub(super) async fn create(
    call: Call,
    In(name): In<String>,
    Json(body): Json<CreateIndex>,
) -> Result<Answer, ApiError> {
    let field_type = body.field_schema.map_or_else(
        || {
            Err(ApiError::bad_request(
                "`field_schema` is needed: the type of the index, such as \"keyword\"",
            ))
        },
        field_type,
    )?;
    let collection = call.collection(&name)?;
    write(&call, collection, Write::CreateIndex { field: body.field_name, field_type }).await
}

/// `DELETE /collections/{collection}/index/{field}`.
pub(super) async fn delete(
    call: Call,
    In((name, field)): In<(String, String)>,
) -> Result<Answer, ApiError> {
    let field = field.parse().map_err(ApiError::bad_request)?;
    let collection = call.collection(&name)?;
    write(&call, collection, Write::DropIndex { field }).await
}

/// The type that a schema names: `"keyword"` or `{"type": "keyword", …}`.
fn field_type(schema: Value) -> Result<FieldType, ApiError> {
    let (name, options) = match schema {
        Value::String(name) => (Value::String(name), None),
        Value::Object(mut fields) => (fields.remove("type").unwrap_or_default(), Some(fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            return Err(ApiError::malformed(
                "field_schema: expected a type or an object with a `type`",
            ));
        }
    };
    if matches!(name.as_str(), Some("text")) {
        return Err(ApiError::bad_request(format!("`field_schema` of type text {NOT_SUPPORTED}")));
    }
    for (option, value) in options.into_iter().flatten() {
        match option.as_str() {
            "memory" if value.is_string() || value.is_null() => {}
            known if OPTIONS.contains(&known) && (value.is_boolean() || value.is_null()) => {}
            known if OPTIONS.contains(&known) => {
                return Err(ApiError::malformed(format!(
                    "field_schema.{known}: `{value}` is not of its type"
                )));
            }
            "prefix" | "nested" if value.is_null() || value == Value::Bool(false) => {}
            "prefix" | "nested" => {
                return Err(ApiError::unsupported(format!("field_schema.{option}")));
            }
            unknown => {
                return Err(ApiError::malformed(format!(
                    "field_schema: unknown field `{unknown}`"
                )));
            }
        }
    }
    FieldType::deserialize(name).map_err(|e| ApiError::malformed(format!("field_schema: {e}")))
}

#[cfg(test)]
mod tests {
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
            assert!(
                error.status.as_u16() == 400 && error.text.contains(named),
                "{schema}: {error:?}"
            );
        }
    }
}
