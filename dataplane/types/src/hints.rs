//! Parameters that were set and have no effect here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::limits::HINTS_BYTES_MAX;
use crate::path::JsonPath;

/// The place of a way to quantise, among what is said of the collection or of a vector.
pub const QUANTIZATION: &str = "quantization_config";

/// What a client set that changes no answer, and mostly does nothing in this version: kept, so that
/// it is returned, and copied to wherever the collection is copied.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    /// By its place in the `config` that the API returns, such as `wal_config`.
    pub config: Map<String, Value>,
    /// Of vectors, by name.
    pub vectors: BTreeMap<String, Map<String, Value>>,
    /// Options of payload indexes.
    pub indexes: BTreeMap<JsonPath, Map<String, Value>>,
}

impl Hints {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        let Self { config, vectors, indexes } = self;
        config.is_empty() && vectors.is_empty() && indexes.is_empty()
    }

    /// Puts newer ones in place of those that they name; null takes one away, and so does an
    /// index without options.
    pub fn merge(&mut self, newer: Self) {
        let Self { config, vectors, indexes } = newer;
        merge_deep(&mut self.config, config);
        for (name, hints) in vectors {
            merge_deep(self.vectors.entry(name).or_default(), hints);
        }
        self.indexes.extend(indexes);
        self.vectors.retain(|_, hints| !hints.is_empty());
        self.indexes.retain(|_, options| !options.is_empty());
    }

    /// Forgets where a vector was said to be wanted, or with none where graphs were, when that had
    /// no effect: what says so now is no hint.
    pub fn forget_residence(&mut self, vector: Option<&str>) {
        let of = match vector {
            None => Some(&mut self.config),
            Some(name) => self.vectors.get_mut(name),
        };
        let Some(of) = of else { return };
        // Of the collection nothing is called so at the top.
        of.remove("memory");
        if let Some(Value::Object(graph)) = of.get_mut("hnsw_config") {
            graph.retain(|name, _| !["memory", "on_disk"].contains(&name.as_str()));
        }
    }

    /// What shards go by: which index is of tenants, as their rows lie in that order, and how many
    /// bits codes of vectors are to have.
    #[must_use]
    pub fn of_shards(&self) -> Self {
        let codes = |said: &Map<String, Value>| {
            let method = said.get(QUANTIZATION).map(|method| (QUANTIZATION.to_owned(), method));
            method.into_iter().map(|(key, it)| (key, it.clone())).collect::<Map<_, _>>()
        };
        let mut kept = Self { config: codes(&self.config), ..Self::default() };
        for (name, said) in &self.vectors {
            let codes = codes(said);
            if !codes.is_empty() {
                kept.vectors.insert(name.clone(), codes);
            }
        }
        for (field, options) in &self.indexes {
            let mut options = options.clone();
            options.retain(|name, _| name == "is_tenant");
            if !options.is_empty() {
                kept.indexes.insert(field.clone(), options);
            }
        }
        kept
    }

    /// The same with newer ones in place of those that they name.
    #[must_use]
    pub fn merged(mut self, newer: Self) -> Self {
        self.merge(newer);
        self
    }

    /// Refuses more than is kept.
    ///
    /// # Errors
    /// `BadInput`.
    pub fn check(&self) -> Result<(), Error> {
        let json = serde_json::to_vec(self).expect("hints are plain data");
        if json.len() <= HINTS_BYTES_MAX {
            return Ok(());
        }
        Err(Error::bad_input(format!(
            "parameters without effect take {} bytes, the limit is {HINTS_BYTES_MAX}",
            json.len()
        )))
    }
}

/// Merges members, and those of objects that both have. Null removes.
pub fn merge_deep(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (_, Value::Null) => {
                into.remove(&key);
            }
            // Hints have as many levels as the API gives parameters.
            (Some(Value::Object(into)), Value::Object(from)) => merge_deep(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn hints(config: Value, index: Value) -> Hints {
        let indexes = BTreeMap::from([("k".parse().unwrap(), object(index))]);
        Hints { config: object(config), vectors: BTreeMap::new(), indexes }
    }

    #[test]
    fn newer_hints_join_older_ones_and_null_takes_one_away() {
        let mut kept = hints(
            json!({"wal": {"mb": 1, "ahead": 2}, "q": {"a": {}}}),
            json!({"is_tenant": true}),
        );
        kept.merge(hints(json!({"wal": {"mb": 3}, "q": null, "x": 1}), json!({})));
        assert_eq!(kept.config, object(json!({"wal": {"mb": 3, "ahead": 2}, "x": 1})));
        assert!(kept.indexes.is_empty() && kept.check().is_ok());
        kept.merge(hints(json!({"hnsw_config": {"on_disk": true, "payload_m": 1}}), json!({})));
        kept.vectors.insert("a".into(), object(json!({"memory": "cold", "datatype": "float32"})));
        kept.forget_residence(None);
        kept.forget_residence(Some("a"));
        assert_eq!(kept.config["hnsw_config"], json!({"payload_m": 1}));
        assert_eq!(kept.vectors["a"], object(json!({"datatype": "float32"})));
        kept.config.insert("large".into(), "x".repeat(HINTS_BYTES_MAX).into());
        assert!(kept.check().is_err());
    }

    #[test]
    fn shards_are_told_of_tenants_and_codes_alone() {
        let mut all = hints(
            json!({"quantization_config": {"binary": {}}, "wal_config": {"wal_capacity_mb": 1}}),
            json!({"is_tenant": true, "on_disk": true}),
        );
        let own =
            json!({"quantization_config": {"turbo": {"bits": "bits2"}}, "datatype": "float16"});
        all.vectors.insert("a".into(), object(own));
        all.vectors.insert("b".into(), object(json!({"hnsw_config": {"payload_m": 1}})));
        let told = all.of_shards();
        assert_eq!(told.config, object(json!({"quantization_config": {"binary": {}}})));
        assert_eq!(told.vectors.len(), 1);
        assert_eq!(told.indexes[&"k".parse().unwrap()], object(json!({"is_tenant": true})));
        let config = crate::CollectionConfig { hints: told, ..Default::default() };
        assert_eq!(["a", "b"].map(|name| config.code_bits_of(name)), [2, 1]);
        assert_eq!(crate::CollectionConfig::default().code_bits_of("a"), 8);
    }
}
