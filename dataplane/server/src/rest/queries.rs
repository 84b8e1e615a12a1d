//! Queries: points ranked.

use vane_api::rest::explained::explained;
use vane_api::rest::query::{QueryBatch, QueryRequest};
use vane_api::rest::record::Points;

use super::answer::Answered;
use super::body::To;
use super::call::Call;
use crate::engine::Explaining;

/// `POST /collections/{collection}/points/query`.
pub(super) async fn one(call: Call, To(name, body): To<QueryRequest>) -> Answered {
    let explaining = body.is_explained().then(Explaining::default);
    let query = body.into_query()?;
    let collection = call.collection(&name).await?;
    let context = vane_service::Call { explaining: explaining.clone(), ..call.context.clone() };
    let found = call.service.query(&context, &collection, query).await?;
    Ok(match explaining {
        None => call.answer(Points(&found)),
        Some(explaining) => call.explain(Points(&found), &explained(&explaining.take())),
    })
}

/// `POST /collections/{collection}/points/query/batch`: results in the order asked for.
pub(super) async fn batch(call: Call, To(name, body): To<QueryBatch>) -> Answered {
    let queries = body.into_queries()?;
    let collection = call.collection(&name).await?;
    let found = call.service.query_batch(&call.context, collection, queries).await?;
    let results: Vec<_> = found.iter().map(|points| Points(points)).collect();
    Ok(call.answer(results))
}
