//! Bodies of `points/query/groups` and `points/search/groups`: a query, and how its points are
//! grouped.

use serde::Deserialize;
use vane_types::JsonPath;

use super::super::read::limit;
use super::super::select::{RawFilter, WithPayload, WithVector};
use super::super::shard_key::{Keyed, NamedKeys};
use super::by::Ranking;
use super::examples::LookupFrom;
use super::lookup::WithLookup;
use super::search::Near;
use super::{OneOrMany, Params, PrefetchRequest, QueryRequest};
use crate::engine::{Grouping, Query, ShardKeys};
use crate::error::Error;

/// Points of a group when the request does not say.
const GROUP_SIZE: usize = 3;

/// `POST points/query/groups`.
#[derive(Debug, Deserialize)]
pub struct QueryGroupsRequest {
    query: Option<Ranking>,
    using: Option<String>,
    filter: Option<RawFilter>,
    params: Option<Params>,
    score_threshold: Option<f32>,
    limit: Option<u64>,
    with_payload: Option<WithPayload>,
    #[serde(alias = "with_vectors")]
    with_vector: Option<WithVector>,
    #[serde(default)]
    prefetch: OneOrMany<PrefetchRequest>,
    lookup_from: Option<LookupFrom>,
    shard_key: Option<NamedKeys>,
    group_by: JsonPath,
    group_size: Option<u64>,
    with_lookup: Option<WithLookup>,
}

/// `POST points/search/groups`.
#[derive(Debug, Deserialize)]
pub struct SearchGroupsRequest {
    vector: Near,
    filter: Option<RawFilter>,
    params: Option<Params>,
    score_threshold: Option<f32>,
    limit: u64,
    with_payload: Option<WithPayload>,
    #[serde(alias = "with_vectors")]
    with_vector: Option<WithVector>,
    shard_key: Option<NamedKeys>,
    group_by: JsonPath,
    group_size: u64,
    with_lookup: Option<WithLookup>,
}

/// What either asks for.
#[derive(Debug)]
pub struct GroupsRequest {
    query: QueryRequest,
    by: JsonPath,
    size: Option<u64>,
    lookup: Option<WithLookup>,
}

impl From<QueryGroupsRequest> for GroupsRequest {
    fn from(request: QueryGroupsRequest) -> Self {
        let query = QueryRequest {
            query: request.query,
            using: request.using,
            filter: request.filter,
            params: request.params,
            score_threshold: request.score_threshold,
            limit: request.limit,
            with_payload: request.with_payload,
            with_vector: request.with_vector,
            prefetch: request.prefetch,
            lookup_from: request.lookup_from,
            shard_key: request.shard_key,
            ..QueryRequest::default()
        };
        Self::new(query, request.group_by, request.group_size, request.with_lookup)
    }
}

impl From<SearchGroupsRequest> for GroupsRequest {
    fn from(request: SearchGroupsRequest) -> Self {
        let (using, query) = request.vector.into_parts();
        let query = QueryRequest {
            query: Some(query),
            using,
            filter: request.filter,
            params: request.params,
            score_threshold: request.score_threshold,
            limit: Some(request.limit),
            with_payload: request.with_payload,
            with_vector: request.with_vector,
            shard_key: request.shard_key,
            ..QueryRequest::default()
        };
        Self::new(query, request.group_by, Some(request.group_size), request.with_lookup)
    }
}

impl Keyed for GroupsRequest {
    fn take_keys(&mut self) -> Option<ShardKeys> {
        self.query.take_keys()
    }
}

impl GroupsRequest {
    pub(super) fn new(
        query: QueryRequest,
        by: JsonPath,
        size: Option<u64>,
        lookup: Option<WithLookup>,
    ) -> Self {
        Self { query, by, size, lookup }
    }

    /// The query, whose limit is one of groups, and how its points are grouped.
    ///
    /// # Errors
    ///
    /// As those of [`QueryRequest::into_query`], and `Kind::Invalid` where groups are to be empty.
    pub fn into_parts(self) -> Result<(Query, Grouping), Error> {
        let size = limit("group_size", self.size, GROUP_SIZE)?;
        let lookup = self.lookup.map(|lookup| lookup.0);
        Ok((self.query.into_query()?, Grouping { by: self.by, size, lookup }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{assert_refused, parse_text};
    use super::*;
    use crate::engine::{By, WantPayload, WantVectors};

    fn query(json: &str) -> Result<(Query, Grouping), Error> {
        GroupsRequest::from(parse_text::<QueryGroupsRequest>(json)?).into_parts()
    }

    fn search(json: &str) -> Result<(Query, Grouping), Error> {
        GroupsRequest::from(parse_text::<SearchGroupsRequest>(json)?).into_parts()
    }

    #[test]
    fn both_are_queries_with_a_grouping() {
        let (asked, grouping) = query(r#"{"query": 7, "group_by": "a[].b"}"#).unwrap();
        assert!(matches!(asked.by, By::Point(_)));
        assert_eq!((asked.limit, asked.offset, grouping.size), (10, 0, 3));
        assert_eq!(grouping.by.to_string(), "a[].b");
        assert!(grouping.lookup.is_none());
        let looked_up = |json: &str| {
            let json = format!(r#"{{"group_by": "a", "with_lookup": {json}}}"#);
            query(&json).unwrap().1.lookup.unwrap()
        };
        let lookup = looked_up(r#""docs""#);
        assert_eq!(lookup.collection, "docs");
        assert!(matches!(lookup.want.payload, WantPayload::All));
        assert!(matches!(lookup.want.vectors, WantVectors::Nothing));
        let bare = r#"{"collection": "d", "with_payload": ["x"], "with_vectors": true}"#;
        let lookup = looked_up(bare);
        assert!(matches!(lookup.want.payload, WantPayload::Include(keys) if keys.len() == 1));
        assert!(matches!(lookup.want.vectors, WantVectors::All));
        let json = r#"{"vector": {"name": "v", "vector": [1]}, "limit": 2, "group_size": 4,
            "group_by": "a", "shard_key": "k"}"#;
        let (asked, grouping) = search(json).unwrap();
        assert_eq!((asked.using.as_str(), asked.limit, grouping.size), ("v", 2, 4));
        let mut request = GroupsRequest::from(parse_text::<SearchGroupsRequest>(json).unwrap());
        assert!(request.take_keys().is_some());
    }

    #[test]
    fn mistakes_get_their_code_and_name_the_field() {
        for (json, expected, named) in [
            (r#"{"query": 7}"#, 400, "group_by"),
            (r#"{"group_by": ""}"#, 400, "group_by"),
            (r#"{"group_by": "a", "group_size": 0}"#, 422, "group_size"),
            (r#"{"group_by": "a", "limit": 0}"#, 422, "limit"),
            (r#"{"group_by": "a", "with_lookup": 7}"#, 400, "with_lookup"),
            (r#"{"group_by": "a", "with_lookup": {"with_payload": true}}"#, 400, "collection"),
        ] {
            assert_refused(json, &query(json).unwrap_err(), expected, named);
        }
        for (json, named) in [
            (r#"{"vector": [1], "limit": 1, "group_by": "a"}"#, "group_size"),
            (r#"{"vector": [1], "group_size": 1, "group_by": "a"}"#, "limit"),
            (r#"{"limit": 1, "group_size": 1, "group_by": "a"}"#, "vector"),
        ] {
            assert_refused(json, &search(json).unwrap_err(), 400, named);
        }
    }
}
