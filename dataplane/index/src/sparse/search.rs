//! The best rows of a segment by its postings, without a look at most of them.
//!
//! Rows are gone through in blocks, of which the first are short: what they find says what the
//! others have to beat. Lists of the query's indices are ordered by what each can add to a score at
//! most; those that together cannot bring a row among the best are read only for rows that the
//! others have brought near (Turtle, Flood: "Query evaluation: strategies and optimizations", 1995,
//! there MaxScore), or whole where so many are near that this costs less. Rows whose sums are known
//! wait in a [`Pool`] until it shows which may be among the best. Those alone are scored, by the
//! [`Matcher`] from the row itself, so that sums in another order change no answer.

use std::cmp::Ordering;
use std::ops::Range;

use super::SparseRow;
use super::matcher::Matcher;
use super::pool::{Pool, Summed};
use super::postings::{List, Postings};
use crate::error::Error;
use crate::metric::Metric;
use crate::select::Select;
use crate::top::Top;
use crate::vector_index::Hit;

/// Rows of a block: their sums stay in the processor's first cache.
const BLOCK: usize = 1 << 13;
/// Rows of the first block; each next one goes twice as far, until they have as many as they may.
/// What the first ones find says which rows of the others are of no use.
const FIRST_BLOCK: usize = BLOCK / 16;
/// Sums that are compared at once.
const LANES: usize = 16;
/// Postings that are added in the time in which one row is looked for in a list.
const POSTINGS_PER_LOOK: usize = 8;

/// Rows that wait to be scored, and twice those wanted: beyond, they are scored.
const POOL_MAX: usize = 1 << 12;

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

    /// Postings in the block.
    fn len(&self) -> usize {
        self.to - self.from
    }

    /// Adds its numbers to the sums of the block's rows. A row outside, in a damaged file, counts
    /// as one inside: whatever is found is scored again.
    fn add(&self, sums: &mut [f32; BLOCK]) {
        let values = &self.list.values[self.from..self.to];
        for (row, value) in self.list.rows[self.from..self.to].iter().zip(values) {
            sums[*row as usize % BLOCK] += self.weight * value;
        }
    }

    /// The same for some rows of the block, which rise.
    fn add_among(&self, sums: &mut [f32; BLOCK], near: &[u32]) {
        let rows = &self.list.rows[..self.to];
        let mut at = self.from;
        for row in near {
            at = gallop(rows, at, *row);
            if rows.get(at) == Some(row) {
                sums[*row as usize % BLOCK] += self.weight * self.list.values[at];
            }
        }
    }
}

/// What the sum of a row, or of what terms add at most, and its score may differ by: each step of
/// either rounds by half of f32's epsilon, as a share of the largest sum, and bounds round as well.
fn slack(terms: &[Term<'_>]) -> f32 {
    let steps = (terms.len() + 1) as f32;
    terms.iter().map(Term::extent).sum::<f32>() * steps * 2.0 * f32::EPSILON
}

/// Where the sums of a block's rows are.
fn places(start: u32, end: u32) -> Range<usize> {
    let first = start as usize % BLOCK;
    first..first + (end - start) as usize
}

/// Whether a sum is not below. Nor is one that is no number, as huge ones and damaged files make
/// it: its row is scored.
fn is_near(sum: &f32, least: f32) -> bool {
    (*sum >= least) | sum.is_nan()
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
        let mut start = 0;
        while start < self.rows() {
            if (search.stop)() {
                return Err(Error::Stopped);
            }
            // All that together stay below what a row has to score.
            let first = walk.first_needed();
            if first == terms.len() {
                break;
            }
            let end = self.rows().min(start + BLOCK.min(start.max(FIRST_BLOCK)));
            walk.block(&mut terms, first, (start as u32, end as u32));
            start = end;
        }
        walk.score_pool();
        Ok(walk.top.into_hits())
    }
}

/// A search on its way.
struct Walk<'a> {
    search: &'a SparseSearch<'a>,
    /// Those of the best that were scored.
    top: Top<'a>,
    /// Those that may have to be.
    pool: Pool,
    /// What each term and those before it add at most, all together.
    most: Vec<f32>,
    slack: f32,
    /// Of the rows of the block, as far as they are known, by what their numbers leave of blocks.
    sums: Box<[f32; BLOCK]>,
    /// Rows of the block that may be among the best, rising.
    near: Vec<u32>,
}

