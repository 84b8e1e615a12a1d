//! Queries: searches, and what is made of their results.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use vane_filter::Filter;
use vane_shard::{Record, Scored, Scroll, Search, Want};
use vane_types::PointId;

use crate::collection::Collection;
use crate::error::Error;
use crate::fusion::reciprocal_rank;
use crate::query::{By, Prefetch, Query};

impl Collection {
    /// The points that a query finds, best first. All its stages share the time.
    pub async fn query(&self, query: Query, timeout: Duration) -> Result<Vec<Scored>, Error> {
        let deadline = Instant::now() + timeout;
        let Query { by, using, filter, params, score_threshold, limit, offset, want, prefetch } = query;
        let limit_with_offset = limit.saturating_add(offset);
        let stage = Prefetch { by, using, filter, params, score_threshold, limit: limit_with_offset, prefetch };
        let mut found = self.stage(stage, want, deadline).await?;
        found.drain(..offset.min(found.len()));
        Ok(found)
    }

    /// One stage: those below it first, then its own ranking of what they found.
    fn stage(
        &self,
        stage: Prefetch,
        want: Want,
        deadline: Instant,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<Scored>, Error>> + Send + '_>> {
        Box::pin(async move {
            let Prefetch { by, using, mut filter, params, score_threshold, limit, prefetch } = stage;
            if let By::Rrf { k } = by {
                let lists = self.below(prefetch, filter.as_ref(), deadline).await?;
                let mut fused = reciprocal_rank(&lists, k);
                fused.retain(|(_, score)| score_threshold.is_none_or(|it| *score >= it));
                fused.truncate(limit);
                return self.with_records(fused, want, deadline).await;
            }
            if !prefetch.is_empty() {
                let lists = self.below(prefetch, filter.as_ref(), deadline).await?;
                filter = Some(only(&lists.concat(), filter.as_ref())?);
            }
            let (vector, exclude) = match by {
                By::Vector(vector) => (vector, None),
                By::Point(id) => {
                    let (shard, of) = (Arc::clone(&self.shard), using.clone());
                    (self.read(deadline, move || shard.vector_of(id, &of)).await?, Some(id))
                }
                By::Rrf { .. } | By::Id => return self.in_id_order(filter, limit, want, deadline).await,
            };
            let search = Search { using, vector, filter, params, score_threshold, limit, exclude, want };
            let shard = Arc::clone(&self.shard);
            // Handing a millisecond's work to another thread costs a third of it: see
            // docs/decisions/0008.
            if shard.is_quick(&search) {
                return Ok(shard.search(&search, deadline)?);
            }
            self.read(deadline, move || shard.search(&search, deadline)).await
        })
    }

    /// Ids that each of some stages finds. The filter above them holds for them too.
    async fn below(
        &self,
        stages: Vec<Prefetch>,
        filter: Option<&Filter>,
        deadline: Instant,
    ) -> Result<Vec<Vec<PointId>>, Error> {
        let mut lists = Vec::with_capacity(stages.len());
        for mut stage in stages {
            if let Some(above) = filter {
                stage.filter = Some(both(above, stage.filter.as_ref())?);
            }
            let found = self.stage(stage, Want::default(), deadline).await?;
            lists.push(found.into_iter().map(|it| it.record.id).collect());
        }
        Ok(lists)
    }

    async fn with_records(
        &self,
        scored: Vec<(PointId, f32)>,
        want: Want,
        deadline: Instant,
    ) -> Result<Vec<Scored>, Error> {
        let ids: Vec<PointId> = scored.iter().map(|(id, _)| *id).collect();
        let shard = Arc::clone(&self.shard);
        let records = self.read(deadline, move || shard.retrieve(&ids, &want)).await?;
        // A point deleted since its stage ran has no record and is left out.
        let mut records = records.into_iter().peekable();
        let with_score =
            |(id, score)| records.next_if(|it: &Record| it.id == id).map(|record| Scored { record, score });
        Ok(scored.into_iter().filter_map(with_score).collect())
    }

    async fn in_id_order(
        &self,
        filter: Option<Filter>,
        limit: usize,
        want: Want,
        deadline: Instant,
    ) -> Result<Vec<Scored>, Error> {
        let (shard, scroll) = (Arc::clone(&self.shard), Scroll { filter, offset: None, limit, want });
        let page = self.read(deadline, move || shard.scroll(&scroll, deadline)).await?;
        Ok(page.records.into_iter().map(|record| Scored { record, score: 0.0 }).collect())
    }
}

fn only(ids: &[PointId], filter: Option<&Filter>) -> Result<Filter, Error> {
    let some = parse(json!({ "must": [{ "has_id": ids }] }))?;
    match filter {
        Some(filter) => both(&some, Some(filter)),
        None => Ok(some),
    }
}

fn both(a: &Filter, b: Option<&Filter>) -> Result<Filter, Error> {
    match b {
        Some(b) => parse(json!({ "must": [a, b] })),
        None => Ok(a.clone()),
    }
}

fn parse(filter: serde_json::Value) -> Result<Filter, Error> {
    Filter::parse(filter).map_err(|e| Error::BadInput(e.message))
}
