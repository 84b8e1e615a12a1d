//! Payloads: JSON as messages have it, where whole numbers and others are kept apart.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};
use vane_wire::qdrant::value::Kind;
use vane_wire::qdrant::{ListValue, Struct, Value as Message};

use crate::error::Error;

/// The payload that a message has.
pub(super) fn payload(fields: HashMap<String, Message>) -> Result<Map<String, Value>, Error> {
    fields.into_iter().map(|(key, value)| Ok((key, json(value)?))).collect()
}

/// A value of a message, as deep as prost reads messages, which is bounded.
fn json(value: Message) -> Result<Value, Error> {
    Ok(match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => value.into(),
        Some(Kind::IntegerValue(number)) => number.into(),
        Some(Kind::DoubleValue(number)) => self::number(number)?,
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::StructValue(Struct { fields })) => payload(fields)?.into(),
        Some(Kind::ListValue(ListValue { values })) => {
            Value::Array(values.into_iter().map(json).collect::<Result<_, _>>()?)
        }
    })
}

/// A number, which JSON has only where it is finite.
pub(super) fn number(number: f64) -> Result<Value, Error> {
    let finite = Number::from_f64(number).map(Value::Number);
    finite.ok_or_else(|| Error::malformed(format_args!("{number} is no number of JSON")))
}

/// A payload for a message.
pub(super) fn fields(payload: &Map<String, Value>) -> HashMap<String, Message> {
    payload.iter().map(|(key, value)| (key.clone(), message(value))).collect()
}

fn message(value: &Value) -> Message {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Kind::IntegerValue(integer),
            // Beyond i64 there are no whole numbers in messages.
            (None, float) => Kind::DoubleValue(float.unwrap_or_default()),
        },
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(list) => {
            Kind::ListValue(ListValue { values: list.iter().map(message).collect() })
        }
        Value::Object(object) => Kind::StructValue(Struct { fields: fields(object) }),
    };
    Message { kind: Some(kind) }
}
