//! Sets with one bit per member, and the way from and to compressed ones.

use roaring::RoaringBitmap;
use vane_types::Slot;

/// Bits per member of a set, up to which setting them one by one is faster than sorting.
const SPARSE: usize = 512;

/// The set of some slots, in any order.
pub(crate) fn set_of(mut slots: Vec<Slot>) -> RoaringBitmap {
    let (Some(min), Some(max)) = (slots.iter().min(), slots.iter().max()) else {
        return RoaringBitmap::new();
    };
    // A compressed set begins at a whole byte.
    let first = *min / 8 * 8;
    let span = (*max - first) as usize + 1;
    if span / SPARSE > slots.len() {
        slots.sort_unstable();
        return slots.into_iter().collect();
    }
    let mut bytes = vec![0_u8; span.div_ceil(8)];
    for slot in slots {
        let at = (slot - first) as usize;
        bytes[at / 8] |= 1 << (at % 8);
    }
    RoaringBitmap::from_lsb0_bytes(first, &bytes)
}

/// Containers of a compressed set: a range of 2^16 slots each.
const CONTAINER_WORDS: usize = (1 << 16) / 64;
/// A container with more slots is a bitmap.
const LIST_MAX: usize = 4096;
/// What a serialised set begins with where no container is a list of runs.
const NO_RUNS: u32 = 12346;

/// A compressed set as one bit per slot, up to the word of the greatest.
///
/// Walking through it slot by slot takes nanoseconds for each. Containers that are bitmaps are
/// copied whole, from the set's portable form (RoaringFormatSpec), which the crate offers alone.
pub fn words(set: &RoaringBitmap) -> Vec<u64> {
    let mut words = vec![0_u64; set.max().map_or(0, |max| max as usize / 64 + 1)];
    if set.len() <= LIST_MAX as u64 || copy_containers(set, &mut words).is_none() {
        for slot in set {
            words[slot as usize / 64] |= 1 << (slot % 64);
        }
    }
    words
}

/// `None` where the form is not the one that is known here; some words may be set then, of slots
/// that are in the set.
fn copy_containers(set: &RoaringBitmap, words: &mut [u64]) -> Option<()> {
    let mut bytes = Vec::with_capacity(set.serialized_size());
    set.serialize_into(&mut bytes).ok()?;
    let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    if number(0)? != NO_RUNS {
        return None;
    }
    let containers = number(4)? as usize;
    // Of each its place among the ranges and its size less one, then where each begins.
    for container in 0..containers {
        let described = number(8 + 4 * container)?;
        let (range, len) = ((described & 0xFFFF) as usize, (described >> 16) as usize + 1);
        let begin = number(8 + 4 * (containers + container))? as usize;
        let words = words.get_mut(range * CONTAINER_WORDS..)?;
        if len > LIST_MAX {
            let bitmap = bytes.get(begin..begin + CONTAINER_WORDS * size_of::<u64>())?;
            let (bitmap, _) = bitmap.as_chunks::<8>();
            for (word, bits) in words.iter_mut().zip(bitmap) {
                *word |= u64::from_le_bytes(*bits);
            }
        } else {
            let list = bytes.get(begin..begin + len * size_of::<u16>())?;
            let (list, _) = list.as_chunks::<2>();
            for slot in list {
                let at = u16::from_le_bytes(*slot) as usize;
                *words.get_mut(at / 64)? |= 1 << (at % 64);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_slots(set: &RoaringBitmap) -> Vec<u64> {
        let mut words = vec![0_u64; set.max().map_or(0, |max| max as usize / 64 + 1)];
        set.iter().for_each(|slot| words[slot as usize / 64] |= 1 << (slot % 64));
        words
    }

    proptest! {
        #[test]
        fn words_have_the_slots_of_the_set(
            // Dense, sparse and empty ranges; of a step of 1 all.
            ranges in prop::collection::vec((0_u32..6, 1_u32..40, 0_u32..65_536), 0..5),
            has_runs: bool,
        ) {
            let slots = ranges.iter().flat_map(|(range, step, last)| {
                (0..=*last).step_by(*step as usize).map(move |slot| (range << 16) + slot)
            });
            let mut set: RoaringBitmap = slots.collect::<Vec<_>>().into_iter().collect();
            if has_runs {
                set.optimize();
            }
            prop_assert_eq!(words(&set), by_slots(&set));
        }

        #[test]
        fn a_set_of_slots_has_these(
            slots in prop::collection::vec(0_u32..3000, 0..200),
            first in 0_u32..100_000,
            last in prop::option::of(0_u32..=u32::MAX),
        ) {
            let slots: Vec<u32> = slots.iter().map(|slot| first + slot).chain(last).collect();
            let expected: RoaringBitmap = slots.iter().copied().collect();
            prop_assert_eq!(set_of(slots), expected);
        }
    }

    #[test]
    fn the_form_that_is_known_is_the_one_that_is_written() {
        let set: RoaringBitmap = (0..300_000).step_by(3).collect();
        let mut words = vec![0; 300_000 / 64 + 1];
        assert_eq!(copy_containers(&set, &mut words), Some(()));
        assert_eq!(words, by_slots(&set));
    }
}
