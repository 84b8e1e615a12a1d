//! Points: read by id, by page, counted, ranked.

use tonic::Request;
use vane_api::grpc::{Form, Termed, grouped, next_page, retrieved, scored};
use vane_api::rest::query::{GroupsRequest, QueryBatch, QueryRequest};
use vane_api::rest::record::Next;
use vane_api::rest::shard_key::Keyed;
use vane_wire::qdrant::{
    BatchResult, CountPoints, CountResponse, CountResult, GetPoints, GetResponse, GroupsResult,
    ScoredPoint, ScrollPoints, ScrollResponse,
};

use super::call::{Answered, Call, keys_of};
use super::error::Failed;
use crate::state::AppState;

/// Those of the points that are there.
pub(super) async fn get(state: &AppState, request: Request<GetPoints>) -> Answered<GetResponse> {
    let (call, message) = Call::of(state, request)?;
    let mut body = call.read(message).await?;
    let named = body.take_keys();
    let (ids, want) = body.into_parts()?;
    let collection = call.collection(named.as_ref()).await?;
    let records = call.service.retrieve(&call.context, &collection, ids, want).await?;
    let result = retrieved(&records, &keys_of(&collection, &records));
    call.answer(GetResponse { result, time: call.seconds(), usage: None })
}

/// A page in id order, or in that of values.
pub(super) async fn scroll(
    state: &AppState,
    request: Request<ScrollPoints>,
) -> Answered<ScrollResponse> {
    let (call, message) = Call::of(state, request)?;
    let mut body = call.read(message).await?;
    let named = body.take_keys();
    let asked = body.into_page()?;
    let collection = call.collection(named.as_ref()).await?;
    let page = call.service.scroll(&call.context, &collection, asked).await?;
    let result = retrieved(&page.records, &keys_of(&collection, &page.records));
    let next = if collection.has_plain_ids() { Next::Id } else { Next::OfTenant };
    let next_page_offset = page.next.map(next).map(next_page);
    call.answer(ScrollResponse { next_page_offset, result, time: call.seconds(), usage: None })
}

/// How many points match.
pub(super) async fn count(
    state: &AppState,
    request: Request<CountPoints>,
) -> Answered<CountResponse> {
    let (call, message) = Call::of(state, request)?;
    let mut body = call.read(message).await?;
    let named = body.take_keys();
    let asked = body.into_parts()?;
    let collection = call.collection(named.as_ref()).await?;
    let count = call.service.count(&call.context, &collection, asked).await?;
    let result = CountResult { count: u64::try_from(count).unwrap_or(u64::MAX) };
    call.answer(CountResponse { result: Some(result), time: call.seconds(), usage: None })
}

/// The points that a query ranks first, or a search, which is one.
pub(super) async fn query<M>(
    state: &AppState,
    request: Request<M>,
) -> Result<(Call, Vec<ScoredPoint>), Failed>
where
    M: Form<Body: Into<QueryRequest> + Send> + Termed + Send + 'static,
{
    let (call, message) = Call::of(state, request)?;
    let mut body: QueryRequest = call.read(message).await?.into();
    let named = body.take_keys();
    let query = body.into_query()?;
    let collection = call.collection(named.as_ref()).await?;
    let found = call.service.query(&call.context, &collection, query).await?;
    let keys = keys_of(&collection, found.iter().map(|scored| &scored.record));
    let points = scored(&found, &keys);
    Ok((call, points))
}

/// The same by groups.
pub(super) async fn groups<M>(
    state: &AppState,
    request: Request<M>,
) -> Result<(Call, GroupsResult), Failed>
where
    M: Form<Body: Into<GroupsRequest> + Send> + Termed + Send + 'static,
{
    let (call, message) = Call::of(state, request)?;
    let mut body: GroupsRequest = call.read(message).await?.into();
    let named = body.take_keys();
    let (query, grouping) = body.into_parts()?;
    let collection = call.collection(named.as_ref()).await?;
    let found = call.service.query_groups(&call.context, &collection, query, grouping).await?;
    let hits = found.iter().flat_map(|group| &group.hits);
    let keys = keys_of(&collection, hits.map(|scored| &scored.record));
    let groups = grouped(&found, &keys);
    Ok((call, groups))
}

/// The same of several, in the order asked for.
pub(super) async fn query_batch<M>(
    state: &AppState,
    request: Request<M>,
) -> Result<(Call, Vec<BatchResult>), Failed>
where
    M: Form<Body: Into<QueryBatch> + Send> + Termed + Send + 'static,
{
    let (call, message) = Call::of(state, request)?;
    let queries = call.read(message).await?.into().into_queries()?;
    let collection = call.collection(None).await?;
    let queries = call.service.each_among(&call.context, &collection, queries).await?;
    let found = call.service.query_batch(&call.context, queries).await?;
    let keys = keys_of(&collection, found.iter().flatten().map(|scored| &scored.record));
    let results = found.iter().map(|points| BatchResult { result: scored(points, &keys) });
    let results = results.collect();
    Ok((call, results))
}
