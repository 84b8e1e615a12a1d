//! What the filter resolver may ask of a shard.

use std::cell::RefCell;

use roaring::RoaringBitmap;
use vane_filter::PayloadIndex;
use vane_storage::{Error, ShardStore};
use vane_types::{JsonPath, PointId, Slot};

use crate::segments::growing::Loc;
use crate::state::State;

/// Answers from the memory of a shard and the keys of its points.
pub(crate) struct FilterIndexes<'a> {
    state: &'a State,
    store: &'a ShardStore,
    /// The resolver has no place for an error of the disk: it is kept here.
    failed: RefCell<Option<Error>>,
}

impl<'a> FilterIndexes<'a> {
    pub(crate) fn new(state: &'a State, store: &'a ShardStore) -> Self {
        Self { state, store, failed: RefCell::new(None) }
    }

    /// Whether all that was asked could be looked up. Where not, what was resolved lacks points.
    ///
    /// # Errors
    /// What the disk said.
    pub(crate) fn check(self) -> Result<(), Error> {
        self.failed.into_inner().map_or(Ok(()), Err)
    }
}

impl vane_filter::Indexes for FilterIndexes<'_> {
    fn index(&self, field: &JsonPath) -> Option<&PayloadIndex> {
        self.state.fields.get(field).map(|field| &field.index)
    }

    fn live(&self) -> &RoaringBitmap {
        &self.state.live
    }

    fn slot_of(&self, id: PointId) -> Option<Slot> {
        let found = self.store.slot(id);
        found.unwrap_or_else(|error| {
            self.failed.borrow_mut().get_or_insert(error);
            None
        })
    }

    fn slots_with_vector(&self, name: &str) -> Option<RoaringBitmap> {
        let (_, vector) = self.state.vector(name)?;
        let present = vector.locs.iter().enumerate().filter(|(_, loc)| **loc != Loc::NONE);
        Some(present.map(|(slot, _)| slot as Slot).collect())
    }
}
