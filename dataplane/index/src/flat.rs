//! Exact search: every admitted row is scored.

use std::cmp::Ordering;

use crate::error::Error;
use crate::exact::scores;
use crate::graph::count_rows;
use crate::metric::Metric;
use crate::select::Select;
use crate::vector_index::{Hit, VectorIndex};

/// Rows scored between two looks at `stop`.
const BLOCK_ROWS: usize = 16_384;

/// A view of rows for one search; it holds nothing of its own.
pub struct Flat<'a> {
    pub metric: Metric,
    pub dim: usize,
    /// Row-major, `dim` values a row.
    pub rows: &'a [f32],
    /// Which of two rows with equal scores is the better one, so that an answer does not depend
    /// on where its rows lie.
    pub order: &'a dyn Fn(u32, u32) -> Ordering,
    /// Whether to give up.
    pub stop: &'a dyn Fn() -> bool,
}

impl VectorIndex for Flat<'_> {
    /// [`Error::Stopped`] once `stop` says so. `ef` has no meaning here.
    fn search(
        &self,
        query: &[f32],
        k: usize,
        _ef: usize,
        select: &Select<'_>,
    ) -> Result<Vec<Hit>, Error> {
        self.check_query(query)?;
        let better = |a, b| self.metric.best_first(a, b);
        self.best(k, None, BLOCK_ROWS, select, &better, &mut self.near(query))
    }

    fn bytes(&self) -> usize {
        0
    }
}

/// Scores of the rows of these numbers, in their order, into a list that is empty.
type Score<'a> = dyn FnMut(&[u32], &mut Vec<f32>) + 'a;

