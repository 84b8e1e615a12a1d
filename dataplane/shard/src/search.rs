//! Nearest-neighbour search over the segments of one vector.

pub(crate) mod plan;
pub(crate) mod search_context;
pub(crate) mod select;
pub(crate) mod view;

use std::cmp::Ordering;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use vane_index::{Flat, Select, VectorIndex};
use vane_types::limits::RESULTS_MAX;
use vane_types::{Distance, Slot};

use crate::error::{BadInput, Error};
use crate::request::{Scored, Search};
use crate::search::plan::{Facts, Plan, plan};
use crate::search::select::Allowed;
use crate::search::view::{VectorView, View};
use crate::segments::growing::Chunk;
use crate::segments::sealed::{Sealed, metric};
use crate::shard::Shard;

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
    shard: &'a Shard,
    search: &'a Search,
    query: Vec<f32>,
    k: usize,
    vector: &'a VectorView,
    view: &'a View<'a>,
    allowed: Option<Allowed>,
    excluded: Vec<Slot>,
    deadline: Instant,
}

impl Shard {
    /// Whether a search is sure to end within a millisecond or two: it walks graphs of
    /// bounded effort, and few rows lie outside them.
    pub fn is_quick(&self, search: &Search) -> bool {
        // A filter may have to read points from the disk.
        if search.filter.is_some() || search.params.exact {
            return false;
        }
        let state = self.state.read();
        // An unknown vector is refused at once.
        let Some((_, vector)) = state.vector(&search.using) else { return true };
        let default_ef = state.config.hnsw_of(&search.using).ef_construct;
        let ef = search.params.ef.unwrap_or(default_ef).max(search.limit);
        let (mut scanned, graphs) = (vector.growing.rows(), vector.sealed.len());
        scanned += vector.frozen.iter().map(|frozen| frozen.rows()).sum::<usize>();
        let plain = vector.sealed.iter().filter(|sealed| sealed.graph.is_none());
        scanned += plain.map(|sealed| sealed.rows()).sum::<usize>();
        (scanned + ef * graphs * VISITS_PER_EF) * vector.params.size <= QUICK_VALUES
    }

