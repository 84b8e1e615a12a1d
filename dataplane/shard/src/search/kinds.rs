//! Searches among rows that no kernel scores in bulk: sparse ones, and vectors of vectors.

use std::sync::atomic::AtomicU64;

use vane_index::{Matcher, Metric, Select, SparseRow, SparseSearch, Top, max_sim};
use vane_types::{MultiVector, Slot, SparseVector, Vector};

use super::parts::Went;
use super::plan::Plan;
use super::{Hit, Searcher};
use crate::error::Error;
use crate::segments::sealed::{Sealed, metric};

/// Rows scored between two looks at the clock.
const ROWS_PER_DEADLINE: usize = 1024;
/// Numbers of a sparse row, about: below so many postings for each matching row those rows are
/// scored one by one.
const NUMBERS_OF_ROW: usize = 64;

/// What rows are compared with, made ready.
pub(crate) enum Query {
    Dense(Vec<f32>),
    Sparse(Matcher),
    Multi(MultiVector),
}

impl Query {
    pub(super) fn new(vector: Vector) -> Self {
        match vector {
            Vector::Dense(values) => Self::Dense(values),
            Vector::Sparse(sparse) => Self::Sparse(matcher(&sparse)),
            Vector::Multi(rows) => Self::Multi(*rows),
        }
    }
}

/// What looks for the indices of a query.
pub(crate) fn matcher(query: &SparseVector) -> Matcher {
    Matcher::new(SparseRow { indices: query.indices(), values: query.values() })
}

impl Searcher {
    /// The best of the rows that are selected, or of some of them, each scored by itself.
    pub(super) fn scored_singly<'a>(
        &self,
        query: &Query,
        (slots, row): (&[Slot], &dyn Fn(u32) -> &'a [f32]),
        among: Option<&[u32]>,
        select: &Select<'_>,
    ) -> Result<Vec<Hit>, Error> {
        let metric = metric(self.vector.distance);
        let order = |a, b| self.compare_rows(slots, a, b);
        let mut top = Top::new(metric, self.k, None, &order);
        let mut scratch = Vec::new();
        let count = among.map_or(slots.len(), <[u32]>::len);
        for number in 0..count {
            if number.is_multiple_of(ROWS_PER_DEADLINE) && self.is_late() {
                return Err(self.timeout());
            }
            let at = among.map_or(number as u32, |among| among[number]);
            if select.admits(at)
                && let Some(score) = score(query, metric, row(at), &mut scratch)
            {
                top.push(at, score);
            }
        }
        self.found(Ok(top.into_hits()), slots)
    }

    /// The best rows of a segment by its postings; `None` where it has none, or few rows match.
    pub(super) fn by_postings(
        &self,
        sealed: &Sealed,
        died: Option<&[AtomicU64]>,
        within: Option<f32>,
    ) -> Option<Result<(Vec<Hit>, Went), Error>> {
        let (Query::Sparse(matcher), Some(postings)) = (&self.query, &sealed.postings) else {
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

/// What a row scores; `None` for a sparse one that is not to be found.
fn score(query: &Query, metric: Metric, row: &[f32], scratch: &mut Vec<f32>) -> Option<f32> {
    let (dim, values) = match query {
        Query::Sparse(matcher) => {
            return Some(matcher.score(SparseRow::of(row))).filter(|score| *score != 0.0);
        }
        Query::Multi(rows) => (rows.dim(), rows.values()),
        // Those are scored in bulk.
        Query::Dense(values) => (values.len(), values.as_slice()),
    };
    // A damaged row has no vector; the scrub will find it.
    let is_whole = !row.is_empty() && row.len().is_multiple_of(dim);
    is_whole.then(|| max_sim(metric, dim, values, row, scratch))
}