impl Flat<'_> {
    /// The same among some rows only, whose numbers are given: no other row costs anything.
    ///
    /// # Errors
    /// As [`VectorIndex::search`]; also for a number that is no row's.
    pub fn search_among(
        &self,
        query: &[f32],
        k: usize,
        rows: &[u32],
        select: &Select<'_>,
    ) -> Result<Vec<Hit>, Error> {
        self.check_query(query)?;
        let better = |a, b| self.metric.best_first(a, b);
        self.best(k, Some(rows), BLOCK_ROWS, select, &better, &mut self.near(query))
    }

    /// The rows for which `score` has the largest numbers, of some rows or of all; it is asked for
    /// `block` of them at a time.
    ///
    /// # Errors
    /// As [`Flat::search_among`], but for queries.
    pub fn largest(
        &self,
        k: usize,
        among: Option<&[u32]>,
        block: usize,
        select: &Select<'_>,
        score: &mut Score<'_>,
    ) -> Result<Vec<Hit>, Error> {
        self.best(k, among, block, select, &|a, b| b.total_cmp(&a), score)
    }

    /// Scores by nearness to a query, which has its dimension.
    fn near(&self, query: &[f32]) -> impl FnMut(&[u32], &mut Vec<f32>) {
        |which, out| scores(self.metric, self.dim, self.rows, which, query, out)
    }

    fn check_query(&self, query: &[f32]) -> Result<(), Error> {
        if query.len() != self.dim {
            return Err(Error::Query { expected: self.dim, found: query.len() });
        }
        Ok(())
    }

    /// The k best of some rows, or of all, by what `score` says of each.
    fn best(
        &self,
        k: usize,
        among: Option<&[u32]>,
        block: usize,
        select: &Select<'_>,
        better: &dyn Fn(f32, f32) -> Ordering,
        score: &mut Score<'_>,
    ) -> Result<Vec<Hit>, Error> {
        let len = count_rows(self.rows, self.dim)?;
        select.check(len)?;
        if let Some(row) = among.into_iter().flatten().find(|row| **row as usize >= len) {
            let found = *row as usize;
            return Err(Error::Select { what: "a row to look at", expected: len, found });
        }
        let (mut hits, mut scores, mut which) = (Vec::new(), Vec::new(), Vec::new());
        let count = among.map_or(len, <[u32]>::len);
        for start in (0..count).step_by(block) {
            let end = count.min(start + block);
            which.clear();
            match among {
                Some(rows) => which.extend_from_slice(&rows[start..end]),
                None => which.extend(start as u32..end as u32),
            }
            which.retain(|row| select.admits(*row));
            scores.clear();
            score(&which, &mut scores);
            let found = which.iter().zip(&scores);
            hits.extend(found.map(|(&row, &score)| Hit { row, score }));
            // So that no more hits are held than k and one block's, and are not sorted more often
            // than that takes.
            if hits.len() >= k.saturating_add(BLOCK_ROWS) {
                self.keep_best(&mut hits, k, better);
            }
            // Once a block: to look at the clock for each row would cost more than scoring it.
            if (self.stop)() {
                return Err(Error::Stopped);
            }
        }
        self.keep_best(&mut hits, k, better);
        Ok(hits)
    }

    /// Sorts best first and keeps k.
    fn keep_best(&self, hits: &mut Vec<Hit>, k: usize, better: &dyn Fn(f32, f32) -> Ordering) {
        let compare =
            |a: &Hit, b: &Hit| better(a.score, b.score).then_with(|| (self.order)(a.row, b.row));
        if hits.len() > k {
            hits.select_nth_unstable_by(k, compare);
            hits.truncate(k);
        }
        hits.sort_unstable_by(compare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat<'a>(rows: &'a [f32], order: &'a dyn Fn(u32, u32) -> Ordering) -> Flat<'a> {
        Flat { metric: Metric::L2, dim: 1, rows, order, stop: &|| false }
    }

    fn rows(hits: &[Hit]) -> Vec<u32> {
        hits.iter().map(|hit| hit.row).collect()
    }

    #[test]
    fn the_best_rows_come_first_and_equal_ones_in_their_order() {
        let values = [3.0, 1.0, -1.0, 0.5, 9.0];
        let numbers = [0, 9, 8, 7, 1];
        let order = |a, b| numbers[a as usize].cmp(&numbers[b as usize]);
        let (flat, everything) = (flat(&values, &order), Select::default());
        let hits = flat.search(&[0.0], 3, 0, &Select::default()).unwrap();
        assert_eq!(rows(&hits), [3, 2, 1]);
        assert_eq!(rows(&flat.search(&[0.0], 2, 0, &Select::default()).unwrap()), [3, 2]);
        assert_eq!(flat.search(&[0.0], 99, 0, &Select::default()).unwrap().len(), 5);
        let select = Select { allow: Some((&[0b11], &[9, 1, 0, 7, 9])), died: None };
        assert_eq!(rows(&flat.search(&[0.0], 3, 0, &select).unwrap()), [2, 1]);
        let among = |rows: &[u32], select: &Select<'_>| flat.search_among(&[0.0], 3, rows, select);
        assert_eq!(rows(&among(&[0, 2, 4], &everything).unwrap()), [2, 0, 4]);
        assert_eq!(rows(&among(&[0, 2, 4], &select).unwrap()), [2]);
        assert!(among(&[5], &everything).is_err());
    }

    #[test]
    fn rows_of_many_blocks_are_compared_with_each_other() {
        let count = BLOCK_ROWS * 2 + 10;
        let values: Vec<f32> = (0..count).map(|row| (count - row) as f32).collect();
        let hits =
            flat(&values, &|a, b| a.cmp(&b)).search(&[0.0], 2, 0, &Select::default()).unwrap();
        assert_eq!(rows(&hits), [count as u32 - 1, count as u32 - 2]);
    }

    #[test]
    fn a_search_that_is_stopped_or_does_not_fit_is_an_error() {
        let everything = Select::default();
        let stopped = Flat { stop: &|| true, ..flat(&[1.0], &|a, b| a.cmp(&b)) };
        assert!(matches!(stopped.search(&[0.0], 1, 0, &everything), Err(Error::Stopped)));
        let flat = flat(&[1.0, 2.0], &|a, b| a.cmp(&b));
        assert!(matches!(flat.search(&[0.0; 2], 1, 0, &everything), Err(Error::Query { .. })));
    }
}
