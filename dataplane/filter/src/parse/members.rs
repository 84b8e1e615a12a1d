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
            other => Err(at.found(&other, expected)),
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

    /// An optional member, as `read` reads it.
    pub(super) fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value, &At<'_>) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Invalid> {
        self.take(name).map(|json| read(json, &self.at.key(name))).transpose()
    }

    /// A member that must be there.
    pub(super) fn need(&mut self, name: &str) -> Result<Value, Invalid> {
        self.take(name).ok_or_else(|| self.at.malformed(format!("missing member `{name}`")))
    }

    /// A string that must be there.
    pub(super) fn string(&mut self, name: &str) -> Result<String, Invalid> {
        match self.need(name)? {
            Value::String(text) => Ok(text),
            other => Err(self.at.key(name).found(&other, "a string")),
        }
    }

    /// A list that must be there.
    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Value>, Invalid> {
        match self.need(name)? {
            Value::Array(list) => Ok(list),
            other => Err(self.at.key(name).found(&other, "a list")),
        }
    }

    /// An optional member that is true or false.
    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Invalid> {
        self.read(name, |json, at| json.as_bool().ok_or_else(|| at.found(&json, "a boolean")))
    }

    /// A number that must be there.
    pub(super) fn number(&mut self, name: &str) -> Result<f64, Invalid> {
        let json = self.need(name)?;
        json.as_f64().ok_or_else(|| self.at.key(name).found(&json, "a number"))
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

impl At<'_> {
    /// Something else was expected here.
    pub(super) fn found(&self, json: &Value, expected: &str) -> Invalid {
        self.malformed(format!("expected {expected}, found {}", kind(json)))
    }
}

/// What a JSON value is, for an error.
fn kind(json: &Value) -> &'static str {
    match json {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
