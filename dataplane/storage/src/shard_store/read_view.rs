//! One group as it stood at one moment.

use std::path::Path;

use vane_types::{PointId, Slot};

use super::key_file;
use super::reader::{Reader, decode_slot, short_key};
use crate::error::Error;
use crate::keys;
use crate::kv::{Family, KvRead};
use crate::records::PointRecord;

const NO_RECORD: &str = "it has a point but no record";

/// The group's keys as they stood at one moment.
pub type ReadView<'a> = Reader<Box<dyn KvRead + 'a>>;

impl ReadView<'_> {
    /// Records of many slots in one look-up, in the order asked for.
    ///
    /// # Errors
    /// When the store cannot be read, or a record is damaged.
    pub fn records(&self, slots: &[Slot]) -> Result<Vec<Option<PointRecord>>, Error> {
        let keys: Vec<_> = slots.iter().map(|slot| keys::payload(self.group, *slot)).collect();
        let values = self.kv.multi_get(Family::Payload, &keys)?;
        values
            .into_iter()
            .map(|value| value.map(|bytes| PointRecord::decode(&bytes)).transpose())
            .collect()
    }

    /// Record of a slot that has a point.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not there or cannot be read; else the store failed.
    pub fn present(&self, slot: Slot) -> Result<PointRecord, Error> {
        let missing = || Error::damaged(format!("slot {slot} of group {}", self.group), NO_RECORD);
        self.record(slot)?.ok_or_else(missing)
    }

    /// Slots of many points in one look-up, in the order asked for; `None` for those that are not
    /// there.
    ///
    /// # Errors
    /// When the store cannot be read, or a value is damaged.
    pub fn slots(&self, ids: &[PointId]) -> Result<Vec<Option<Slot>>, Error> {
        let keys: Vec<_> = ids.iter().map(|id| keys::point(self.group, *id)).collect();
        let values = self.kv.multi_get(Family::Point, &keys)?;
        values.iter().map(|value| value.as_deref().map(decode_slot).transpose()).collect()
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
        let start = keys::payload(self.group, from);
        self.scan_from(Family::Payload, &start, &mut |key, value| {
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
        let start = from
            .map_or_else(|| self.group.0.to_be_bytes().to_vec(), |id| keys::point(self.group, id));
        self.scan_from(Family::Point, &start, &mut |key, value| {
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
        let prefix = self.group.0.to_be_bytes();
        let mut file = key_file::Writer::create(dir)?;
        for family in Family::ALL {
            self.scan_prefix(family, &prefix, &mut |key, value| {
                // Whoever reads it knows the group, which every key would repeat.
                file.push(family, &key[keys::PREFIX..], value)?;
                Ok(true)
            })?;
        }
        file.finish()
    }
}
