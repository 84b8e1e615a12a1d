//! Exact answers: every row is compared with every query, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use vane_index::{Flat, Hit, Metric, Select, VectorIndex};

use crate::error::Error;
use crate::interrupt;

/// Rows that are compared with many queries before the next ones: they stay in a core's cache.
const BLOCK_ROWS: usize = 1024;
/// Queries that a thread takes at a time, at most.
const CHUNK: usize = 256;

/// Rows that are searched, or searched for.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// One row after another.
    pub(crate) values: &'a [f32],
    /// Values of each.
    pub(crate) dim: usize,
}

impl<'a> Rows<'a> {
    pub(crate) fn len(self) -> usize {
        self.values.len() / self.dim
    }

    pub(crate) fn row(self, number: usize) -> &'a [f32] {
        &self.values[number * self.dim..(number + 1) * self.dim]
    }
}

/// The rows that count for a query; all where there is no list.
pub(crate) type Among<'l> = dyn Fn(usize) -> Option<&'l [u32]> + Sync + 'l;

/// The `k` rows nearest to each query, best first; of equal ones the first row.
///
/// # Errors
/// Queries of other dimensions than the rows, or a signal.
pub(crate) fn nearest(
    (rows, metric): (Rows<'_>, Metric),
    queries: Rows<'_>,
    k: usize,
    among: &Among<'_>,
) -> Result<Vec<Vec<Hit>>, Error> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let chunk = queries.len().div_ceil(threads).clamp(1, CHUNK);
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<(), Error> {
        vane_index::single_threaded_here();
        loop {
            let first = next.fetch_add(1, Ordering::Relaxed) * chunk;
            if first >= queries.len() {
                return Ok(());
            }
            let numbers = first..queries.len().min(first + chunk);
            let hits = chunk_of((rows, metric), queries, numbers, k, among)?;
            found.lock().push((first, hits));
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ends = threads.into_iter().map(|thread| thread.join().expect("it does not panic"));
        ends.collect::<Result<Vec<()>, Error>>()
    })?;
    let mut found = found.into_inner();
    found.sort_by_key(|(first, _)| *first);
    Ok(found.into_iter().flat_map(|(_, hits)| hits).collect())
}

fn chunk_of(
    (rows, metric): (Rows<'_>, Metric),
    queries: Rows<'_>,
    numbers: std::ops::Range<usize>,
    k: usize,
    among: &Among<'_>,
) -> Result<Vec<Vec<Hit>>, Error> {
    let order = |a: u32, b: u32| a.cmp(&b);
    let flat = |rows| Flat { metric, dim: queries.dim, rows, order: &order, stop: &|| false };
    let everything = Select::default();
    let mut best = vec![Vec::new(); numbers.len()];
    for start in (0..rows.len()).step_by(BLOCK_ROWS) {
        interrupt::check()?;
        let end = rows.len().min(start + BLOCK_ROWS);
        let block = flat(&rows.values[start * rows.dim..end * rows.dim]);
        for (best, number) in best.iter_mut().zip(numbers.clone()) {
            if among(number).is_some() {
                continue;
            }
            let hits = block.search(queries.row(number), k, 0, &everything)?;
            best.extend(hits.into_iter().map(|hit| Hit { row: hit.row + start as u32, ..hit }));
            keep_best(best, k, metric);
        }
    }
    for (best, number) in best.iter_mut().zip(numbers) {
        if let Some(list) = among(number) {
            *best = flat(rows.values).search_among(queries.row(number), k, list, &everything)?;
        }
    }
    Ok(best)
}

/// Sorts best first and keeps k. Equal ones stay in their order, which is that of rows.
fn keep_best(hits: &mut Vec<Hit>, k: usize, metric: Metric) {
    hits.sort_by(|a, b| metric.best_first(a.score, b.score));
    hits.truncate(k);
}

/// The rows of hits, as recall counts them.
pub(crate) fn ids(hits: &[Vec<Hit>]) -> Vec<Vec<u64>> {
    hits.iter().map(|hits| hits.iter().map(|hit| u64::from(hit.row)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows_of(hits: &[Vec<Hit>]) -> Vec<Vec<u64>> {
        ids(hits)
    }

    #[test]
    fn answers_of_many_blocks_and_threads_are_in_order() {
        // Row i lies at i.
        let values: Vec<f32> = (0..BLOCK_ROWS * 3).map(|i| i as f32).collect();
        let rows = Rows { values: &values, dim: 1 };
        let queries: Vec<f32> = (0..600).map(|i| (i * 5) as f32 + 0.1).collect();
        let queries = Rows { values: &queries, dim: 1 };
        let found = rows_of(&nearest((rows, Metric::L2), queries, 2, &|_| None).unwrap());
        assert_eq!(found.len(), 600);
        let expected = |i: usize| vec![i as u64 * 5, i as u64 * 5 + 1];
        assert!(found.iter().enumerate().all(|(i, rows)| *rows == expected(i)));
    }

    #[test]
    fn only_listed_rows_are_found_by_queries_with_a_list() {
        let values = [0.0, 1.0, 2.0, 3.0];
        let rows = Rows { values: &values, dim: 1 };
        let queries = Rows { values: &[0.0, 0.0], dim: 1 };
        let among = |query: usize| (query == 1).then_some(&[3_u32, 2][..]);
        let found = nearest((rows, Metric::L2), queries, 2, &among).unwrap();
        assert_eq!(rows_of(&found), [vec![0, 1], vec![2, 3]]);
    }
}
