//! The slots of one value of a payload index.

use std::cmp::Reverse;
use std::sync::Arc;

use roaring::{MultiOps, RoaringBitmap};
use vane_types::Slot;

use crate::dense;
use crate::shared_map::Gather;
use crate::slot_set::SlotSet;

/// Slots that are kept as a plain list: a bitmap takes a hundred bytes for each that lies apart.
const FEW: usize = 64;

/// Slots up to which what several postings have is kept as a list.
const LISTED_MAX: usize = 4096;

/// Slots of one value; most values of a unique field have one. It is never empty.
#[derive(Debug, Clone)]
pub(crate) enum Posting {
    One(Slot),
    /// Ascending, each once.
    Few(Vec<Slot>),
    Many(SlotSet),
}

impl Posting {
    /// How many slots there are.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Few(slots) => slots.len() as u64,
            Self::Many(slots) => slots.len(),
        }
    }

    pub(crate) fn contains(&self, slot: Slot) -> bool {
        match self {
            Self::One(present) => *present == slot,
            Self::Few(slots) => slots.binary_search(&slot).is_ok(),
            Self::Many(slots) => slots.contains(slot),
        }
    }

    /// Every slot.
    pub(crate) fn each(&self, visit: &mut impl FnMut(Slot)) {
        match self {
            Self::One(slot) => visit(*slot),
            Self::Few(slots) => slots.iter().copied().for_each(visit),
            Self::Many(slots) => slots.iter().for_each(visit),
        }
    }

    /// How many of its slots are among some, and one of them; `None` where none is.
    pub(crate) fn within(&self, among: &RoaringBitmap) -> Option<(u64, Slot)> {
        match self {
            Self::One(slot) => among.contains(*slot).then_some((1, *slot)),
            Self::Few(slots) => {
                let mut within = slots.iter().filter(|slot| among.contains(**slot));
                let first = within.next()?;
                Some((1 + within.count() as u64, *first))
            }
            Self::Many(slots) => {
                let count = slots.parts().map(|part| part.intersection_len(among)).sum();
                let first = slots.iter().find(|slot| among.contains(*slot))?;
                Some((count, first))
            }
        }
    }

    /// Adds a slot that is not there.
    pub(crate) fn insert(&mut self, slot: Slot) {
        match self {
            Self::One(present) => *self = Self::Few(vec![slot.min(*present), slot.max(*present)]),
            Self::Few(slots) if slots.len() < FEW => {
                let (Ok(at) | Err(at)) = slots.binary_search(&slot);
                slots.insert(at, slot);
            }
            Self::Few(slots) => *self = Self::Many(slots.iter().copied().chain([slot]).collect()),
            Self::Many(slots) => {
                slots.insert(slot);
            }
        }
    }

    /// Removes a slot that is there; it is not the last.
    pub(crate) fn remove(&mut self, slot: Slot) {
        match self {
            Self::One(_) => {}
            Self::Few(slots) => slots.retain(|present| *present != slot),
            Self::Many(slots) => {
                slots.remove(slot);
            }
        }
        match self {
            Self::Few(slots) if slots.len() == 1 => *self = Self::One(slots[0]),
            // Well below the limit: one slot that comes and goes must not turn it each time.
            Self::Many(slots) if slots.len() <= FEW as u64 / 2 => {
                *self = Self::Few(slots.iter().collect());
            }
            Self::One(_) | Self::Few(_) | Self::Many(_) => {}
        }
    }

    pub(crate) fn for_each(&self, f: impl FnMut(Slot)) {
        match self {
            Self::One(slot) => std::iter::once(*slot).for_each(f),
            Self::Few(slots) => slots.iter().copied().for_each(f),
            Self::Many(slots) => slots.iter().for_each(f),
        }
    }

    /// Those of the slots that the value has.
    pub(crate) fn intersect(&self, slots: RoaringBitmap) -> RoaringBitmap {
        match self {
            Self::Many(own) => own.intersect(slots),
            Self::One(_) | Self::Few(_) => {
                slots.into_iter().filter(|slot| self.contains(*slot)).collect()
            }
        }
    }

    /// Bytes beside the posting itself.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Few(slots) => slots.capacity() * size_of::<Slot>(),
            Self::Many(slots) => slots.bytes(),
        }
    }
}

/// Slots of some postings together.
#[derive(Debug, Clone)]
pub(crate) enum Slots {
    /// In any order, perhaps repeated: a list is put into a bitmap faster than a set of few is.
    Listed(Vec<Slot>),
    Set(RoaringBitmap),
}

impl Slots {
    /// Memory taken, in bytes, as an estimate.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Listed(slots) => slots.capacity() * size_of::<Slot>(),
                Self::Set(slots) => slots.serialized_size(),
            }
    }
}

/// Slots of any of the postings. A wide range meets thousands of them: gathered and put together at
/// the end they make a bitmap much faster than one after the other.
#[derive(Default)]
pub(crate) struct Union {
    singles: Vec<Slot>,
    parts: Vec<Part>,
}

/// A set, perhaps one that a map keeps.
enum Part {
    Set(Arc<RoaringBitmap>),
    Kept(Arc<Slots>),
}

impl Part {
    fn set(&self) -> Option<&RoaringBitmap> {
        match self {
            Self::Set(slots) => Some(slots),
            Self::Kept(slots) => match &**slots {
                Slots::Listed(_) => None,
                Slots::Set(slots) => Some(slots),
            },
        }
    }
}

impl Union {
    /// All of them.
    pub(crate) fn slots(self) -> RoaringBitmap {
        let mut sets: Vec<&RoaringBitmap> = self.parts.iter().filter_map(Part::set).collect();
        // The largest first: sets of few are put into a bitmap faster than into each other.
        sets.sort_by_key(|set| Reverse(set.len()));
        let mut slots = sets.union();
        slots |= dense::set_of(self.singles);
        slots
    }
}

impl Gather<Posting> for Union {
    type Sum = Slots;

    fn add(&mut self, posting: &Posting) {
        match posting {
            Posting::One(slot) => self.singles.push(*slot),
            Posting::Few(slots) => self.singles.extend_from_slice(slots),
            Posting::Many(slots) => self.parts.extend(slots.parts().cloned().map(Part::Set)),
        }
    }

    fn add_sum(&mut self, sum: &Arc<Slots>) {
        match &**sum {
            Slots::Listed(slots) => self.singles.extend_from_slice(slots),
            Slots::Set(_) => self.parts.push(Part::Kept(Arc::clone(sum))),
        }
    }

    fn sum(mut self) -> Slots {
        if self.parts.is_empty() && self.singles.len() <= LISTED_MAX {
            self.singles.shrink_to_fit();
            return Slots::Listed(self.singles);
        }
        Slots::Set(self.slots())
    }
}
