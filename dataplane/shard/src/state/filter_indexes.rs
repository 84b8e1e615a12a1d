//! What the filter resolver may ask of a shard.

use roaring::RoaringBitmap;
use vane_filter::PayloadIndex;
use vane_storage::ShardStore;
use vane_types::{JsonPath, PointId, Slot};

use crate::segments::growing::Loc;
use crate::state::State;

/// Answers from the memory of a shard and the keys of its points.
pub(crate) struct FilterIndexes<'a> {
    pub(crate) state: &'a State,
    pub(crate) store: &'a ShardStore,
}

impl vane_filter::Indexes for FilterIndexes<'_> {
    fn index(&self, field: &JsonPath) -> Option<&PayloadIndex> {
        self.state.fields.get(field).map(|field| &field.index)
    }

    fn live(&self) -> &RoaringBitmap {
        &self.state.live
    }

    fn slot_of(&self, id: PointId) -> Option<Slot> {
        // The resolver has no place for an error of the disk: it is logged, and the id matches
        // nothing.
        self.store
            .slot(id)
            .inspect_err(|error| tracing::error!(%error, %id, "failed to look up a point"))
            .ok()
            .flatten()
    }

    fn slots_with_vector(&self, name: &str) -> Option<RoaringBitmap> {
        let (_, vector) = self.state.vector(name)?;
        let present = vector.locs.iter().enumerate().filter(|(_, loc)| **loc != Loc::NONE);
        Some(present.map(|(slot, _)| slot as Slot).collect())
    }
}
