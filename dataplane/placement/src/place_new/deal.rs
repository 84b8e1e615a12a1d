//! Which shards make up the nodes' shares.
//!
//! Shards tend to share their sets of nodes. So few combinations of failures lose a shard
//! (Cidon et al., "Copysets", 2013), and the work of a failed node falls on few others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::shares::Shares;
use crate::zones::Division;

/// Candidates of each shard, in order of their places, so that every share is used up.
pub(super) fn deal(
    zones: &[Vec<usize>],
    division: Division,
    shares: Shares,
    shards: usize,
) -> Vec<Vec<usize>> {
    let mut extra = Left::new(shares.extra_of_zones.into_iter().enumerate());
    let mut left: Vec<Left> = zones
        .iter()
        .map(|zone| Left::new(zone.iter().map(|place| (*place, shares.of_nodes[*place]))))
        .collect();
    let mut dealt = Vec::with_capacity(shards);
    for _ in 0..shards {
        let mut counts: Vec<usize> = zones.iter().map(|nodes| division.base(nodes.len())).collect();
        for zone in extra.take_most(division.extra) {
            counts[zone] += 1;
        }
        let mut shard: Vec<usize> =
            left.iter_mut().zip(counts).flat_map(|(zone, count)| zone.take_most(count)).collect();
        // By place, and so by id: the leader is put first only afterwards.
        shard.sort_unstable();
        dealt.push(shard);
    }
    dealt
}

/// Columns of a matrix of zeros and ones with what their sums still lack. Giving each row's
/// ones to the columns that lack most reaches the sums whenever anything does.
struct Left(BinaryHeap<(usize, Reverse<usize>)>);

impl Left {
    fn new(columns: impl Iterator<Item = (usize, usize)>) -> Self {
        Self(
            columns
                .filter(|(_, sum)| *sum > 0)
                .map(|(column, sum)| (sum, Reverse(column)))
                .collect(),
        )
    }

    /// The columns of the next row.
    fn take_most(&mut self, ones: usize) -> Vec<usize> {
        // All are taken before any is put back: a row has at most one of each column.
        let taken: Vec<_> = std::iter::from_fn(|| self.0.pop()).take(ones).collect();
        assert_eq!(taken.len(), ones, "shares add up to the replicas of all shards");
        self.0.extend(
            taken.iter().filter(|(sum, _)| *sum > 1).map(|(sum, column)| (sum - 1, *column)),
        );
        taken.into_iter().map(|(_, Reverse(column))| column).collect()
    }
}
