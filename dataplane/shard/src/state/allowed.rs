//! Slots of the points that a filter leaves.

use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;

/// What payload indexes tell about a filter.
#[derive(Clone)]
pub(crate) struct Resolved {
    /// Living slots; all that match are among them.
    pub(crate) allowed: Arc<Allowed>,
    /// When false each slot must still be checked.
    pub(crate) exact: bool,
}

/// Slots that a request may return.
pub(crate) struct Allowed {
    pub(crate) slots: RoaringBitmap,
    words: OnceLock<Vec<u64>>,
}

impl Allowed {
    pub(crate) fn new(slots: RoaringBitmap) -> Self {
        Self { slots, words: OnceLock::new() }
    }

    /// The set as one bit per slot, made when first asked for.
    pub(crate) fn words(&self) -> &[u64] {
        // A walk asks for every row on its way: a bit is found faster than a member of a
        // compressed set.
        self.words.get_or_init(|| vane_filter::words(&self.slots))
    }

    /// Bytes that it takes once both forms were made, as an estimate.
    pub(crate) fn bytes_at_most(&self) -> usize {
        self.slots.serialized_size() + self.slots.max().map_or(0, |max| max as usize / 8)
    }
}
