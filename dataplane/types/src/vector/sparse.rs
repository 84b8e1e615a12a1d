//! Sparse vectors.

use super::{VectorError, check_length};

/// Numbers at some of 2³² dimensions, zeros at all others. Indices rise and each is there once;
/// every index has its value.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseVector {
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl SparseVector {
    /// A value for each index, in any order.
    ///
    /// # Errors
    /// [`VectorError::Unpaired`], [`VectorError::RepeatedIndex`], [`VectorError::TooLong`].
    pub fn new(mut indices: Vec<u32>, mut values: Vec<f32>) -> Result<Self, VectorError> {
        if indices.len() != values.len() {
            let (indices, values) = (indices.len(), values.len());
            return Err(VectorError::Unpaired { indices, values });
        }
        check_length(values.len())?;
        // What comes from a log or another node is sorted already.
        if !indices.is_sorted() {
            let mut pairs: Vec<(u32, f32)> = indices.into_iter().zip(values).collect();
            pairs.sort_unstable_by_key(|(index, _)| *index);
            (indices, values) = pairs.into_iter().unzip();
        }
        match indices.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(VectorError::RepeatedIndex(pair[0])),
            None => Ok(Self { indices, values }),
        }
    }

    /// Dimensions that have a value, in rising order.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The values, in the order of the indices.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Indices and values.
    pub fn into_parts(self) -> (Vec<u32>, Vec<f32>) {
        (self.indices, self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::VECTOR_VALUES_MAX;

    #[test]
    fn indices_rise_and_keep_their_values() {
        let sparse = SparseVector::new(vec![7, u32::MAX, 0], vec![1.0, 2.0, 3.0]).unwrap();
        let parts = (vec![0, 7, u32::MAX], vec![3.0, 1.0, 2.0]);
        assert_eq!((sparse.indices(), sparse.values()), (&*parts.0, &*parts.1));
        assert_eq!(sparse.into_parts(), parts);
        assert_eq!(SparseVector::new(vec![], vec![]).unwrap().indices(), [0; 0]);
    }

    #[test]
    fn what_is_no_sparse_vector_is_refused() {
        for repeated in [vec![1, 3, 3], vec![3, 1, 3]] {
            let refused = SparseVector::new(repeated, vec![0.0; 3]).unwrap_err();
            assert_eq!(refused, VectorError::RepeatedIndex(3));
        }
        let refused = SparseVector::new(vec![1, 2], vec![0.0]).unwrap_err();
        assert_eq!(refused, VectorError::Unpaired { indices: 2, values: 1 });
        let of = |count: usize| SparseVector::new((0..count as u32).collect(), vec![0.0; count]);
        assert!(of(VECTOR_VALUES_MAX).is_ok());
        let values = VECTOR_VALUES_MAX + 1;
        assert_eq!(of(values).unwrap_err(), VectorError::TooLong { values });
    }
}
