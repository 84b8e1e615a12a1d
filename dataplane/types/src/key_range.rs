//! Ranges of the hash space that a collection's shards divide.

use serde::{Deserialize, Serialize};

/// Hashes from `first` to `last`, both included, of the space that
/// [`PointId::routing_hash`](crate::PointId::routing_hash) falls into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyRange {
    /// The lowest hash in the range.
    pub first: u64,
    /// The highest hash in the range.
    pub last: u64,
}

/// Counts how often a shard's key range was changed. A request that was routed by an earlier
/// count may be at a shard that its points do not belong to any more.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct RangeEpoch(pub u64);

impl RangeEpoch {
    /// Of a range that is as its collection began.
    pub const FIRST: Self = Self(0);
}

/// The hashes that belong to a shard, as of a count of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ShardRange {
    /// The hashes.
    pub keys: KeyRange,
    /// Changes of them so far.
    pub epoch: RangeEpoch,
}

impl KeyRange {
    /// The whole space.
    pub const ALL: Self = Self { first: 0, last: u64::MAX };

    /// One of `parts` ranges that divide the whole space as evenly as it goes; `ordinal` is
    /// below `parts`.
    pub fn equal_part(ordinal: usize, parts: usize) -> Self {
        // Hash `h` is in part `h * parts / 2^64`, rounded down: a part begins at the lowest
        // hash for which that is its ordinal.
        let begin = |ordinal: usize| ((ordinal as u128) << 64).div_ceil(parts as u128);
        Self { first: begin(ordinal) as u64, last: (begin(ordinal + 1) - 1) as u64 }
    }

    /// Ordinal of the equal part, of so many, that a hash is in.
    pub fn equal_part_of(hash: u64, parts: usize) -> usize {
        // No remainder: parts must be ranges, so that a shard can be halved without moving other
        // ids.
        ((u128::from(hash) * parts as u128) >> 64) as usize
    }

    /// Whether a hash is in the range.
    pub fn contains(self, hash: u64) -> bool {
        (self.first..=self.last).contains(&hash)
    }

    /// Whether some hash is in both.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SHARDS_MAX;
    use proptest::prelude::*;

    #[test]
    fn one_part_is_the_whole_space() {
        assert_eq!(KeyRange::equal_part(0, 1), KeyRange::ALL);
        assert_eq!(KeyRange::equal_part(0, 2), KeyRange { first: 0, last: u64::MAX / 2 });
    }

    #[test]
    fn a_range_has_both_of_its_ends() {
        let range = KeyRange { first: 3, last: 5 };
        assert_eq!([2, 3, 5, 6].map(|hash| range.contains(hash)), [false, true, true, false]);
        let overlaps = |first, last| range.overlaps(KeyRange { first, last });
        assert!(overlaps(0, 3) && overlaps(5, 9) && overlaps(4, 4) && overlaps(0, 9));
        assert!(!overlaps(0, 2) && !overlaps(6, 9));
    }

    /// Points lie where these say: another value would lose stored points.
    #[test]
    fn where_equal_parts_begin_never_changes() {
        let thirds = [0, 1, 2].map(|ordinal| KeyRange::equal_part(ordinal, 3).first);
        assert_eq!(thirds, [0, 0x5555_5555_5555_5556, 0xaaaa_aaaa_aaaa_aaab]);
    }

    proptest! {
        #[test]
        fn equal_parts_cover_the_space_without_gaps(parts in 1..=SHARDS_MAX as usize) {
            let ranges: Vec<KeyRange> =
                (0..parts).map(|ordinal| KeyRange::equal_part(ordinal, parts)).collect();
            prop_assert_eq!(ranges[0].first, 0);
            prop_assert_eq!(ranges[parts - 1].last, u64::MAX);
            for pair in ranges.windows(2) {
                prop_assert_eq!(pair[0].last + 1, pair[1].first);
            }
            let sizes = ranges.iter().map(|range| range.last - range.first);
            let (least, most) = (sizes.clone().min().unwrap(), sizes.max().unwrap());
            prop_assert!(most - least <= 1, "{least} {most}");
        }

        #[test]
        fn a_hash_is_in_its_part_and_in_no_other(
            hash in any::<u64>(),
            parts in 1..=SHARDS_MAX as usize,
        ) {
            let ordinal = KeyRange::equal_part_of(hash, parts);
            prop_assert!(ordinal < parts);
            for other in 0..parts {
                let range = KeyRange::equal_part(other, parts);
                prop_assert_eq!(range.contains(hash), other == ordinal);
            }
        }
    }
}
