//! The stages of a query: those below first, then what each makes of their results.

use std::pin::Pin;

use vane_filter::Filter;
use vane_shard::{Record, Scored, Scroll, Search, Want};
use vane_transport::reads::VectorOf;
use vane_types::{Error, PointId, Vector};

use super::filters::{both, only};
use super::fusion::reciprocal_rank;
use super::{By, Prefetch, Query};
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

impl<S: Shards> Collection<S> {
    /// The points that a query finds, best first. All its stages share the time.
    ///
    /// # Errors
    /// `BadInput` or `NotFound` for what does not fit the collection; that of a shard that
    /// does not answer, see [`RequestOptions::partial`].
    pub async fn query(&self, query: Query, options: RequestOptions) -> Result<Vec<Scored>, Error> {
        let Query { by, using, filter, params, score_threshold, limit, offset, want, prefetch } =
            query;
        // No shard can tell which of its points are skipped: all come here, and the first go.
        let limit = limit.saturating_add(offset);
        let stage = Prefetch { by, using, filter, params, score_threshold, limit, prefetch };
        let mut found = self.stage(stage, want, &options).await?;
        found.drain(..offset.min(found.len()));
        Ok(found)
    }

    /// One stage. Boxed, since stages call each other; their depth is bounded where a request
    /// is parsed.
    fn stage<'a>(
        &'a self,
        stage: Prefetch,
        want: Want,
        options: &'a RequestOptions,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Scored>, Error>> + Send + 'a>> {
        Box::pin(async move {
            if let By::Rrf { k } = stage.by {
                return self.fuse(stage, k, want, options).await;
            }
            let Prefetch { by, using, mut filter, params, score_threshold, limit, prefetch } =
                stage;
            if !prefetch.is_empty() {
                let lists = self.below(prefetch, filter.as_ref(), options).await?;
                // As a filter by ids, so that shards rank them as in any filtered search.
                filter = Some(only(lists.into_iter().flatten(), filter.as_ref())?);
            }
            let (vector, exclude) = match by {
                By::Vector(vector) => (vector, None),
                By::Point(id) => (self.vector_of(id, using.clone(), options).await?, Some(id)),
                By::Rrf { .. } | By::Id => {
                    return self.in_id_order(filter, limit, want, options).await;
                }
            };
            let search =
                Search { using, vector, filter, params, score_threshold, limit, exclude, want };
            self.search(search, options).await
        })
    }

    /// Ranks what several stages found by their ranks.
    async fn fuse(
        &self,
        stage: Prefetch,
        k: usize,
        want: Want,
        options: &RequestOptions,
    ) -> Result<Vec<Scored>, Error> {
        let Prefetch { filter, score_threshold, limit, prefetch, .. } = stage;
        let lists = self.below(prefetch, filter.as_ref(), options).await?;
        let mut fused = reciprocal_rank(&lists, k);
        fused.retain(|(_, score)| score_threshold.is_none_or(|threshold| *score >= threshold));
        fused.truncate(limit);
        // Records last, so that only those of the winners are sent.
        self.with_records(fused, want, options).await
    }

    /// Ids that each of some stages finds. The filter above them holds for them too.
    async fn below(
        &self,
        stages: Vec<Prefetch>,
        filter: Option<&Filter>,
        options: &RequestOptions,
    ) -> Result<Vec<Vec<PointId>>, Error> {
        let mut lists = Vec::with_capacity(stages.len());
        for mut stage in stages {
            if let Some(above) = filter {
                stage.filter = Some(both(above, stage.filter.as_ref())?);
            }
            // Ids are enough for a stage below: what is wanted is fetched for the winners alone.
            let found = self.stage(stage, Want::default(), options).await?;
            lists.push(found.into_iter().map(|scored| scored.record.id).collect());
        }
        Ok(lists)
    }

    async fn vector_of(
        &self,
        id: PointId,
        using: String,
        options: &RequestOptions,
    ) -> Result<Vector, Error> {
        let read = (self.ordinal_of(id), VectorOf { id, using });
        let answer = self.ask(std::iter::once(read), options).await?.pop();
        // One shard was asked: with no answer at all `ask` fails.
        answer
            .map(|shard| shard.answer)
            .ok_or_else(|| Error::internal("a shard answered nothing where a vector was asked for"))
    }

    async fn with_records(
        &self,
        scored: Vec<(PointId, f32)>,
        want: Want,
        options: &RequestOptions,
    ) -> Result<Vec<Scored>, Error> {
        let ids = scored.iter().map(|(id, _)| *id).collect();
        // Both lists have one order, so a record that is missing shows as the next one's id.
        let mut records = self.retrieve(ids, want, options.clone()).await?.into_iter().peekable();
        // A point deleted since its stage ran has no record and is left out.
        let with_score = |(id, score)| {
            let record = records.next_if(|record: &Record| record.id == id)?;
            Some(Scored { record, score })
        };
        Ok(scored.into_iter().filter_map(with_score).collect())
    }

    async fn in_id_order(
        &self,
        filter: Option<Filter>,
        limit: usize,
        want: Want,
        options: &RequestOptions,
    ) -> Result<Vec<Scored>, Error> {
        let page = Scroll { filter, offset: None, limit, want };
        let page = self.scroll(page, options.clone()).await?;
        Ok(page.records.into_iter().map(|record| Scored { record, score: 0.0 }).collect())
    }
}
