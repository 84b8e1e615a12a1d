//! Vectors as rows of numbers: the form in which all kinds are stored.
//!
//! A dense vector is its numbers, a vector of vectors those of its rows, one behind the other. A
//! sparse one is its indices, then its values: an index is kept in the bits of a number, which are
//! copied and never calculated with.

use super::{MultiVector, SparseVector, Vector, VectorKind};
use crate::collection::VectorSpec;

impl Vector {
    /// The row that holds it.
    pub fn into_row(self) -> Vec<f32> {
        match self {
            Self::Dense(values) => values,
            Self::Multi(rows) => rows.into_values(),
            Self::Sparse(sparse) => {
                let (indices, values) = sparse.into_parts();
                let indices = indices.into_iter().map(f32::from_bits);
                indices.chain(values).collect()
            }
        }
    }
}

impl VectorSpec {
    /// The vector that a row holds; `None` where it holds none of this kind.
    pub fn vector_of(self, row: Vec<f32>) -> Option<Vector> {
        match self {
            Self::Dense(params) => (row.len() == params.size).then(|| row.into()),
            Self::Multi(params) => MultiVector::new(params.size, row).ok().map(Vector::from),
            Self::Sparse(_) => {
                let (indices, values) = row.split_at(row.len() / 2);
                let indices = indices.iter().map(|bits| bits.to_bits()).collect();
                // Of an odd row the halves are not as long.
                SparseVector::new(indices, values.to_vec()).ok().map(Vector::from)
            }
        }
    }

    /// Whether a row may hold a vector of this kind, by its length.
    pub fn fits(self, row_len: usize) -> bool {
        match self {
            Self::Dense(params) => row_len == params.size,
            Self::Multi(params) => row_len > 0 && row_len.is_multiple_of(params.size),
            Self::Sparse(_) => row_len.is_multiple_of(2),
        }
    }

    /// The same vector as one of this kind, if it can be one: a dense one is a vector of one
    /// vector, too.
    pub fn adopt(self, vector: Vector) -> Result<Vector, Vector> {
        match (self.kind(), vector) {
            (VectorKind::Multi, Vector::Dense(values)) => {
                let dim = values.len();
                MultiVector::new(dim, values.clone()).map(Vector::from).map_err(|_| values.into())
            }
            (kind, vector) if vector.kind() == kind => Ok(vector),
            (_, vector) => Err(vector),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collection::{SparseParams, VectorParams};
    use crate::distance::Distance;

    #[test]
    fn every_kind_comes_back_from_its_row() {
        let params = VectorParams::new(2, Distance::Dot);
        let (dense, sparse) = (VectorSpec::Dense(params), VectorSpec::Sparse(Default::default()));
        let multi = VectorSpec::Multi(VectorParams { multi: true, ..params });
        // Bits that are no number, or one that would be made quiet, are indices like others.
        let indices = vec![0, 7, 0x7f80_0001, 0xff80_0001, u32::MAX];
        let long = SparseVector::new(indices, vec![1.0, -2.0, 3.0, 0.0, 5.0]).unwrap();
        let empty = SparseVector::new(vec![], vec![]).unwrap();
        let rows = MultiVector::new(2, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        let kinds = [
            (dense, Vector::from(vec![1.0, 2.0])),
            (multi, rows.into()),
            (sparse, long.into()),
            (sparse, empty.into()),
        ];
        for (spec, vector) in kinds {
            let row = vector.clone().into_row();
            assert!(spec.fits(row.len()) && spec.kind() == vector.kind());
            assert_eq!(spec.vector_of(row), Some(vector.clone()));
            assert_eq!(spec.adopt(vector.clone()), Ok(vector));
        }
    }

    #[test]
    fn what_is_no_row_of_a_kind_is_told() {
        let params = VectorParams::new(2, Distance::Dot);
        let (dense, multi) = (VectorSpec::Dense(params), VectorSpec::Multi(params));
        let sparse = VectorSpec::Sparse(SparseParams::default());
        for (spec, row) in [(dense, 3), (multi, 3), (multi, 0), (sparse, 3)] {
            assert!(!spec.fits(row) && spec.vector_of(vec![0.5; row]).is_none(), "{spec:?}");
        }
        let twice = [1, 1].map(f32::from_bits).into_iter().chain([0.5; 2]).collect();
        assert_eq!(sparse.vector_of(twice), None);
        let one = MultiVector::new(2, vec![1.0, 2.0]).unwrap();
        assert_eq!(multi.adopt(vec![1.0, 2.0].into()), Ok(one.clone().into()));
        assert_eq!(dense.adopt(one.clone().into()), Err(one.into()));
    }
}
