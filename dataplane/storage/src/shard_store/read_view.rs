//! One group as it stood at one moment.

use std::path::Path;

use vane_types::{LogIndex, PointId, Slot};

use super::reader::{Reader, decode_slot, short_key};
use super::{Attribute, ShardStore, key_file};
use crate::error::Error;
use crate::keys;
use crate::kv::{Family, KvRead};
use crate::records::{PointRecord, SegmentManifest};

/// The group's keys as they stood at one moment.
pub struct ReadView<'a> {
    store: &'a ShardStore,
    view: Box<dyn KvRead + 'a>,
}

impl<'a> ReadView<'a> {
    pub(super) fn new(store: &'a ShardStore) -> Self {
        Self { store, view: store.kv.view() }
    }

    /// Index of the last entry whose effects are here.
    ///
    /// # Errors
    /// When the store cannot be read, or the value is damaged.
    pub fn applied(&self) -> Result<LogIndex, Error> {
        self.reader().applied()
    }

    /// Value of one of the group's attributes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn attribute(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.reader().attribute(name)
    }

    /// Attributes whose name begins with `prefix`: name and value.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn attributes(&self, prefix: &[u8]) -> Result<Vec<Attribute>, Error> {
        self.reader().attributes(prefix)
    }

    /// Sealed segments of one vector.
    ///
    /// # Errors
    /// When the store cannot be read, or the value is damaged.
    pub fn manifests(&self, vector: u8) -> Result<Vec<SegmentManifest>, Error> {
        self.reader().manifests(vector)
    }

    /// Slot of a point; `None` for one that is not there.
    ///
    /// # Errors
    /// When the store cannot be read, or the value is damaged.
    pub fn slot(&self, id: PointId) -> Result<Option<Slot>, Error> {
        self.reader().slot(id)
    }

    /// Record of the point in a slot; `None` for a slot without a point.
    ///
    /// # Errors
    /// When the store cannot be read, or the value is damaged.
    pub fn record(&self, slot: Slot) -> Result<Option<PointRecord>, Error> {
        self.reader().record(slot)
    }

    /// Records of many slots in one look-up, in the order asked for.
    ///
    /// # Errors
    /// When the store cannot be read, or a record is damaged.
    pub fn records(&self, slots: &[Slot]) -> Result<Vec<Option<PointRecord>>, Error> {
        let keys: Vec<_> =
            slots.iter().map(|slot| keys::payload(self.store.group, *slot)).collect();
        let values = self.view.multi_get(Family::Payload, &keys)?;
        values
            .into_iter()
            .map(|value| value.map(|bytes| PointRecord::decode(&bytes)).transpose())
            .collect()
    }

    /// Visits records by slot from `from` on, until `visit` says false.
    ///
    /// # Errors
    /// When the store cannot be read, a record is damaged, or `visit` fails.
    pub fn records_from(
        &self,
        from: Slot,
        mut visit: impl FnMut(Slot, PointRecord) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let start = keys::payload(self.store.group, from);
        self.reader().scan_from(Family::Payload, &start, &mut |key, value| {
            let (_, slot) = keys::split_slot(key, keys::PREFIX).ok_or_else(short_key)?;
            visit(slot, PointRecord::decode(value)?)
        })
    }

    /// Visits points in id order from `from` on, until `visit` says false.
    ///
    /// # Errors
    /// When the store cannot be read, a key is damaged, or `visit` fails.
    pub fn points_from(
        &self,
        from: Option<PointId>,
        mut visit: impl FnMut(PointId, Slot) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let group = self.store.group;
        let start =
            from.map_or_else(|| group.0.to_be_bytes().to_vec(), |id| keys::point(group, id));
        self.reader().scan_from(Family::Point, &start, &mut |key, value| {
            let id = key.get(keys::PREFIX..).and_then(PointId::from_key).ok_or_else(short_key)?;
            visit(id, decode_slot(value)?)
        })
    }

    /// Writes all keys of the group into the file `keys` in `dir`, which is durable when this
    /// returns. Segment files are not in it: see [`crate::segment_file::link_into`].
    ///
    /// # Errors
    /// When the store cannot be read or the file not written; it is of no use then.
    pub fn export(&self, dir: &Path) -> Result<(), Error> {
        let prefix = self.store.group.0.to_be_bytes();
        let mut file = key_file::Writer::create(dir)?;
        for family in Family::ALL {
            self.reader().scan_prefix(family, &prefix, &mut |key, value| {
                // Whoever reads it knows the group, which every key would repeat.
                file.push(family, &key[keys::PREFIX..], value)?;
                Ok(true)
            })?;
        }
        file.finish()
    }

    fn reader(&self) -> Reader<'_> {
        Reader { kv: &*self.view, group: self.store.group }
    }
}
