//! Queries: points ranked. Searches, recommendations and discoveries, which are older, are queries
//! in other words.

use vane_api::rest::explained::explained;
use vane_api::rest::query::{
    DiscoverBatch, DiscoverRequest, GroupsRequest, QueryBatch, QueryGroupsRequest, QueryRequest,
    RecommendBatch, RecommendGroupsRequest, RecommendRequest, SearchBatch, SearchGroupsRequest,
    SearchRequest,
};
use vane_api::rest::record::{Found, Groups, Keys, Points};
use vane_api::rest::shard_key::Keyed;

use super::answer::Answered;
use super::body::Ask;
use super::call::{Call, keys_of};
use super::error::ApiError;
use crate::engine::{Explaining, Scored};

/// `POST /collections/{collection}/points/query`.
pub(super) async fn one(call: Call, Ask(name, body): Ask<QueryRequest>) -> Answered {
    let explaining = body.is_explained().then(Explaining::default);
    let (found, keys) = ranked(&call, &name, body, explaining.clone()).await?;
    let points = Points(&found, &keys);
    Ok(match explaining {
        None => call.answer(points),
        Some(explaining) => call.explain(points, &explained(&explaining.take())),
    })
}

/// `POST /collections/{collection}/points/search`.
pub(super) async fn search(call: Call, Ask(name, body): Ask<SearchRequest>) -> Answered {
    found(&call, &name, body.into()).await
}

/// `POST /collections/{collection}/points/recommend`.
pub(super) async fn recommend(call: Call, Ask(name, body): Ask<RecommendRequest>) -> Answered {
    found(&call, &name, body.into()).await
}

/// `POST /collections/{collection}/points/discover`.
pub(super) async fn discover(call: Call, Ask(name, body): Ask<DiscoverRequest>) -> Answered {
    found(&call, &name, body.into()).await
}

/// `POST /collections/{collection}/points/query/batch`: results in the order asked for.
pub(super) async fn batch(call: Call, Ask(name, body): Ask<QueryBatch>) -> Answered {
    let (found, keys) = ranked_each(&call, &name, body).await?;
    let results: Vec<_> = found.iter().map(|points| Points(points, &keys)).collect();
    Ok(call.answer(results))
}

/// `POST /collections/{collection}/points/search/batch`: results in the order asked for.
pub(super) async fn search_batch(call: Call, Ask(name, body): Ask<SearchBatch>) -> Answered {
    found_each(&call, &name, body.into()).await
}

/// `POST /collections/{collection}/points/recommend/batch`: results in the order asked for.
pub(super) async fn recommend_batch(call: Call, Ask(name, body): Ask<RecommendBatch>) -> Answered {
    found_each(&call, &name, body.into()).await
}

/// `POST /collections/{collection}/points/discover/batch`: results in the order asked for.
pub(super) async fn discover_batch(call: Call, Ask(name, body): Ask<DiscoverBatch>) -> Answered {
    found_each(&call, &name, body.into()).await
}

/// `POST /collections/{collection}/points/query/groups`.
pub(super) async fn groups(call: Call, Ask(name, body): Ask<QueryGroupsRequest>) -> Answered {
    grouped(&call, &name, body.into()).await
}

/// `POST /collections/{collection}/points/search/groups`.
pub(super) async fn search_groups(
    call: Call,
    Ask(name, body): Ask<SearchGroupsRequest>,
) -> Answered {
    grouped(&call, &name, body.into()).await
}

/// `POST /collections/{collection}/points/recommend/groups`.
pub(super) async fn recommend_groups(
    call: Call,
    Ask(name, body): Ask<RecommendGroupsRequest>,
) -> Answered {
    grouped(&call, &name, body.into()).await
}

/// Points as older operations answer them.
async fn found(call: &Call, name: &str, body: QueryRequest) -> Answered {
    let (found, keys) = ranked(call, name, body, None).await?;
    Ok(call.answer(Found(&found, &keys)))
}

/// The same of several.
async fn found_each(call: &Call, name: &str, body: QueryBatch) -> Answered {
    let (found, keys) = ranked_each(call, name, body).await?;
    let results: Vec<_> = found.iter().map(|points| Found(points, &keys)).collect();
    Ok(call.answer(results))
}

async fn grouped(call: &Call, name: &str, mut body: GroupsRequest) -> Answered {
    let named = body.take_keys();
    let (query, grouping) = body.into_parts()?;
    let collection = call.collection_of(name, named).await?;
    let found = call.service.query_groups(&call.context, &collection, query, grouping).await?;
    let hits = found.iter().flat_map(|group| &group.hits);
    let keys = keys_of(&collection, hits.map(|scored| &scored.record));
    Ok(call.answer(Groups(&found, &keys)))
}

async fn ranked(
    call: &Call,
    name: &str,
    mut body: QueryRequest,
    explaining: Option<Explaining>,
) -> Result<(Vec<Scored>, Keys), ApiError> {
    let named = body.take_keys();
    let query = body.into_query()?;
    let collection = call.collection_of(name, named).await?;
    let context = vane_service::Call { explaining, ..call.context.clone() };
    let found = call.service.query(&context, &collection, query).await?;
    let keys = keys_of(&collection, found.iter().map(|scored| &scored.record));
    Ok((found, keys))
}

async fn ranked_each(
    call: &Call,
    name: &str,
    body: QueryBatch,
) -> Result<(Vec<Vec<Scored>>, Keys), ApiError> {
    let queries = body.into_queries()?;
    let collection = call.collection(name).await?;
    let queries = call.service.each_among(&call.context, &collection, queries).await?;
    let found = call.service.query_batch(&call.context, queries).await?;
    let keys = keys_of(&collection, found.iter().flatten().map(|scored| &scored.record));
    Ok((found, keys))
}
