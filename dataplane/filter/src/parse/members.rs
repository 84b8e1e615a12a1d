//! Members of a JSON object, taken out one by one so that what is left is unknown.

use serde_json::{Map, Value};

use crate::invalid::{At, Invalid};

pub(super) struct Members<'a> {
    map: Map<String, Value>,
    at: &'a At<'a>,
}

impl<'a> Members<'a> {
    /// The members of `json`, which must be an object; `expected` says of what kind.
    pub(super) fn of(json: Value, at: &'a At<'a>, expected: &str) -> Result<Self, Invalid> {
        match json {
            Value::Object(map) => Ok(Self { map, at }),
            other => Err(at.malformed(format!("expected {expected}, found {}", kind(&other)))),
        }
    }

    /// Place of the object.
    pub(super) fn at(&self) -> &'a At<'a> {
        self.at
    }

    /// Whether there is such a member, be it null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    pub(super) fn into_json(self) -> Value {
        Value::Object(self.map)
    }

    /// An optional member; null is the same as none.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    /// A member that must be there.
    pub(super) fn need(&mut self, name: &str) -> Result<Value, Invalid> {
        self.take(name).ok_or_else(|| self.at.malformed(format!("missing member `{name}`")))
    }

    /// A string that must be there.
    pub(super) fn string(&mut self, name: &str) -> Result<String, Invalid> {
        match self.need(name)? {
            Value::String(text) => Ok(text),
            other => Err(self
                .at
                .key(name)
                .malformed(format!("expected a string, found {}", kind(&other)))),
        }
    }

    /// A list that must be there.
    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Value>, Invalid> {
        match self.need(name)? {
            Value::Array(list) => Ok(list),
            other => {
                Err(self.at.key(name).malformed(format!("expected a list, found {}", kind(&other))))
            }
        }
    }

    /// An optional member that is true or false.
    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Invalid> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(other) => Err(self
                .at
                .key(name)
                .malformed(format!("expected a boolean, found {}", kind(&other)))),
        }
    }

    /// A number that must be there.
    pub(super) fn number(&mut self, name: &str) -> Result<f64, Invalid> {
        let json = self.need(name)?;
        json.as_f64().ok_or_else(|| {
            self.at.key(name).malformed(format!("expected a number, found {}", kind(&json)))
        })
    }

    /// Refuses members that are left, null or not.
    pub(super) fn finish(self, expected: &str) -> Result<(), Invalid> {
        if self.map.is_empty() { Ok(()) } else { self.refuse(expected) }
    }

    /// The error that names the first member left.
    pub(super) fn refuse<T>(self, expected: &str) -> Result<T, Invalid> {
        Err(self.at.malformed(match self.map.keys().next() {
            Some(name) => format!("unknown member `{name}`, expected {expected}"),
            None => format!("expected {expected}"),
        }))
    }
}

/// What a JSON value is, for an error.
pub(super) fn kind(json: &Value) -> &'static str {
    match json {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
