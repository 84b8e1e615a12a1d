//! Vectors of vectors: how close two of them are.

use crate::exact::scores;
use crate::metric::Metric;

/// MaxSim: of each row of `query` how close the closest row of `stored` is, all together. Both are
/// row-major with `dim` values a row. Orders as `metric` does. `scratch` is overwritten.
///
/// Khattab, Zaharia: "ColBERT: Efficient and Effective Passage Search via Contextualized Late
/// Interaction over BERT", SIGIR 2020.
///
/// # Panics
/// When either does not make rows of `dim` values, or has none.
pub fn max_sim(
    metric: Metric,
    dim: usize,
    query: &[f32],
    stored: &[f32],
    scratch: &mut Vec<f32>,
) -> f32 {
    let which: Vec<u32> = (0..(stored.len() / dim) as u32).collect();
    let mut sum = 0.0;
    for row in query.chunks_exact(dim) {
        scores(metric, dim, stored, &which, row, scratch);
        let smaller = metric.smaller_is_better();
        let best = scratch.iter().copied();
        let best = best.reduce(|a, b| if smaller { a.min(b) } else { a.max(b) });
        sum += best.expect("a vector of vectors has a row");
    }
    // Beyond f32 it is the worst finite score, as for single vectors.
    sum.clamp(f32::MIN, f32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_query_counts_by_its_closest() {
        let (query, stored) = ([1.0, 0.0, 0.0, 2.0], [0.5, 0.5, 3.0, -1.0, 0.0, 1.0]);
        let of = |metric| max_sim(metric, 2, &query, &stored, &mut Vec::new());
        // Inner products: 0.5, 3, 0 and 1, -2, 2.
        assert_eq!(of(Metric::InnerProduct), 5.0);
        // Squared distances: 0.5, 5, 2 and 2.5, 18, 1.
        assert_eq!(of(Metric::L2), 1.5);
    }
}
