//! The slots of one value of a payload index.

use std::sync::Arc;

use roaring::{MultiOps, RoaringBitmap};
use vane_types::Slot;

use crate::dense;
use crate::slot_set::SlotSet;

/// Slots that are kept as a plain list: a bitmap takes a hundred bytes for each that lies apart.
const FEW: usize = 64;

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

    /// Bytes beside the posting itself.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Few(slots) => slots.capacity() * size_of::<Slot>(),
            Self::Many(slots) => slots.bytes(),
        }
    }
}

/// Slots of any of the postings. A wide range meets thousands of them: gathered and put together at
/// the end they make a bitmap much faster than one after the other.
#[derive(Default)]
pub(crate) struct Union {
    singles: Vec<Slot>,
    parts: Vec<Arc<RoaringBitmap>>,
}

impl Union {
    pub(crate) fn add(&mut self, posting: &Posting) {
        match posting {
            Posting::One(slot) => self.singles.push(*slot),
            Posting::Few(slots) => self.singles.extend_from_slice(slots),
            Posting::Many(slots) => self.parts.extend(slots.parts().cloned()),
        }
    }

    pub(crate) fn slots(self) -> RoaringBitmap {
        let mut slots = self.parts.iter().map(|part| &**part).union();
        slots |= dense::set_of(self.singles);
        slots
    }
}
