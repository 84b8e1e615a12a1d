//! A set of slots whose copies share what they have in common.
//!
//! A reader takes a copy in constant time, whatever the set's size; the next change copies the
//! list of parts and the one part that it touches, 8 KiB at most. Without readers nothing is
//! copied.

use std::ops::RangeInclusive;
use std::sync::Arc;

use roaring::RoaringBitmap;
use vane_types::Slot;

/// Sets up to this size are looked up slot by slot rather than as a whole.
const FEW: u64 = 512;

/// A set of slots, in parts of 2^16.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SlotSet {
    /// By the upper half of their slots, ascending; none is empty.
    parts: Arc<Vec<(u16, Arc<RoaringBitmap>)>>,
    len: u64,
}

impl SlotSet {
    /// Adds a slot; says whether it was not there.
    pub fn insert(&mut self, slot: Slot) -> bool {
        // Asked first: what changes nothing must copy nothing.
        if self.contains(slot) {
            return false;
        }
        let parts = Arc::make_mut(&mut self.parts);
        match parts.binary_search_by_key(&part_of(slot), |(part, _)| *part) {
            Ok(at) => {
                Arc::make_mut(&mut parts[at].1).insert(slot);
            }
            Err(at) => parts.insert(at, (part_of(slot), Arc::new([slot].into()))),
        }
        self.len += 1;
        true
    }

    /// Removes a slot; says whether it was there.
    pub fn remove(&mut self, slot: Slot) -> bool {
        if !self.contains(slot) {
            return false;
        }
        let parts = Arc::make_mut(&mut self.parts);
        if let Ok(at) = parts.binary_search_by_key(&part_of(slot), |(part, _)| *part) {
            let part = Arc::make_mut(&mut parts[at].1);
            part.remove(slot);
            if part.is_empty() {
                parts.remove(at);
            }
        }
        self.len -= 1;
        true
    }

    /// Whether the slot is in the set.
    pub fn contains(&self, slot: Slot) -> bool {
        let at = self.parts.binary_search_by_key(&part_of(slot), |(part, _)| *part);
        at.is_ok_and(|at| self.parts[at].1.contains(slot))
    }

    /// Slots of the set.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the set has no slot.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Slots of the set that lie in the range. Takes as long as the set has parts there.
    pub fn len_within(&self, range: RangeInclusive<Slot>) -> u64 {
        let (first, last) = (*range.start(), *range.end());
        let begin = self.parts.partition_point(|(part, _)| *part < part_of(first));
        let within = self.parts[begin..].iter().take_while(|(part, _)| *part <= part_of(last));
        within.map(|(_, part)| part.range_cardinality(first..=last)).sum()
    }

    /// Sets of slots that make it up together.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Arc<RoaringBitmap>> {
        self.parts.iter().map(|(_, part)| part)
    }

    /// Its slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Slot> {
        self.parts.iter().flat_map(|(_, part)| part.iter())
    }

    /// The whole set in a form of its own.
    pub fn to_bitmap(&self) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        self.add_to(&mut all);
        all
    }

    /// Adds its slots to a bitmap.
    pub fn add_to(&self, bitmap: &mut RoaringBitmap) {
        for (_, part) in &*self.parts {
            *bitmap |= &**part;
        }
    }

    /// Those of some slots that are in the set.
    #[must_use]
    pub fn intersect(&self, slots: RoaringBitmap) -> RoaringBitmap {
        if slots.len() <= FEW {
            return slots.into_iter().filter(|slot| self.contains(*slot)).collect();
        }
        // Where no point was ever deleted all are there up to the last.
        if let Some(end) = self.end_without_gaps() {
            let mut slots = slots;
            slots.remove_range(end..);
            return slots;
        }
        slots & self.to_bitmap()
    }

    /// The slot behind the last, where all before it are there.
    fn end_without_gaps(&self) -> Option<Slot> {
        let (part, slots) = self.parts.last()?;
        let last = u64::from(slots.max()?);
        let is_without = last + 1 == self.len && *part == part_of(last as Slot);
        is_without.then(|| Slot::try_from(self.len).ok())?
    }

    /// Bytes that the set takes, as an estimate.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|(_, part)| PART_BYTES + part.serialized_size()).sum()
    }
}

/// What a part takes beside its slots: its place in the list, the counters, the bitmap's frame.
const PART_BYTES: usize = 100;

fn part_of(slot: Slot) -> u16 {
    (slot >> 16) as u16
}

impl FromIterator<Slot> for SlotSet {
    fn from_iter<T: IntoIterator<Item = Slot>>(slots: T) -> Self {
        let mut set = Self::default();
        for slot in slots {
            set.insert(slot);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_set_holds_what_was_added_and_copies_keep_what_they_had(
            steps in prop::collection::vec((any::<bool>(), 0u32..4, 0u32..6), 0..80),
            range in (0u32..4, 0u32..4),
        ) {
            let (mut set, mut expected) = (SlotSet::default(), BTreeSet::new());
            let mut copies = Vec::new();
            for (add, part, slot) in steps {
                copies.push((set.clone(), expected.clone()));
                let slot = (part << 16) + slot;
                if add {
                    prop_assert_eq!(set.insert(slot), expected.insert(slot));
                } else {
                    prop_assert_eq!(set.remove(slot), expected.remove(&slot));
                }
            }
            copies.push((set, expected));
            for (set, expected) in copies {
                prop_assert!(set.iter().eq(expected.iter().copied()));
                prop_assert!(set.to_bitmap().iter().eq(expected.iter().copied()));
                prop_assert_eq!(set.len(), expected.len() as u64);
                let (first, last) = (range.0.min(range.1) << 16, (range.0.max(range.1) << 16) + 3);
                let within = expected.range(first..=last).count() as u64;
                prop_assert_eq!(set.len_within(first..=last), within);
                let some: RoaringBitmap = (0..3).chain(65_536..65_539).collect();
                let both = expected.iter().copied().filter(|slot| some.contains(*slot));
                prop_assert!(set.intersect(some.clone()).iter().eq(both));
            }
        }
    }

    #[test]
    fn many_slots_intersect_as_few_do() {
        let set: SlotSet = (0..200_000).step_by(2).collect();
        let both = set.intersect((0..150_000).step_by(3).collect());
        assert!(both.iter().eq((0..150_000).step_by(6)));
        let whole: SlotSet = (0..100_000).collect();
        let both = whole.intersect((0..150_000).step_by(3).collect());
        assert!(both.iter().eq((0..100_000).step_by(3)));
    }
}
