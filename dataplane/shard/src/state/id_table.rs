//! Id and version of every point, by slot, in memory: what a search returns when neither
//! payload nor anything else on disk was asked for. 24 bytes a slot, and 4 for its tenant.

use uuid::Uuid;
use vane_types::{LogIndex, OwnId, PointId, Slot, TenantId};

/// Marks a version whose id is a UUID: log indexes stay far below it.
const IS_UUID: u64 = 1 << 63;

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    id: [u8; 16],
    version: u64,
}

/// Entries by slot. Those of deleted points stay, since slots are not given out again.
#[derive(Debug, Default)]
pub(crate) struct IdTable {
    entries: Vec<Entry>,
    /// By slot too, where a collection has tenants.
    tenants: Vec<Option<TenantId>>,
}

impl IdTable {
    pub(crate) fn set(&mut self, slot: Slot, id: PointId, version: LogIndex) {
        assert!(version.0 < IS_UUID, "a log index cannot be that large");
        let entry = match id.own {
            OwnId::Num(n) => Entry { id: u128::from(n).to_be_bytes(), version: version.0 },
            OwnId::Uuid(uuid) => Entry { id: *uuid.as_bytes(), version: version.0 | IS_UUID },
        };
        let slot = slot as usize;
        if slot >= self.entries.len() {
            self.entries.resize(slot + 1, Entry::default());
        }
        self.entries[slot] = entry;
        if id.tenant.is_some() {
            if slot >= self.tenants.len() {
                self.tenants.resize(slot + 1, None);
            }
            self.tenants[slot] = id.tenant;
        }
    }

    /// Bytes of memory that it has.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.tenants.capacity() * size_of::<Option<TenantId>>()
    }

    /// The point of a slot, which stays the same; `None` where there never was one.
    pub(crate) fn id(&self, slot: Slot) -> Option<PointId> {
        self.at(slot, LogIndex(!IS_UUID)).map(|(id, _)| id)
    }

    /// The point as it stood at `at`; `None` when it was changed since, or never was.
    pub(crate) fn at(&self, slot: Slot, at: LogIndex) -> Option<(PointId, LogIndex)> {
        let entry = self.entries.get(slot as usize)?;
        let version = LogIndex(entry.version & !IS_UUID);
        if version == LogIndex::ZERO || version > at {
            return None;
        }
        let own = match entry.version & IS_UUID {
            0 => OwnId::Num(u128::from_be_bytes(entry.id) as u64),
            _ => OwnId::Uuid(Uuid::from_bytes(entry.id)),
        };
        let tenant = self.tenants.get(slot as usize).copied().flatten();
        Some((PointId { tenant, own }, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_up_to_its_next_change() {
        let num = PointId::num(u64::MAX).of(TenantId::from_number(9).unwrap());
        let uuid = PointId::uuid(Uuid::from_u128(7));
        let mut table = IdTable::default();
        table.set(3, num, LogIndex(5));
        table.set(1, uuid, LogIndex(6));
        assert_eq!(table.at(3, LogIndex(5)), Some((num, LogIndex(5))));
        assert_eq!(table.at(1, LogIndex(9)), Some((uuid, LogIndex(6))));
        assert_eq!(table.at(1, LogIndex(5)), None, "changed since");
        assert_eq!((table.id(1), table.id(3), table.id(0)), (Some(uuid), Some(num), None));
        assert_eq!(
            (table.at(0, LogIndex(9)), table.at(77, LogIndex(9))),
            (None, None),
            "never was"
        );
    }
}
