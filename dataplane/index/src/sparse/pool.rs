//! Rows whose sums are known, until it shows which of them have to be scored.

use std::cmp::Ordering;

/// Rows beyond those wanted that are taken before the worst are sorted out.
const SPARE: usize = 16;

/// A row, and the sum of what the postings of a query's terms say of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Summed {
    pub(super) row: u32,
    pub(super) sum: f32,
}

/// Keeps rows as long as they may be among the `k` best by their scores.
pub(super) struct Pool {
    k: usize,
    /// What a sum and the score of its row differ by at most.
    slack: f32,
    rows: Vec<Summed>,
    /// What the last of the `k` best scores at least, once that is known.
    least: f32,
    /// How many rows there are when the worst are sorted out.
    full: usize,
}

impl Pool {
    pub(super) fn new(k: usize, slack: f32) -> Self {
        let full = k.saturating_add(SPARE);
        Self { k, slack, rows: Vec::new(), least: f32::NEG_INFINITY, full }
    }

    /// A row that scores worse is not among the best.
    pub(super) fn least(&self) -> f32 {
        self.least
    }

    pub(super) fn add(&mut self, rows: impl Iterator<Item = Summed>) {
        self.rows.extend(rows);
        if self.rows.len() >= self.full {
            self.sort_out();
            // Many of equal sums may be left: they are not looked at again for each new row.
            self.full = self.k.saturating_add(SPARE).max(self.rows.len().saturating_mul(2));
        }
    }

    fn sort_out(&mut self) {
        let Some(last) = self.k.checked_sub(1).filter(|last| *last < self.rows.len()) else {
            return;
        };
        let (_, worst, _) = self.rows.select_nth_unstable_by(last, largest_first);
        let sum = worst.sum;
        // Where some of those may score 0, which counts for nothing, they are no `k` rows.
        if sum > self.slack {
            self.least = self.least.max(sum - self.slack);
            // This sum may be too large, and that of another row too small. One that is no number
            // stays: its row is scored.
            let least = sum - 2.0 * self.slack;
            self.rows.retain(|row| row.sum >= least || row.sum.is_nan());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes out the rows that are left, the largest sums first.
    pub(super) fn take(&mut self) -> Vec<Summed> {
        self.sort_out();
        self.full = self.k.saturating_add(SPARE);
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_unstable_by(largest_first);
        rows
    }
}

/// One that is no number says nothing of its row, and comes last.
fn largest_first(a: &Summed, b: &Summed) -> Ordering {
    let known = |sum: f32| if sum.is_nan() { f32::NEG_INFINITY } else { sum };
    known(b.sum).total_cmp(&known(a.sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(sums: impl IntoIterator<Item = f32>) -> impl Iterator<Item = Summed> {
        (0..).zip(sums).map(|(row, sum)| Summed { row, sum })
    }

    #[test]
    fn what_may_be_among_the_best_is_kept() {
        let mut pool = Pool::new(2, 0.25);
        pool.add(rows((0..100).map(|n| n as f32)));
        assert_eq!(pool.least(), 97.75);
        pool.add(rows([97.6, 97.4, f32::NAN]));
        let left: Vec<f32> = pool.take().iter().map(|row| row.sum).collect();
        assert_eq!(left[..3], [99.0, 98.0, 97.6]);
        assert!(left.len() == 4 && left[3].is_nan());
        assert_eq!(pool.len(), 0);
    }

    #[test]
    fn rows_that_may_score_nothing_are_none_of_the_best() {
        let mut pool = Pool::new(1, 0.5);
        pool.add(rows((0..40).map(|n| -(n as f32) / 10.0)));
        assert_eq!((pool.len(), pool.least()), (40, f32::NEG_INFINITY));
    }
}
