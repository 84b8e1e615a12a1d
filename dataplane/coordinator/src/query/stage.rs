//! The stages of a query: those below first, then what each makes of their results.

use std::pin::Pin;

use futures_util::{StreamExt, TryStreamExt, stream};
use vane_filter::Filter;
use vane_shard::{Record, Scored, Scroll, Search, Want};
use vane_transport::reads::VectorOf;
use vane_types::{Error, LogIndex, PointId, Vector};

use super::filters::{both, only, without};
use super::fusion::{Ranked, by_distribution, reciprocal_rank};
use super::{By, Prefetch, Query};
use crate::answer::{check_size, too_large};
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

/// Stages of one query that are on their way at a time.
const STAGES_AT_ONCE: usize = 8;

/// What is the same for all stages of a query.
struct Whole<'a> {
    options: &'a RequestOptions,
    /// Points that some stage searches by: none of them is found by any.
    named: Vec<PointId>,
}

impl<S: Shards> Collection<S> {
    /// The points that a query finds, best first. All its stages share the time.
    ///
    /// # Errors
    /// `BadInput` or `NotFound` for what does not fit the collection; `BadInput` for more points
    /// than an answer may hold; that of a shard that does not answer, see
    /// [`RequestOptions::partial`].
    pub async fn query(&self, query: Query, options: RequestOptions) -> Result<Vec<Scored>, Error> {
        let Query { by, using, filter, params, score_threshold, limit, offset, want, prefetch } =
            query;
        // No shard can tell which of its points are skipped: all come here, and the first go.
        let limit = limit.saturating_add(offset);
        let mut stage = Prefetch { by, using, filter, params, score_threshold, limit, prefetch };
        self.bind_points(&mut stage)?;
        let mut named = Vec::new();
        name_points(&stage, &mut named);
        let whole = Whole { options: &options, named };
        let mut found = self.stage(stage, want, &whole).await?;
        found.drain(..offset.min(found.len()));
        check_size(found.iter().map(|scored| &scored.record))?;
        Ok(found)
    }

    /// Makes the points that a stage and those below it search by those of the tenant that is
    /// meant.
    fn bind_points(&self, stage: &mut Prefetch) -> Result<(), Error> {
        if let By::Point(id) = &mut stage.by {
            *id = self.the_one(*id)?;
        }
        stage.prefetch.iter_mut().try_for_each(|below| self.bind_points(below))
    }

    /// One stage. Boxed, since stages call each other; their depth is bounded where a request
    /// is parsed.
    fn stage<'a>(
        &'a self,
        stage: Prefetch,
        want: Want,
        whole: &'a Whole<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Scored>, Error>> + Send + 'a>> {
        Box::pin(async move {
            if let By::Rrf { .. } | By::Dbsf = stage.by {
                return self.fuse(stage, want, whole).await;
            }
            let Prefetch { by, using, mut filter, params, score_threshold, limit, prefetch } =
                stage;
            if !prefetch.is_empty() {
                let lists = self.below(prefetch, filter.as_ref(), whole).await?;
                // As a filter by ids, so that shards rank them as in any filtered search.
                let ids = lists.into_iter().flatten().map(|(id, _)| id);
                filter = Some(only(ids, filter.as_ref())?);
            }
            let vector = match by {
                By::Vector(vector) => vector,
                By::Point(id) => self.vector_of(id, using.clone(), whole.options).await?,
                By::Rrf { .. } | By::Dbsf | By::Id => {
                    return self.in_id_order(filter, limit, want, whole).await;
                }
            };
            let (sought, exclude) = (vector.into(), whole.named.clone());
            let search =
                Search { using, sought, filter, params, score_threshold, limit, exclude, want };
            self.search(search, whole.options).await
        })
    }

    /// Ranks what several stages found by their ranks or their scores.
    async fn fuse(
        &self,
        stage: Prefetch,
        want: Want,
        whole: &Whole<'_>,
    ) -> Result<Vec<Scored>, Error> {
        let Prefetch { by, filter, score_threshold, limit, prefetch, .. } = stage;
        let lists = self.below(prefetch, filter.as_ref(), whole).await?;
        let mut fused = match by {
            By::Rrf { k, weights } => reciprocal_rank(&lists, k, &weights.unwrap_or_default()),
            _ => by_distribution(&lists),
        };
        // Not strict, as it is for scores of vectors: so clients know it.
        fused.retain(|(_, score)| score_threshold.is_none_or(|threshold| *score >= threshold));
        fused.truncate(limit);
        // Records last, so that only those of the winners are sent.
        self.with_records(fused, want, whole.options).await
    }

    /// What each of some stages finds. The filter above them holds for them too.
    async fn below(
        &self,
        stages: Vec<Prefetch>,
        filter: Option<&Filter>,
        whole: &Whole<'_>,
    ) -> Result<Vec<Ranked>, Error> {
        // One after the other where shards may be missing: each stage goes without those that an
        // earlier one missed, or some would rank points that others have not seen.
        let at_once = if whole.options.partial.is_some() { 1 } else { STAGES_AT_ONCE };
        let list = |mut stage: Prefetch| async move {
            if let Some(above) = filter {
                stage.filter = Some(both(above, stage.filter.as_ref())?);
            }
            // Ids are enough for a stage below: what is wanted is fetched for the winners alone.
            let found = self.stage(stage, Want::default(), whole).await?;
            Ok(found.into_iter().map(|scored| (scored.record.id, scored.score)).collect())
        };
        stream::iter(stages).map(list).buffered(at_once).try_collect().await
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
        whole: &Whole<'_>,
    ) -> Result<Vec<Scored>, Error> {
        let filter = without(&whole.named, filter)?;
        let page = Scroll { filter, offset: None, limit, want };
        let page = self.scroll(page, whole.options.clone()).await?;
        // A page may be shorter than was asked for; the answer of a query may not.
        if page.records.len() < limit && page.next.is_some() {
            return Err(too_large());
        }
        Ok(page.records.into_iter().map(unranked).collect())
    }
}

/// As Qdrant has it where nothing was ranked: the same score for all, and no version.
fn unranked(record: Record) -> Scored {
    Scored { record: Record { version: LogIndex::ZERO, ..record }, score: 1.0 }
}

/// Adds the points that a stage and those below it search by.
fn name_points(stage: &Prefetch, named: &mut Vec<PointId>) {
    if let By::Point(id) = stage.by
        && !named.contains(&id)
    {
        named.push(id);
    }
    stage.prefetch.iter().for_each(|below| name_points(below, named));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(by: By, prefetch: Vec<Prefetch>) -> Prefetch {
        Prefetch {
            by,
            using: String::new(),
            filter: None,
            params: Default::default(),
            score_threshold: None,
            limit: 10,
            prefetch,
        }
    }

    #[test]
    fn points_named_anywhere_in_a_query_are_named_once() {
        let point = |id| By::Point(PointId::num(id));
        let deep = by(point(3), vec![by(point(1), Vec::new()), by(By::Id, Vec::new())]);
        let query = by(By::Dbsf, vec![by(point(1), Vec::new()), deep]);
        let mut named = Vec::new();
        name_points(&query, &mut named);
        assert_eq!(named, [1, 3].map(PointId::num));
    }
}
