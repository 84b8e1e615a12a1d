//! Nearest-neighbour search over the segments of one vector.

use std::cmp::Ordering;
use std::sync::atomic::Ordering as Atomic;
use std::time::Instant;

use vane_index::Select;
use vane_types::{Distance, Slot};

use crate::check::check_search;
use crate::error::Error;
use crate::plan::{Facts, Plan, plan};
use crate::request::{Scored, Search};
use crate::rows::Chunk;
use crate::sealed::{Sealed, metric};
use crate::select::Allowed;
use crate::shard::Shard;
use crate::view::{VectorView, View};

/// Rows scored between two looks at the clock.
const ROWS_PER_DEADLINE: usize = 16_384;

/// Rows that a graph search scores per unit of ef.
const VISITS_PER_EF: usize = 16;
/// Vector values that a quick search may touch: about two milliseconds' worth.
const QUICK_VALUES: usize = 8 << 20;

/// A row that may be among the best. Squared distance for Euclid until the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) slot: Slot,
    pub(crate) score: f32,
}

/// The search and everything that stays the same over its segments.
struct Searcher<'a> {
    search: &'a Search,
    query: Vec<f32>,
    k: usize,
    vector: &'a VectorView,
    view: &'a View<'a>,
    allowed: Option<Allowed>,
    excluded: Option<Slot>,
    deadline: Instant,
}

impl Shard {
    /// Whether a search is sure to end within a millisecond or two: it walks graphs of
    /// bounded effort, and few rows lie outside them.
    pub fn is_quick(&self, search: &Search) -> bool {
        let state = self.state.read();
        let Some((_, vector)) = state.vector(&search.using) else { return true };
        let ef = search
            .params
            .ef
            .unwrap_or(state.config.hnsw_of(&search.using).ef_construct)
            .max(search.limit);
        let plain = vector.sealed.iter().filter(|it| it.graph.is_none()).map(|it| it.rows());
        let frozen = vector.frozen.iter().map(|it| it.rows());
        let graphs = vector.sealed.len();
        let rows: usize = plain.chain(frozen).sum::<usize>() + vector.growing.rows();
        let values = rows * vector.params.size + ef * graphs * VISITS_PER_EF * vector.params.size;
        search.filter.is_none() && !search.params.exact && values <= QUICK_VALUES
    }

    /// The best points of this shard, best first.
    pub fn search(&self, search: &Search, deadline: Instant) -> Result<Vec<Scored>, Error> {
        let (view, hits) = self.hits(search, deadline)?;
        let slots: Vec<Slot> = hits.iter().map(|it| it.slot).collect();
        let records = self.fetch(&view, &slots, &search.want)?;
        Ok(records
            .into_iter()
            .zip(hits)
            .map(|(record, hit)| Scored { record, score: hit.score })
            .collect())
    }

    /// The best rows, best first, and the view that they were found in.
    pub(crate) fn hits(
        &self,
        search: &Search,
        deadline: Instant,
    ) -> Result<(View<'_>, Vec<Hit>), Error> {
        check_search(&self.state.read().config, search)?;
        let (view, vector) = self.vector_view(search.filter.as_ref(), &search.using)?;
        let allowed = view.allowed(search.filter.as_ref(), deadline)?;
        let excluded = match search.exclude {
            Some(id) => view.snapshot.slot(id)?,
            None => None,
        };
        let mut query = search.vector.clone();
        vector.distance.prepare(&mut query);
        let k = search.limit + usize::from(excluded.is_some());
        let searcher = Searcher {
            search,
            query,
            k,
            vector: &vector,
            view: &view,
            allowed,
            excluded,
            deadline,
        };
        let hits = searcher.run()?;
        Ok((view, hits))
    }
}

