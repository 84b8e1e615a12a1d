//! Bodies of `points/query`.

mod by;
mod check;
mod example;
mod examples;
mod formula;
mod groups;
mod idf;
mod lookup;
mod recommend;
mod search;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use vane_filter::Filter;
use vane_types::limits::{PREFETCHES_MAX, QUERIES_PER_BATCH_MAX};

use super::read::{clamped, limit};
use super::select::{RawFilter, WithPayload, WithVector, filter, want};
use super::shard_key::{Keyed, NamedKeys, keyed};
use crate::engine::{Prefetch, Query, SearchParams, ShardKeys};
use crate::error::Error;
use by::Ranking;
use check::by;
pub use check::of_a_vector;
use examples::LookupFrom;
pub use groups::{GroupsRequest, QueryGroupsRequest, SearchGroupsRequest};
use idf::Idf;
pub use recommend::{
    DiscoverBatch, DiscoverRequest, RecommendBatch, RecommendGroupsRequest, RecommendRequest,
};
pub use search::{SearchBatch, SearchRequest};

/// Points returned when the request does not say.
const LIMIT: usize = 10;

/// `POST points/query`.
#[derive(Debug, Default, Deserialize)]
pub struct QueryRequest {
    query: Option<Ranking>,
    using: Option<String>,
    filter: Option<RawFilter>,
    params: Option<Params>,
    score_threshold: Option<f32>,
    limit: Option<u64>,
    offset: Option<u64>,
    with_payload: Option<WithPayload>,
    #[serde(alias = "with_vectors")]
    with_vector: Option<WithVector>,
    #[serde(default)]
    prefetch: OneOrMany<PrefetchRequest>,
    explain: Option<bool>,
    lookup_from: Option<LookupFrom>,
    shard_key: Option<NamedKeys>,
    /// What is wrong with an older request that this one was made of.
    #[serde(skip)]
    refused: Option<Error>,
}

#[derive(Debug, Deserialize)]
struct PrefetchRequest {
    query: Option<Ranking>,
    using: Option<String>,
    filter: Option<RawFilter>,
    params: Option<Params>,
    score_threshold: Option<f32>,
    limit: Option<u64>,
    #[serde(default)]
    prefetch: OneOrMany<PrefetchRequest>,
    lookup_from: Option<LookupFrom>,
}

/// `params` of a search.
#[derive(Debug, Default, Deserialize)]
struct Params {
    hnsw_ef: Option<u64>,
    exact: Option<bool>,
    indexed_only: Option<bool>,
    quantization: Option<QuantizationParams>,
    #[serde(rename = "acorn")]
    _acorn: Option<AcornParams>,
    idf: Option<Idf>,
}

/// How codes of vectors are used.
#[derive(Debug, Clone, Copy, Deserialize)]
struct QuantizationParams {
    ignore: Option<bool>,
    /// A hint: what is found is always scored on whole vectors, whatever it says.
    #[serde(rename = "rescore")]
    _rescore: Option<bool>,
    oversampling: Option<f64>,
}

/// A hint: how a filtered search walks a graph is the planner's business.
#[derive(Debug, Clone, Copy, Deserialize)]
struct AcornParams {
    #[serde(rename = "enable")]
    _enable: Option<bool>,
    #[serde(rename = "max_selectivity")]
    _max_selectivity: Option<f64>,
}

/// `POST points/query/batch`.
#[derive(Debug, Deserialize)]
pub struct QueryBatch {
    searches: Vec<QueryRequest>,
}

keyed!(QueryRequest);

impl QueryBatch {
    /// The queries it asks for, in order, each with the shard keys that it names.
    ///
    /// # Errors
    ///
    /// As those of [`QueryRequest::into_query`], and `Kind::Invalid` where there are too many.
    pub fn into_queries(self) -> Result<Vec<(Option<ShardKeys>, Query)>, Error> {
        Error::check_most("searches", self.searches.len(), "queries", QUERIES_PER_BATCH_MAX)?;
        if self.searches.iter().any(QueryRequest::is_explained) {
            return Err(Error::invalid(
                "explain",
                "one query at a time is explained, by points/query",
            ));
        }
        let keyed = |mut query: QueryRequest| Ok((query.take_keys(), query.into_query()?));
        self.searches.into_iter().map(keyed).collect()
    }
}

