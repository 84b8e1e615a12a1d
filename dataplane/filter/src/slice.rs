//! Slices of all points, told by hashes of their ids: the same on every node, now and later.

use serde::Serialize;
use siphasher::sip::SipHasher24;
use vane_types::{OwnId, PointId};

use crate::invalid::{At, Invalid};

/// One of `total` parts that the ids fall into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Slice {
    /// From 1.
    pub total: u32,
    /// Below `total`.
    pub index: u32,
}

impl Slice {
    /// Whether a point is of this part. Its tenant does not count.
    pub(crate) fn contains(self, id: PointId) -> bool {
        // None where there are no parts.
        hash(id).checked_rem(self.total.into()) == Some(self.index.into())
    }

    pub(crate) fn validate(self, at: &At<'_>) -> Result<(), Invalid> {
        let Self { total, index } = self;
        if index < total {
            return Ok(());
        }
        Err(at
            .key("index")
            .out_of_range(format!("value {index} invalid, must be less than total {total}")))
    }
}

/// SipHash-2-4 with a key of zeros: of a number's 8 bytes, the least first, or of a UUID's 16.
fn hash(id: PointId) -> u64 {
    let hasher = SipHasher24::new();
    match id.own {
        OwnId::Num(number) => hasher.hash(&number.to_le_bytes()),
        OwnId::Uuid(uuid) => hasher.hash(uuid.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_in_one_slice_and_in_one_that_holds_it_of_fewer() {
        let ids = (0..500).map(PointId::num);
        let uuids = (0..500_u128).map(|n| PointId::from(OwnId::Uuid(uuid::Uuid::from_u128(n))));
        for id in ids.chain(uuids) {
            let of = |total| {
                let slices = (0..total).filter(|index| {
                    let index = *index;
                    Slice { total, index }.contains(id)
                });
                slices.collect::<Vec<u32>>()
            };
            let [four, two] = [of(4), of(2)];
            assert_eq!((four.len(), two.len()), (1, 1), "{id}");
            assert_eq!(four[0] % 2, two[0], "{id}");
        }
        assert!(!Slice { total: 0, index: 0 }.contains(PointId::num(1)));
    }

    /// By the reference of SipHash-2-4, written down here on its own.
    #[test]
    fn the_hash_is_siphash_2_4_with_a_key_of_zeros() {
        for number in [0, 1, 7, u64::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!(hash(PointId::num(number)), reference(&number.to_le_bytes()));
        }
        let uuid = uuid::Uuid::from_u128(0x00ff_1122_3344_5566_7788_99aa_bbcc_ddee);
        assert_eq!(hash(OwnId::Uuid(uuid).into()), reference(uuid.as_bytes()));
    }

    fn reference(bytes: &[u8]) -> u64 {
        let mut v = [
            0x736f_6d65_7073_6575_u64,
            0x646f_7261_6e64_6f6d,
            0x6c79_6765_6e65_7261,
            0x7465_6462_7974_6573,
        ];
        let round = |v: &mut [u64; 4]| {
            v[0] = v[0].wrapping_add(v[1]);
            v[1] = v[1].rotate_left(13) ^ v[0];
            v[0] = v[0].rotate_left(32);
            v[2] = v[2].wrapping_add(v[3]);
            v[3] = v[3].rotate_left(16) ^ v[2];
            v[0] = v[0].wrapping_add(v[3]);
            v[3] = v[3].rotate_left(21) ^ v[0];
            v[2] = v[2].wrapping_add(v[1]);
            v[1] = v[1].rotate_left(17) ^ v[2];
            v[2] = v[2].rotate_left(32);
        };
        let mut words: Vec<u64> = bytes
            .chunks_exact(8)
            .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
            .collect();
        // No bytes are left over here: the last word has the length alone.
        words.push((bytes.len() as u64) << 56);
        for word in words {
            v[3] ^= word;
            round(&mut v);
            round(&mut v);
            v[0] ^= word;
        }
        v[2] ^= 0xff;
        (0..4).for_each(|_| round(&mut v));
        v.into_iter().fold(0, |all, word| all ^ word)
    }
}