impl<'a> Walk<'a> {
    fn new(search: &'a SparseSearch<'a>, terms: &[Term<'_>]) -> Self {
        let mut sum = 0.0;
        let most = terms.iter().map(|term| {
            sum += term.most;
            sum
        });
        let most = most.collect();
        let slack = slack(terms);
        let top = Top::new(Metric::InnerProduct, search.k, search.within, search.order);
        let (pool, sums) = (Pool::new(search.k, slack), Box::new([0.0; BLOCK]));
        Self { search, top, pool, most, slack, sums, near: Vec::new() }
    }

    /// What terms before this one add at most.
    fn rest(&self, term: usize) -> f32 {
        if term == 0 { 0.0 } else { self.most[term - 1] }
    }

    /// A row that scores worse is not among the best.
    fn least(&self) -> f32 {
        self.pool.least().max(self.top.least().unwrap_or(f32::NEG_INFINITY))
    }

    /// How many terms, from the first on, do not bring a row among the best by themselves.
    fn first_needed(&self) -> usize {
        let least = self.least();
        self.most.partition_point(|most| most + self.slack < least)
    }

    /// What the sum of a row must be at least before terms up to this one are added.
    fn least_before(&self, term: usize) -> f32 {
        self.least() - self.slack - self.rest(term)
    }

    fn block(&mut self, terms: &mut [Term<'_>], first: usize, (start, end): (u32, u32)) {
        let (others, needed) = terms.split_at_mut(first);
        let mut any = false;
        for term in needed {
            term.enter(start, end);
            any |= term.len() > 0;
            term.add(&mut self.sums);
        }
        if !any {
            return;
        }
        others.iter_mut().for_each(|term| term.enter(start, end));
        let first = self.add_while_many(others, (start, end));
        self.gather(first, (start, end));
        for (number, term) in others[..first].iter().enumerate().rev() {
            term.add_among(&mut self.sums, &self.near);
            let least = self.least_before(number);
            self.keep(least);
        }
        self.finish();
        self.sums[places(start, end)].fill(0.0);
    }

    /// Adds terms to the sums of all rows, the largest first, as long as that costs less than a
    /// look for each row that is near; how many terms are left.
    fn add_while_many(&mut self, terms: &[Term<'_>], (start, end): (u32, u32)) -> usize {
        let rows = places(start, end);
        let mut left: usize = terms.iter().map(Term::len).sum();
        let mut first = terms.len();
        while left > 0 {
            let least = self.least_before(first);
            // To count costs as much as some postings, so few are added without, and it is done a
            // few times only.
            let enough = if left <= rows.len() / POSTINGS_PER_LOOK { 0 } else { left / 2 };
            if enough > 0 && self.near(rows.clone(), least) * first * POSTINGS_PER_LOOK < left {
                break;
            }
            while left > enough && first > 0 {
                first -= 1;
                left -= terms[first].len();
                terms[first].add(&mut self.sums);
            }
        }
        first
    }

    /// How many sums are not below.
    fn near(&self, rows: Range<usize>, least: f32) -> usize {
        let sums = self.sums[rows].iter();
        // Wrapping, as a look at each sum for an overflow would be one sum at a time.
        sums.fold(0_u32, |near, sum| near.wrapping_add(u32::from(is_near(sum, least)))) as usize
    }

    /// Of the rows of the block, those that are near once the terms from `first` on are added.
    fn gather(&mut self, first: usize, (start, end): (u32, u32)) {
        let least = self.least_before(first);
        // Exactly 0 is what no posting was added to; a row that scores 0 is none.
        let is_near = |sum: &f32| (*sum != 0.0) & is_near(sum, least);
        self.near.clear();
        let (sums, _) = self.sums[start as usize % BLOCK..].as_chunks::<LANES>();
        for (first, sums) in (start..end).step_by(LANES).zip(sums) {
            let mut bits = 0_u32;
            for (at, sum) in sums.iter().enumerate() {
                bits |= u32::from(is_near(sum)) << at;
            }
            while bits != 0 {
                let row = first + bits.trailing_zeros();
                // The last block may end before its lanes do; so may sums of a damaged file.
                if row < end {
                    self.near.push(row);
                }
                bits &= bits - 1;
            }
        }
    }

    /// Keeps of those near the ones whose sum is not below.
    fn keep(&mut self, least: f32) {
        let sums = &self.sums;
        self.near.retain(|row| is_near(&sums[*row as usize % BLOCK], least));
    }

    /// Puts those that are near, whose sums are whole, into the pool.
    fn finish(&mut self) {
        let (select, sums) = (self.search.select, &self.sums);
        let near = self.near.iter().filter(|row| select.admits(**row));
        self.pool.add(near.map(|row| Summed { row: *row, sum: sums[*row as usize % BLOCK] }));
        if self.pool.len() > POOL_MAX.max(self.search.k.saturating_mul(2)) {
            self.score_pool();
        }
    }

    /// Scores what is in the pool, and keeps the best.
    fn score_pool(&mut self) {
        for Summed { row, sum } in self.pool.take() {
            // It rises meanwhile.
            if !is_near(&sum, self.least() - self.slack) {
                continue;
            }
            let score = self.search.matcher.score((self.search.row)(row));
            if score != 0.0 {
                self.top.push(row, score);
            }
        }
    }
}