impl Searcher<'_> {
    fn run(&self) -> Result<Vec<Hit>, Error> {
        let mut best = Vec::new();
        if self.k == 0 {
            return Ok(best);
        }
        for sealed in &self.vector.sealed {
            best.extend(self.sealed(sealed)?);
        }
        if !self.search.params.indexed_only {
            for chunk in self.vector.memory.iter().flatten() {
                self.chunk(chunk, &mut best);
                self.check_time()?;
            }
        }
        self.keep_best(&mut best);
        if self.vector.distance == Distance::Euclid {
            best.iter_mut().for_each(|it| it.score = it.score.max(0.0).sqrt());
        }
        if let Some(threshold) = self.search.score_threshold {
            best.retain(|it| self.vector.distance.passes(it.score, threshold));
        }
        best.retain(|it| Some(it.slot) != self.excluded);
        best.truncate(self.search.limit);
        Ok(best)
    }

    /// Sorts best first and keeps k; points of equal score order by slot.
    fn keep_best(&self, hits: &mut Vec<Hit>) {
        let order = |a: &Hit, b: &Hit| -> Ordering {
            self.vector.distance.best_first(a.score, b.score).then(a.slot.cmp(&b.slot))
        };
        if hits.len() > self.k {
            hits.select_nth_unstable_by(self.k, order);
            hits.truncate(self.k);
        }
        hits.sort_unstable_by(order);
    }

    fn sealed(&self, sealed: &Sealed) -> Result<Vec<Hit>, Error> {
        let alive = sealed.rows() - sealed.deaths.dead();
        let share = alive as f64 / self.view.points.max(1) as f64;
        let matching = self
            .allowed
            .as_ref()
            .map_or(alive, |it| (it.slots.len() as f64 * share).ceil() as usize);
        let row_bytes = self.vector.dim * size_of::<f32>();
        let facts = Facts {
            rows: alive,
            matching: matching.min(alive),
            filtered: self.allowed.is_some(),
            has_graph: sealed.graph.is_some(),
            exact: self.search.params.exact,
            k: self.k,
            ef: self.search.params.ef.unwrap_or(self.vector.hnsw.ef_construct),
            full_scan_rows: (self.vector.hnsw.full_scan_threshold << 10) / row_bytes,
        };
        if self.search.params.indexed_only && !facts.has_graph {
            return Ok(Vec::new());
        }
        self.check_time()?;
        let Plan::Graph { ef } = plan(&facts) else { return self.scan(sealed) };
        let hits = self.graph(sealed, ef)?;
        // Deaths and the estimate may leave fewer than there are; then only a scan tells.
        if hits.len() < self.k.min(facts.matching) { self.scan(sealed) } else { Ok(hits) }
    }

    fn graph(&self, sealed: &Sealed, ef: usize) -> Result<Vec<Hit>, Error> {
        let Some(graph) = &sealed.graph else { return Ok(Vec::new()) };
        let slots = sealed.files.slots();
        let select = Select {
            allow: self.allowed.as_ref().map(|it| (it.words(), slots)),
            died: (sealed.deaths.dead() > 0).then(|| (sealed.deaths.all(), self.vector.at.0)),
        };
        let found = graph.search(&self.query, self.k, ef, &select)?;
        Ok(found
            .into_iter()
            .map(|it| Hit { slot: slots[it.row as usize], score: it.score })
            .collect())
    }

    fn scan(&self, sealed: &Sealed) -> Result<Vec<Hit>, Error> {
        let (slots, died) = (sealed.files.slots(), sealed.deaths.all());
        let mut best = Vec::new();
        for start in (0..slots.len()).step_by(ROWS_PER_DEADLINE) {
            let end = slots.len().min(start + ROWS_PER_DEADLINE);
            let rows =
                (start..end).filter(|row| died[*row].load(Atomic::Relaxed) > self.vector.at.0);
            self.score(rows, sealed.files.vectors(), slots, &mut best);
            self.keep_best(&mut best);
            self.check_time()?;
        }
        Ok(best)
    }

    fn chunk(&self, chunk: &Chunk, best: &mut Vec<Hit>) {
        let rows = (0..chunk.slots.len())
            .filter(|row| chunk.died[*row].load(Atomic::Relaxed) > self.vector.at.0);
        self.score(rows, &chunk.values, &chunk.slots, best);
        self.keep_best(best);
    }

    /// Scores those of the rows that the filter allows.
    fn score(
        &self,
        rows: impl Iterator<Item = usize>,
        values: &[f32],
        slots: &[Slot],
        hits: &mut Vec<Hit>,
    ) {
        let which: Vec<u32> = match &self.allowed {
            Some(allowed) => {
                rows.filter(|row| allowed.contains(slots[*row])).map(|row| row as u32).collect()
            }
            None => rows.map(|row| row as u32).collect(),
        };
        let mut scores = Vec::with_capacity(which.len());
        vane_index::scores(
            metric(self.vector.distance),
            self.vector.dim,
            values,
            &which,
            &self.query,
            &mut scores,
        );
        hits.extend(
            which
                .into_iter()
                .zip(scores)
                .map(|(row, score)| Hit { slot: slots[row as usize], score }),
        );
    }

    fn check_time(&self) -> Result<(), Error> {
        if Instant::now() > self.deadline {
            return Err(Error::Timeout { group: self.view.group });
        }
        Ok(())
    }
}
