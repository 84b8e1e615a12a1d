//! Queries: points ranked.

use std::sync::Arc;

use tokio::task::JoinSet;
use vane_api::rest::query::of_a_vector;
use vane_api::{Error, Kind};
use vane_types::limits::ANSWER_BYTES_MAX;

use crate::call::Call;
use crate::engine::{Collection, Group, Grouping, Query, Requested, Scored};
use crate::operation::Operation;
use crate::service::{Answering, Service};

impl Service {
    /// The points that a query ranks first.
    ///
    /// # Errors
    ///
    /// What the collection refuses, and what keeps it from a leader of one of its shards.
    pub fn query<'a>(
        &'a self,
        call: &'a Call,
        collection: &'a Collection,
        query: Query,
    ) -> Answering<'a, Vec<Scored>> {
        let searching = async move {
            self.admit(call, collection, || Requested::Query(&query)).await?;
            check_fusion(call, collection, &query).await?;
            Ok::<_, Error>(collection.query(query, call.options()).await?)
        };
        Box::pin(self.run(call, Operation::Query, collection.name(), searching))
    }

    /// The best groups of a query, as many as its limit says.
    ///
    /// # Errors
    ///
    /// As those of [`Service::query`].
    pub fn query_groups<'a>(
        &'a self,
        call: &'a Call,
        collection: &'a Collection,
        query: Query,
        grouping: Grouping,
    ) -> Answering<'a, Vec<Group>> {
        let searching = async move {
            self.admit(call, collection, || Requested::Groups(&query, &grouping)).await?;
            check_fusion(call, collection, &query).await?;
            Ok::<_, Error>(collection.query_groups(query, grouping, call.options()).await?)
        };
        Box::pin(self.run(call, Operation::Query, collection.name(), searching))
    }

    /// Results of several queries, each of a collection as its shard keys have it, in the order
    /// asked for.
    ///
    /// # Errors
    ///
    /// As those of [`Service::query`]; one that fails, or that is late, fails them all.
    pub fn query_batch<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        queries: Vec<(Arc<Collection>, Query)>,
    ) -> Answering<'a, Vec<Vec<Scored>>> {
        Box::pin(async move {
            if let Some((collection, _)) = queries.first() {
                let each = || queries.iter().map(|(_, query)| query).collect();
                // Before any begins: they are of one collection.
                self.admit(call, collection, || Requested::Queries(each())).await?;
            }
            for (collection, query) in &queries {
                check_fusion(call, collection, query).await?;
            }
            let all = self.query_all(call, queries);
            // Beside the deadline of each query, which nobody watches while it waits for its turn.
            tokio::time::timeout(call.timeout, all).await.map_err(|_| {
                let detail = format!(
                    "no answer within {:?}; ask for less, or raise `timeout`",
                    call.timeout
                );
                Error::new(Kind::Timeout, "", detail)
            })?
        })
    }

    /// Runs as many queries at a time as there are threads for them: a batch must not fill the
    /// queue that others wait in.
    async fn query_all(
        self: &Arc<Self>,
        call: &Call,
        queries: Vec<(Arc<Collection>, Query)>,
    ) -> Result<Vec<Vec<Scored>>, Error> {
        let mut results: Vec<Vec<Scored>> = Vec::new();
        // Each has its place, since they end in another order than they begin.
        results.resize_with(queries.len(), Vec::new);
        // Together: each may be as large as an answer.
        let (mut bytes, mut running) = (0, JoinSet::new());
        let mut queries = queries.into_iter().enumerate();
        // All of them count from the same moment, however long they wait for their turn.
        let options = call.options();
        loop {
            while running.len() < self.queries_at_once {
                let Some((i, (collection, query))) = queries.next() else { break };
                let (service, call, options) = (Arc::clone(self), call.clone(), options.clone());
                running.spawn(async move {
                    let searching = collection.query(query, options);
                    let found =
                        service.run(&call, Operation::Query, collection.name(), searching).await;
                    (i, found)
                });
            }
            match running.join_next().await {
                None => return Ok(results),
                // The first error drops the set, which calls the others off.
                Some(Ok((i, found))) => {
                    results[i] = found?;
                    bytes += results[i].iter().map(|scored| scored.record.bytes()).sum::<usize>();
                    if bytes > ANSWER_BYTES_MAX {
                        return Err(too_large());
                    }
                }
                // It panicked. The node goes on, and the batch has no answer.
                Some(Err(error)) => {
                    return Err(Error::internal(format!("a query did not end: {error}")));
                }
            }
        }
    }
}

/// Refuses a fusion that names a vector. What is wrong with the points that its stages name is said
/// first, as clients know it.
async fn check_fusion(call: &Call, collection: &Collection, query: &Query) -> Result<(), Error> {
    if !query.fuses_a_vector() {
        return Ok(());
    }
    collection.find_named(query.clone(), &call.options()).await?;
    Err(of_a_vector())
}

fn too_large() -> Error {
    let detail =
        format!("the answers of the batch have more than {ANSWER_BYTES_MAX} bytes; split it");
    Error::new(Kind::BadInput, "", detail)
}
