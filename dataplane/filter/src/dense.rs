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
    let copied = each_container(set, |first, container| match container {
        Container::Bitmap(bitmap) => {
            let words = words.get_mut(first as usize / 64..)?;
            for (word, bits) in words.iter_mut().zip(bitmap) {
                *word |= u64::from_le_bytes(*bits);
            }
            Some(())
        }
        Container::List(list) => list.iter().try_for_each(|slot| {
            let at = (first | u32::from(u16::from_le_bytes(*slot))) as usize;
            *words.get_mut(at / 64)? |= 1 << (at % 64);
            Some(())
        }),
    });
    if copied.is_none() {
        for slot in set {
            words[slot as usize / 64] |= 1 << (slot % 64);
        }
    }
    words
}

/// The slots of a set, ascending; in a third of the time that its own walk through them takes.
pub fn members(set: &RoaringBitmap) -> Vec<Slot> {
    let mut members = Vec::with_capacity(set.len() as usize);
    let copied = each_container(set, |first, container| {
        match container {
            Container::Bitmap(bitmap) => {
                for (at, bits) in (0_u32..).zip(bitmap) {
                    let mut word = u64::from_le_bytes(*bits);
                    while word != 0 {
                        members.push(first | (at * 64) | word.trailing_zeros());
                        word &= word - 1;
                    }
                }
            }
            Container::List(list) => {
                let slot = |slot: &[u8; 2]| first | u32::from(u16::from_le_bytes(*slot));
                members.extend(list.iter().map(slot));
            }
        }
        Some(())
    });
    if copied.is_none() {
        members.clear();
        members.extend(set);
    }
    members
}

/// What a set has in a range of 2^16 slots, as it is written.
enum Container<'a> {
    Bitmap(&'a [[u8; 8]]),
    List(&'a [[u8; 2]]),
}

/// Visits the containers of a set, each with the first slot of its range, until there is none or
/// `visit` says `None`. `None` where the form is not the one that is known here, too; some may have
/// been visited then.
fn each_container(
    set: &RoaringBitmap,
    mut visit: impl FnMut(Slot, Container<'_>) -> Option<()>,
) -> Option<()> {
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
        let (range, len) = (described & 0xFFFF, (described >> 16) as usize + 1);
        let begin = number(8 + 4 * (containers + container))? as usize;
        let (item, count) = if len > LIST_MAX { (8, CONTAINER_WORDS) } else { (2, len) };
        let bytes = bytes.get(begin..begin + item * count)?;
        let container = match item {
            8 => Container::Bitmap(bytes.as_chunks().0),
            _ => Container::List(bytes.as_chunks().0),
        };
        visit(range << 16, container)?;
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
            prop_assert!(set.iter().eq(members(&set)));
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
        let set: RoaringBitmap = (0..300_000).step_by(3).chain(400_000..400_100).collect();
        let mut lens = Vec::new();
        let visited = each_container(&set, |first, container| {
            let len = match container {
                Container::Bitmap(bitmap) => bitmap.len(),
                Container::List(list) => list.len(),
            };
            lens.push((first >> 16, len));
            Some(())
        });
        assert_eq!(visited, Some(()));
        assert_eq!(lens, [(0, 1024), (1, 1024), (2, 1024), (3, 1024), (4, 1024), (6, 100)]);
    }
}
