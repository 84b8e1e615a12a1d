//! The parts of a search: a sealed segment each, and runs of rows in memory.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use vane_index::{CodeBits, Flat, Graph, Hit as Row, Select, Walk};
use vane_types::Slot;

use super::{Hit, Searcher};
use crate::error::Error;
use crate::search::measure::Measure;
use crate::search::plan::{Facts, Plan, after_walk, is_few, plan};
use crate::search::singly::Singly;
use crate::search::view::rows_of;
use crate::segments::growing::Chunk;
use crate::segments::sealed::Sealed;

/// Rows that are scored in the time that a walk spends on one candidate: it compares codes of some
/// sixteen, and scores few.
const VISITS_PER_EF: usize = 6;
/// Vector values that a quick search may touch: about two milliseconds' worth.
const QUICK_VALUES: usize = 8 << 20;
/// Vector values below which waking another thread costs more than it saves.
const HELP_VALUES: usize = 1 << 20;
/// Threads that help with one search at most.
pub(crate) const HELPERS_MAX: usize = 7;
/// A segment of one in so many of the largest's rows, or more, leads.
const LEADING_SHARE: usize = 4;
/// Chunks of rows in memory that make one part.
const CHUNKS_PER_PART: usize = 8;

/// How many rows a search scores, as far as can be told before.
pub(crate) struct Effort {
    rows: usize,
}

impl Effort {
    /// Of a search without a filter; `memory` are rows that lie in memory.
    pub(crate) fn of(sealed: &[Arc<Sealed>], memory: usize, ef: usize) -> Self {
        let rows_in = |sealed: &Arc<Sealed>| match sealed.graph {
            Some(_) => ef * VISITS_PER_EF,
            None => sealed.rows(),
        };
        Self { rows: memory + sealed.iter().map(rows_in).sum::<usize>() }
    }

    /// The same where only so many rows match, whichever way they are found.
    pub(crate) fn at_most(self, matching: u64) -> Self {
        Self { rows: self.rows.min(usize::try_from(matching).unwrap_or(usize::MAX)) }
    }

    pub(crate) fn is_quick(&self, dim: usize) -> bool {
        self.rows.saturating_mul(dim) <= QUICK_VALUES
    }

    pub(crate) fn is_worth_help(&self, dim: usize) -> bool {
        self.rows.saturating_mul(dim) >= HELP_VALUES
    }
}

/// How a part was searched in the end, and whether a walk came back short before that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Went {
    pub(super) plan: Plan,
    pub(super) walked: bool,
}

impl Went {
    pub(super) const SCANNED: Self = Self { plan: Plan::Scan, walked: false };
}

impl Searcher {
    pub(super) fn effort(&self) -> Effort {
        let memory = self.vector.memory.iter().map(|chunks| rows_of(chunks)).sum();
        let whole = match self.scores_all() {
            true => Effort {
                rows: memory + self.vector.sealed.iter().map(|it| it.rows()).sum::<usize>(),
            },
            false => Effort::of(&self.vector.sealed, memory, self.ef.max(self.k)),
        };
        whole.at_most(self.matching_at_most())
    }

    /// Whether each row that matches is scored, however many they are.
    fn scores_all(&self) -> bool {
        self.params.exact || (self.measure.near().is_none() && self.measure.sparse().is_none())
    }

    /// Rows that its filter leaves, if it has one.
    pub(super) fn matching_at_most(&self) -> u64 {
        self.allowed.as_ref().map_or(u64::MAX, |allowed| allowed.slots.len())
    }

    /// Takes away what a search for indexed rows does without: segments that lack a graph and in
    /// which too much matches.
    pub(super) fn leave_out_large_plain(&mut self) {
        if !self.params.indexed_only {
            return;
        }
        let mut memory = std::mem::take(&mut self.vector.memory);
        memory.retain(|chunks| !self.vector.is_large(self.matching_in_memory(rows_of(chunks))));
        self.vector.memory = memory;
        let mut sealed = std::mem::take(&mut self.vector.sealed);
        sealed.retain(|segment| {
            segment.is_indexed() || !self.vector.is_large(self.facts(segment).matching)
        });
        self.vector.sealed = sealed;
    }

