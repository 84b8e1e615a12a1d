//! Nearest-neighbour search over the segments of one vector.

mod candidates;
pub(crate) mod explain;
pub(crate) mod measure;
pub(crate) mod parts;
pub(crate) mod plan;
pub(crate) mod quick;
pub(crate) mod recall;
pub(crate) mod search_context;
pub(crate) mod select;
pub(crate) mod side_by_side;
mod singly;
pub(crate) mod view;

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::RwLock;
use vane_filter::SlotSet;
use vane_types::limits::RESULTS_MAX;
use vane_types::{FilterClass, GroupId, Slot};

use crate::error::{BadInput, Error};
use crate::request::{Scored, Search, SearchParams};
use crate::search::measure::Measure;
use crate::search::parts::HELPERS_MAX;
use crate::search::recall::class_of;
use crate::search::side_by_side::{Helpers, side_by_side};
use crate::search::view::{VectorView, View};
use crate::shard::Shard;
use crate::state::State;
use crate::state::allowed::Allowed;

/// A row that may be among the best. Squared distance where it is near to a vector by Euclid's,
/// until the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hit {
    pub(crate) slot: Slot,
    pub(crate) score: f32,
}

/// The search and everything that stays the same over its segments. Other threads may share
/// it: it holds no view of the database.
pub(crate) struct Searcher {
    /// For ids of points, which stay the same.
    state: Arc<RwLock<State>>,
    params: SearchParams,
    /// Candidates that a walk keeps.
    ef: usize,
    /// What the collection's searches are to find.
    min_recall: Option<f64>,
    measure: Measure,
    k: usize,
    vector: VectorView,
    /// Points of the view.
    live: SlotSet,
    group: GroupId,
    allowed: Option<Arc<Allowed>>,
    deadline: Instant,
}

/// A search whose filter was looked up, in the view of one moment.
pub struct Prepared<'a> {
    view: View<'a>,
    searcher: Searcher,
    /// Not to be found.
    excluded: Vec<Slot>,
}

/// What is searched for, and how much of it is to be found.
struct Asked {
    measure: Measure,
    min_recall: Option<f64>,
}

impl Shard {
    /// The best points of this shard, best first. `helpers` may take a part of the work.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a search that does not fit the collection, [`Error::Timeout`],
    /// [`Error::NotReady`] while the replica has no state, and failures of disk and index.
    pub fn search(
        &self,
        search: &Search,
        deadline: Instant,
        helpers: &dyn Helpers,
    ) -> Result<Vec<Scored>, Error> {
        self.search_prepared(self.prepare(search, deadline)?, search, helpers)
    }

    /// The same of a search that was [prepared](Shard::prepare).
    ///
    /// # Errors
    /// As [`Shard::search`].
    pub fn search_prepared(
        &self,
        prepared: Prepared<'_>,
        search: &Search,
        helpers: &dyn Helpers,
    ) -> Result<Vec<Scored>, Error> {
        let (view, hits) = self.hits(prepared, search, helpers)?;
        let slots: Vec<Slot> = hits.iter().map(|hit| hit.slot).collect();
        let records = self.fetch(&view, &slots, &search.want)?;
        Ok(records
            .into_iter()
            .zip(hits)
            .map(|(record, hit)| Scored { record, score: hit.score })
            .collect())
    }

