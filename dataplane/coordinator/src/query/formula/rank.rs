//! A stage that ranks by a formula: what prefetches found, with what the formula needs of it.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use vane_filter::Filter;
use vane_shard::{Scored, Scroll, Want, WantPayload};
use vane_types::limits::POINTS_PER_REQUEST_MAX;
use vane_types::{Error, Payload, PointId};

use super::Formula;
use super::evaluate::Facts;
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::query::Prefetch;
use crate::query::filters::only;
use crate::query::fusion::{Ranked, sort};
use crate::query::stage::Whole;
use crate::shards::Shards;

/// Conditions that are on their way at a time.
const CONDITIONS_AT_ONCE: usize = 8;

impl<S: Shards> Collection<S> {
    /// Ranks what several stages found by a formula.
    pub(in crate::query) async fn by_formula(
        &self,
        formula: Formula,
        stage: Prefetch,
        want: Want,
        whole: &Whole<'_, S>,
    ) -> Result<Vec<Scored>, Error> {
        let Prefetch { filter, score_threshold, limit, prefetch, .. } = stage;
        let lists = self.below(prefetch, filter.as_ref(), whole).await?;
        let ids: BTreeSet<PointId> = lists.iter().flatten().map(|(id, _)| *id).collect();
        if ids.len() > POINTS_PER_REQUEST_MAX {
            return Err(Error::bad_input(format!(
                "prefetches found {} points, and a formula ranks at most {POINTS_PER_REQUEST_MAX}",
                ids.len()
            )));
        }
        let known = self.known_of(&formula, ids, lists, whole.options).await?;
        // Of many points and many terms it takes a while.
        let mut ranked =
            self.coordinator.shards.offload(move || score_all(&formula, &known)).await??;
        // Not strict, as for fusions.
        ranked.retain(|(_, score)| score_threshold.is_none_or(|threshold| *score >= threshold));
        sort(&mut ranked);
        ranked.truncate(limit);
        self.with_records(ranked, want, whole.options).await
    }

    /// What a formula needs to know of some points.
    async fn known_of(
        &self,
        formula: &Formula,
        ids: BTreeSet<PointId>,
        lists: Vec<Ranked>,
        options: &RequestOptions,
    ) -> Result<Known, Error> {
        // Where shards may be missing each read goes without those that an earlier one missed.
        let at_once = if options.partial.is_some() { 1 } else { CONDITIONS_AT_ONCE };
        let passing = |condition: Filter| {
            let ids = &ids;
            async move { self.passing(ids, condition, options).await }
        };
        let conditions = formula.conditions.clone();
        let passing = stream::iter(conditions).map(passing).buffered(at_once).try_collect().await?;
        let paths = formula.paths();
        let payloads = match paths.is_empty() {
            true => ids.into_iter().map(|id| (id, Payload::new())).collect(),
            false => {
                let want = Want { payload: WantPayload::Include(paths), ..Want::default() };
                let records =
                    self.retrieve(ids.into_iter().collect(), want, options.clone()).await?;
                // A point deleted since its stage ran has no record and is left out.
                let payload =
                    |record: vane_shard::Record| (record.id, record.payload.unwrap_or_default());
                records.into_iter().map(payload).collect()
            }
        };
        let scores = lists.into_iter().map(|list| list.into_iter().collect()).collect();
        Ok(Known { payloads, scores, passing })
    }

    /// Those of some points that pass a condition, as their shards say: they know what payload
    /// indexes make of it.
    async fn passing(
        &self,
        ids: &BTreeSet<PointId>,
        condition: Filter,
        options: &RequestOptions,
    ) -> Result<HashSet<PointId>, Error> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let filter = Some(only(ids.iter().copied(), Some(&condition))?);
        let page = Scroll { filter, offset: None, limit: ids.len(), want: Want::default() };
        let page = self.scroll(page, options.clone()).await?;
        Ok(page.records.into_iter().map(|record| record.id).collect())
    }
}

/// What is known of some points.
struct Known {
    payloads: Vec<(PointId, Payload)>,
    /// Of each prefetch.
    scores: Vec<HashMap<PointId, f32>>,
    /// Of each condition.
    passing: Vec<HashSet<PointId>>,
}

fn score_all(formula: &Formula, known: &Known) -> Result<Ranked, Error> {
    let score = |(id, payload): &(PointId, Payload)| {
        let scores: Vec<Option<f32>> =
            known.scores.iter().map(|list| list.get(id).copied()).collect();
        let conditions: Vec<bool> = known.passing.iter().map(|some| some.contains(id)).collect();
        let facts = Facts { scores: &scores, payload, conditions: &conditions };
        formula.score(facts).map(|score| (*id, score))
    };
    known.payloads.iter().map(score).collect()
}