    /// About how many rows of a segment in memory match.
    fn matching_in_memory(&self, rows: usize) -> usize {
        let Some(allowed) = &self.allowed else { return rows };
        // How the matching points are spread over segments is not known: evenly, say.
        let share = rows as f64 / self.live.len().max(1) as f64;
        ((allowed.slots.len() as f64 * share).ceil() as usize).min(rows)
    }

    /// Before the search: segments are its first parts, and the first of them lead.
    pub(super) fn put_largest_first(&mut self) {
        self.vector.sealed.sort_by_key(|segment| Reverse(segment.rows()));
    }

    /// How many parts tell what the others need to find: segments not much smaller than the
    /// largest, as one of them alone would have other threads wait.
    pub(super) fn leading_parts(&self) -> usize {
        let sealed = &self.vector.sealed;
        let largest = sealed.first().map_or(0, |segment| segment.rows());
        sealed.partition_point(|segment| segment.rows() * LEADING_SHARE >= largest)
    }

    /// How many parts there are.
    pub(super) fn parts(&self) -> usize {
        let chunks = self.vector.memory.iter().map(Vec::len).sum::<usize>();
        self.vector.sealed.len() + chunks.div_ceil(CHUNKS_PER_PART)
    }

    /// The best rows of one part; of use are those that score no worse than `within`.
    pub(super) fn part(&self, number: usize, within: Option<f32>) -> Result<Vec<Hit>, Error> {
        self.part_as(number, within).map(|(best, _)| best)
    }

    /// The same, and how they were found.
    pub(super) fn part_as(
        &self,
        number: usize,
        within: Option<f32>,
    ) -> Result<(Vec<Hit>, Went), Error> {
        if let Some(sealed) = self.vector.sealed.get(number) {
            return self.sealed(sealed, within);
        }
        let mut best = Vec::new();
        for chunk in self.chunks_of(number) {
            best.extend(self.chunk(chunk)?);
            self.keep_best(&mut best);
        }
        Ok((best, Went::SCANNED))
    }

    /// Rows in memory that make a part.
    pub(super) fn chunks_of(&self, number: usize) -> impl Iterator<Item = &Arc<Chunk>> {
        let first = (number - self.vector.sealed.len()) * CHUNKS_PER_PART;
        self.vector.memory.iter().flatten().skip(first).take(CHUNKS_PER_PART)
    }

    /// The best rows of one part, all of them scored.
    pub(super) fn part_exactly(&self, number: usize) -> Result<Vec<Hit>, Error> {
        let Some(sealed) = self.vector.sealed.get(number) else { return self.part(number, None) };
        self.scan_sealed(sealed, &self.facts(sealed), deaths(sealed))
    }

    fn sealed(&self, sealed: &Sealed, within: Option<f32>) -> Result<(Vec<Hit>, Went), Error> {
        let facts = self.facts(sealed);
        if self.is_late() {
            return Err(self.timeout());
        }
        let died = deaths(sealed);
        if let Some(found) = self.by_postings(sealed, died, within) {
            return found;
        }
        let scan = |went| Ok((self.scan_sealed(sealed, &facts, died)?, went));
        let Some(graph) = &sealed.graph else { return scan(Went::SCANNED) };
        let found = match (&self.measure, self.measure.near()) {
            (Measure::Examples(by), _) => self.by_rule(by, (sealed, graph), &facts, died),
            (_, Some(query)) => self.by_codes(query, (sealed, graph), &facts, died, within),
            // Without a vector that is near to what is searched for, no link leads there.
            (_, None) => return scan(Went::SCANNED),
        };
        match found {
            Ok((Some(rows), went)) => Ok((self.found(Ok(rows), sealed.files.slots())?, went)),
            Ok((None, went)) => scan(Went { plan: Plan::Scan, ..went }),
            // The scrub will find it, too, and have it built again.
            Err(error) => {
                let dir = sealed.dir.display();
                tracing::warn!(%error, %dir, "failed to search a graph; its rows are scanned");
                scan(Went::SCANNED)
            }
        }
    }

