//! One payload index in memory: which slots hold which value.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use roaring::RoaringBitmap;
use vane_types::{FieldSchema, Slot};

/// What a tree entry takes beside the bytes of its key and bitmap.
const ENTRY_BYTES: usize = size_of::<Box<[u8]>>() + size_of::<Posting>();

/// Slots by value key (see [`index_keys`](crate::index_keys)).
#[derive(Debug, Clone)]
pub struct PayloadIndex {
    schema: FieldSchema,
    postings: BTreeMap<Box<[u8]>, Posting>,
    with_value: RoaringBitmap,
    /// Number of keys of the slots that have more than one.
    several: HashMap<Slot, u32>,
}

/// Slots of one value; most values of a unique field have one. It is never empty.
#[derive(Debug, Clone)]
enum Posting {
    One(Slot),
    Many(RoaringBitmap),
}

impl PayloadIndex {
    /// An index without values.
    pub fn new(schema: FieldSchema) -> Self {
        Self {
            schema,
            postings: BTreeMap::new(),
            with_value: RoaringBitmap::new(),
            several: HashMap::new(),
        }
    }

    /// Adds the slot to the value. Again adding what is there changes nothing.
    pub fn insert(&mut self, key: &[u8], slot: Slot) {
        let added = match self.postings.get_mut(key) {
            None => {
                self.postings.insert(key.into(), Posting::One(slot));
                true
            }
            Some(posting) => posting.insert(slot),
        };
        // Slots with one value, which most are, need no count.
        if added && !self.with_value.insert(slot) {
            *self.several.entry(slot).or_insert(1) += 1;
        }
    }

    /// Removes the slot from the value. Removing what is not there changes nothing.
    pub fn remove(&mut self, key: &[u8], slot: Slot) {
        let Some(posting) = self.postings.get_mut(key) else { return };
        match posting {
            Posting::One(present) if *present == slot => {
                self.postings.remove(key);
            }
            // Nothing is removed, so the counts below must stay as they are.
            Posting::One(_) => return,
            Posting::Many(slots) => {
                if !slots.remove(slot) {
                    return;
                }
                // A bitmap is made for a second slot, so one is left at least.
                if let (1, Some(last)) = (slots.len(), slots.min()) {
                    *posting = Posting::One(last);
                }
            }
        }
        match self.several.get_mut(&slot) {
            // At two, one is left, and slots with one key have no count.
            Some(keys) if *keys > 2 => *keys -= 1,
            Some(_) => {
                self.several.remove(&slot);
            }
            None => {
                self.with_value.remove(slot);
            }
        }
    }

    /// What the index was declared as.
    pub fn schema(&self) -> &FieldSchema {
        &self.schema
    }

    /// Slots with at least one key.
    pub fn slots_with_value(&self) -> &RoaringBitmap {
        &self.with_value
    }

    /// Memory taken, in bytes, as an estimate. Looks at every value.
    pub fn bytes(&self) -> usize {
        let entries: usize = self
            .postings
            .iter()
            .map(|(key, posting)| ENTRY_BYTES + key.len() + posting.bytes())
            .sum();
        entries + self.with_value.serialized_size() + self.several.len() * size_of::<(Slot, u32)>()
    }

    /// Slots with at least one of the values.
    pub(crate) fn any_of(&self, keys: impl IntoIterator<Item: AsRef<[u8]>>) -> RoaringBitmap {
        union(keys.into_iter().filter_map(|key| self.postings.get(key.as_ref())))
    }

    /// Slots with a value between the bounds.
    pub(crate) fn between(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> RoaringBitmap {
        // The tree panics on a range that ends before it starts.
        let empty = match (from, to) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (
                Bound::Included(from) | Bound::Excluded(from),
                Bound::Included(to) | Bound::Excluded(to),
            ) => from >= to,
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        };
        if empty {
            return RoaringBitmap::new();
        }
        union(self.postings.range::<[u8], _>((from, to)).map(|(_, posting)| posting))
    }

    /// Slots with a value between the keys, both included, that `keep` accepts.
    pub(crate) fn between_where(
        &self,
        from: &[u8],
        to: &[u8],
        keep: impl Fn(&[u8]) -> bool,
    ) -> RoaringBitmap {
        // The tree panics on such a range.
        if from > to {
            return RoaringBitmap::new();
        }
        let range = self.postings.range::<[u8], _>((Bound::Included(from), Bound::Included(to)));
        union(range.filter(|(key, _)| keep(key)).map(|(_, posting)| posting))
    }

    /// Slots with a value beside these, which must be distinct.
    pub(crate) fn any_beside(&self, keys: impl IntoIterator<Item: AsRef<[u8]>>) -> RoaringBitmap {
        let mut slots = self.with_value.clone();
        let mut listed: HashMap<Slot, u32> = HashMap::new();
        for posting in keys.into_iter().filter_map(|key| self.postings.get(key.as_ref())) {
            posting.for_each(|slot| {
                // A slot with several values goes only when every one of them is listed.
                if self.several.contains_key(&slot) {
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

impl Posting {
    /// Whether the slot was not there.
    fn insert(&mut self, slot: Slot) -> bool {
        match self {
            Self::One(present) if *present == slot => false,
            Self::One(present) => {
                *self = Self::Many(RoaringBitmap::from_iter([*present, slot]));
                true
            }
            Self::Many(slots) => slots.insert(slot),
        }
    }

    fn for_each(&self, f: impl FnMut(Slot)) {
        match self {
            Self::One(slot) => std::iter::once(*slot).for_each(f),
            Self::Many(slots) => slots.iter().for_each(f),
        }
    }

    /// Bytes beside the posting itself.
    fn bytes(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Many(slots) => slots.serialized_size(),
        }
    }
}

/// A wide range of a unique field meets one single slot after another; gathered and sorted
/// they make a bitmap much faster than one by one.
fn union<'a>(postings: impl Iterator<Item = &'a Posting>) -> RoaringBitmap {
    let mut singles = Vec::new();
    let mut slots = RoaringBitmap::new();
    for posting in postings {
        match posting {
            Posting::One(slot) => singles.push(*slot),
            Posting::Many(many) => slots |= many,
        }
    }
    singles.sort_unstable();
    slots |= RoaringBitmap::from_iter(singles);
    slots
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
            prop_assert_eq!(index.slots_with_value(), &slots(&|_| true));
            let keys = listed.iter().map(|key| [*key]);
            prop_assert_eq!(index.any_of(keys.clone()), slots(&|key| listed.contains(&key)));
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
