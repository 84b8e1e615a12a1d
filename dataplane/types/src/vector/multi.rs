//! Multivectors.

use super::{VectorError, check_length};
use crate::distance::Distance;

/// Several dense vectors, the rows, of one length. There is at least one, of at least one number.
#[derive(Debug, Clone, PartialEq)]
pub struct MultiVector {
    dim: usize,
    values: Vec<f32>,
}

impl MultiVector {
    /// Rows of `dim` numbers, one behind the other.
    ///
    /// # Errors
    /// [`VectorError::Empty`], [`VectorError::UnequalRows`] where numbers are left over,
    /// [`VectorError::TooLong`].
    pub fn new(dim: usize, values: Vec<f32>) -> Result<Self, VectorError> {
        if dim == 0 || values.is_empty() {
            return Err(VectorError::Empty);
        }
        check_length(values.len())?;
        match values.len() % dim {
            0 => Ok(Self { dim, values }),
            other => Err(VectorError::UnequalRows { first: dim, other }),
        }
    }

    /// Rows, one by one.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_rows(rows: &[impl AsRef<[f32]>]) -> Result<Self, VectorError> {
        let mut lengths = rows.iter().map(|row| row.as_ref().len());
        let first = lengths.next().unwrap_or(0);
        // Before they are put together: unequal rows may make as many numbers as equal ones.
        if let Some(other) = lengths.find(|length| *length != first) {
            return Err(VectorError::UnequalRows { first, other });
        }
        let rows: Vec<&[f32]> = rows.iter().map(AsRef::as_ref).collect();
        Self::new(first, rows.concat())
    }

    /// Numbers of each row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The numbers of all rows, one row behind the other.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The numbers of all rows, one row behind the other.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// The rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dim)
    }

    pub(super) fn each_value(&mut self, other: impl Fn(f32) -> f32) {
        self.values.iter_mut().for_each(|value| *value = other(*value));
    }

    /// Brings each row into the form that is stored and searched.
    pub(super) fn prepare(&mut self, distance: Distance) {
        self.values.chunks_exact_mut(self.dim).for_each(|row| distance.prepare(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::VECTOR_VALUES_MAX;

    #[test]
    fn rows_are_kept_one_behind_the_other() {
        let rows = MultiVector::of_rows(&[[1.0, 2.0], [3.0, 4.0]]).unwrap();
        assert_eq!((rows.dim(), rows.values()), (2, [1.0, 2.0, 3.0, 4.0].as_slice()));
        assert!(rows.rows().eq([[1.0, 2.0], [3.0, 4.0]]));
        assert_eq!(MultiVector::new(2, rows.clone().into_values()), Ok(rows));
    }

    #[test]
    fn what_is_no_multivector_is_refused() {
        let unequal = |first, other| Err(VectorError::UnequalRows { first, other });
        let rows = [vec![1.0; 2], vec![1.0; 3], vec![1.0]];
        assert_eq!(MultiVector::of_rows(&rows), unequal(2, 3), "six numbers, but no two rows");
        assert_eq!(MultiVector::of_rows(&[vec![], vec![1.0]]), unequal(0, 1));
        assert_eq!(MultiVector::new(2, vec![1.0; 5]), unequal(2, 1));
        assert_eq!(MultiVector::new(3, vec![1.0; 2]), unequal(3, 2));
        for empty in [MultiVector::of_rows(&[[0.0; 0]; 2]), MultiVector::of_rows(&[[0.0; 1]; 0])] {
            assert_eq!(empty, Err(VectorError::Empty));
        }
        for (dim, values) in [(0, vec![1.0]), (1, vec![])] {
            assert_eq!(MultiVector::new(dim, values), Err(VectorError::Empty));
        }
        let values = VECTOR_VALUES_MAX + 1;
        assert!(MultiVector::new(1, vec![0.0; VECTOR_VALUES_MAX]).is_ok());
        let refused = MultiVector::new(1, vec![0.0; values]);
        assert_eq!(refused, Err(VectorError::TooLong { values }));
    }
}
