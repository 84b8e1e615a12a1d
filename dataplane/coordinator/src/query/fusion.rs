//! Reciprocal rank fusion: Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion outperforms
//! Condorcet and individual Rank Learning Methods", SIGIR 2009.

use std::collections::HashMap;

use vane_types::PointId;

/// Fuses ranked lists: a point scores the sum of `1 / (k + rank)` over the lists it is in,
/// ranks from 0. Best first; equal scores order by id.
pub(crate) fn reciprocal_rank(lists: &[Vec<PointId>], k: usize) -> Vec<(PointId, f32)> {
    let mut scores: HashMap<PointId, f32> = HashMap::new();
    for list in lists {
        for (rank, id) in list.iter().enumerate() {
            *scores.entry(*id).or_default() += 1.0 / (k + rank) as f32;
        }
    }
    let mut fused: Vec<_> = scores.into_iter().collect();
    // Ties by id: whichever node fuses, in whatever order its map gives them, says the same.
    fused.sort_unstable_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_high_in_two_lists_beats_the_first_of_one() {
        let lists = [[1, 2, 3], [4, 2, 5]].map(|ids| ids.map(PointId::num).to_vec());
        let fused = reciprocal_rank(&lists, 2);
        assert_eq!(fused[0], (PointId::num(2), 2.0 / 3.0));
        assert_eq!(
            (fused[1].0, fused[2].0),
            (PointId::num(1), PointId::num(4)),
            "equal scores order by id"
        );
        assert_eq!(fused.len(), 5);
    }
}
