//! Exact scores with FAISS's kernels. A row gets the same score, bit for bit, here and
//! from a graph.
//!
//! A score beyond f32 (overflow, NaN) is given as the worst finite one.

use crate::ffi;
use crate::metric::Metric;

/// Scores of the rows numbered `which`, in that order. `rows` is row-major with `dim`
/// values a row; `out` is cleared first.
///
/// # Panics
/// When `query` is not of dimension `dim` or a number in `which` is no row.
pub fn scores(
    metric: Metric,
    dim: usize,
    rows: &[f32],
    which: &[u32],
    query: &[f32],
    out: &mut Vec<f32>,
) {
    assert_eq!(query.len(), dim, "dimension of the query");
    assert!(dim > 0 && rows.len().is_multiple_of(dim), "{} values in rows of {dim}", rows.len());
    let count = rows.len() / dim;
    let last = which.iter().copied().max();
    assert!(last.is_none_or(|row| (row as usize) < count), "row {last:?} of {count} rows");
    out.clear();
    if metric.has_graphs() {
        out.resize(which.len(), 0.0);
        ffi::scores_of(metric, dim, rows, which, query, out);
        return;
    }
    let row = |number: &u32| &rows[*number as usize * dim..][..dim];
    match metric {
        Metric::L1 => out.extend(which.iter().map(|number| l1(row(number), query))),
        _ => {
            let length = product(query, query);
            let cosine = |row| cosine(product(row, query), product(row, row), length);
            out.extend(which.iter().map(|number| cosine(row(number))));
        }
    }
}

/// Numbers that are added up beside each other, as a processor has registers for.
const LANES: usize = 16;

fn l1(row: &[f32], query: &[f32]) -> f32 {
    let sum = lanes(row, query, |a, b| (a - b).abs());
    if sum.is_finite() { sum } else { f32::MAX }
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    lanes(a, b, |a, b| a * b)
}

/// By the inner product, and the squared lengths.
fn cosine(product: f32, row: f32, query: f32) -> f32 {
    let lengths = f64::from(row).sqrt() * f64::from(query).sqrt();
    let cosine = if lengths > 0.0 { f64::from(product) / lengths } else { 0.0 };
    if cosine.is_finite() { cosine as f32 } else { f32::MIN }
}

/// The sum over all dimensions, always in the same order.
fn lanes(a: &[f32], b: &[f32], of: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += of(a[lane], b[lane]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| of(*a, *b)).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::scores;
    use crate::metric::Metric;

    fn sample(count: usize) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * 0.7311).sin()).collect()
    }

    fn scores_of_all(metric: Metric, dim: usize, rows: &[f32], query: &[f32]) -> Vec<f32> {
        let which: Vec<u32> = (0..(rows.len() / dim) as u32).collect();
        let mut out = vec![f32::NAN; 3];
        scores(metric, dim, rows, &which, query, &mut out);
        out
    }

    fn plain(metric: Metric, row: &[f32], query: &[f32]) -> f64 {
        let pairs = row.iter().zip(query);
        match metric {
            Metric::InnerProduct => pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum(),
            Metric::L2 => pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum(),
            Metric::L1 => pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).abs()).sum(),
            Metric::Cosine => {
                let length =
                    |v: &[f32]| v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
                let product: f64 = pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                let lengths = length(row) * length(query);
                if lengths > 0.0 { product / lengths } else { 0.0 }
            }
        }
    }

    #[test]
    fn scores_equal_the_definition_for_every_dimension() {
        for metric in [Metric::InnerProduct, Metric::L2, Metric::L1, Metric::Cosine] {
            for dim in [1, 2, 3, 4, 7, 8, 12, 15, 16, 31, 100, 129] {
                let rows = sample(dim * 11);
                let query = sample(dim * 3)[dim * 2..].to_vec();
                let out = scores_of_all(metric, dim, &rows, &query);
                assert_eq!(out.len(), 11);
                for (row, score) in rows.chunks(dim).zip(&out) {
                    let expected = plain(metric, row, &query);
                    assert!((f64::from(*score) - expected).abs() < 1e-3, "{metric:?} {dim}");
                }
            }
        }
    }

    #[test]
    fn score_does_not_depend_on_the_company_of_a_row() {
        for metric in [Metric::InnerProduct, Metric::L2, Metric::L1, Metric::Cosine] {
            for dim in [1, 5, 8, 16, 30, 384, 387] {
                let rows = sample(dim * 9);
                let query = sample(dim);
                let (mut few, mut one) = (vec![], vec![]);
                let all = scores_of_all(metric, dim, &rows, &query);
                scores(metric, dim, &rows, &[8, 0, 3, 3, 7, 1], &query, &mut few);
                for (score, row) in few.iter().zip([8, 0, 3, 3, 7, 1_u32]) {
                    scores(metric, dim, &rows, &[row], &query, &mut one);
                    assert_eq!(score.to_bits(), all[row as usize].to_bits(), "{dim}");
                    assert_eq!(score.to_bits(), one[0].to_bits(), "{dim}");
                }
            }
        }
    }

    #[test]
    fn numbers_of_short_rows_are_added_from_left_to_right() {
        for dim in 1..16 {
            let (rows, query) = (sample(dim * 9), sample(dim * 2)[dim..].to_vec());
            let products = scores_of_all(Metric::InnerProduct, dim, &rows, &query);
            let squares = scores_of_all(Metric::L2, dim, &rows, &query);
            for ((row, product), square) in rows.chunks(dim).zip(products).zip(squares) {
                let pairs = || row.iter().zip(&query);
                let plain = pairs().fold(0.0_f32, |sum, (a, b)| sum + a * b);
                assert_eq!(product.to_bits(), plain.to_bits(), "{dim}");
                let plain = pairs().fold(0.0_f32, |sum, (a, b)| sum + (b - a) * (b - a));
                assert_eq!(square.to_bits(), plain.to_bits(), "{dim}");
            }
        }
    }

    #[test]
    fn overflow_is_the_worst_finite_score() {
        let rows = [f32::MAX, f32::MAX, f32::MAX, f32::MIN];
        let out = scores_of_all(Metric::InnerProduct, 2, &rows, &[f32::MAX; 2]);
        assert_eq!(out, [f32::MIN; 2]);
        let out = scores_of_all(Metric::L2, 2, &rows, &[f32::MIN; 2]);
        assert_eq!(out, [f32::MAX; 2]);
        let out = scores_of_all(Metric::L1, 2, &rows, &[f32::MIN; 2]);
        assert_eq!(out, [f32::MAX; 2]);
    }

    #[test]
    fn what_has_no_length_has_no_cosine() {
        let out = scores_of_all(Metric::Cosine, 2, &[0.0, 0.0, 3.0, 4.0], &[6.0, 8.0]);
        assert_eq!(out, [0.0, 1.0]);
        assert_eq!(scores_of_all(Metric::Cosine, 2, &[3.0, 4.0], &[0.0; 2]), [0.0]);
    }

    #[test]
    fn no_rows_give_no_scores() {
        let mut out = vec![1.0];
        scores(Metric::L2, 2, &[], &[], &[0.0; 2], &mut out);
        assert_eq!(out, []);
    }

    #[test]
    #[should_panic(expected = "row Some(2) of 2 rows")]
    fn row_outside_is_refused() {
        scores(Metric::L2, 1, &[0.0; 2], &[0, 2], &[0.0], &mut vec![]);
    }
}
