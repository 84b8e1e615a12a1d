//! The best rows of a segment by its postings, without a look at most of them.
//!
//! Rows are gone through in blocks. Lists of the query's indices are ordered by what each can add
//! to a score at most; those that together cannot bring a row among the best are not read, but for
//! rows that the others have brought near (Turtle, Flood: "Query evaluation: strategies and
//! optimizations", 1995, there MaxScore). What remains is scored by the [`Matcher`] from its row,
//! so that sums in another order change no answer.

use std::cmp::Ordering;

use super::SparseRow;
use super::matcher::Matcher;
use super::postings::{List, Postings};
use crate::error::Error;
use crate::metric::Metric;
use crate::select::Select;
use crate::top::Top;
use crate::vector_index::Hit;

/// Rows of a block: their sums stay in the processor's first cache.
const BLOCK: usize = 1 << 13;
/// What sums of the same numbers in two orders may differ by, as a share of the largest sum.
const SLACK: f32 = 1e-5;

/// What is searched for in the postings of a segment.
pub struct SparseSearch<'a> {
    pub matcher: &'a Matcher,
    pub k: usize,
    /// Of use are rows that score no worse.
    pub within: Option<f32>,
    pub select: &'a Select<'a>,
    /// The row of a number.
    pub row: &'a dyn Fn(u32) -> SparseRow<'a>,
    /// Which of two rows with equal scores is the better one.
    pub order: &'a dyn Fn(u32, u32) -> Ordering,
    /// Whether to give up.
    pub stop: &'a dyn Fn() -> bool,
}

/// One index of the query, and how far its list was read.
struct Term<'a> {
    weight: f32,
    list: List<'a>,
    /// What it adds to a score at most; no less than 0, as a row may lack it.
    most: f32,
    /// The first posting that is not before the block.
    from: usize,
    /// The first one behind it, once it is looked for.
    to: usize,
}

impl<'a> Term<'a> {
    fn new(weight: f32, list: List<'a>) -> Self {
        let most = (weight * list.largest).max(weight * list.smallest).max(0.0);
        Self { weight, list, most, from: 0, to: 0 }
    }

    /// The largest number that it adds or takes away.
    fn extent(&self) -> f32 {
        (self.weight * self.list.largest).abs().max((self.weight * self.list.smallest).abs())
    }

    /// Goes on to the block that ends before `end`, and begins where the last one ended at the
    /// latest.
    fn enter(&mut self, start: u32, end: u32) {
        self.from = self.to.max(gallop(self.list.rows, self.to, start));
        self.to = gallop(self.list.rows, self.from, end);
    }
}

/// The first place from `from` on whose row is not before `row`.
fn gallop(rows: &[u32], from: usize, row: u32) -> usize {
    let mut step = 1;
    let mut low = from;
    while rows.get(low + step).is_some_and(|at| *at < row) {
        low += step;
        step *= 2;
    }
    let high = rows.len().min(low + step + 1);
    low + rows[low.min(high)..high].partition_point(|at| *at < row)
}

impl Postings {
    /// Up to `k` rows that are selected, best first.
    ///
    /// # Errors
    /// [`Error::Stopped`] once `stop` says so; [`Error::Select`].
    pub fn search<'a>(&self, search: &'a SparseSearch<'a>) -> Result<Vec<Hit>, Error> {
        search.select.check(self.rows())?;
        let query = search.matcher.query();
        let terms = query.indices.iter().zip(query.values);
        let mut terms: Vec<Term<'_>> = terms
            .filter_map(|(index, weight)| Some(Term::new(*weight, self.list(*index)?)))
            .collect();
        // Stable: terms of equal bounds stay in the order of their indices.
        terms.sort_by(|a, b| a.most.total_cmp(&b.most));
        let mut walk = Walk::new(search, &terms);
        let mut sums = vec![0.0_f32; BLOCK];
        for start in (0..self.rows()).step_by(BLOCK) {
            if (search.stop)() {
                return Err(Error::Stopped);
            }
            // All that together stay below what a row has to score.
            let first = walk.first_needed();
            if first == terms.len() {
                break;
            }
            let end = self.rows().min(start + BLOCK);
            walk.block(&mut terms, first, (start as u32, end as u32), &mut sums);
        }
        Ok(walk.top.into_hits())
    }
}

/// A search on its way.
struct Walk<'a> {
    search: &'a SparseSearch<'a>,
    top: Top<'a>,
    /// What each term and those before it add at most, all together.
    most: Vec<f32>,
    slack: f32,
}

impl<'a> Walk<'a> {
    fn new(search: &'a SparseSearch<'a>, terms: &[Term<'_>]) -> Self {
        let mut sum = 0.0;
        let most = terms.iter().map(|term| {
            sum += term.most;
            sum
        });
        let most = most.collect();
        let slack = terms.iter().map(Term::extent).sum::<f32>() * SLACK;
        let top = Top::new(Metric::InnerProduct, search.k, search.within, search.order);
        Self { search, top, most, slack }
    }

    /// What terms before this one add at most.
    fn rest(&self, term: usize) -> f32 {
        if term == 0 { 0.0 } else { self.most[term - 1] }
    }

    /// How many terms, from the first on, do not bring a row among the best by themselves.
    fn first_needed(&self) -> usize {
        match self.top.least() {
            None => 0,
            Some(least) => self.most.partition_point(|most| most + self.slack < least),
        }
    }

    fn block(
        &mut self,
        terms: &mut [Term<'_>],
        first: usize,
        (start, end): (u32, u32),
        sums: &mut [f32],
    ) {
        let mut any = false;
        for term in &mut terms[first..] {
            term.enter(start, end);
            any |= term.from < term.to;
            let (rows, values) = (&term.list.rows[term.from..term.to], &term.list.values);
            for (row, value) in rows.iter().zip(&values[term.from..term.to]) {
                // A row outside, in a damaged file, is passed over.
                if let Some(sum) = sums.get_mut(row.wrapping_sub(start) as usize) {
                    *sum += term.weight * value;
                }
            }
        }
        if !any {
            return;
        }
        for term in &mut terms[..first] {
            term.enter(start, end);
        }
        for (row, sum) in (start..end).zip(sums.iter_mut()) {
            // Exactly 0 is what no posting was added to; a row that scores 0 is none.
            if *sum != 0.0 {
                let brought = std::mem::take(sum);
                let least = self.top.least().unwrap_or(f32::NEG_INFINITY) - self.slack;
                if brought + self.rest(first) >= least {
                    self.finish(&terms[..first], row, brought);
                }
            }
        }
    }

    /// Adds what the other terms have for a row, the largest first, and keeps it if it is among the
    /// best.
    fn finish(&mut self, terms: &[Term<'_>], row: u32, mut sum: f32) {
        let least = self.top.least().unwrap_or(f32::NEG_INFINITY) - self.slack;
        for (number, term) in terms.iter().enumerate().rev() {
            if sum + self.most[number] < least {
                return;
            }
            let rows = &term.list.rows[term.from..term.to];
            if let Ok(at) = rows.binary_search(&row) {
                sum += term.weight * term.list.values[term.from + at];
            }
        }
        if sum < least || !self.search.select.admits(row) {
            return;
        }
        let score = self.search.matcher.score((self.search.row)(row));
        if score != 0.0 {
            self.top.push(row, score);
        }
    }
}
