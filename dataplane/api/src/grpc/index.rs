//! Payload indexes.

use serde_json::Value;
use vane_wire::qdrant::payload_index_params::IndexParams;
use vane_wire::qdrant::{CreateFieldIndexCollection, FieldType, PayloadIndexParams};

use super::config::{Flat, in_json, word};
use super::{Fields, Form, Lists, put};
use crate::error::Error;
use crate::rest::index::CreateIndex;

impl Form for CreateFieldIndexCollection {
    type Body = CreateIndex;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let named = self
            .field_type
            .map(|part| word(part, "field_type", FieldType::as_str_name))
            .transpose()?
            .map(|name| in_json(name.trim_start_matches("FieldType")));
        let params = self.field_index_params.and_then(|params| params.index_params);
        let schema = match (params, named) {
            (None, named) => named.map(Value::from),
            // They say the type themselves.
            (Some(params), _) => Some(schema(params)?.into()),
        };
        let mut fields = Fields::new();
        put(&mut fields, "field_name", Some(self.field_name));
        put(&mut fields, "field_schema", schema);
        Ok(fields.into())
    }
}

fn schema(params: IndexParams) -> Result<Fields, Error> {
    let (name, mut fields) = match params {
        IndexParams::KeywordIndexParams(mut part) => {
            let prefix = part.prefix.take().is_some();
            let mut fields = part.fields()?;
            put(&mut fields, "prefix", prefix.then_some(true));
            ("keyword", fields)
        }
        IndexParams::IntegerIndexParams(part) => ("integer", part.fields()?),
        IndexParams::FloatIndexParams(part) => ("float", part.fields()?),
        IndexParams::GeoIndexParams(part) => ("geo", part.fields()?),
        // Its name is enough to refuse it.
        IndexParams::TextIndexParams(_) => ("text", Fields::new()),
        IndexParams::BoolIndexParams(part) => ("bool", part.fields()?),
        IndexParams::DatetimeIndexParams(part) => ("datetime", part.fields()?),
        IndexParams::UuidIndexParams(part) => ("uuid", part.fields()?),
    };
    put(&mut fields, "type", Some(name));
    Ok(fields)
}

/// The message of the parameters that an index of a type has.
pub(super) fn params_of(name: &str, json: &Value) -> Option<PayloadIndexParams> {
    let params = match name {
        "keyword" => IndexParams::KeywordIndexParams(Flat::of(json)),
        "integer" => IndexParams::IntegerIndexParams(Flat::of(json)),
        "float" => IndexParams::FloatIndexParams(Flat::of(json)),
        "geo" => IndexParams::GeoIndexParams(Flat::of(json)),
        "bool" => IndexParams::BoolIndexParams(Flat::of(json)),
        "datetime" => IndexParams::DatetimeIndexParams(Flat::of(json)),
        "uuid" => IndexParams::UuidIndexParams(Flat::of(json)),
        _ => return None,
    };
    Some(PayloadIndexParams { index_params: Some(params) })
}
