//! Rows that no kernel scores in bulk: sparse ones, and vectors of vectors.

use std::cmp::Ordering;
use std::sync::atomic::AtomicU64;

use vane_index::{Error, Hit, Metric, Select, SparseRow, SparseSearch, Top};

use super::measure::Measure;
use super::parts::Went;
use super::plan::Plan;
use super::{Hit as Found, Searcher};
use crate::error::Error as ShardError;
use crate::segments::sealed::Sealed;

/// Rows scored between two looks at the clock.
const ROWS_PER_STOP: usize = 1024;
/// Numbers of a sparse row, about: below so many postings for each matching row those rows are
/// scored one by one.
const NUMBERS_OF_ROW: usize = 64;

/// Rows to score one by one, for one search.
pub(super) struct Singly<'a, 'r> {
    pub(super) metric: Metric,
    /// How many there are.
    pub(super) rows: usize,
    pub(super) row: &'a dyn Fn(u32) -> &'r [f32],
    /// Which of two rows with equal scores is the better one.
    pub(super) order: &'a dyn Fn(u32, u32) -> Ordering,
    /// Whether to give up.
    pub(super) stop: &'a dyn Fn() -> bool,
}

impl Measure {
    /// The best `k` of some rows, or of all, of those that `select` admits.
    pub(super) fn best_singly(
        &self,
        rows: &Singly<'_, '_>,
        k: usize,
        among: Option<&[u32]>,
        select: &Select<'_>,
    ) -> Result<Vec<Hit>, Error> {
        // Scores of examples are the larger the better, whatever the distance is.
        let metric = if self.is_near() { rows.metric } else { Metric::InnerProduct };
        let mut top = Top::new(metric, k, None, rows.order);
        let (mut scratch, count) = (Vec::new(), among.map_or(rows.rows, <[u32]>::len));
        for number in 0..count {
            if number.is_multiple_of(ROWS_PER_STOP) && (rows.stop)() {
                return Err(Error::Stopped);
            }
            let at = among.map_or(number as u32, |among| among[number]);
            if select.admits(at)
                && let Some(score) = self.score(rows.metric, (rows.row)(at), &mut scratch)
            {
                top.push(at, score);
            }
        }
        Ok(top.into_hits())
    }
}

impl Searcher {
    /// The best rows of a segment by its postings; `None` where it has none, or few rows match.
    pub(super) fn by_postings(
        &self,
        sealed: &Sealed,
        died: Option<&[AtomicU64]>,
        within: Option<f32>,
    ) -> Option<Result<(Vec<Found>, Went), ShardError>> {
        let (Some(matcher), Some(postings)) = (self.measure.sparse(), &sealed.postings) else {
            return None;
        };
        let listed: usize = matcher.query().indices.iter().map(|at| postings.len_of(*at)).sum();
        if self.facts(sealed).matching.saturating_mul(NUMBERS_OF_ROW) < listed {
            return None;
        }
        let slots = sealed.files.slots();
        let order = |a, b| self.compare_rows(slots, a, b);
        let row = |row: u32| SparseRow::of(sealed.files.vector(row as usize));
        let found = postings.search(&SparseSearch {
            matcher,
            k: self.k,
            within,
            select: &self.select(slots, died),
            row: &row,
            order: &order,
            stop: &|| self.is_late(),
        });
        let went = Went { plan: Plan::Postings, walked: false };
        Some(self.found(found, slots).map(|hits| (hits, went)))
    }
}
