//! The stages of a query: those below first, then what each makes of their results.

use std::pin::Pin;

use futures_util::{StreamExt, TryStreamExt, stream};
use vane_filter::Filter;
use vane_shard::{Record, Scored, Scroll, Search, SearchParams, Want};
use vane_types::limits::EF_MAX;
use vane_types::{Error, LogIndex, PointId};

use super::diverse::Choice;
use super::examples::Example;
use super::filters::{both, only, without};
use super::fusion::{Ranked, by_distribution, reciprocal_rank};
use super::lookup::Places;
use super::{By, Diverse, Prefetch, Query};
use crate::answer::{check_size, too_large};
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

/// Stages of one query that are on their way at a time.
const STAGES_AT_ONCE: usize = 8;

/// What is the same for all stages of a query.
pub(super) struct Whole<'a, S> {
    pub(super) options: &'a RequestOptions,
    /// Where points are looked up that are not of this collection.
    places: Places<S>,
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
        let (limit, offset, want) = (query.limit, query.offset, query.want.clone());
        let mut stage = query.into_stage();
        if let By::Diverse(diverse) = &mut stage.by {
            // However many of them are skipped.
            diverse.candidates.get_or_insert(limit);
        }
        // No shard can tell which of its points are skipped: all come here, and the first go.
        // One of chance has no order, and no point of it is skipped.
        let is_by_chance = matches!(stage.by, By::Sample) && stage.prefetch.is_empty();
        let offset = if is_by_chance { 0 } else { offset };
        stage.limit = limit.saturating_add(offset);
        // So that as many are left behind those that are skipped.
        stage.prefetch.iter_mut().for_each(|below| below.deepen(offset));
        let (places, named) = self.bind(&mut stage, &options).await?;
        let whole = Whole { options: &options, places, named };
        let mut found = self.stage(stage, want, &whole).await?;
        found.drain(..offset.min(found.len()));
        check_size(found.iter().map(|scored| &scored.record))?;
        Ok(found)
    }

    /// One stage. Boxed, since stages call each other; their depth is bounded where a request
    /// is parsed.
    fn stage<'a>(
        &'a self,
        stage: Prefetch,
        want: Want,
        whole: &'a Whole<'a, S>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Scored>, Error>> + Send + 'a>> {
        Box::pin(async move {
            if let By::Formula(formula) = stage.by {
                let stage = Prefetch { by: By::Id, ..stage };
                return self.by_formula(*formula, stage, want, whole).await;
            }
            if let By::Rrf { .. } | By::Dbsf = stage.by {
                return self.fuse(stage, want, whole).await;
            }
            let Prefetch { by, using, mut filter, params, score_threshold, limit, .. } = stage;
            let Prefetch { prefetch, lookup, corpus, .. } = stage;
            // No walk looks at more, whatever is asked for.
            let params = SearchParams { ef: params.ef.map(|ef| ef.min(EF_MAX)), ..params };
            if !prefetch.is_empty() {
                let lists = self.below(prefetch, filter.as_ref(), whole).await?;
                // As a filter by ids, so that shards rank them as in any filtered search.
                let ids = lists.into_iter().flatten().map(|(id, _)| id);
                filter = Some(only(ids, filter.as_ref())?);
            }
            let from = (&whole.places, lookup.as_ref());
            let mut choice = None;
            let sought = match by {
                By::Vector(vector) => vector.into(),
                By::Point(id) => {
                    self.sought_near(Example::Point(id), &using, from, whole.options).await?
                }
                By::Examples(by) => self.sought_by(by, &using, from, whole.options).await?,
                By::Diverse(Diverse { near, diversity, candidates }) => {
                    let candidates = candidates.unwrap_or(limit);
                    choice = Some(Choice { diversity, candidates, limit });
                    self.sought_near(near, &using, from, whole.options).await?
                }
                By::Order(order) => {
                    let filter = without(&whole.named, filter)?;
                    return self.in_order(order, filter, limit, want, whole.options).await;
                }
                By::Sample => {
                    let filter = without(&whole.named, filter)?;
                    return self.drawn(filter, limit, want, whole.options).await;
                }
                By::Rrf { .. } | By::Dbsf | By::Formula(_) | By::Id => {
                    return self.in_id_order(filter, limit, want, whole).await;
                }
            };
            let exclude = whole.named.clone();
            let search =
                Search { using, sought, filter, params, score_threshold, limit, exclude, want };
            match choice {
                None => self.search(search, corpus, whole.options).await,
                Some(choice) => self.choose(search, corpus, choice, whole.options).await,
            }
        })
    }

    /// Ranks what several stages found by their ranks or their scores.
    async fn fuse(
        &self,
        stage: Prefetch,
        want: Want,
        whole: &Whole<'_, S>,
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
    pub(super) async fn below(
        &self,
        stages: Vec<Prefetch>,
        filter: Option<&Filter>,
        whole: &Whole<'_, S>,
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

    pub(super) async fn with_records(
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
        whole: &Whole<'_, S>,
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
pub(super) fn unranked(record: Record) -> Scored {
    Scored { record: Record { version: LogIndex::ZERO, ..record }, score: 1.0 }
}
