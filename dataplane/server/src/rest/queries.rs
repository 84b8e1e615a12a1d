//! Queries: points ranked.

use vane_api::rest::query::{QueryBatch, QueryRequest};
use vane_api::rest::record::Points;

use super::answer::Answer;
use super::body::Json;
use super::call::{Call, In};
use super::error::ApiError;

/// `POST /collections/{collection}/points/query`.
pub(super) async fn one(
    call: Call,
    In(name): In<String>,
    Json(body): Json<QueryRequest>,
) -> Result<Answer, ApiError> {
    let query = body.into_query()?;
    let collection = call.collection(&name).await?;
    let found = call.service.query(&call.context, &collection, query).await?;
    Ok(call.answer(Points(&found)))
}

/// `POST /collections/{collection}/points/query/batch`: results in the order asked for.
pub(super) async fn batch(
    call: Call,
    In(name): In<String>,
    Json(body): Json<QueryBatch>,
) -> Result<Answer, ApiError> {
    let queries = body.into_queries()?;
    let collection = call.collection(&name).await?;
    let found = call.service.query_batch(&call.context, collection, queries).await?;
    let results: Vec<_> = found.iter().map(|points| Points(points)).collect();
    Ok(call.answer(results))
}
