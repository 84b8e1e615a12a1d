//! What a shard counts over all of its points.

use vane_storage::records::PointRecord;
use vane_types::Slot;

/// Kept up to date by every entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Slot of the next new point. Part of the replicated state.
    pub(crate) next_slot: Slot,
    /// Consistency hash: what `apply::digest` says.
    pub(crate) digest: u64,
    /// Bytes of all payloads as they are stored. Not stored itself: counted when a shard is opened.
    pub(crate) payload_bytes: u64,
}

impl Totals {
    /// Counts the payload of a record in place of another one's.
    pub(crate) fn count_payload(&mut self, old: Option<&PointRecord>, new: Option<&PointRecord>) {
        let bytes = |record: Option<&PointRecord>| record.map_or(0, |it| it.payload.len() as u64);
        self.payload_bytes = (self.payload_bytes + bytes(new)).saturating_sub(bytes(old));
    }
}
