//! Ranked lists made into one. By ranks: Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion
//! outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009. By scores: each list's
//! are brought to one scale by their mean and deviation ("distribution-based score fusion").

use std::collections::HashMap;

use vane_types::PointId;

/// What a stage found: points with their scores, in its order.
pub(crate) type Ranked = Vec<(PointId, f32)>;

/// Deviations from the mean that make the ends of a list's scale.
const DEVIATIONS: f32 = 3.0;
/// Score of a list's points where nothing tells them apart.
const MIDDLE: f32 = 0.5;

/// Fuses lists by ranks: a point scores the sum of `1 / ((rank + 1) / weight + k - 1)` over the
/// lists it is in, ranks from 0; with a weight of 1 that is `1 / (k + rank)`. A list without a
/// weight has 1, one with 0 or less adds nothing. Best first; equal scores order by id.
pub(crate) fn reciprocal_rank(lists: &[Ranked], k: usize, weights: &[f32]) -> Ranked {
    let weights = weights.iter().copied().chain(std::iter::repeat(1.0));
    let scored = lists.iter().zip(weights).map(|(list, weight)| {
        let score =
            move |(rank, (id, _)): (usize, &(PointId, f32))| (*id, rank_score(rank, k, weight));
        list.iter().enumerate().map(score)
    });
    best_first(scored.flatten())
}

fn rank_score(rank: usize, k: usize, weight: f32) -> f32 {
    if weight <= 0.0 {
        return 0.0;
    }
    1.0 / ((rank + 1) as f32 / weight + k as f32 - 1.0)
}

/// Fuses lists by scores: a point scores the sum of its scores over the lists it is in, each
/// brought to a scale on which 0 and 1 lie three deviations from the list's mean. Best first;
/// equal scores order by id.
///
/// A larger score is the better one, also where a list is of distances: so clients know it.
pub(crate) fn by_distribution(lists: &[Ranked]) -> Ranked {
    let scored = lists.iter().flat_map(|list| {
        let scale = Scale::of(list);
        list.iter().map(move |(id, score)| (*id, scale.score(*score)))
    });
    best_first(scored)
}

/// What brings a list's scores to one scale: where it begins and ends.
#[derive(Clone, Copy)]
struct Scale {
    from: f32,
    to: f32,
}

impl Scale {
    fn of(list: &[(PointId, f32)]) -> Self {
        // Summed up in f64: of many large scores little would be left.
        let count = list.len() as f64;
        let mean = list.iter().map(|(_, score)| f64::from(*score)).sum::<f64>() / count;
        let squares = list.iter().map(|(_, score)| (f64::from(*score) - mean).powi(2));
        // Of a sample, which one point does not have.
        let variance = if list.len() > 1 { squares.sum::<f64>() / (count - 1.0) } else { 0.0 };
        let (mean, deviation) = (mean as f32, variance.sqrt() as f32);
        Self { from: mean - DEVIATIONS * deviation, to: mean + DEVIATIONS * deviation }
    }

    fn score(self, score: f32) -> f32 {
        if self.from == self.to { MIDDLE } else { (score - self.from) / (self.to - self.from) }
    }
}

/// Sums up what each point has; the best first.
fn best_first(scored: impl Iterator<Item = (PointId, f32)>) -> Ranked {
    let mut scores: HashMap<PointId, f32> = HashMap::new();
    for (id, score) in scored {
        *scores.entry(id).or_default() += score;
    }
    let mut fused: Vec<_> = scores.into_iter().collect();
    sort(&mut fused);
    fused
}

/// The larger score first. Ties by id: whichever node ranks, in whatever order its map gives them,
/// says the same.
pub(crate) fn sort(ranked: &mut [(PointId, f32)]) {
    ranked.sort_unstable_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(scored: &[(u64, f32)]) -> Ranked {
        scored.iter().map(|(id, score)| (PointId::num(*id), *score)).collect()
    }

    fn ids(ranked: &[(PointId, f32)]) -> Vec<PointId> {
        ranked.iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn a_point_high_in_two_lists_beats_the_first_of_one() {
        let lists =
            [[1, 2, 3], [4, 2, 5]].map(|ids| ids.map(|id| (PointId::num(id), 9.0)).to_vec());
        let fused = reciprocal_rank(&lists, 2, &[]);
        assert_eq!(fused[0], (PointId::num(2), 2.0 / 3.0));
        assert_eq!(ids(&fused)[1..3], [1, 4].map(PointId::num), "equal scores order by id");
        assert_eq!(fused.len(), 5);
    }

    #[test]
    fn a_weight_presses_the_ranks_of_its_list_together() {
        let lists = [list(&[(1, 0.9), (2, 0.8)]), list(&[(2, 0.9), (1, 0.8)])];
        let fused = reciprocal_rank(&lists, 60, &[3.0, 1.0]);
        let expected = |a: f32, b: f32| 1.0 / (a / 3.0 + 59.0) + 1.0 / (b + 59.0);
        assert_eq!(fused, list(&[(2, expected(2.0, 1.0)), (1, expected(1.0, 2.0))]));
        for nothing in [0.0, -1.0] {
            let fused = reciprocal_rank(&lists, 2, &[1.0, nothing]);
            assert_eq!(fused, list(&[(1, 1.0 / 2.0), (2, 1.0 / 3.0)]), "{nothing}");
        }
    }

    #[test]
    fn scores_of_lists_come_to_one_scale() {
        // Mean 2 and deviation 1: from -1 to 5.
        let lists = [list(&[(7, 3.0), (8, 2.0), (9, 1.0)]), list(&[(9, 400.0)])];
        let fused = by_distribution(&lists);
        assert_eq!(fused, list(&[(9, 2.0 / 6.0 + 0.5), (7, 4.0 / 6.0), (8, 0.5)]));
        let equal = [list(&[(1, 3.0), (2, 3.0)]), Vec::new()];
        assert_eq!(by_distribution(&equal), list(&[(1, 0.5), (2, 0.5)]));
    }

    proptest! {
        #[test]
        fn lists_are_fused_by_scores_as_their_definition_says(
            lists in prop::collection::vec(prop::collection::vec(-9.0f32..9.0, 0..9), 0..4),
        ) {
            let lists: Vec<Ranked> = lists
                .iter()
                .map(|list| (0..).map(PointId::num).zip(list.iter().copied()).collect())
                .collect();
            for (id, score) in by_distribution(&lists) {
                let mut expected = 0.0;
                for list in &lists {
                    let Some((_, own)) = list.iter().find(|(known, _)| *known == id) else {
                        continue;
                    };
                    let all: Vec<f64> = list.iter().map(|(_, score)| f64::from(*score)).collect();
                    let mean = all.iter().sum::<f64>() / all.len() as f64;
                    let spread: f64 = all.iter().map(|score| (score - mean) * (score - mean)).sum();
                    let deviation = (spread / (all.len() as f64 - 1.0)).sqrt();
                    expected += match deviation > 0.0 {
                        true => 0.5 + (f64::from(*own) - mean) / (6.0 * deviation),
                        false => 0.5,
                    };
                }
                prop_assert!((f64::from(score) - expected).abs() < 1e-3, "{score} {expected}");
            }
        }
    }
}
