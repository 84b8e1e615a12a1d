//! Parameters that have no effect here: what form they must have, and how they are kept.

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vane_types::hints::QUANTIZATION;

/// Ways to quantise vectors.
const METHODS: [&str; 4] = ["scalar", "product", "binary", "turbo"];
/// In place of a way: none any more.
const DISABLED: &str = "Disabled";

/// `quantization_config`. It says how many bits of each dimension codes have; what is found by them
/// is scored on whole vectors.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Quantization(Value);

impl<'de> Deserialize<'de> for Quantization {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        let is_method = |object: &Map<String, Value>| match object.iter().next() {
            Some((name, parameters)) => {
                object.len() == 1
                    && METHODS.contains(&name.as_str())
                    && parameters.as_object().is_some_and(is_flat)
            }
            None => false,
        };
        match &json {
            Value::String(text) if text == DISABLED => Ok(Self(json)),
            Value::Object(object) if is_method(object) => Ok(Self(json)),
            _ => Err(D::Error::custom(format!(
                "expected \"{DISABLED}\" or an object with one of {}",
                METHODS.join(", ")
            ))),
        }
    }
}

impl Quantization {
    /// As it is kept; null where it takes one away.
    pub(super) fn into_hint(self) -> Value {
        match self.0 {
            Value::String(_) => Value::Null,
            method => method,
        }
    }
}

/// Has a change put its way to quantise in place of the one that is there, whole: what is kept is
/// merged member by member, so that it names those that are to go.
pub(super) fn replace_quantization(
    newer: &mut Map<String, Value>,
    there: Option<&Map<String, Value>>,
) {
    let there = there.and_then(|hints| hints.get(QUANTIZATION));
    let (Some(Value::Object(newer)), Some(Value::Object(there))) =
        (newer.get_mut(QUANTIZATION), there)
    else {
        return;
    };
    for (method, parameters) in there {
        let older = parameters.as_object().into_iter().flat_map(Map::keys);
        match newer.get_mut(method) {
            Some(Value::Object(kept)) => {
                for name in older {
                    kept.entry(name).or_insert(Value::Null);
                }
            }
            _ => drop(newer.insert(method.clone(), Value::Null)),
        }
    }
}

/// Whether nothing is nested in it.
fn is_flat(object: &Map<String, Value>) -> bool {
    object.values().all(|value| !value.is_object() && !value.is_array())
}

/// The parts of a request that were given, by name.
pub(super) fn given(request: &impl Serialize) -> Map<String, Value> {
    let mut fields = match serde_json::to_value(request) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    fields.retain(|_, value| !value.is_null());
    fields
}

/// Adds a part, unless nothing is in it.
pub(super) fn add(hints: &mut Map<String, Value>, name: &str, part: Map<String, Value>) {
    if !part.is_empty() {
        hints.insert(name.to_owned(), Value::Object(part));
    }
}
