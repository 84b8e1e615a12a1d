//! Queries: points ranked.

use vane_api::rest::query::{QueryBatch, QueryRequest};
use vane_api::rest::record::Points;

use super::answer::Answered;
use super::body::To;
use super::call::Call;

/// `POST /collections/{collection}/points/query`.
pub(super) async fn one(call: Call, To(name, body): To<QueryRequest>) -> Answered {
    let query = body.into_query()?;
    let collection = call.collection(&name).await?;
    let found = call.service.query(&call.context, &collection, query).await?;
    Ok(call.answer(Points(&found)))
}

/// `POST /collections/{collection}/points/query/batch`: results in the order asked for.
pub(super) async fn batch(call: Call, To(name, body): To<QueryBatch>) -> Answered {
    let queries = body.into_queries()?;
    let collection = call.collection(&name).await?;
    let found = call.service.query_batch(&call.context, collection, queries).await?;
    let results: Vec<_> = found.iter().map(|points| Points(points)).collect();
    Ok(call.answer(results))
}