    /// The best points of this shard, best first.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a search that does not fit the collection, [`Error::Timeout`],
    /// [`Error::NotReady`] while the replica has no state, and failures of disk and index.
    pub fn search(&self, search: &Search, deadline: Instant) -> Result<Vec<Scored>, Error> {
        let (view, hits) = self.hits(search, deadline)?;
        let slots: Vec<Slot> = hits.iter().map(|hit| hit.slot).collect();
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
        let mut query = search.check(&self.state.read().config)?.to_vec();
        let (view, vector) = self.vector_view(search.filter.as_ref(), &search.using)?;
        let allowed = view.allowed(search.filter.as_ref(), deadline)?;
        let mut excluded = Vec::new();
        for id in &search.exclude {
            excluded.extend(view.snapshot.slot(*id)?);
        }
        vector.distance.prepare(&mut query);
        // Excluded points may be among the best, and are taken out at the end. One more than an
        // answer may hold, however many are asked for, tells that there are more.
        let k = search.limit.min(RESULTS_MAX + 1) + excluded.len();
        let searcher = Searcher {
            shard: self,
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
        if hits.len() > RESULTS_MAX {
            return Err(BadInput::AnswerTooLarge.into());
        }
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
        for chunks in &self.vector.memory {
            if self.leaves_out(chunks.iter().map(|chunk| chunk.slots.len()).sum()) {
                continue;
            }
            for chunk in chunks {
                best.extend(self.chunk(chunk)?);
                // After each chunk: a long tail in memory has many, each with hits of its own.
                self.keep_best(&mut best);
            }
        }
        self.keep_best(&mut best);
        if self.vector.distance == Distance::Euclid {
            // Squares order as distances do: only winners pay for the root. Rounding may leave a
            // square slightly below 0.
            for hit in &mut best {
                hit.score = hit.score.max(0.0).sqrt();
            }
        }
        if let Some(threshold) = self.search.score_threshold {
            best.retain(|hit| self.vector.distance.passes(hit.score, threshold));
        }
        best.retain(|hit| !self.excluded.contains(&hit.slot));
        best.truncate(self.search.limit);
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
        let by_score = self.vector.distance.best_first(a.score, b.score);
        by_score.then_with(|| self.compare_ids(a.slot, b.slot))
    }

    fn compare_ids(&self, a: Slot, b: Slot) -> Ordering {
        // Only for equal scores, which are few: the lock is held for two look-ups in memory.
        let ids = &self.shard.state.read().ids;
        ids.id(a).cmp(&ids.id(b))
    }

    /// Whether a segment without a graph is too large for a search that asks for indexed ones.
    fn leaves_out(&self, rows: usize) -> bool {
        let bytes = self.matching(rows) * self.vector.dim * size_of::<f32>();
        self.search.params.indexed_only && bytes > self.vector.plain_bytes_max
    }

    /// Rows of a segment that match, as an estimate.
    fn matching(&self, rows: usize) -> usize {
        // How the matching points are spread over segments is not known: evenly, say.
        let share = rows as f64 / self.view.points.max(1) as f64;
        match &self.allowed {
            None => rows,
            Some(allowed) => ((allowed.slots.len() as f64 * share).ceil() as usize).min(rows),
        }
    }

    fn sealed(&self, sealed: &Sealed) -> Result<Vec<Hit>, Error> {
        let facts = self.facts(sealed);
        if !facts.has_graph && self.leaves_out(facts.rows) {
            return Ok(Vec::new());
        }
        self.check_time()?;
        let (slots, died) = (sealed.files.slots(), sealed.tombstones.all());
        if let (Plan::Graph { ef }, Some(graph)) = (plan(&facts), &sealed.graph) {
            // Without dead rows FAISS need not ask about each.
            let died = (sealed.tombstones.dead() > 0).then_some(died);
            let hits = self.ask(graph, ef, slots, died)?;
            // Deaths and the estimate may leave fewer than there are; then only a scan tells.
            if hits.len() >= self.k.min(facts.matching) {
                return Ok(hits);
            }
        }
        self.scan(sealed.files.vectors(), slots, died)
    }

    fn facts(&self, sealed: &Sealed) -> Facts {
        let alive = sealed.rows() - sealed.tombstones.dead();
        let row_bytes = self.vector.dim * size_of::<f32>();
        Facts {
            rows: alive,
            matching: self.matching(alive),
            filtered: self.allowed.is_some(),
            has_graph: sealed.graph.is_some(),
            exact: self.search.params.exact,
            k: self.k,
            ef: self.search.params.ef.unwrap_or(self.vector.hnsw.ef_construct),
            full_scan_rows: (self.vector.hnsw.full_scan_threshold << 10) / row_bytes,
        }
    }

    fn chunk(&self, chunk: &Chunk) -> Result<Vec<Hit>, Error> {
        self.scan(&chunk.values, &chunk.slots, &chunk.died)
    }

    /// Scores all rows that live and that the filter allows.
    fn scan(&self, values: &[f32], slots: &[Slot], died: &[AtomicU64]) -> Result<Vec<Hit>, Error> {
        let flat = Flat {
            metric: metric(self.vector.distance),
            dim: self.vector.dim,
            rows: values,
            order: &|a, b| self.compare_ids(slots[a as usize], slots[b as usize]),
            stop: &|| self.is_late(),
        };
        self.ask(&flat, self.k, slots, Some(died))
    }

    /// The best rows of an index, by the slots of their points.
    fn ask(
        &self,
        index: &dyn VectorIndex,
        ef: usize,
        slots: &[Slot],
        died: Option<&[AtomicU64]>,
    ) -> Result<Vec<Hit>, Error> {
        let select = Select {
            allow: self.allowed.as_ref().map(|allowed| (allowed.words(), slots)),
            died: died.map(|died| (died, self.vector.at.0)),
        };
        let found = match index.search(&self.query, self.k, ef, &select) {
            Err(vane_index::Error::Stopped) => return Err(self.timeout()),
            found => found?,
        };
        let hits =
            found.into_iter().map(|hit| Hit { slot: slots[hit.row as usize], score: hit.score });
        Ok(hits.collect())
    }

    fn is_late(&self) -> bool {
        Instant::now() > self.deadline
    }

    fn check_time(&self) -> Result<(), Error> {
        if self.is_late() { Err(self.timeout()) } else { Ok(()) }
    }

    fn timeout(&self) -> Error {
        Error::Timeout { group: self.view.group }
    }
}
