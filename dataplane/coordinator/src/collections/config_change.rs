//! Changes of a collection's parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use vane_types::limits::{METADATA_BYTES_MAX, METADATA_DEPTH_MAX};
use vane_types::{
    CollectionConfig, Error, Hints, HnswConfig, OptimizerConfig, Payload, Residence, SearchConfig,
    StrictMode, json, payload,
};

/// What to change; absent parts stay.
#[derive(Debug, Clone, Default)]
pub struct ConfigChange {
    /// Graph parameters of all vectors without their own.
    pub hnsw: Option<HnswConfig>,
    /// When background jobs act.
    pub optimizer: Option<OptimizerConfig>,
    /// By vector.
    pub vectors: BTreeMap<String, VectorChange>,
    /// By sparse vector.
    pub sparse: BTreeMap<String, SparseChange>,
    /// What searches are to be like.
    pub search: Option<SearchConfig>,
    /// Labels to set; `null` removes one.
    pub metadata: Option<Map<String, Value>>,
    /// Parameters without effect, in place of those that they name.
    pub hints: Hints,
    /// Limits on requests, in place of those that they name.
    pub strict: StrictMode,
}

/// The place among hints where older versions kept limits that were switched off.
const STRICT_HINT: &str = "strict_mode_config";

/// What to change of one vector.
#[derive(Debug, Clone, Default)]
pub struct VectorChange {
    /// Its own graph parameters.
    pub hnsw: Option<HnswConfig>,
    /// An older form of `memory`.
    pub on_disk: Option<bool>,
    /// Where its rows are wanted.
    pub memory: Option<Residence>,
}

/// What to change of one sparse vector.
#[derive(Debug, Clone, Default)]
pub struct SparseChange {
    /// Whether rare indices count more.
    pub idf: Option<bool>,
    /// An older form of `memory`.
    pub on_disk: Option<bool>,
    /// Where its rows and postings are wanted.
    pub memory: Option<Residence>,
}

impl ConfigChange {
    /// The configuration after the change. Graphs that exist keep the parameters they were
    /// built with.
    ///
    /// # Errors
    /// `BadInput` for a vector that the collection does not have, or more hints than are kept.
    pub(crate) fn apply(self, mut config: CollectionConfig) -> Result<CollectionConfig, Error> {
        let Self { hnsw, optimizer, vectors, sparse, search, metadata, hints, strict } = self;
        if let Some(hnsw) = hnsw {
            config.hnsw = hnsw;
            config.hints.forget_residence(None);
        }
        config.optimizer = optimizer.unwrap_or(config.optimizer);
        config.search = search.unwrap_or(config.search);
        for (name, change) in vectors {
            let vector = config.vectors.get_mut(&name).ok_or_else(|| not_existing(&name))?;
            if change.hnsw.is_some() || change.memory.is_some() {
                config.hints.forget_residence(Some(&name));
            }
            vector.hnsw = change.hnsw.or(vector.hnsw);
            vector.on_disk = change.on_disk.or(vector.on_disk);
            vector.memory = change.memory.or(vector.memory);
        }
        for (name, change) in sparse {
            let vector = config.sparse.get_mut(&name).ok_or_else(|| not_existing(&name))?;
            vector.idf = change.idf.unwrap_or(vector.idf);
            vector.on_disk = change.on_disk.or(vector.on_disk);
            vector.memory = change.memory.or(vector.memory);
        }
        config.hints.merge(hints);
        config.hints.check()?;
        if !strict.is_unset() {
            let older = match config.hints.config.remove(STRICT_HINT) {
                Some(Value::Object(hint)) => StrictMode::of_hint(&hint),
                _ => StrictMode::default(),
            };
            config.strict = older.merged(config.strict).merged(strict);
            config.strict.check()?;
        }
        if let Some(metadata) = metadata {
            payload::merge(&mut config.metadata, &metadata);
            check_metadata(&config.metadata)?;
        }
        Ok(config)
    }
}

/// Qdrant's own words, since its clients may look at them.
fn not_existing(vector: &str) -> Error {
    Error::bad_input(format!("Not existing vector name error: {vector}"))
}

/// Refuses metadata of a collection that would burden the catalog, which every node holds.
pub(crate) fn check_metadata(metadata: &Payload) -> Result<(), Error> {
    if metadata.values().any(|value| json::is_deeper(value, METADATA_DEPTH_MAX - 1)) {
        let most = format!("metadata may be {METADATA_DEPTH_MAX} levels deep; this is deeper");
        return Err(Error::bad_input(most));
    }
    match payload::encode(metadata).len() {
        bytes if bytes > METADATA_BYTES_MAX => Err(Error::bad_input(format!(
            "metadata would take {bytes} bytes, the limit is {METADATA_BYTES_MAX}"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(value: Value) -> Payload {
        json!({ "a": value }).as_object().unwrap().clone()
    }

    #[test]
    fn limits_join_those_that_older_versions_kept_as_hints() {
        let mut before = CollectionConfig::default();
        let hint = json!({ "enabled": false, "max_timeout": 3, "max_query_limit": 9 });
        before.hints.config.insert(STRICT_HINT.into(), hint);
        let change = |json: Value| ConfigChange {
            strict: serde_json::from_value(json).unwrap(),
            ..ConfigChange::default()
        };
        let untouched = ConfigChange::default().apply(before.clone()).unwrap();
        assert_eq!(untouched, before);
        let on = change(json!({ "enabled": true, "max_query_limit": 4 })).apply(before).unwrap();
        assert!(on.strict.is_on() && on.hints.config.is_empty());
        assert_eq!((on.strict.max_timeout, on.strict.max_query_limit), (Some(3), Some(4)));
        let off = change(json!({ "enabled": false })).apply(on).unwrap();
        assert_eq!((off.strict.is_on(), off.strict.max_timeout), (false, Some(3)));
    }

    #[test]
    fn metadata_is_bounded_as_it_comes_to_be() {
        let deep = |levels| (1..levels).fold(json!(1), |value, _| json!([value]));
        assert!(check_metadata(&metadata(deep(METADATA_DEPTH_MAX))).is_ok());
        assert!(check_metadata(&metadata(deep(METADATA_DEPTH_MAX + 1))).is_err());
        let half = "x".repeat(METADATA_BYTES_MAX / 2);
        let before = CollectionConfig { metadata: metadata(json!(half)), ..Default::default() };
        let set = |name: &str| {
            let metadata = Some([(name.to_owned(), json!(half))].into_iter().collect());
            ConfigChange { metadata, ..ConfigChange::default() }.apply(before.clone())
        };
        assert!(set("a").is_ok());
        assert!(set("b").unwrap_err().detail.contains("the limit is 65536"));
    }
}
