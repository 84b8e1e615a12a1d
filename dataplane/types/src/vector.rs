//! Vectors as points have them and queries ask for them: dense, sparse, or many in one.
//!
//! A value is well formed by its type. Whether it fits a collection (its kind, its size, its
//! numbers) is checked where the collection is known.

mod multi;
mod row;
mod sparse;

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

pub use multi::MultiVector;
pub use sparse::SparseVector;

use crate::distance::Distance;
use crate::limits::VECTOR_VALUES_MAX;

/// Vectors of a point by name; `""` is the unnamed one. For [`Distance::Cosine`] of unit length
/// once stored.
pub type NamedVectors = BTreeMap<String, Vector>;

/// One vector of a point, or of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Vector {
    /// A number for each dimension, as many as the collection's `size` says.
    Dense(Vec<f32>),
    // Boxed, both: dense ones are most of what is carried, and stay as small as their list.
    /// Numbers at some of very many dimensions, zeros elsewhere.
    Sparse(Box<SparseVector>),
    /// Several dense vectors that are compared as one.
    Multi(Box<MultiVector>),
}

/// What a vector is, whatever its numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorKind {
    /// [`Vector::Dense`].
    Dense,
    /// [`Vector::Sparse`].
    Sparse,
    /// [`Vector::Multi`].
    Multi,
}

impl fmt::Display for VectorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dense => "a dense vector",
            Self::Sparse => "a sparse vector",
            Self::Multi => "a vector of vectors",
        })
    }
}

/// Numbers that make no vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VectorError {
    /// Of a sparse vector: not every index has its value.
    #[error("a sparse vector has {indices} indices and {values} values, must have as many of both")]
    Unpaired {
        /// Indices given.
        indices: usize,
        /// Values given.
        values: usize,
    },
    /// Of a sparse vector: an index has more than one value.
    #[error("a sparse vector has the index {0} twice")]
    RepeatedIndex(u32),
    /// Of a multivector: there is no row, or nothing in it.
    #[error("a vector of vectors needs at least one, with at least one number")]
    Empty,
    /// Of a multivector: rows of more than one length.
    #[error("vectors of a vector of vectors have {first} and {other} numbers, must have as many")]
    UnequalRows {
        /// Numbers of the first row.
        first: usize,
        /// Numbers of another, or those left over for the last.
        other: usize,
    },
    /// More numbers than a vector may have.
    #[error("a vector has {values} numbers, the limit is {VECTOR_VALUES_MAX}")]
    TooLong {
        /// Numbers given.
        values: usize,
    },
}

impl Vector {
    /// What it is.
    pub fn kind(&self) -> VectorKind {
        match self {
            Self::Dense(_) => VectorKind::Dense,
            Self::Sparse(_) => VectorKind::Sparse,
            Self::Multi(_) => VectorKind::Multi,
        }
    }

    /// The numbers of a dense vector.
    pub fn dense(&self) -> Option<&[f32]> {
        match self {
            Self::Dense(values) => Some(values),
            Self::Sparse(_) | Self::Multi(_) => None,
        }
    }

    /// All its numbers, whichever place each has.
    pub fn values(&self) -> &[f32] {
        match self {
            Self::Dense(values) => values,
            Self::Sparse(sparse) => sparse.values(),
            Self::Multi(rows) => rows.values(),
        }
    }

    /// The first of [`Self::values`] that is an infinity or NaN, and its position. One has no
    /// place in any order of scores, and a graph built over it is broken.
    pub fn not_finite(&self) -> Option<(usize, f32)> {
        self.values().iter().copied().enumerate().find(|(_, value)| !value.is_finite())
    }

    /// Puts another number in the place of each of a dense vector, or of one of those.
    pub(crate) fn each_value(&mut self, other: impl Fn(f32) -> f32) {
        match self {
            Self::Dense(values) => values.iter_mut().for_each(|value| *value = other(*value)),
            Self::Multi(rows) => rows.each_value(other),
            Self::Sparse(_) => {}
        }
    }

    /// Brings it to the length that is stored and searched.
    pub fn prepare(&mut self, distance: Distance) {
        match self {
            Self::Dense(values) => distance.prepare(values),
            // Compared by inner product, whatever the length.
            Self::Sparse(_) => {}
            Self::Multi(rows) => rows.prepare(distance),
        }
    }
}

impl From<Vec<f32>> for Vector {
    fn from(values: Vec<f32>) -> Self {
        Self::Dense(values)
    }
}

impl From<SparseVector> for Vector {
    fn from(sparse: SparseVector) -> Self {
        Self::Sparse(Box::new(sparse))
    }
}

impl From<MultiVector> for Vector {
    fn from(rows: MultiVector) -> Self {
        Self::Multi(Box::new(rows))
    }
}

/// Refuses more numbers than a vector may have.
fn check_length(values: usize) -> Result<(), VectorError> {
    if values > VECTOR_VALUES_MAX { Err(VectorError::TooLong { values }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dense_vector_is_as_small_as_its_list() {
        assert_eq!(size_of::<Vector>(), size_of::<Vec<f32>>());
    }

    #[test]
    fn every_kind_finds_its_first_number_that_is_not_finite() {
        let values = [1.0, f32::INFINITY, f32::NAN];
        let vectors = |values: [f32; 3]| -> [Vector; 3] {
            [
                values.to_vec().into(),
                SparseVector::new(vec![4, 7, 9], values.to_vec()).unwrap().into(),
                MultiVector::new(1, values.to_vec()).unwrap().into(),
            ]
        };
        for vector in vectors(values) {
            assert_eq!(vector.not_finite(), Some((1, f32::INFINITY)), "{vector:?}");
        }
        for vector in vectors([0.0, f32::MIN, f32::MAX]) {
            assert_eq!(vector.not_finite(), None, "{vector:?}");
        }
    }

    #[test]
    fn only_dense_vectors_have_dense_numbers() {
        let sparse = SparseVector::new(vec![1], vec![2.0]).unwrap();
        let rows = MultiVector::new(1, vec![2.0]).unwrap();
        assert_eq!(Vector::from(vec![2.0]).dense(), Some([2.0].as_slice()));
        for vector in [Vector::from(sparse), Vector::from(rows)] {
            assert_eq!((vector.dense(), vector.values()), (None, [2.0].as_slice()));
        }
    }

    #[test]
    fn each_row_of_a_multivector_gets_unit_length() {
        let mut vector = Vector::from(MultiVector::new(2, vec![3.0, 4.0, 0.0, 5.0]).unwrap());
        vector.prepare(Distance::Cosine);
        assert_eq!(vector.values(), [0.6, 0.8, 0.0, 1.0]);
    }
}
