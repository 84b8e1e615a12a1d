//! Queries: points ranked.

use vane_api::rest::explained::explained;
use vane_api::rest::query::{QueryBatch, QueryRequest};
use vane_api::rest::record::Points;
use vane_api::rest::shard_key::Keyed;

use super::answer::Answered;
use super::body::To;
use super::call::{Call, keys_of};
use crate::engine::Explaining;

/// `POST /collections/{collection}/points/query`.
pub(super) async fn one(call: Call, To(name, mut body): To<QueryRequest>) -> Answered {
    let explaining = body.is_explained().then(Explaining::default);
    let named = body.take_keys();
    let query = body.into_query()?;
    let collection = call.collection_of(&name, named).await?;
    let context = vane_service::Call { explaining: explaining.clone(), ..call.context.clone() };
    let found = call.service.query(&context, &collection, query).await?;
    let keys = keys_of(&collection, found.iter().map(|scored| &scored.record));
    let points = Points(&found, &keys);
    Ok(match explaining {
        None => call.answer(points),
        Some(explaining) => call.explain(points, &explained(&explaining.take())),
    })
}

/// `POST /collections/{collection}/points/query/batch`: results in the order asked for.
pub(super) async fn batch(call: Call, To(name, body): To<QueryBatch>) -> Answered {
    let queries = body.into_queries()?;
    let collection = call.collection(&name).await?;
    let queries = call.service.each_among(&call.context, &collection, queries).await?;
    let found = call.service.query_batch(&call.context, queries).await?;
    let keys = keys_of(&collection, found.iter().flatten().map(|scored| &scored.record));
    let results: Vec<_> = found.iter().map(|points| Points(points, &keys)).collect();
    Ok(call.answer(results))
}
