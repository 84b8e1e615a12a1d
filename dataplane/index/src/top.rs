//! The best rows of those that are seen one after another.

use std::cmp::Ordering;

use crate::metric::Metric;
use crate::vector_index::Hit;

/// Rows beyond those wanted that are kept until they are sorted out: as much as a quarter of what
/// is wanted, so that sorting out costs a few comparisons a row.
const SPARE: usize = 16;

/// Keeps the `k` best of the rows that it is shown.
pub struct Top<'a> {
    metric: Metric,
    k: usize,
    /// Which of two rows with equal scores is the better one.
    order: &'a dyn Fn(u32, u32) -> Ordering,
    hits: Vec<Hit>,
    /// What a row has to score to be kept, at least.
    least: Option<f32>,
}

impl<'a> Top<'a> {
    /// None yet; of use are those that score no worse than `within`.
    pub fn new(
        metric: Metric,
        k: usize,
        within: Option<f32>,
        order: &'a dyn Fn(u32, u32) -> Ordering,
    ) -> Self {
        Self { metric, k, order, hits: Vec::new(), least: within }
    }

    /// A row that scores worse is not kept. It rises while rows are shown.
    pub fn least(&self) -> Option<f32> {
        self.least
    }

    /// Shows a row.
    pub fn push(&mut self, row: u32, score: f32) {
        let is_worse = |least| self.metric.best_first(score, least) == Ordering::Greater;
        if self.k == 0 || self.least.is_some_and(is_worse) {
            return;
        }
        self.hits.push(Hit { row, score });
        if self.hits.len() >= self.k.saturating_add(SPARE.max(self.k / 4)) {
            self.sort_out();
        }
    }

    fn sort_out(&mut self) {
        if self.hits.len() < self.k {
            return;
        }
        let (metric, order) = (self.metric, self.order);
        let compare = |a: &Hit, b: &Hit| compare(metric, order, a, b);
        if self.hits.len() > self.k {
            self.hits.select_nth_unstable_by(self.k, compare);
            self.hits.truncate(self.k);
        }
        let worst = self.hits.iter().max_by(|a, b| metric.best_first(a.score, b.score));
        self.least = worst.map(|hit| hit.score).or(self.least);
    }

    /// Those that were kept, best first.
    pub fn into_hits(mut self) -> Vec<Hit> {
        self.sort_out();
        let (metric, order) = (self.metric, self.order);
        self.hits.sort_unstable_by(|a, b| compare(metric, order, a, b));
        self.hits
    }
}

fn compare(metric: Metric, order: &dyn Fn(u32, u32) -> Ordering, a: &Hit, b: &Hit) -> Ordering {
    metric.best_first(a.score, b.score).then_with(|| order(a.row, b.row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_however_many_are_shown() {
        let order = |a: u32, b: u32| b.cmp(&a);
        for (metric, sign) in [(Metric::InnerProduct, 1.0), (Metric::L2, -1.0)] {
            for k in [0, 1, 7, 300] {
                let mut top = Top::new(metric, k, None, &order);
                let mut all = Vec::new();
                for row in 0..1000_u32 {
                    // Many of equal score.
                    let score = sign * (row * 37 % 101) as f32;
                    top.push(row, score);
                    all.push(Hit { row, score });
                }
                all.sort_by(|a, b| compare(metric, &order, a, b));
                all.truncate(k);
                assert_eq!(top.into_hits(), all, "{metric:?} {k}");
            }
        }
    }

    #[test]
    fn what_is_worse_than_others_have_is_not_kept() {
        let order = |a: u32, b: u32| a.cmp(&b);
        let mut top = Top::new(Metric::InnerProduct, 3, Some(2.0), &order);
        for (row, score) in [(0, 1.9), (1, 2.0), (2, 3.0)] {
            top.push(row, score);
        }
        let rows: Vec<u32> = top.into_hits().iter().map(|hit| hit.row).collect();
        assert_eq!(rows, [2, 1]);
    }
}
