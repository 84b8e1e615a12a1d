//! Bodies of `points/recommend` and `points/discover`, from before there was `points/query`:
//! queries by examples in other words.

use serde::Deserialize;
use vane_types::JsonPath;

use super::super::select::{RawFilter, WithPayload, WithVector};
use super::super::shard_key::NamedKeys;
use super::by::Ranking;
use super::example::Exemplar;
use super::examples::{ContextPair, LookupFrom, StrategyName, discovered, recommended};
use super::groups::GroupsRequest;
use super::lookup::WithLookup;
use super::{OneOrMany, Params, QueryBatch, QueryRequest};
use crate::engine::{By, ByExamples, Strategy};
use crate::error::Error;

/// `POST points/recommend`.
#[derive(Debug, Deserialize)]
pub struct RecommendRequest {
    positive: Option<Vec<Exemplar>>,
    negative: Option<Vec<Exemplar>>,
    strategy: Option<StrategyName>,
    using: Option<String>,
    filter: Option<RawFilter>,
    params: Option<Params>,
    score_threshold: Option<f32>,
    limit: u64,
    offset: Option<u64>,
    with_payload: Option<WithPayload>,
    #[serde(alias = "with_vectors")]
    with_vector: Option<WithVector>,
    lookup_from: Option<LookupFrom>,
    shard_key: Option<NamedKeys>,
}

/// `POST points/recommend/batch`.
#[derive(Debug, Deserialize)]
pub struct RecommendBatch {
    searches: Vec<RecommendRequest>,
}

/// `POST points/recommend/groups`.
#[derive(Debug, Deserialize)]
pub struct RecommendGroupsRequest {
    positive: Option<Vec<Exemplar>>,
    negative: Option<Vec<Exemplar>>,
    strategy: Option<StrategyName>,
    using: Option<String>,
    filter: Option<RawFilter>,
    params: Option<Params>,
    score_threshold: Option<f32>,
    limit: u64,
    with_payload: Option<WithPayload>,
    #[serde(alias = "with_vectors")]
    with_vector: Option<WithVector>,
    lookup_from: Option<LookupFrom>,
    shard_key: Option<NamedKeys>,
    group_by: JsonPath,
    group_size: u64,
    with_lookup: Option<WithLookup>,
}

/// `POST points/discover`.
#[derive(Debug, Deserialize)]
pub struct DiscoverRequest {
    target: Option<Exemplar>,
    #[serde(default)]
    context: OneOrMany<ContextPair>,
    using: Option<String>,
    filter: Option<RawFilter>,
    params: Option<Params>,
    limit: u64,
    offset: Option<u64>,
    with_payload: Option<WithPayload>,
    #[serde(alias = "with_vectors")]
    with_vector: Option<WithVector>,
    lookup_from: Option<LookupFrom>,
    shard_key: Option<NamedKeys>,
}

/// `POST points/discover/batch`.
#[derive(Debug, Deserialize)]
pub struct DiscoverBatch {
    searches: Vec<DiscoverRequest>,
}

impl From<RecommendRequest> for QueryRequest {
    fn from(request: RecommendRequest) -> Self {
        let by = recommended(request.strategy, request.positive, request.negative);
        Self {
            refused: too_few(&by),
            query: Some(Ranking(By::Examples(by))),
            using: request.using,
            filter: request.filter,
            params: request.params,
            score_threshold: request.score_threshold,
            limit: Some(request.limit),
            offset: request.offset,
            with_payload: request.with_payload,
            with_vector: request.with_vector,
            lookup_from: request.lookup_from,
            shard_key: request.shard_key,
            ..Self::default()
        }
    }
}

impl From<RecommendBatch> for QueryBatch {
    fn from(batch: RecommendBatch) -> Self {
        Self { searches: batch.searches.into_iter().map(QueryRequest::from).collect() }
    }
}

impl From<RecommendGroupsRequest> for GroupsRequest {
    fn from(request: RecommendGroupsRequest) -> Self {
        let query = RecommendRequest {
            positive: request.positive,
            negative: request.negative,
            strategy: request.strategy,
            using: request.using,
            filter: request.filter,
            params: request.params,
            score_threshold: request.score_threshold,
            limit: request.limit,
            offset: None,
            with_payload: request.with_payload,
            with_vector: request.with_vector,
            lookup_from: request.lookup_from,
            shard_key: request.shard_key,
        };
        let size = Some(request.group_size);
        Self::new(query.into(), request.group_by, size, request.with_lookup)
    }
}

impl From<DiscoverRequest> for QueryRequest {
    fn from(request: DiscoverRequest) -> Self {
        let by = discovered(request.target, request.context);
        Self {
            refused: too_few(&by),
            query: Some(Ranking(By::Examples(by))),
            using: request.using,
            filter: request.filter,
            params: request.params,
            limit: Some(request.limit),
            offset: request.offset,
            with_payload: request.with_payload,
            with_vector: request.with_vector,
            lookup_from: request.lookup_from,
            shard_key: request.shard_key,
            ..Self::default()
        }
    }
}

impl From<DiscoverBatch> for QueryBatch {
    fn from(batch: DiscoverBatch) -> Self {
        Self { searches: batch.searches.into_iter().map(QueryRequest::from).collect() }
    }
}