impl QueryRequest {
    /// Whether the client asks how its searches go.
    pub fn is_explained(&self) -> bool {
        self.explain == Some(true)
    }

    /// The query it asks for, checked as far as the collection is not needed.
    ///
    /// # Errors
    ///
    /// `Kind::Invalid` where a number is out of its range, `Kind::BadRequest` where prefetches
    /// and ranking do not fit, `Kind::Malformed` where a filter is none.
    pub fn into_query(self) -> Result<Query, Error> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let limit = limit("internal.limit", self.limit, LIMIT)?;
        // One count for all levels, since each multiplies those below it.
        let mut left = PREFETCHES_MAX;
        let prefetch = prefetches(self.prefetch, &mut left)?;
        let (params, corpus) = params(self.params)?;
        Ok(Query {
            by: by(self.query, self.using.as_deref(), self.score_threshold, prefetch.len())?,
            // The unnamed vector is the one with the empty name.
            using: self.using.unwrap_or_default(),
            filter: filter(self.filter)?,
            params,
            corpus,
            score_threshold: self.score_threshold,
            limit,
            offset: clamped(self.offset.unwrap_or(0)),
            // No payloads unless they are asked for, as Qdrant has it; reads by id send them.
            want: want(self.with_payload, self.with_vector, false),
            prefetch,
            lookup: self.lookup_from.map(LookupFrom::into_lookup),
        })
    }
}

/// `left` counts down over all levels.
fn prefetches(
    requests: OneOrMany<PrefetchRequest>,
    left: &mut usize,
) -> Result<Vec<Prefetch>, Error> {
    // Bounded before they are counted: the list is as long as a client likes.
    let mut prefetches = Vec::with_capacity(requests.0.len().min(PREFETCHES_MAX));
    for request in requests.0 {
        let too_many = || {
            Error::invalid(
                "prefetch",
                format!("must be at most {PREFETCHES_MAX}, all levels together"),
            )
        };
        *left = left.checked_sub(1).ok_or_else(too_many)?;
        let limit = limit("prefetch.limit", request.limit, LIMIT)?;
        let below = self::prefetches(request.prefetch, left)?;
        let (params, corpus) = params(request.params)?;
        prefetches.push(Prefetch {
            by: by(request.query, request.using.as_deref(), request.score_threshold, below.len())?,
            using: request.using.unwrap_or_default(),
            filter: filter(request.filter)?,
            params,
            corpus,
            score_threshold: request.score_threshold,
            limit,
            prefetch: below,
            lookup: request.lookup_from.map(LookupFrom::into_lookup),
        });
    }
    Ok(prefetches)
}

/// How to search, and the points by which an index is rare, where some are named.
fn params(params: Option<Params>) -> Result<(SearchParams, Option<Filter>), Error> {
    let params = params.unwrap_or_default();
    if params.hnsw_ef == Some(0) {
        return Err(Error::zero("params.hnsw_ef"));
    }
    let codes = params.quantization;
    let oversampling = codes.and_then(|codes| codes.oversampling);
    if let Some(value) = oversampling.filter(|value| *value < 1.0) {
        let least = format!("value {value} invalid, must be 1.0 or larger");
        return Err(Error::invalid("params.quantization.oversampling", least));
    }
    let corpus = filter(params.idf.and_then(|idf| idf.corpus))?;
    let search = SearchParams {
        ef: params.hnsw_ef.map(|ef| usize::try_from(ef).unwrap_or(usize::MAX)),
        exact: params.exact.unwrap_or(false),
        indexed_only: params.indexed_only.unwrap_or(false),
        ignore_codes: codes.and_then(|codes| codes.ignore).unwrap_or(false),
        oversampling,
    };
    Ok((search, corpus))
}

/// One, a list, or null for none.
#[derive(Debug)]
struct OneOrMany<T>(Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `untagged`, which would lose the path to a mistake.
        deserializer.deserialize_any(OneOrManyVisitor(std::marker::PhantomData)).map(Self)
    }
}

struct OneOrManyVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<T>, A::Error> {
        Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(seq))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| vec![one])
    }
}

#[cfg(test)]
mod tests;
