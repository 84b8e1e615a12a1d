//! Sparse rows: numbers at some of 2³² indices. Two compare by their inner product, over the
//! indices that both have; rows that share none with the query, or whose product is 0, are never
//! found.
//!
//! A [`Matcher`] scores rows one by one. [`Postings`] find the best of a whole segment without a
//! look at most of them, and have the matcher score those: an answer never depends on which way was
//! taken.

mod matcher;
mod pool;
mod postings;
mod search;
#[cfg(test)]
mod tests;

pub use matcher::Matcher;
pub use postings::{Postings, write_postings};
pub use search::SparseSearch;

/// A sparse row: rising indices, and a value for each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SparseRow<'a> {
    pub indices: &'a [u32],
    pub values: &'a [f32],
}

impl<'a> SparseRow<'a> {
    /// The row in its stored form: as many indices, in the bits of numbers, as values behind them.
    pub fn of(row: &'a [f32]) -> Self {
        let (indices, values) = row.split_at(row.len() / 2);
        Self { indices: bytemuck::cast_slice(indices), values }
    }
}