    /// The best rows, best first, and the view that they were found in.
    pub(crate) fn hits<'a>(
        &self,
        Prepared { view, searcher, excluded }: Prepared<'a>,
        search: &Search,
        helpers: &dyn Helpers,
    ) -> Result<(View<'a>, Vec<Hit>), Error> {
        self.settings.build_cores.note_request();
        let distance = searcher.vector.distance;
        let searcher = Arc::new(searcher);
        let mut best = Arc::clone(&searcher).run(helpers)?;
        self.measure_recall(&searcher, &best, helpers);
        for hit in &mut best {
            hit.score = searcher.measure.shown(distance, hit.score);
        }
        if let Some(threshold) = search.score_threshold {
            best.retain(|hit| distance.passes(hit.score, threshold));
        }
        best.retain(|hit| !excluded.contains(&hit.slot));
        best.truncate(search.limit);
        if best.len() > RESULTS_MAX {
            return Err(BadInput::AnswerTooLarge.into());
        }
        Ok((view, best))
    }

    /// Candidates of a walk that does not say how many, where the collection says `base`.
    fn ef_of(&self, class: FilterClass, base: usize, min_recall: Option<f64>) -> usize {
        min_recall.map_or(base, |_| self.recall.pursuit.ef(class, base))
    }

    /// What looks through the view of this moment, with its filter looked up.
    ///
    /// # Errors
    /// As [`Shard::search`].
    pub fn prepare(&self, search: &Search, deadline: Instant) -> Result<Prepared<'_>, Error> {
        let asked = self.asked(search)?;
        let (view, vector) = self.vector_view(search.filter.as_ref(), &search.using)?;
        self.prepare_in((view, vector), search, asked, deadline)
    }

    /// What is searched for, if it fits the collection.
    fn asked(&self, search: &Search) -> Result<Asked, Error> {
        let config = &self.state.read().config;
        Ok(Asked { measure: search.check(config)?, min_recall: config.search.min_recall })
    }

    fn prepare_in<'a>(
        &self,
        (view, vector): (View<'a>, VectorView),
        search: &Search,
        Asked { measure, min_recall }: Asked,
        deadline: Instant,
    ) -> Result<Prepared<'a>, Error> {
        let allowed = view.allowed(search.filter.as_ref(), deadline)?;
        let mut excluded = Vec::new();
        for id in &search.exclude {
            excluded.extend(view.snapshot.slot(*id)?);
        }
        let ef = search.params.ef.unwrap_or_else(|| {
            let class = class_of(allowed.as_deref(), &view.live);
            self.ef_of(class, vector.hnsw.ef_construct, min_recall)
        });
        // Excluded points may be among the best, and are taken out at the end. One more than an
        // answer may hold, however many are asked for, tells that there are more.
        let k = search.limit.min(RESULTS_MAX + 1) + excluded.len();
        let mut searcher = Searcher {
            state: Arc::clone(&self.state),
            params: search.params,
            ef: search.params.oversampled(k, ef),
            min_recall,
            measure,
            k,
            vector,
            live: view.live.clone(),
            group: view.group,
            allowed,
            deadline,
        };
        searcher.leave_out_large_plain();
        searcher.put_largest_first();
        Ok(Prepared { view, searcher, excluded })
    }
}

impl Searcher {
    /// The k best rows of all segments. Which thread looked through which is not to be seen.
    fn run(self: Arc<Self>, helpers: &dyn Helpers) -> Result<Vec<Hit>, Error> {
        let width = self.vector.width.saturating_mul(self.measure.vectors());
        let most = if self.effort().is_worth_help(width) { HELPERS_MAX } else { 0 };
        self.in_turns(|parts, within| {
            let (shared, first) = (Arc::clone(&self), parts.start);
            let work = move |number| shared.part(first + number, within);
            let mut best = Vec::new();
            for found in side_by_side(parts.len(), most, helpers, work) {
                best.extend(found.unwrap_or(Err(Error::Lost))?);
            }
            Ok(best)
        })
    }

    /// The k best rows of what `turn` finds in some parts, given what the best of others score.
    fn in_turns(
        &self,
        mut turn: impl FnMut(Range<usize>, Option<f32>) -> Result<Vec<Hit>, Error>,
    ) -> Result<Vec<Hit>, Error> {
        let mut best = Vec::new();
        if self.k == 0 {
            return Ok(best);
        }
        // What the largest segments have says how much the others can add. Not what any thread has
        // found by now: an answer must not depend on which was faster.
        let (leading, all) = (self.leading_parts(), self.parts());
        for parts in [0..leading, leading..all] {
            let within = best.get(self.k - 1).map(|hit: &Hit| hit.score);
            best.extend(turn(parts, within)?);
            self.keep_best(&mut best);
        }
        Ok(best)
    }

    /// Sorts best first and keeps k; points of equal score order by id, as they do where answers
    /// of shards are merged: otherwise pages of them would overlap.
    fn keep_best(&self, hits: &mut Vec<Hit>) {
        if hits.len() > self.k {
            hits.select_nth_unstable_by(self.k, |a, b| self.compare(a, b));
            hits.truncate(self.k);
        }
        hits.sort_unstable_by(|a, b| self.compare(a, b));
    }

    fn compare(&self, a: &Hit, b: &Hit) -> Ordering {
        let by_score = self.measure.best_first(self.vector.distance, a.score, b.score);
        by_score.then_with(|| self.compare_ids(a.slot, b.slot))
    }

    fn compare_ids(&self, a: Slot, b: Slot) -> Ordering {
        // Only for equal scores, which are few: the lock is held for two look-ups in memory.
        let state = self.state.read();
        state.ids.id(a).cmp(&state.ids.id(b))
    }
}