/// What an older request is refused for, in Qdrant's words.
fn too_few(by: &ByExamples) -> Option<Error> {
    let text = match by {
        ByExamples::Recommend { strategy: Strategy::Average, positive, .. }
            if positive.is_empty() =>
        {
            "At least one positive vector ID required with this strategy"
        }
        ByExamples::Recommend { positive, negative, .. }
            if positive.is_empty() && negative.is_empty() =>
        {
            "At least one positive or negative vector ID required with this strategy"
        }
        ByExamples::Context(pairs) if pairs.is_empty() => {
            "target and/or context_pairs must be specified"
        }
        _ => return None,
    };
    Some(Error::bad_request(text))
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{assert_refused, parse_text};
    use super::*;
    use crate::engine::{Example, Query};
    use crate::rest::shard_key::Keyed;

    fn recommend(json: &str) -> Result<Query, Error> {
        QueryRequest::from(parse_text::<RecommendRequest>(json)?).into_query()
    }

    fn discover(json: &str) -> Result<Query, Error> {
        QueryRequest::from(parse_text::<DiscoverRequest>(json)?).into_query()
    }

    #[test]
    fn older_requests_are_queries_by_examples() {
        let query = recommend(
            r#"{"positive": [1, [0.5, 1]], "negative": ["936da01f-9abd-4d9d-80c7-02af85c822a8"],
            "strategy": "best_score", "using": "v", "limit": 3, "offset": 2,
            "score_threshold": 0.5, "lookup_from": {"collection": "c", "vector": "w"}}"#,
        )
        .unwrap();
        let By::Examples(ByExamples::Recommend { strategy, positive, negative }) = query.by else {
            panic!()
        };
        assert_eq!((strategy, positive.len(), negative.len()), (Strategy::BestScore, 2, 1));
        assert_eq!((query.using.as_str(), query.limit, query.offset), ("v", 3, 2));
        assert_eq!(query.score_threshold, Some(0.5));
        let lookup = query.lookup.unwrap();
        assert_eq!((lookup.place.collection.as_str(), lookup.vector.as_deref()), ("c", Some("w")));

        let pair = r#"{"positive": 1, "negative": [2]}"#;
        let by = |json: &str| discover(json).unwrap().by;
        let target = by(&format!(r#"{{"target": 7, "context": [{pair}], "limit": 1}}"#));
        let By::Examples(ByExamples::Discover { target, context }) = target else { panic!() };
        assert_eq!((target, context.len()), (Example::Point(vane_types::PointId::num(7)), 1));
        let context = by(&format!(r#"{{"context": [{pair}, {pair}], "limit": 1}}"#));
        assert!(matches!(context, By::Examples(ByExamples::Context(pairs)) if pairs.len() == 2));
        let alone = by(r#"{"target": [1], "limit": 1}"#);
        let By::Examples(ByExamples::Discover { context, .. }) = alone else { panic!() };
        assert!(context.is_empty());
    }

    #[test]
    fn batches_and_groups_have_what_one_has() {
        let batch = r#"{"searches": [{"positive": [1], "limit": 1, "shard_key": "a"},
            {"positive": [], "limit": 2}]}"#;
        let batch = QueryBatch::from(parse_text::<RecommendBatch>(batch).unwrap());
        assert_refused("batch", &batch.into_queries().unwrap_err(), 400, "At least one positive");
        let batch = r#"{"searches": [{"target": 1, "limit": 1}]}"#;
        let batch = QueryBatch::from(parse_text::<DiscoverBatch>(batch).unwrap());
        assert_eq!(batch.into_queries().unwrap().len(), 1);
        let groups = r#"{"positive": [1], "limit": 2, "group_by": "a", "group_size": 4,
            "shard_key": "k"}"#;
        let mut groups = GroupsRequest::from(parse_text::<RecommendGroupsRequest>(groups).unwrap());
        assert!(groups.take_keys().is_some());
        let (query, grouping) = groups.into_parts().unwrap();
        assert!(matches!(query.by, By::Examples(ByExamples::Recommend { .. })));
        assert_eq!((query.limit, grouping.size), (2, 4));
    }

    #[test]
    fn mistakes_get_their_code_and_qdrants_words() {
        for (json, expected, named) in [
            (r#"{"positive": [1]}"#, 400, "missing field `limit`"),
            (
                r#"{"negative": [1], "limit": 1}"#,
                400,
                "Bad request: At least one positive vector ID required with this strategy",
            ),
            (
                r#"{"limit": 1, "strategy": "sum_scores"}"#,
                400,
                "Bad request: At least one positive or negative vector ID required with this \
                 strategy",
            ),
            (r#"{"positive": [1], "limit": 0}"#, 422, "limit"),
            (r#"{"positive": [1], "limit": 1, "strategy": "worst"}"#, 400, "strategy"),
            (r#"{"positive": ["x"], "limit": 1}"#, 400, "positive[0]"),
            (r#"{"positive": [1], "limit": 1, "lookup_from": {}}"#, 400, "collection"),
        ] {
            assert_refused(json, &recommend(json).unwrap_err(), expected, named);
        }
        assert!(recommend(r#"{"negative": [1], "limit": 1, "strategy": "best_score"}"#).is_ok());
        for (json, named) in [
            (r#"{"limit": 1}"#, "target and/or context_pairs must be specified"),
            (r#"{"context": [], "limit": 1}"#, "target and/or context_pairs must be specified"),
            (r#"{"target": 1}"#, "missing field `limit`"),
            (r#"{"context": [{"positive": 1}], "limit": 1}"#, "negative"),
        ] {
            assert_refused(json, &discover(json).unwrap_err(), 400, named);
        }
    }
}
