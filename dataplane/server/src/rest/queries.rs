//! Queries: points ranked.

use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;
use vane_cluster::{Collection, Query, Scored, Terms};

use super::answer::Answer;
use super::body::Json;
use super::call::{Call, In};
use super::error::ApiError;
use crate::metric_definitions::Work;
use crate::node::Node;
use vane_api::rest::query::{QueryBatch, QueryRequest};
use vane_api::rest::record::Points;
use vane_api::{Error, Kind};

/// `POST /collections/{collection}/points/query`.
pub(super) async fn one(
    call: Call,
    In(name): In<String>,
    Json(body): Json<QueryRequest>,
) -> Result<Answer, ApiError> {
    let query = body.into_query()?;
    let found = run(&call.node, &*call.collection(&name)?, query, call.terms()).await?;
    Ok(call.answer(Points(&found)))
}

/// `POST /collections/{collection}/points/query/batch`: results in the order asked for.
pub(super) async fn batch(
    call: Call,
    In(name): In<String>,
    Json(body): Json<QueryBatch>,
) -> Result<Answer, ApiError> {
    let queries = body.into_queries()?;
    let collection = call.collection(&name)?;
    let all = run_all(&call.node, collection, queries, call.terms());
    let late = |_| {
        let detail =
            format!("no answer within {:?}; ask for less, or raise `timeout`", call.timeout);
        Error::new(Kind::Timeout, "", detail)
    };
    let found = tokio::time::timeout(call.timeout, all).await.map_err(late)??;
    let results: Vec<_> = found.iter().map(|it| Points(it)).collect();
    Ok(call.answer(results))
}

/// Runs as many queries at a time as there are threads for them: a batch must not fill the
/// queue that others wait in.
async fn run_all(
    node: &Arc<Node>,
    collection: Arc<Collection>,
    queries: Vec<Query>,
    terms: Terms,
) -> Result<Vec<Vec<Scored>>, ApiError> {
    let mut results: Vec<Vec<Scored>> = Vec::new();
    results.resize_with(queries.len(), Vec::new);
    let at_once = node.settings.search_threads();
    let mut running = JoinSet::new();
    let mut queries = queries.into_iter().enumerate();
    loop {
        while running.len() < at_once {
            let Some((i, query)) = queries.next() else { break };
            let (node, collection, terms) =
                (Arc::clone(node), Arc::clone(&collection), terms.clone());
            running.spawn(async move { (i, run(&node, &collection, query, terms).await) });
        }
        match running.join_next().await {
            None => return Ok(results),
            Some(Ok((i, found))) => results[i] = found?,
            Some(Err(error)) => {
                return Err(Error::internal(format!("a query did not end: {error}")).into());
            }
        }
    }
}

async fn run(
    node: &Node,
    collection: &Collection,
    query: Query,
    terms: Terms,
) -> Result<Vec<Scored>, ApiError> {
    let started = Instant::now();
    let found = collection.query(query, terms).await;
    count(&node.metrics.searches, started, found.is_err());
    Ok(found?)
}

/// Counts a request of a kind.
pub(super) fn count(work: &Work, started: Instant, failed: bool) {
    work.requests.inc();
    if failed {
        work.errors.inc();
    }
    work.duration.observe(started.elapsed().as_secs_f64());
}
