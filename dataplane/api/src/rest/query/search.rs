//! Bodies of `points/search`, from before there was `points/query`: queries that are near to a
//! vector, and that are made of what they say.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use vane_types::Vector;

use super::super::document::TextAs;
use super::super::select::{RawFilter, WithPayload, WithVector};
use super::super::shard_key::NamedKeys;
use super::super::vector::{SoughtVector, VectorVisitor, vector_at};
use super::by::Ranking;
use super::{Params, QueryBatch, QueryRequest};
use crate::engine::By;

/// `POST points/search`.
#[derive(Debug, Deserialize)]
pub struct SearchRequest {
    vector: Near,
    filter: Option<RawFilter>,
    params: Option<Params>,
    score_threshold: Option<f32>,
    limit: u64,
    offset: Option<u64>,
    with_payload: Option<WithPayload>,
    #[serde(alias = "with_vectors")]
    with_vector: Option<WithVector>,
    shard_key: Option<NamedKeys>,
}

/// `POST points/search/batch`.
#[derive(Debug, Deserialize)]
pub struct SearchBatch {
    searches: Vec<SearchRequest>,
}

impl From<SearchRequest> for QueryRequest {
    fn from(search: SearchRequest) -> Self {
        let (using, query) = search.vector.into_parts();
        Self {
            query: Some(query),
            using,
            filter: search.filter,
            params: search.params,
            score_threshold: search.score_threshold,
            limit: Some(search.limit),
            offset: search.offset,
            with_payload: search.with_payload,
            with_vector: search.with_vector,
            shard_key: search.shard_key,
            ..Self::default()
        }
    }
}

impl From<SearchBatch> for QueryBatch {
    fn from(batch: SearchBatch) -> Self {
        Self { searches: batch.searches.into_iter().map(QueryRequest::from).collect() }
    }
}

/// What is searched for: a vector, or an object with its name and it.
#[derive(Debug)]
pub(super) struct Near {
    name: Option<String>,
    vector: Vector,
}

impl Near {
    /// The name, and what ranks by it.
    pub(super) fn into_parts(self) -> (Option<String>, Ranking) {
        (self.name, Ranking(By::Vector(self.vector)))
    }
}

impl From<Vector> for Near {
    fn from(vector: Vector) -> Self {
        Self { name: None, vector }
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
    vector: SoughtVector,
}

impl<'de> Deserialize<'de> for Near {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `untagged`, which would lose the path to a mistake.
        deserializer.deserialize_any(NearVisitor)
    }
}

struct NearVisitor;

impl<'de> Visitor<'de> for NearVisitor {
    type Value = Near;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers, or an object with `name` and `vector`")
    }

    fn visit_i64<E: Error>(self, mark: i64) -> Result<Near, E> {
        vector_at(mark, &self).map(Near::from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Near, A::Error> {
        VectorVisitor(TextAs::Sought).visit_seq(seq).map(Near::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Near, A::Error> {
        let Named { name, vector } = Named::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Near { name: Some(name), vector: vector.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{assert_refused, parse_text};
    use super::*;
    use crate::engine::{Query, WantPayload, WantVectors};
    use crate::error::Error;
    use crate::rest::shard_key::Keyed;

    fn search(json: &str) -> Result<Query, Error> {
        let search = parse_text::<SearchRequest>(json)?;
        QueryRequest::from(search).into_query()
    }

    #[test]
    fn a_search_is_the_query_near_to_its_vector() {
        for (vector, using) in [
            ("[1, 2]", ""),
            (r#"{"name": "a", "vector": [1, 2]}"#, "a"),
            (r#"{"name": "", "vector": [1, 2]}"#, ""),
        ] {
            let json = format!(
                r#"{{"vector": {vector}, "limit": 3, "offset": 2, "score_threshold": 0.5,
                "filter": {{"must": []}}, "params": {{"hnsw_ef": 7, "exact": true}}}}"#
            );
            let query = search(&json).unwrap();
            assert!(matches!(query.by, By::Vector(it) if it.dense() == Some(&[1.0, 2.0])));
            assert_eq!((query.using.as_str(), query.limit, query.offset), (using, 3, 2), "{json}");
            assert_eq!(query.score_threshold, Some(0.5));
            assert_eq!((query.params.ef, query.params.exact), (Some(7), true));
            assert!(query.filter.is_some() && query.prefetch.is_empty());
            assert!(matches!(query.want.payload, WantPayload::Nothing));
            assert!(matches!(query.want.vectors, WantVectors::Nothing));
        }
        let sparse = r#"{"vector": {"name": "s", "vector": {"indices": [1], "values": [2]}}"#;
        let by = search(&format!(r#"{sparse}, "limit": 1, "with_payload": true}}"#)).unwrap().by;
        assert!(matches!(by, By::Vector(Vector::Sparse(_))));
    }

    #[test]
    fn long_lists_are_read_apart_in_both_forms() {
        let list = (0..200).map(|i| format!("{i}.5")).collect::<Vec<_>>().join(",");
        for vector in [format!("[{list}]"), format!(r#"{{"name": "a", "vector": [{list}]}}"#)] {
            let query = search(&format!(r#"{{"vector": {vector}, "limit": 1}}"#)).unwrap();
            assert!(matches!(query.by, By::Vector(it) if it.values().len() == 200));
        }
    }

    #[test]
    fn a_batch_has_the_shard_keys_of_each() {
        let batch = r#"{"searches": [{"vector": [1], "limit": 1, "shard_key": "a"},
            {"vector": [2], "limit": 2}]}"#;
        let batch = parse_text::<SearchBatch>(batch).unwrap();
        let queries = QueryBatch::from(batch).into_queries().unwrap();
        let seen: Vec<_> = queries.iter().map(|(keys, it)| (keys.is_some(), it.limit)).collect();
        assert_eq!(seen, [(true, 1), (false, 2)]);
        let one = parse_text::<SearchRequest>(r#"{"vector": [1], "limit": 1, "shard_key": 7}"#);
        assert!(QueryRequest::from(one.unwrap()).take_keys().is_some());
    }

    #[test]
    fn mistakes_get_their_code_and_name_the_field() {
        for (json, expected, named) in [
            ("{}", 400, "vector"),
            (r#"{"vector": [1]}"#, 400, "missing field `limit`"),
            (r#"{"vector": [1], "limit": 0}"#, 422, "limit"),
            (r#"{"vector": 1, "limit": 1}"#, 400, "vector"),
            (r#"{"vector": -1, "limit": 1}"#, 400, "vector"),
            (r#"{"vector": {"vector": [1]}, "limit": 1}"#, 400, "name"),
            (r#"{"vector": {"name": "a"}, "limit": 1}"#, 400, "vector"),
            (r#"{"vector": {"name": "a", "vector": ["x"]}, "limit": 1}"#, 400, "vector.vector"),
        ] {
            assert_refused(json, &search(json).unwrap_err(), expected, named);
        }
    }
}
