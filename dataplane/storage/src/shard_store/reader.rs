//! What can be asked of a group's keys, whether as they are now or as they were.

use std::ops::Deref;

use prost::Message;
use vane_types::{GroupId, LogIndex, PointId, Slot, VectorId};

use super::{APPLIED, Attribute, SEGMENT};
use crate::error::Error;
use crate::keys;
use crate::kv::{Family, KvRead, Visit};
use crate::records::{PointRecord, SegmentManifest};
use crate::segment_file::Pace;

/// A group's keys in a store, or in a view of one.
#[derive(Clone)]
pub struct Reader<K> {
    pub(super) kv: K,
    pub(super) group: GroupId,
}

impl<K: Deref<Target: KvRead>> Reader<K> {
    /// Index of the last entry whose effects are here.
    ///
    /// # Errors
    /// When the store cannot be read, or the value is damaged.
    pub fn applied(&self) -> Result<LogIndex, Error> {
        match self.attribute(APPLIED)? {
            Some(bytes) => {
                let index = bytes.try_into().map(u64::from_be_bytes).map_err(|_| {
                    Error::damaged("the applied index in data.db", "its length does not fit")
                })?;
                Ok(LogIndex(index))
            }
            // Also after an import that was cut short: the group counts as one that has nothing.
            None => Ok(LogIndex::ZERO),
        }
    }

    /// Value of one of the group's attributes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn attribute(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.kv.get(Family::Attribute, &keys::attribute(self.group, name))
    }

    /// Attributes whose name begins with `prefix`: name and value.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn attributes(&self, prefix: &[u8]) -> Result<Vec<Attribute>, Error> {
        let mut found = Vec::new();
        let prefix = keys::attribute(self.group, prefix);
        self.scan_prefix(Family::Attribute, &prefix, &mut |key, value| {
            found.push((key[keys::PREFIX..].to_vec(), value.to_vec()));
            Ok(true)
        })?;
        Ok(found)
    }

    /// Sealed segments of one vector.
    ///
    /// # Errors
    /// When the store cannot be read, or the value is damaged.
    pub fn manifests(&self, vector: VectorId) -> Result<Vec<SegmentManifest>, Error> {
        let values = self.attributes(&[SEGMENT, &vector.to_key()].concat())?;
        let manifests = values.into_iter().map(|(_, value)| SegmentManifest::decode(&*value));
        let manifests = manifests.collect::<Result<Vec<_>, _>>();
        manifests.map_err(|e| Error::damaged("a segment manifest", e.to_string()))
    }

    /// Slot of a point; `None` for one that is not there.
    ///
    /// # Errors
    /// When the store cannot be read, or the value is damaged.
    pub fn slot(&self, id: PointId) -> Result<Option<Slot>, Error> {
        let value = self.kv.get(Family::Point, &keys::point(self.group, id))?;
        value.as_deref().map(decode_slot).transpose()
    }

    /// Record of the point in a slot; `None` for a slot without a point.
    ///
    /// # Errors
    /// When the store cannot be read, or the value is damaged.
    pub fn record(&self, slot: Slot) -> Result<Option<PointRecord>, Error> {
        let value = self.kv.get(Family::Payload, &keys::payload(self.group, slot))?;
        value.map(|bytes| PointRecord::decode(&bytes)).transpose()
    }

    /// Reads every key and value of the group, which has their blocks' checksums compared; says
    /// whether it came to the end. `pace` is told of each pair's bytes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read_all(&self, pace: &mut Pace<'_>) -> Result<bool, Error> {
        let (prefix, mut whole) = (self.group.0.to_be_bytes(), true);
        for family in Family::ALL {
            self.scan_prefix(family, &prefix, &mut |key, value| {
                whole = pace(key.len() + value.len());
                Ok(whole)
            })?;
            if !whole {
                break;
            }
        }
        Ok(whole)
    }

    /// Visits the keys that begin with `prefix`.
    pub(super) fn scan_prefix(
        &self,
        family: Family,
        prefix: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        self.kv.scan(family, prefix, &keys::end_of(prefix), visit)
    }

    /// Visits the group's keys from `from` on.
    pub(super) fn scan_from(
        &self,
        family: Family,
        from: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        self.kv.scan(family, from, &keys::end_of(&self.group.0.to_be_bytes()), visit)
    }
}

pub(super) fn decode_slot(value: &[u8]) -> Result<Slot, Error> {
    let slot = value.try_into().map(u32::from_be_bytes);
    slot.map_err(|_| Error::damaged("a slot in data.db", "its length does not fit"))
}

pub(super) fn short_key() -> Error {
    Error::damaged("a key in data.db", "its length does not fit")
}
