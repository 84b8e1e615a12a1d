//! What can be asked of a group's keys, whether as they are now or as they were.

use prost::Message;
use vane_types::{GroupId, LogIndex, PointId, Slot};

use super::{APPLIED, Attribute, SEGMENT};
use crate::error::Error;
use crate::keys;
use crate::kv::{Family, KvRead, Visit};
use crate::records::{PointRecord, SegmentManifest};

/// A group's keys in a store or in a view of one.
pub(super) struct Reader<'a> {
    pub(super) kv: &'a dyn KvRead,
    pub(super) group: GroupId,
}

impl Reader<'_> {
    pub(super) fn applied(&self) -> Result<LogIndex, Error> {
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

    pub(super) fn attribute(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.kv.get(Family::Attribute, &keys::attribute(self.group, name))
    }

    pub(super) fn attributes(&self, prefix: &[u8]) -> Result<Vec<Attribute>, Error> {
        let mut found = Vec::new();
        self.scan_prefix(
            Family::Attribute,
            &keys::attribute(self.group, prefix),
            &mut |key, value| {
                found.push((key[keys::PREFIX..].to_vec(), value.to_vec()));
                Ok(true)
            },
        )?;
        Ok(found)
    }

    pub(super) fn manifests(&self, vector: u8) -> Result<Vec<SegmentManifest>, Error> {
        let values = self.attributes(&[SEGMENT, &[vector]].concat())?;
        let manifests = values.into_iter().map(|(_, value)| SegmentManifest::decode(&*value));
        let manifests = manifests.collect::<Result<Vec<_>, _>>();
        manifests.map_err(|e| Error::damaged("a segment manifest", e.to_string()))
    }

    pub(super) fn slot(&self, id: PointId) -> Result<Option<Slot>, Error> {
        self.kv
            .get(Family::Point, &keys::point(self.group, id))?
            .as_deref()
            .map(decode_slot)
            .transpose()
    }

    pub(super) fn record(&self, slot: Slot) -> Result<Option<PointRecord>, Error> {
        let value = self.kv.get(Family::Payload, &keys::payload(self.group, slot))?;
        value.map(|bytes| PointRecord::decode(&bytes)).transpose()
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
