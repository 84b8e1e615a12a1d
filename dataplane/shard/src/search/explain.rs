//! How a search goes, part by part: for whoever asks why it takes so long, or finds so little.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vane_index::compared_here;
use vane_types::Slot;

use super::parts::Went;
use super::{Hit, Prepared, Searcher};
use crate::error::Error;
use crate::request::{PartExplained, Search, SearchWay};
use crate::search::plan::Plan;
use crate::segments::sealed::Sealed;
use crate::shard::Shard;

/// How one part went, as far as the search itself knows.
struct Part {
    went: Went,
    found: usize,
    compared: u64,
    time: Duration,
}

impl Shard {
    /// Searches once more, one part after the other, and tells how each went. The rows that match
    /// are counted, which takes longer than the search.
    ///
    /// # Errors
    /// As [`Shard::search`].
    pub fn explain(&self, search: &Search, deadline: Instant) -> Result<Vec<PartExplained>, Error> {
        let Prepared { searcher, .. } = self.prepare(search, deadline)?;
        let mut explained = Vec::new();
        searcher.in_turns(|parts, within| {
            let mut best = Vec::new();
            for number in parts {
                let (found, part) = searcher.timed(number, within)?;
                explained.push(searcher.told(number, &part));
                best.extend(found);
            }
            Ok(best)
        })?;
        Ok(explained)
    }
}

impl Searcher {
    fn timed(&self, number: usize, within: Option<f32>) -> Result<(Vec<Hit>, Part), Error> {
        let (began, before) = (Instant::now(), compared_here());
        let (best, went) = self.part_as(number, within)?;
        let (time, compared) = (began.elapsed(), compared_here() - before);
        let part = Part { went, found: best.len(), compared, time };
        Ok((best, part))
    }

    fn told(&self, number: usize, part: &Part) -> PartExplained {
        let sealed = self.vector.sealed.get(number);
        let (way, ef) = match part.went.plan {
            Plan::Scan => (SearchWay::Scan, 0),
            Plan::Codes => (SearchWay::Codes, 0),
            Plan::Postings => (SearchWay::Postings, 0),
            Plan::Graph { ef, over, .. } => (SearchWay::Graph, ef.max(over)),
        };
        let (alive, matching) = match sealed {
            Some(sealed) => self.count_sealed(sealed),
            None => self.count_in_memory(number),
        };
        let scored = (matching * self.measure.vectors()) as u64;
        let estimated = sealed.map_or(matching, |sealed| self.facts(sealed).matching);
        PartExplained {
            segment: sealed.map(|sealed| sealed.id()),
            rows: alive,
            estimated,
            matching,
            way,
            walked: part.went.walked,
            ef,
            // A scan scores what matches, by kernels that count nothing.
            compared: part.compared + if way == SearchWay::Scan { scored } else { 0 },
            found: part.found,
            time_us: u64::try_from(part.time.as_micros()).unwrap_or(u64::MAX),
        }
    }

    /// Rows of a segment that live, and those among them that match.
    fn count_sealed(&self, sealed: &Sealed) -> (usize, usize) {
        let slots = sealed.files.slots();
        let lives = |row: &usize| self.lives(sealed.tombstones.all(), *row);
        let alive = (0..slots.len()).filter(lives).count();
        let Some(allowed) = &self.allowed else { return (alive, alive) };
        let rows = sealed.order().rows_of(slots, &allowed.slots);
        (alive, rows.into_iter().filter(|row| lives(&(*row as usize))).count())
    }

    fn count_in_memory(&self, number: usize) -> (usize, usize) {
        let (mut alive, mut matching) = (0, 0);
        for chunk in self.chunks_of(number) {
            for (row, slot) in chunk.slots.iter().enumerate() {
                let lives = self.lives(&chunk.died, row);
                alive += usize::from(lives);
                matching += usize::from(lives && self.allows(*slot));
            }
        }
        (alive, matching)
    }

    fn lives(&self, died: &[AtomicU64], row: usize) -> bool {
        died.get(row).is_none_or(|died| died.load(Ordering::Relaxed) > self.vector.at.0)
    }

    fn allows(&self, slot: Slot) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed.slots.contains(slot))
    }
}
