//! One payload index in memory: which slots hold which value.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use roaring::RoaringBitmap;
use vane_types::{FieldSchema, Slot};

use crate::index_key::IndexKey;
use crate::posting::{Posting, Slots, Union};
use crate::shared_map::{Gather, SharedMap};
use crate::slot_set::SlotSet;

/// What an entry takes beside the bytes of its key and slots.
const ENTRY_BYTES: usize = size_of::<IndexKey>() + size_of::<Posting>();
/// Slots by value key (see [`index_keys`](crate::index_keys)).
///
/// A copy is taken in constant time and stays as it is: a reader looks a filter up in one while
/// writers go on.
#[derive(Debug, Clone)]
pub struct PayloadIndex {
    schema: Arc<FieldSchema>,
    postings: SharedMap<IndexKey, Posting, Slots>,
    with_value: SlotSet,
    /// Number of keys of the slots that have more than one.
    several: SharedMap<Slot, u32>,
}

impl PayloadIndex {
    /// An index without values.
    pub fn new(schema: impl Into<Arc<FieldSchema>>) -> Self {
        let (postings, several) = (SharedMap::default(), SharedMap::default());
        Self { schema: schema.into(), postings, with_value: SlotSet::default(), several }
    }

    /// Adds the slot to the value. Again adding what is there changes nothing.
    pub fn insert(&mut self, key: &[u8], slot: Slot) {
        match self.postings.get(key) {
            Some(posting) if posting.contains(slot) => return,
            Some(_) => {
                if let Some(posting) = self.postings.get_mut(key) {
                    posting.insert(slot);
                }
            }
            None => self.postings.insert(key.into(), Posting::One(slot)),
        }
        // Slots with one value, which most are, need no count.
        if !self.with_value.insert(slot) {
            let keys = self.several.get(&slot).copied().unwrap_or(1);
            self.several.insert(slot, keys + 1);
        }
    }

    /// Removes the slot from the value. Removing what is not there changes nothing.
    pub fn remove(&mut self, key: &[u8], slot: Slot) {
        match self.postings.get(key) {
            Some(posting) if !posting.contains(slot) => return,
            Some(posting) if posting.len() == 1 => self.postings.remove(key),
            Some(_) => {
                if let Some(posting) = self.postings.get_mut(key) {
                    posting.remove(slot);
                }
            }
            None => return,
        }
        match self.several.get(&slot) {
            // At two, one is left, and slots with one key have no count.
            Some(keys) if *keys > 2 => {
                let left = *keys - 1;
                self.several.insert(slot, left);
            }
            Some(_) => self.several.remove(&slot),
            None => {
                self.with_value.remove(slot);
            }
        }
    }

    /// What the index was declared as.
    pub fn schema(&self) -> &Arc<FieldSchema> {
        &self.schema
    }

    /// Slots with at least one key.
    pub fn slots_with_value(&self) -> &SlotSet {
        &self.with_value
    }

    /// Different values.
    pub fn values(&self) -> usize {
        self.postings.len()
    }

    /// Values that a look-up of a range reads at most.
    pub(crate) fn range_lookups(&self) -> usize {
        self.postings.gathered_one_by_one()
    }

    /// By slot, which value it has: the number of its first one among all, in their order.
    /// `u32::MAX` where it has none.
    pub fn places(&self) -> Vec<u32> {
        let end = self.with_value.to_bitmap().max().map_or(0, |slot| slot as usize + 1);
        let (mut places, mut value) = (vec![u32::MAX; end], 0);
        self.postings.visit::<[u8]>(Bound::Unbounded, Bound::Unbounded, &mut |_, posting| {
            posting.each(&mut |slot| {
                let place = &mut places[slot as usize];
                *place = (*place).min(value);
            });
            value += 1;
        });
        places
    }

    /// Memory taken, in bytes, as an estimate. Looks at every value.
    pub fn bytes(&self) -> usize {
        let mut entries = 0;
        self.postings.visit::<[u8]>(Bound::Unbounded, Bound::Unbounded, &mut |key, posting| {
            entries += ENTRY_BYTES + key.bytes() + posting.bytes();
        });
        self.postings.visit_sums(&mut |slots| entries += slots.bytes());
        entries + self.with_value.bytes() + self.several.len() * size_of::<(Slot, u32)>()
    }

    /// Visits values between the bounds, in order or from the last to the first, until `visit` is
    /// false.
    pub(crate) fn walk(
        &self,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        backwards: bool,
        visit: &mut impl FnMut(&[u8], &Posting) -> bool,
    ) {
        self.postings.walk::<[u8]>(bounds, backwards, &mut |key, posting| {
            visit(std::borrow::Borrow::borrow(key), posting)
        });
    }

    /// Visits every value, in order.
    pub(crate) fn each_key(&self, visit: &mut dyn FnMut(&[u8])) {
        self.postings.visit::<[u8]>(Bound::Unbounded, Bound::Unbounded, &mut |key, _| {
            visit(std::borrow::Borrow::borrow(key));
        });
    }

    /// Slots with at least one of the values.
    pub(crate) fn any_of(&self, keys: impl IntoIterator<Item: AsRef<[u8]>>) -> RoaringBitmap {
        let mut found = Union::default();
        let postings = keys.into_iter().filter_map(|key| self.postings.get(key.as_ref()));
        postings.for_each(|posting| found.add(posting));
        found.slots()
    }

    /// Slots with all of the values; none where there are no values.
    pub(crate) fn all_of(&self, keys: impl IntoIterator<Item: AsRef<[u8]>>) -> RoaringBitmap {
        let postings = keys.into_iter().map(|key| self.postings.get(key.as_ref()));
        let Some(mut postings) = postings.collect::<Option<Vec<&Posting>>>() else {
            return RoaringBitmap::new();
        };
        postings.sort_unstable_by_key(|posting| posting.len());
        let mut postings = postings.into_iter();
        // From the fewest on: no set on the way is larger.
        let mut found = Union::default();
        postings.next().into_iter().for_each(|posting| found.add(posting));
        postings.fold(found.slots(), |found, posting| posting.intersect(found))
    }

