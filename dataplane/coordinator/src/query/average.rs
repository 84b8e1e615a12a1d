//! The vector that an average recommendation is near to.

use std::collections::BTreeMap;

use vane_types::{Error, MultiVector, SparseVector, Vector, VectorError};

/// The mean of positive vectors; with negative ones, as far from their mean as that is. Vectors of
/// vectors are put together, the rows of negative ones turned round.
///
/// # Errors
/// `BadInput` where there is no positive one, for vectors of different kinds, and for dense ones
/// that are not of `size` numbers, or not as many as the first where that is not known.
pub(super) fn average(
    positive: &[Vector],
    negative: &[Vector],
    size: Option<usize>,
) -> Result<Vector, Error> {
    let Some(first) = positive.first() else {
        // In Qdrant's words.
        return Err(Error::bad_input(
            "Positive vectors should not be empty with `average` strategy",
        ));
    };
    if positive.iter().chain(negative).any(|vector| vector.kind() != first.kind()) {
        return Err(Error::bad_input("Can't average vectors with different types"));
    }
    let all = || weights(positive, negative);
    match first {
        Vector::Dense(values) => dense(all(), size.unwrap_or(values.len())),
        Vector::Sparse(_) => sparse(all()).map_err(no_vector),
        Vector::Multi(rows) => multi(all(), rows.dim()).map_err(no_vector),
    }
}

fn no_vector(why: VectorError) -> Error {
    Error::bad_input(why.to_string())
}

/// Each vector with how often it counts.
fn weights<'a>(
    positive: &'a [Vector],
    negative: &'a [Vector],
) -> impl Iterator<Item = (&'a Vector, f64)> {
    let times = if negative.is_empty() { 1.0 } else { 2.0 };
    let (of_each, of_negative) = (times / positive.len() as f64, -1.0 / negative.len() as f64);
    let negative = negative.iter().map(move |vector| (vector, of_negative));
    positive.iter().map(move |vector| (vector, of_each)).chain(negative)
}

fn dense<'a>(all: impl Iterator<Item = (&'a Vector, f64)>, size: usize) -> Result<Vector, Error> {
    let mut sum = vec![0.0; size];
    for (vector, weight) in all {
        let values = vector.values();
        let (expected, got) = (size, values.len());
        if got != expected {
            return Err(vane_commands::Error::Dimension { expected, got, point: None }.into());
        }
        let pairs = sum.iter_mut().zip(values);
        pairs.for_each(|(sum, value)| *sum += weight * f64::from(*value));
    }
    Ok(sum.into_iter().map(|value| value as f32).collect::<Vec<_>>().into())
}

fn sparse<'a>(all: impl Iterator<Item = (&'a Vector, f64)>) -> Result<Vector, VectorError> {
    let mut sum: BTreeMap<u32, f64> = BTreeMap::new();
    for (vector, weight) in all {
        let Vector::Sparse(sparse) = vector else { continue };
        for (index, value) in sparse.indices().iter().zip(sparse.values()) {
            *sum.entry(*index).or_default() += weight * f64::from(*value);
        }
    }
    let (indices, values) = sum.into_iter().map(|(index, value)| (index, value as f32)).unzip();
    SparseVector::new(indices, values).map(Vector::from)
}

fn multi<'a>(
    all: impl Iterator<Item = (&'a Vector, f64)>,
    dim: usize,
) -> Result<Vector, VectorError> {
    let mut rows: Vec<f32> = Vec::new();
    for (vector, weight) in all {
        if let Vector::Multi(of_vector) = vector
            && of_vector.dim() != dim
        {
            let (first, other) = (dim, of_vector.dim());
            return Err(VectorError::UnequalRows { first, other });
        }
        let sign = weight.signum() as f32;
        rows.extend(vector.values().iter().map(|value| sign * value));
    }
    MultiVector::new(dim, rows).map(Vector::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(positive: &[Vector], negative: &[Vector]) -> Result<Vector, String> {
        average(positive, negative, None).map_err(|error| error.detail)
    }

    #[test]
    fn dense_vectors_are_averaged_and_pushed_off_negative_ones() {
        let vectors = |rows: &[[f32; 2]]| -> Vec<Vector> {
            rows.iter().map(|row| row.to_vec().into()).collect()
        };
        let positive = vectors(&[[1.0, 0.0], [0.0, 4.0]]);
        assert_eq!(of(&positive, &[]), Ok(vec![0.5, 2.0].into()));
        let negative = vectors(&[[1.0, 1.0], [3.0, 1.0]]);
        assert_eq!(of(&positive, &negative), Ok(vec![2.0 * 0.5 - 2.0, 2.0 * 2.0 - 1.0].into()));
        let empty = "Positive vectors should not be empty with `average` strategy";
        assert_eq!(of(&[], &negative), Err(empty.to_owned()));
        let misfit = "Vector dimension error: expected dim: 2, got 1";
        assert_eq!(of(&positive, &[vec![1.0].into()]), Err(misfit.to_owned()));
        assert!(average(&positive, &[], Some(3)).is_err());
    }

    #[test]
    fn other_kinds_are_averaged_by_index_or_put_together() {
        let sparse = |pairs: &[(u32, f32)]| -> Vector {
            let (indices, values) = pairs.iter().copied().unzip();
            SparseVector::new(indices, values).unwrap().into()
        };
        let (a, b) = (sparse(&[(1, 2.0), (7, 1.0)]), sparse(&[(7, 3.0)]));
        let mean = of(&[a.clone(), b.clone()], &[]);
        assert_eq!(mean, Ok(sparse(&[(1, 1.0), (7, 2.0)])));
        let away = of(std::slice::from_ref(&a), std::slice::from_ref(&b));
        assert_eq!(away, Ok(sparse(&[(1, 4.0), (7, -1.0)])));
        let rows = |rows: &[[f32; 2]]| -> Vector { MultiVector::of_rows(rows).unwrap().into() };
        let both = of(&[rows(&[[1.0, 2.0]])], &[rows(&[[3.0, 4.0], [5.0, 6.0]])]);
        assert_eq!(both, Ok(rows(&[[1.0, 2.0], [-3.0, -4.0], [-5.0, -6.0]])));
        assert!(of(&[a], &[vec![1.0].into()]).unwrap_err().contains("different types"));
    }
}
