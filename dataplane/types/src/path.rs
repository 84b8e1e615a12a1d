//! Paths into a payload: `a.b`, `a[].b`, `a[0].b`, `"quoted.key"`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::limits::PAYLOAD_KEY_BYTES_MAX;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The member of an object. It never enters an array by itself.
    Key(String),
    /// Every element of an array.
    Each,
    /// One element of an array.
    At(usize),
}

impl Step {
    fn values<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Self::Key(key), Value::Object(object)) => object.get(key).into_iter().collect(),
            (Self::Each, Value::Array(array)) => array.iter().collect(),
            (Self::At(i), Value::Array(array)) => array.get(*i).into_iter().collect(),
            // A step that does not fit leads nowhere and is no error: payloads differ from point to
            // point.
            _ => Vec::new(),
        }
    }
}

/// A parsed path. Its first step is always a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsonPath {
    first: String,
    rest: Vec<Step>,
}

impl JsonPath {
    /// All values the path leads to, in document order; none when a step finds nothing.
    pub fn values<'a>(&self, payload: &'a Map<String, Value>) -> Vec<&'a Value> {
        let mut found: Vec<&Value> = payload.get(&self.first).into_iter().collect();
        for step in &self.rest {
            found = found.into_iter().flat_map(|value| step.values(value)).collect();
        }
        found
    }

    /// The path with `[]` behind it, unless it ends so already.
    pub fn each(&self) -> Self {
        let mut path = self.clone();
        // A second `[]` would ask for arrays within the array.
        if path.rest.last() != Some(&Step::Each) {
            path.rest.push(Step::Each);
        }
        path
    }

    /// Whether the path enters arrays.
    pub fn enters_arrays(&self) -> bool {
        self.rest.iter().any(|step| matches!(step, Step::Each | Step::At(_)))
    }

    /// First key: the payload's own member that the path enters.
    pub fn root(&self) -> &str {
        &self.first
    }

    /// Steps behind the first key.
    pub fn rest(&self) -> &[Step] {
        &self.rest
    }
}

/// Text that is no path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PathError {
    #[error("payload key is longer than {PAYLOAD_KEY_BYTES_MAX} bytes")]
    TooLong,
    #[error(
        "invalid payload key \"{0}\": expected a path like a.b, a[].b, a[0].b or \"quoted.key\""
    )]
    Malformed(String),
}

impl FromStr for JsonPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.len() > PAYLOAD_KEY_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        let bad = || PathError::Malformed(text.to_owned());
        let (first, mut left) = key(text).ok_or_else(bad)?;
        let mut rest = Vec::new();
        while !left.is_empty() {
            if let Some(tail) = left.strip_prefix('[') {
                let (inside, tail) = tail.split_once(']').ok_or_else(bad)?;
                rest.push(match inside {
                    "" => Step::Each,
                    digits => Step::At(digits.parse().map_err(|_| bad())?),
                });
                left = tail;
            } else {
                let (name, tail) = left.strip_prefix('.').and_then(key).ok_or_else(bad)?;
                rest.push(Step::Key(name));
                left = tail;
            }
        }
        Ok(Self { first, rest })
    }
}

/// One key at the start of `text`, quoted or bare, and what follows it.
fn key(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        // Quotes know no escapes: a key that has one in it cannot be named.
        let (name, tail) = quoted.split_once('"')?;
        return (!name.is_empty()).then(|| (name.to_owned(), tail));
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, tail) = text.split_at(end);
    // A stray quote or bracket is a slip: as a part of the key it would match nothing for ever.
    (!name.is_empty() && !name.contains(['"', ']'])).then(|| (name.to_owned(), tail))
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.first)?;
        for step in &self.rest {
            match step {
                Step::Key(name) => {
                    f.write_str(".")?;
                    write_key(f, name)?;
                }
                Step::Each => f.write_str("[]")?,
                Step::At(i) => write!(f, "[{i}]")?,
            }
        }
        Ok(())
    }
}

/// A key in the form that [`key`] reads: quoted where it would read as several steps.
fn write_key(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if name.contains(['.', '[', ']']) { write!(f, "\"{name}\"") } else { f.write_str(name) }
}

impl Serialize for JsonPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JsonPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn find(path: &str) -> Vec<Value> {
        let payload = json!({"a": {"b": 1, "c.d": 2}, "l": [{"b": 3}, {"b": 4}], "n": [[5], 6]});
        let path: JsonPath = path.parse().unwrap();
        assert_eq!(path.to_string().parse::<JsonPath>().unwrap(), path);
        path.values(payload.as_object().unwrap()).into_iter().cloned().collect()
    }

    #[test]
    fn paths_lead_where_they_say() {
        assert_eq!(find("a.b"), [json!(1)]);
        assert_eq!(find("a.\"c.d\""), [json!(2)]);
        assert_eq!(find("l[].b"), [json!(3), json!(4)]);
        assert_eq!(find("l[1].b"), [json!(4)]);
        assert_eq!(find("n[0][]"), [json!(5)]);
        assert!(find("l.b").is_empty(), "a key does not enter an array");
        assert!(find("x.y").is_empty());
    }

    #[test]
    fn broken_paths_are_refused() {
        for bad in ["", ".a", "a.", "a[", "a[x]", "a]b", "\"a", "a..b", "[0]"] {
            assert!(bad.parse::<JsonPath>().is_err(), "{bad}");
        }
    }
}