    /// The best rows by a walk or a look at codes; `None` where all that match are to be scored.
    fn by_codes(
        &self,
        query: &[f32],
        (sealed, graph): (&Sealed, &Graph),
        facts: &Facts,
        died: Option<&[AtomicU64]>,
        within: Option<f32>,
    ) -> Result<(Option<Vec<Row>>, Went), vane_index::Error> {
        let slots = sealed.files.slots();
        let select = self.select(slots, died);
        let mut went = Went { plan: plan(facts), walked: false };
        let by_rows = self.params.ignore_codes;
        if let Plan::Graph { ef, over, again } = went.plan {
            went.walked = true;
            let walk = Walk { ef, over, again, within, by_rows };
            let rows = graph.walk(query, self.k, walk, &select)?;
            if rows.len() >= self.k.min(facts.matching) {
                return Ok((Some(rows), went));
            }
            // Links may lead to fewer than there are, or the query lies where the filter leaves
            // little; then a look at all tells.
            went.plan = after_walk(facts);
        }
        let is_without_codes = by_rows && graph.code_bits() < CodeBits::Eight;
        if went.plan != Plan::Codes || is_without_codes {
            return Ok((None, went));
        }
        // One more than is wanted: whether rows of one score would be cut apart. Which of them come
        // first their ids say, and codes do not know those.
        let wanted = self.k + 1;
        let few = self.allowed.as_ref().filter(|_| is_few(facts));
        let mut rows = match few.map(|allowed| sealed.order().rows_of(slots, &allowed.slots)) {
            None => graph.scan(query, wanted, &select, None)?,
            Some(few) => {
                // The filter has been asked already.
                let select = Select { allow: None, ..select };
                graph.scan(query, wanted, &select, Some(&few))?
            }
        };
        if rows.len() == wanted && rows[wanted - 1].score == rows[wanted - 2].score {
            return Ok((None, went));
        }
        rows.truncate(self.k);
        Ok((Some(rows), went))
    }

    /// Scores every matching row of a segment. Where few match, no other row is looked at.
    fn scan_sealed(
        &self,
        sealed: &Sealed,
        facts: &Facts,
        died: Option<&[AtomicU64]>,
    ) -> Result<Vec<Hit>, Error> {
        let slots = sealed.files.slots();
        let few = self.allowed.as_ref().filter(|_| is_few(facts));
        let few = few.map(|allowed| sealed.order().rows_of(slots, &allowed.slots));
        let (allow, died) =
            (self.select(slots, None).allow, died.map(|died| (died, self.vector.at.0)));
        // Of few the filter has been asked already.
        let select = Select { allow: allow.filter(|_| few.is_none()), died };
        let row = |row: u32| sealed.files.vector(row as usize);
        self.score((sealed.files.vectors(), &row), slots, few.as_deref(), &select)
    }

    pub(super) fn facts(&self, sealed: &Sealed) -> Facts {
        let alive = sealed.rows() - sealed.tombstones.dead();
        Facts {
            all: sealed.rows(),
            rows: alive,
            matching: self.matching(sealed, alive),
            filtered: self.allowed.is_some(),
            has_graph: sealed.graph.is_some(),
            exact: self.scores_all(),
            k: self.k,
            ef: self.ef,
            full_scan_rows: self.vector.hnsw.full_scan_threshold.saturating_mul(1 << 10)
                / (self.vector.width * size_of::<f32>()),
        }
    }

