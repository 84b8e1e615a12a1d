//! A payload index of a shard, whole or being filled.

use vane_filter::PayloadIndex;
use vane_types::{LogIndex, Slot};

/// A payload index and the number its keys are stored under.
pub(crate) struct Field {
    pub(crate) number: u16,
    pub(crate) index: PayloadIndex,
    /// The last entry that made or changed it; what is filled in before it is whole counts not.
    pub(crate) changed: LogIndex,
    /// The least slot whose point may be missing; `None` once the index is whole. Points that
    /// are written meanwhile are in it, wherever they lie.
    pub(crate) next: Option<Slot>,
}

impl Field {
    /// Whether the index has all points up to and including this slot.
    pub(crate) fn holds(&self, slot: Slot) -> bool {
        self.next.is_none_or(|next| slot < next)
    }

    /// Whether filters may be looked up in it.
    pub(crate) fn is_whole(&self) -> bool {
        self.next.is_none()
    }
}