    /// Slots with a value between the bounds; none where they end before they start.
    pub(crate) fn between(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> RoaringBitmap {
        self.postings.gather::<Union, [u8]>(from, to).slots()
    }

    /// Slots with a value between the keys, both included, that `keep` accepts.
    pub(crate) fn between_where(
        &self,
        from: &[u8],
        to: &[u8],
        keep: impl Fn(&[u8]) -> bool,
    ) -> RoaringBitmap {
        let mut found = Union::default();
        self.postings.visit(Bound::Included(from), Bound::Included(to), &mut |key, posting| {
            if keep(std::borrow::Borrow::borrow(key)) {
                found.add(posting);
            }
        });
        found.slots()
    }

    /// Slots with a value beside these, which must be distinct.
    pub(crate) fn any_beside(&self, keys: impl IntoIterator<Item: AsRef<[u8]>>) -> RoaringBitmap {
        let mut slots = self.with_value.to_bitmap();
        let mut listed: HashMap<Slot, u32> = HashMap::new();
        for posting in keys.into_iter().filter_map(|key| self.postings.get(key.as_ref())) {
            posting.for_each(|slot| {
                // A slot with several values goes only when every one of them is listed.
                if self.several.get(&slot).is_some() {
                    *listed.entry(slot).or_default() += 1;
                } else {
                    slots.remove(slot);
                }
            });
        }
        for (slot, count) in listed {
            if self.several.get(&slot) == Some(&count) {
                slots.remove(slot);
            }
        }
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn an_index_holds_what_was_added_and_not_removed(
            steps in prop::collection::vec((any::<bool>(), 0u8..6, 0u32..6), 0..60),
            listed in prop::collection::btree_set(0u8..6, 0..6),
        ) {
            let mut index = PayloadIndex::new(FieldSchema::Integer);
            let mut pairs = BTreeSet::new();
            for (add, key, slot) in steps {
                if add {
                    index.insert(&[key], slot);
                    pairs.insert((key, slot));
                } else {
                    index.remove(&[key], slot);
                    pairs.remove(&(key, slot));
                }
            }
            let slots = |keep: &dyn Fn(u8) -> bool| -> RoaringBitmap {
                pairs.iter().filter(|pair| keep(pair.0)).map(|pair| pair.1).collect()
            };
            prop_assert_eq!(index.slots_with_value().to_bitmap(), slots(&|_| true));
            let keys = listed.iter().map(|key| [*key]);
            prop_assert_eq!(index.any_of(keys.clone()), slots(&|key| listed.contains(&key)));
            let held = |slot: u32| listed.iter().all(|key| pairs.contains(&(*key, slot)));
            let of_all = (0..6_u32).filter(|slot| !listed.is_empty() && held(*slot));
            prop_assert_eq!(index.all_of(keys.clone()), of_all.collect::<RoaringBitmap>());
            prop_assert_eq!(index.any_beside(keys), slots(&|key| !listed.contains(&key)));
            prop_assert_eq!(
                index.between(Bound::Excluded(&[1]), Bound::Included(&[4])),
                slots(&|key| key > 1 && key <= 4)
            );
            prop_assert_eq!(
                index.between_where(&[1], &[4], |key| key != [2]),
                slots(&|key| [1, 3, 4].contains(&key))
            );
            let distinct: BTreeSet<u8> = pairs.iter().map(|pair| pair.0).collect();
            prop_assert_eq!(index.postings.len(), distinct.len(), "no value without slots is kept");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn wide_ranges_are_those_of_the_moment(
            changes in prop::collection::vec((any::<bool>(), 0u16..6000, 0u32..70_000), 1..40),
            ranges in prop::collection::vec((0u16..6000, 0u16..6000), 40),
        ) {
            let mut index = PayloadIndex::new(FieldSchema::Integer);
            let mut pairs = BTreeSet::new();
            for key in 0..6000_u16 {
                let slot = u32::from(key) * 7 % 70_000;
                index.insert(&key.to_be_bytes(), slot);
                pairs.insert((key, slot));
            }
            let before = index.bytes();
            for ((add, key, slot), (from, to)) in changes.into_iter().zip(ranges) {
                if add {
                    index.insert(&key.to_be_bytes(), slot);
                    pairs.insert((key, slot));
                } else {
                    let slot = u32::from(key) * 7 % 70_000;
                    index.remove(&key.to_be_bytes(), slot);
                    pairs.remove(&(key, slot));
                }
                let found = index.between(
                    Bound::Included(&from.to_be_bytes()),
                    Bound::Excluded(&to.to_be_bytes()),
                );
                let within = pairs.iter().filter(|pair| (from..to).contains(&pair.0));
                prop_assert_eq!(found, within.map(|pair| pair.1).collect::<RoaringBitmap>());
            }
            index.between(Bound::Unbounded, Bound::Unbounded);
            prop_assert!(index.bytes() > before, "what is kept is counted");
        }
    }

    #[test]
    fn a_range_that_ends_before_it_starts_is_empty() {
        let mut index = PayloadIndex::new(FieldSchema::Integer);
        index.insert(&[3], 1);
        assert!(index.between(Bound::Included(&[5]), Bound::Included(&[1])).is_empty());
        assert!(index.between(Bound::Excluded(&[3]), Bound::Excluded(&[3])).is_empty());
        assert!(index.between_where(&[5], &[1], |_| true).is_empty());
        assert!(index.bytes() > 0);
    }
}