    /// About how many living rows of a segment match.
    fn matching(&self, sealed: &Sealed, alive: usize) -> usize {
        let Some(allowed) = &self.allowed else { return alive };
        let Some(span) = sealed.order().span(sealed.files.slots()) else { return 0 };
        // How matching points are spread over segments is not known but for their slots: among
        // those of one span evenly, say. Where no other segment has points of the span it is exact.
        let matching = allowed.slots.range_cardinality(span.clone()) as f64;
        let points = self.live.len_within(span).max(1) as f64;
        ((matching * alive as f64 / points).ceil() as usize).min(alive)
    }

    /// Looks at all rows, and scores those that live and that the filter allows.
    fn chunk(&self, chunk: &Chunk) -> Result<Vec<Hit>, Error> {
        let (slots, row) = (&chunk.slots, |row: u32| chunk.row(row as usize));
        let select = self.select(slots, Some(&chunk.died));
        self.score((&chunk.values, &row), slots, None, &select)
    }

    /// The best of some rows, or of all, each scored that `select` admits.
    fn score<'a>(
        &self,
        (values, row): (&'a [f32], &dyn Fn(u32) -> &'a [f32]),
        slots: &[Slot],
        among: Option<&[u32]>,
        select: &Select<'_>,
    ) -> Result<Vec<Hit>, Error> {
        let (order, stop) = (|a, b| self.compare_rows(slots, a, b), || self.is_late());
        let metric = self.vector.metric;
        let found = match self.measure.bulk_dim() {
            Some(dim) => {
                let flat = Flat { metric, dim, rows: values, order: &order, stop: &stop };
                self.measure.best(&flat, self.k, among, select)
            }
            None => {
                let rows = Singly { metric, rows: slots.len(), row, order: &order, stop: &stop };
                self.measure.best_singly(&rows, self.k, among, select)
            }
        };
        self.found(found, slots)
    }

    pub(super) fn compare_rows(&self, slots: &[Slot], a: u32, b: u32) -> Ordering {
        self.compare_ids(slots[a as usize], slots[b as usize])
    }

    /// The best of some rows of a segment that live and match.
    pub(super) fn score_rows(
        &self,
        sealed: &Sealed,
        rows: &[u32],
    ) -> Result<Vec<Row>, vane_index::Error> {
        let Some(dim) = self.measure.bulk_dim() else { return Ok(Vec::new()) };
        let slots = sealed.files.slots();
        let order = |a, b| self.compare_rows(slots, a, b);
        // They are few, and whoever is late finds out after them.
        let (metric, values) = (self.vector.metric, sealed.files.vectors());
        let flat = Flat { metric, dim, rows: values, order: &order, stop: &|| false };
        self.measure.best(&flat, self.k, Some(rows), &Select::default())
    }

    pub(super) fn select<'a>(
        &'a self,
        slots: &'a [Slot],
        died: Option<&'a [AtomicU64]>,
    ) -> Select<'a> {
        Select {
            allow: self.allowed.as_ref().map(|allowed| (allowed.words(), slots)),
            died: died.map(|died| (died, self.vector.at.0)),
        }
    }

    /// Rows by the slots of their points.
    pub(super) fn found(
        &self,
        found: Result<Vec<Row>, vane_index::Error>,
        slots: &[Slot],
    ) -> Result<Vec<Hit>, Error> {
        let found = match found {
            Err(vane_index::Error::Stopped) => return Err(self.timeout()),
            found => found?,
        };
        let hit = |row: Row| Hit { slot: slots[row.row as usize], score: row.score };
        Ok(found.into_iter().map(hit).collect())
    }

    pub(super) fn is_late(&self) -> bool {
        Instant::now() > self.deadline
    }

    pub(super) fn timeout(&self) -> Error {
        Error::Timeout { group: self.group }
    }
}

/// When each row died; `None` where none has, as nobody need ask about each then.
fn deaths(sealed: &Sealed) -> Option<&[AtomicU64]> {
    (sealed.tombstones.dead() > 0).then_some(sealed.tombstones.all())
}
