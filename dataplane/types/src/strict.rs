//! Limits that a collection sets on the requests for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::limits::NAMED_VECTORS_MAX;

/// Limits on the requests for a collection. What is absent limits nothing, and nothing does while
/// it is not switched on. Fields are called as in the API. What is not known is refused: a member
/// that passed it over would let through what others refuse.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StrictMode {
    /// Whether the limits hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Results of one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_query_limit: Option<u64>,
    /// Seconds that a client may give a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_timeout: Option<u64>,
    /// Whether filters of reads may name fields that no payload index serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unindexed_filtering_retrieve: Option<bool>,
    /// The same of writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unindexed_filtering_update: Option<bool>,
    /// Candidates that a search may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_max_hnsw_ef: Option<u64>,
    /// Whether a request may ask for a whole scan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_allow_exact: Option<bool>,
    /// Oversampling that a search may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_max_oversampling: Option<f64>,
    /// Points of one write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upsert_max_batchsize: Option<u64>,
    /// Queries of one batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_max_batchsize: Option<u64>,
    /// Bytes of vectors from which on no more are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_collection_vector_size_bytes: Option<u64>,
    /// What reads may cost in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_rate_limit: Option<u64>,
    /// What writes may cost in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_rate_limit: Option<u64>,
    /// Bytes of payloads from which on no more are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_collection_payload_size_bytes: Option<u64>,
    /// Points from which on no more are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_points_count: Option<u64>,
    /// Conditions of one filter, at all levels together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_max_conditions: Option<u64>,
    /// Values of one condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition_max_size: Option<u64>,
    /// Rows of vectors of vectors, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multivector_config: Option<BTreeMap<String, MultiLimit>>,
    /// Numbers of sparse vectors, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparse_config: Option<BTreeMap<String, SparseLimit>>,
    /// Payload indexes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_payload_index_count: Option<u64>,
    /// Per cent of a node's memory from which on the node takes no write that grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_resident_memory_percent: Option<u64>,
}

/// A limit on one vector of vectors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MultiLimit {
    /// Rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_vectors: Option<u64>,
}

/// A limit on one sparse vector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SparseLimit {
    /// Numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
}

/// Puts what is given in place of what was there.
macro_rules! overlay {
    ($base:ident, $newer:ident; $($field:ident)*) => {{
        // Taken apart whole: a limit that is added cannot be forgotten here.
        let StrictMode { $($field),* } = $newer;
        StrictMode { $($field: $field.or($base.$field)),* }
    }};
}

impl StrictMode {
    /// Whether nothing is said.
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the limits hold.
    pub fn is_on(&self) -> bool {
        self.enabled == Some(true)
    }

    /// The same with newer ones in place of those that they name. Those of vectors are replaced
    /// together.
    #[must_use]
    pub fn merged(self, newer: Self) -> Self {
        overlay!(self, newer;
            enabled max_query_limit max_timeout unindexed_filtering_retrieve
            unindexed_filtering_update search_max_hnsw_ef search_allow_exact
            search_max_oversampling upsert_max_batchsize search_max_batchsize
            max_collection_vector_size_bytes read_rate_limit write_rate_limit
            max_collection_payload_size_bytes max_points_count filter_max_conditions
            condition_max_size multivector_config sparse_config max_payload_index_count
            max_resident_memory_percent)
    }

    /// What an older version kept of one that was switched off, without a look at it. What is no
    /// limit is left out: it limited nothing.
    pub fn of_hint(hint: &Map<String, Value>) -> Self {
        let field = |(name, value): (&String, &Value)| {
            let alone = Map::from_iter([(name.clone(), value.clone())]);
            serde_json::from_value::<Self>(alone.into()).ok()
        };
        hint.iter().filter_map(field).fold(Self::default(), Self::merged)
    }

    /// Refuses more limits on vectors than a collection has vectors: every node holds them.
    ///
    /// # Errors
    /// `BadInput`.
    pub fn check(&self) -> Result<(), Error> {
        let multi = self.multivector_config.as_ref().map_or(0, BTreeMap::len);
        let sparse = self.sparse_config.as_ref().map_or(0, BTreeMap::len);
        match multi.max(sparse) {
            named if named <= NAMED_VECTORS_MAX => Ok(()),
            named => Err(Error::bad_input(format!(
                "strict_mode_config has limits for {named} vectors of a kind, must be at most \
                 {NAMED_VECTORS_MAX}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: Value) -> StrictMode {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn newer_limits_join_older_ones() {
        let base = read(json!({"enabled": true, "max_timeout": 2, "sparse_config": {"a": {}}}));
        assert_eq!(base.clone().merged(StrictMode::default()), base);
        let newer = read(json!({"max_timeout": 3, "search_max_oversampling": 1.5,
            "read_rate_limit": null, "sparse_config": {"b": {"max_length": 4}}}));
        let merged = serde_json::to_value(base.merged(newer)).unwrap();
        let expected = json!({"enabled": true, "max_timeout": 3, "search_max_oversampling": 1.5,
            "sparse_config": {"b": {"max_length": 4}}});
        assert_eq!(merged, expected);
    }

    #[test]
    fn what_is_no_limit_is_refused_by_name() {
        for (json, named) in [
            (json!({"max_queries": 1}), "max_queries"),
            (json!({"sparse_config": {"a": {"max_vectors": 1}}}), "max_vectors"),
            (json!({"max_query_limit": -1}), "-1"),
        ] {
            let error = serde_json::from_value::<StrictMode>(json).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn hints_of_older_versions_are_read_as_far_as_they_are_limits() {
        let hint = json!({"enabled": false, "max_query_limit": 5, "max_timeout": "x", "odd": 1});
        let expected = read(json!({"enabled": false, "max_query_limit": 5}));
        assert_eq!(StrictMode::of_hint(hint.as_object().unwrap()), expected);
        assert!(!expected.is_on() && !expected.is_unset() && StrictMode::default().is_unset());
    }

    #[test]
    fn there_are_no_more_limits_than_vectors() {
        let named = |n: usize| (0..n).map(|i| (i.to_string(), MultiLimit::default())).collect();
        let of = |n| StrictMode { multivector_config: Some(named(n)), ..StrictMode::default() };
        assert!(of(NAMED_VECTORS_MAX).check().is_ok());
        assert!(of(NAMED_VECTORS_MAX + 1).check().is_err());
    }
}
