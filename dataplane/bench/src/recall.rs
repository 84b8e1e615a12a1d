//! Recall: which share of the exact answers was found.

/// Share of the `k` best answers that are among the first `k` found, over all queries. A
/// query with fewer answers counts with those it has; one without any does not count.
pub(crate) fn recall(found: &[Vec<u64>], truth: &[Vec<u64>], k: usize) -> f64 {
    let (mut hits, mut wanted) = (0, 0);
    for (found, truth) in found.iter().zip(truth) {
        let truth = &truth[..truth.len().min(k)];
        hits += found.iter().take(k).filter(|id| truth.contains(id)).count();
        wanted += truth.len();
    }
    // Where nothing was to be found, nothing was missed.
    if wanted == 0 { 1.0 } else { hits as f64 / wanted as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_best_answers_count() {
        let truth = [vec![1, 2, 3], vec![7]];
        assert_eq!(recall(&[vec![1, 3, 9], vec![7]], &truth, 3), 0.75);
        assert_eq!(recall(&[vec![3, 1], vec![8]], &truth, 1), 0.0);
        assert_eq!(recall(&[vec![]], &[vec![]], 10), 1.0);
    }
}
