//! Shard keys: which tenants of a collection a request is about.

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vane_types::ShardKey;

use super::{Unsupported, UnsupportedUnlessEmpty};
use crate::engine::{Layout, ShardKeys};
use crate::error::{Error, Kind};

/// Shard keys that one request may name.
const KEYS_MAX: usize = 1024;
const EXPECTED: &str =
    "a text, a number, a list of those, or an object with `target` and `fallback`";

/// `shard_key` of a request.
#[derive(Debug)]
pub struct NamedKeys(ShardKeys);

/// A request that may name shard keys.
pub trait Keyed {
    /// The keys that it names, taken out of it.
    fn take_keys(&mut self) -> Option<ShardKeys>;
}

/// Implements [`Keyed`] for requests with a field `shard_key`.
macro_rules! keyed {
    ($($request:ty),* $(,)?) => {$(
        impl $crate::rest::shard_key::Keyed for $request {
            fn take_keys(&mut self) -> Option<$crate::engine::ShardKeys> {
                self.shard_key.take().map($crate::rest::shard_key::NamedKeys::into_keys)
            }
        }
    )*};
}
pub(super) use keyed;

impl NamedKeys {
    /// What it names.
    pub(super) fn into_keys(self) -> ShardKeys {
        self.0
    }
}

impl<'de> Deserialize<'de> for NamedKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (keys, fallback) = match Value::deserialize(deserializer)? {
            Value::Array(list) => {
                let keys: Option<Vec<ShardKey>> = list.iter().map(key).collect();
                (keys.ok_or_else(|| D::Error::custom(format!("expected {EXPECTED}")))?, None)
            }
            Value::Object(mut object) => {
                let mut take = |name| object.remove(name).as_ref().and_then(key);
                match (take("target"), take("fallback")) {
                    (Some(target), Some(fallback)) if object.is_empty() => {
                        (vec![target], Some(fallback))
                    }
                    _ => return Err(D::Error::custom(format!("expected {EXPECTED}"))),
                }
            }
            one => {
                let one = key(&one).ok_or_else(|| D::Error::custom(format!("expected {EXPECTED}")));
                (vec![one?], None)
            }
        };
        if keys.is_empty() || keys.len() > KEYS_MAX {
            return Err(D::Error::custom(format!("must name 1 to {KEYS_MAX} keys")));
        }
        Ok(Self(ShardKeys { keys, fallback }))
    }
}

fn key(value: &Value) -> Option<ShardKey> {
    match value {
        Value::String(text) => Some(ShardKey::Text(text.clone())),
        Value::Number(number) => number.as_u64().map(ShardKey::Number),
        _ => None,
    }
}

/// `PUT /collections/{collection}/shards`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateShardKey {
    shard_key: OneKey,
    shards_number: Option<u64>,
    replication_factor: Option<u64>,
    #[serde(default, rename = "placement")]
    _placement: UnsupportedUnlessEmpty,
    #[serde(default, rename = "initial_state")]
    _initial_state: Unsupported,
}

/// `POST /collections/{collection}/shards/delete`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteShardKey {
    shard_key: OneKey,
}

#[derive(Debug)]
struct OneKey(ShardKey);

impl<'de> Deserialize<'de> for OneKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        key(&value).map(Self).ok_or_else(|| D::Error::custom("expected a text or a number"))
    }
}

impl CreateShardKey {
    /// The key to make in a collection that is laid out so.
    ///
    /// # Errors
    ///
    /// `Kind::Unsupported` where it is to have shards or replicas otherwise: it is a range of
    /// hashes, and has none of its own.
    pub fn into_key(self, layout: Layout) -> Result<ShardKey, Error> {
        let refused = |field, number, of_all| {
            let detail = format!("leave it out: it is that of the collection, {of_all}");
            let subject = format!("`{field}: {number}` of a shard key");
            Err(Error::new(Kind::Unsupported, subject, detail))
        };
        match (self.shards_number, self.replication_factor) {
            // One asks for no more than what a key takes mostly.
            (Some(shards), _) if shards != 1 && shards != u64::from(layout.shards) => {
                refused("shards_number", shards, layout.shards)
            }
            (_, Some(factor)) if factor != u64::from(layout.replication_factor) => {
                refused("replication_factor", factor, layout.replication_factor)
            }
            _ => Ok(self.shard_key.0),
        }
    }
}

impl DeleteShardKey {
    /// The key to delete.
    pub fn into_key(self) -> ShardKey {
        self.shard_key.0
    }
}

/// What a list of shard keys answers.
pub fn shard_keys(keys: &[ShardKey]) -> impl Serialize {
    let keys: Vec<Value> = keys.iter().map(|key| json!({ "key": key })).collect();
    json!({ "shard_keys": keys })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &Value) -> Result<ShardKeys, String> {
        let named: Result<NamedKeys, _> = serde_json::from_value(json.clone());
        named.map(NamedKeys::into_keys).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_named_in_four_ways() {
        let (text, number) = (ShardKey::Text("a".into()), ShardKey::Number(7));
        for (json, keys, fallback) in [
            (json!("a"), vec![text.clone()], None),
            (json!(7), vec![number.clone()], None),
            (json!(["a", 7]), vec![text.clone(), number.clone()], None),
            (json!({"target": "a", "fallback": 7}), vec![text], Some(number)),
        ] {
            assert_eq!(read(&json), Ok(ShardKeys { keys, fallback }), "{json}");
        }
        let no_keys = [
            json!(-1),
            json!(1.5),
            json!(true),
            json!([["a"]]),
            json!({"target": "a"}),
            json!({"target": "a", "fallback": "b", "more": 1}),
            json!({"target": ["a"], "fallback": "b"}),
        ];
        for json in no_keys {
            assert!(read(&json).unwrap_err().contains("expected a text"), "{json}");
        }
        assert!(read(&json!([])).unwrap_err().contains("1 to 1024"));
    }

    #[test]
    fn a_key_has_the_shards_and_replicas_of_its_collection() {
        let layout = Layout { shards: 4, replication_factor: 3, write_consistency_factor: 2 };
        let read = |json| serde_json::from_value::<CreateShardKey>(json);
        let make = |json| read(json).unwrap().into_key(layout);
        for json in [
            json!({"shard_key": "a"}),
            json!({"shard_key": "a", "shards_number": 1, "placement": []}),
            json!({"shard_key": "a", "shards_number": 4, "replication_factor": 3}),
        ] {
            assert_eq!(make(json), Ok(ShardKey::Text("a".into())));
        }
        for (field, number) in
            [("shards_number", 2), ("shards_number", 0), ("replication_factor", 1)]
        {
            let error = make(json!({"shard_key": "a", field: number})).unwrap_err();
            assert_eq!(error.kind, Kind::Unsupported);
            assert!(error.subject.contains(field), "{error:?}");
        }
        let placed = read(json!({"shard_key": "a", "placement": [1]})).unwrap_err().to_string();
        assert!(placed.contains("not supported"), "{placed}");
    }
}
