//! Writes of one group that happen together.

use prost::Message;
use vane_types::{LogIndex, PointId, Slot, VectorId};

use super::{APPLIED, SEGMENT, ShardStore};
use crate::error::Error;
use crate::keys;
use crate::kv::{Family, KvBatch};
use crate::records::{PointRecord, Row, SegmentManifest};

/// Writes that happen together or not at all.
pub struct Batch<'a> {
    store: &'a ShardStore,
    batch: KvBatch,
}

impl<'a> Batch<'a> {
    pub(super) fn new(store: &'a ShardStore) -> Self {
        Self { store, batch: KvBatch::default() }
    }

    /// Records that the effects of entries up to `index` are in this batch and those before.
    pub fn put_applied(&mut self, index: LogIndex) {
        self.put_attribute(APPLIED, &index.0.to_be_bytes());
    }

    /// Sets an attribute of the group.
    pub fn put_attribute(&mut self, name: &[u8], value: &[u8]) {
        self.batch.put(Family::Attribute, keys::attribute(self.store.group, name), value.to_vec());
    }

    /// Removes an attribute of the group.
    pub fn delete_attribute(&mut self, name: &[u8]) {
        self.batch.delete(Family::Attribute, keys::attribute(self.store.group, name));
    }

    /// Binds a point's id to its slot.
    pub fn put_point(&mut self, id: PointId, slot: Slot) {
        let slot = slot.to_be_bytes().to_vec();
        self.batch.put(Family::Point, keys::point(self.store.group, id), slot);
    }

    /// Unbinds a point's id.
    pub fn delete_point(&mut self, id: PointId) {
        self.batch.delete(Family::Point, keys::point(self.store.group, id));
    }

    /// Sets the record of a slot.
    pub fn put_record(&mut self, slot: Slot, record: &PointRecord) {
        self.batch.put(Family::Payload, keys::payload(self.store.group, slot), record.encode());
    }

    /// Removes the record of a slot.
    pub fn delete_record(&mut self, slot: Slot) {
        self.batch.delete(Family::Payload, keys::payload(self.store.group, slot));
    }

    /// Adds one value of one point to a payload index.
    pub fn put_index(&mut self, field: u16, value: &[u8], slot: Slot) {
        let key = keys::index(self.store.group, field, value, slot);
        self.batch.put(Family::Index, key, Vec::new());
    }

    /// Removes one value of one point from a payload index.
    pub fn delete_index(&mut self, field: u16, value: &[u8], slot: Slot) {
        self.batch.delete(Family::Index, keys::index(self.store.group, field, value, slot));
    }

    /// Removes a payload index.
    pub fn drop_index(&mut self, field: u16) {
        let prefix = keys::index_field(self.store.group, field);
        let end = keys::end_of(&prefix);
        self.batch.delete_range(Family::Index, prefix, end);
    }

    /// Adds a growing row.
    pub fn put_row(
        &mut self,
        vector: VectorId,
        segment: u32,
        row: u32,
        slot: Slot,
        version: LogIndex,
        values: &[f32],
    ) {
        let key = keys::row(self.store.group, vector, segment, row);
        self.batch.put(Family::Row, key, Row::encode(slot, version, values));
    }

    /// Names a sealed segment, and drops the growing rows it was made of, if any.
    pub fn put_segment(&mut self, vector: VectorId, manifest: &SegmentManifest) {
        let name = segment_name(vector, manifest.segment);
        self.put_attribute(&name, &manifest.encode_to_vec());
        // In the same batch: after a crash the rows are in one of the two places, not in both or
        // none.
        let from = keys::row(self.store.group, vector, manifest.segment, 0);
        let to = keys::row(self.store.group, vector, manifest.segment + 1, 0);
        self.batch.delete_range(Family::Row, from, to);
    }

    /// Stops naming a sealed segment.
    pub fn delete_segment(&mut self, vector: VectorId, segment: u32) {
        self.delete_attribute(&segment_name(vector, segment));
    }

    /// Removes all that is kept of a vector but its files: its growing rows, and the names of its
    /// sealed segments.
    pub fn drop_vector(&mut self, vector: VectorId) {
        let names = [SEGMENT, &vector.to_key()].concat();
        for (family, prefix) in [
            (Family::Row, keys::rows(self.store.group, vector)),
            (Family::Attribute, keys::attribute(self.store.group, &names)),
        ] {
            let end = keys::end_of(&prefix);
            self.batch.delete_range(family, prefix, end);
        }
    }

    /// Writes the batch. It is atomic at once and durable after the next sync.
    ///
    /// # Errors
    /// When the write fails; all of the batch may be there after a restart, or none.
    pub fn write(self) -> Result<(), Error> {
        self.store.kv.write(self.batch)
    }
}

fn segment_name(vector: VectorId, segment: u32) -> Vec<u8> {
    [SEGMENT, &vector.to_key(), &segment.to_be_bytes()].concat()
}
