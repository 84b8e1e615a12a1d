//! Scores of sparse rows, one by one.

use super::SparseRow;

/// Bits that stand for the indices of a query: most indices of a row are passed over by a look at
/// one of them.
const BITS: usize = 1 << 13;
/// Indices of a query above which its bits say too little: a row is walked along with it then.
const FEW: usize = BITS / 16;

/// A query, made ready to be compared with many rows.
#[derive(Debug, Clone)]
pub struct Matcher {
    indices: Vec<u32>,
    values: Vec<f32>,
    /// By the low bits of its indices.
    bits: Box<[u64; BITS / 64]>,
}

impl Matcher {
    /// Of a query with rising indices. Numbers that are 0 match nothing.
    pub fn new(query: SparseRow<'_>) -> Self {
        let mut matcher = Self { indices: vec![], values: vec![], bits: Box::new([0; BITS / 64]) };
        for (index, value) in query.indices.iter().zip(query.values) {
            if *value != 0.0 {
                matcher.indices.push(*index);
                matcher.values.push(*value);
                let bit = *index as usize % BITS;
                matcher.bits[bit / 64] |= 1 << (bit % 64);
            }
        }
        matcher
    }

    /// What it looks for.
    pub fn query(&self) -> SparseRow<'_> {
        SparseRow { indices: &self.indices, values: &self.values }
    }

    /// The inner product with a row: a sum in the order of the indices, so that it is the same, bit
    /// for bit, wherever the row lies. Beyond f32 it is the worst finite score.
    pub fn score(&self, row: SparseRow<'_>) -> f32 {
        let sum =
            if self.indices.len() <= FEW { self.sum_by_bits(row) } else { self.sum_by_merge(row) };
        if sum.is_finite() { sum } else { f32::MIN }
    }

    fn sum_by_bits(&self, row: SparseRow<'_>) -> f32 {
        let mut sum = 0.0;
        for (index, value) in row.indices.iter().zip(row.values) {
            let bit = *index as usize % BITS;
            if self.bits[bit / 64] >> (bit % 64) & 1 == 1
                && let Ok(at) = self.indices.binary_search(index)
            {
                sum += self.values[at] * value;
            }
        }
        sum
    }

    fn sum_by_merge(&self, row: SparseRow<'_>) -> f32 {
        let (mut sum, mut at) = (0.0, 0);
        for (index, value) in row.indices.iter().zip(row.values) {
            at += self.indices[at..].partition_point(|known| known < index);
            match self.indices.get(at) {
                None => break,
                Some(known) if known == index => sum += self.values[at] * value,
                Some(_) => {}
            }
        }
        sum
    }

    /// Whether a row has a number at each of some indices, by their place in [`Self::query`].
    pub fn count(&self, row: SparseRow<'_>, counts: &mut [u64]) {
        for index in row.indices {
            let bit = *index as usize % BITS;
            if self.bits[bit / 64] >> (bit % 64) & 1 == 1
                && let Ok(at) = self.indices.binary_search(index)
                && let Some(count) = counts.get_mut(at)
            {
                *count += 1;
            }
        }
    }
}
