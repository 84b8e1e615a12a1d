//! How similar two vectors are, in the form that is stored.

use vane_types::{Distance, MultiVector, SparseVector, Vector};

/// The larger the more similar: of a Euclidean distance its negative square, of another its
/// negative. Vectors of different
/// kinds are not alike at all.
pub(super) fn similarity(distance: Distance, a: &Vector, b: &Vector) -> f32 {
    let similar = match (a, b) {
        (Vector::Dense(a), Vector::Dense(b)) => dense(distance, a, b),
        (Vector::Sparse(a), Vector::Sparse(b)) => sparse(a, b),
        (Vector::Multi(a), Vector::Multi(b)) => multi(distance, a, b),
        _ => f32::MIN,
    };
    // As scores of rows: a number beyond f32 is the worst.
    if similar.is_finite() { similar } else { f32::MIN }
}

fn dense(distance: Distance, a: &[f32], b: &[f32]) -> f32 {
    match distance {
        Distance::Cosine | Distance::Dot => sum(a, b, |a, b| a * b),
        Distance::Euclid => -sum(a, b, |a, b| (a - b) * (a - b)),
        Distance::Manhattan => -sum(a, b, |a, b| (a - b).abs()),
    }
}

/// In eight sums, which processors make side by side.
fn sum(a: &[f32], b: &[f32], of: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; 8];
    let ((a, last_a), (b, last_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += of(a[lane], b[lane]);
        }
    }
    let last: f32 = last_a.iter().zip(last_b).map(|(a, b)| of(*a, *b)).sum();
    sums.iter().sum::<f32>() + last
}

/// Over the indices that both have.
fn sparse(a: &SparseVector, b: &SparseVector) -> f32 {
    let (mut at_a, mut at_b, mut sum) = (0, 0, 0.0);
    while let (Some(index_a), Some(index_b)) = (a.indices().get(at_a), b.indices().get(at_b)) {
        if index_a == index_b {
            sum += a.values()[at_a] * b.values()[at_b];
        }
        let (next_a, next_b) = (index_a <= index_b, index_b <= index_a);
        at_a += usize::from(next_a);
        at_b += usize::from(next_b);
    }
    sum
}

/// Each row of the one by the most similar of the other.
fn multi(distance: Distance, a: &MultiVector, b: &MultiVector) -> f32 {
    let best = |row| b.rows().map(|other| dense(distance, row, other)).fold(f32::MIN, f32::max);
    a.rows().map(best).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_vectors_of_any_length_are_compared_by_the_distance() {
        for dim in [1, 7, 8, 19] {
            let value = |i: usize| (i as f32 * 0.7311).sin();
            let a: Vec<f32> = (0..dim).map(value).collect();
            let b: Vec<f32> = (0..dim).map(|i| value(i + 50)).collect();
            let pairs = || a.iter().zip(&b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
            let product: f64 = pairs().map(|(a, b)| a * b).sum();
            let square: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
            let (a, b) = (Vector::from(a.clone()), Vector::from(b.clone()));
            let of = |distance| f64::from(similarity(distance, &a, &b));
            assert!((of(Distance::Dot) - product).abs() < 1e-5);
            assert!((of(Distance::Cosine) - product).abs() < 1e-5);
            assert!((of(Distance::Euclid) + square).abs() < 1e-5);
        }
        let large = Vector::from(vec![f32::MAX; 2]);
        assert_eq!(similarity(Distance::Dot, &large, &large), f32::MIN);
    }

    #[test]
    fn sparse_vectors_share_indices_and_rows_find_their_best() {
        let sparse = |indices: &[u32], values: &[f32]| -> Vector {
            SparseVector::new(indices.to_vec(), values.to_vec()).unwrap().into()
        };
        let (a, b) = (sparse(&[1, 5, 9], &[1.0, 2.0, 3.0]), sparse(&[5, 8, 9], &[0.5, 7.0, -1.0]));
        assert_eq!(similarity(Distance::Dot, &a, &b), 1.0 - 3.0);
        let rows = |rows: &[[f32; 2]]| -> Vector { MultiVector::of_rows(rows).unwrap().into() };
        let (a, b) = (rows(&[[1.0, 0.0], [0.0, 1.0]]), rows(&[[0.5, 0.1], [2.0, -1.0]]));
        assert!((similarity(Distance::Dot, &a, &b) - 2.1).abs() < 1e-6);
        assert_eq!(similarity(Distance::Dot, &a, &vec![1.0].into()), f32::MIN);
    }
}
