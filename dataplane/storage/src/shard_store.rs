//! One group's part of `data.db`: atomic batches, views to read from, and the whole of it as a
//! file.

mod batch;
mod key_file;
mod read_view;
mod reader;
#[cfg(test)]
mod tests;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vane_types::{GroupId, Slot, VectorId};

use crate::error::Error;
use crate::keys;
use crate::kv::{Family, Kv, KvBatch};
use crate::records::{PointRecord, Row};
pub use batch::Batch;
pub use read_view::ReadView;
pub use reader::Reader;
use reader::short_key;

const APPLIED: &[u8] = b"applied";
const SEGMENT: &[u8] = b"segment/";

/// Name and value of what a group keeps beside its points.
pub type Attribute = (Vec<u8>, Vec<u8>);

/// A group's keys in a store, and the directory of its segment files. Cheap to clone.
#[derive(Clone)]
pub struct ShardStore {
    now: Reader<Arc<dyn Kv>>,
    dir: PathBuf,
}

/// What can be read of it as it is now.
impl Deref for ShardStore {
    type Target = Reader<Arc<dyn Kv>>;

    fn deref(&self) -> &Self::Target {
        &self.now
    }
}

impl ShardStore {
    /// A view on `group`'s keys in `kv`; `dir` holds its segment files.
    pub fn new(kv: impl Into<Arc<dyn Kv>>, group: GroupId, dir: PathBuf) -> Self {
        Self { now: Reader { kv: kv.into(), group }, dir }
    }

    /// Group whose keys these are.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// Directory of one segment's files.
    pub fn segment_dir(&self, vector: VectorId, segment: u32) -> PathBuf {
        self.dir.join(format!("v{vector}-s{segment}"))
    }

    /// Directory of all segments of the group.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A batch of writes to the group, still empty.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }

    /// The group as it is now, whatever is written later.
    pub fn read_view(&self) -> ReadView<'_> {
        Reader { kv: self.kv.view(), group: self.group }
    }

    /// Makes everything written before durable.
    ///
    /// # Errors
    /// When the sync fails: nothing written since the last one may be counted on.
    pub fn sync(&self) -> Result<(), Error> {
        self.kv.sync()
    }

    /// Visits all records by slot.
    ///
    /// # Errors
    /// When the store cannot be read, a record is damaged, or `visit` fails.
    pub fn records(
        &self,
        mut visit: impl FnMut(Slot, PointRecord) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let prefix = self.group.0.to_be_bytes();
        self.scan_prefix(Family::Payload, &prefix, &mut |key, value| {
            let (_, slot) = keys::split_slot(key, keys::PREFIX).ok_or_else(short_key)?;
            visit(slot, PointRecord::decode(value)?)?;
            Ok(true)
        })
    }

    /// Visits one payload index: value key and slot, in order.
    ///
    /// # Errors
    /// When the store cannot be read, or a key is damaged.
    pub fn index_entries(
        &self,
        field: u16,
        mut visit: impl FnMut(&[u8], Slot),
    ) -> Result<(), Error> {
        let prefix = keys::index_field(self.group, field);
        self.scan_prefix(Family::Index, &prefix, &mut |key, _| {
            let (value, slot) = keys::split_slot(key, prefix.len()).ok_or_else(short_key)?;
            visit(value, slot);
            Ok(true)
        })
    }

    /// Visits the growing rows of one vector: segment, row, and what it holds; in order.
    ///
    /// # Errors
    /// When the store cannot be read, a row is damaged, or `visit` fails.
    pub fn rows(
        &self,
        vector: VectorId,
        mut visit: impl FnMut(u32, u32, Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let prefix = keys::rows(self.group, vector);
        self.scan_prefix(Family::Row, &prefix, &mut |key, value| {
            let (segment, row) = keys::split_slot(key, prefix.len()).ok_or_else(short_key)?;
            let segment = segment.try_into().map(u32::from_be_bytes).map_err(|_| short_key())?;
            visit(segment, row, Row::decode(value)?)?;
            Ok(true)
        })
    }

    /// Removes every key of the group. Its segment files are the caller's to remove, after
    /// [`ShardStore::sync`].
    ///
    /// # Errors
    /// When the write fails; all keys may be there or none.
    pub fn destroy(&self) -> Result<(), Error> {
        // Each read looks at all ranges that were removed lately, which are many where very many
        // groups are made: only for what is there.
        let there = Family::ALL.into_iter().filter(|family| self.has_keys(*family));
        let families: Vec<Family> = there.collect();
        if families.is_empty() {
            return Ok(());
        }
        let prefix = self.group.0.to_be_bytes();
        let mut batch = KvBatch::default();
        for family in families {
            // Ranges: a group has too many keys to name each in one batch.
            batch.delete_range(family, prefix.to_vec(), keys::end_of(&prefix));
        }
        self.kv.write(batch)
    }

    /// Whether the group has keys, or may have some in what cannot be read.
    fn has_keys(&self, family: Family) -> bool {
        let mut is_any = false;
        let found = self.scan_prefix(family, &self.group.0.to_be_bytes(), &mut |_, _| {
            is_any = true;
            Ok(false)
        });
        is_any || found.is_err()
    }

    /// Takes the place of every key of the group with those that [`ReadView::export`] wrote
    /// into `dir`, perhaps of the same group on another node. Durable when it returns.
    ///
    /// A damaged file is refused before anything is changed. An import that was cut short is
    /// to be done again: until it is whole the group has no applied index.
    ///
    /// # Errors
    /// [`Error::Damaged`] or an unreadable file: nothing changed. Otherwise the store failed, and
    /// the group has no applied index.
    pub fn import(&self, dir: &Path) -> Result<(), Error> {
        // Once for the checksum alone: it is known at the end of the file, when it would be
        // too late to keep what is here.
        key_file::read(dir, |_, _, _| Ok(()))?;
        self.destroy()?;
        let prefix = self.group.0.to_be_bytes();
        let mut applied = None;
        // What a crash leaves of it does not count: there is no applied index beside it.
        self.kv.load(&mut |put| {
            key_file::read(dir, |family, key, value| {
                if family == Family::Attribute && key == APPLIED {
                    applied = Some(value.to_vec());
                    return Ok(());
                }
                put(family, [&prefix, key].concat(), value.to_vec())
            })
        })?;
        let mut batch = KvBatch::default();
        if let Some(applied) = applied {
            // Last: it says that all the others are there.
            batch.put(Family::Attribute, keys::attribute(self.group, APPLIED), applied);
        }
        self.kv.write(batch)?;
        self.kv.sync()
    }

    /// Bytes of the group's keys, about and where the store knows.
    pub fn bytes(&self) -> u64 {
        let prefix = self.group.0.to_be_bytes();
        let end = keys::end_of(&prefix);
        Family::ALL.into_iter().map(|family| self.kv.bytes(family, &prefix, &end)).sum()
    }
}
