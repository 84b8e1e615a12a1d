//! One group's part of `data.db`: atomic batches, and snapshots to read from.

use std::path::{Path, PathBuf};

use prost::Message;
use rocksdb::{Direction, IteratorMode, ReadOptions, WriteBatch};
use vane_types::{GroupId, LogIndex, PointId, Slot};

use crate::data_db::{DataDb, INDEX, META, NAME, PAYLOAD, POINT, VEC};
use crate::error::Error;
use crate::keys;
use crate::records::{PointRecord, Row, SegmentManifest};

const APPLIED: &[u8] = b"applied";
const SEGMENT: &[u8] = b"segment/";

/// Name and bytes of a value of a group's own.
pub type NamedValue = (Vec<u8>, Vec<u8>);

/// A group's keys in `data.db`, and the directory of its segment files. Cheap to clone.
#[derive(Clone)]
pub struct ShardStore {
    db: DataDb,
    group: GroupId,
    dir: PathBuf,
}

/// Writes that happen together or not at all.
pub struct Batch<'a> {
    store: &'a ShardStore,
    batch: WriteBatch,
}

/// The group's keys as they stood at one moment.
pub struct Snapshot<'a> {
    store: &'a ShardStore,
    snapshot: rocksdb::Snapshot<'a>,
}

impl ShardStore {
    /// A view on `group`'s keys; `dir` holds its segment files.
    pub fn new(db: DataDb, group: GroupId, dir: PathBuf) -> Self {
        Self { db, group, dir }
    }

    /// The group.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// Directory of one segment's files.
    pub fn segment_dir(&self, vector: u8, segment: u32) -> PathBuf {
        self.dir.join(format!("v{vector}-s{segment}"))
    }

    /// Directory of all segments of the group.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// An empty batch.
    pub fn batch(&self) -> Batch<'_> {
        Batch { store: self, batch: WriteBatch::default() }
    }

    /// A snapshot of now.
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot { store: self, snapshot: self.db.db.snapshot() }
    }

    /// Makes everything written before durable.
    pub fn sync(&self) -> Result<(), Error> {
        self.db.sync()
    }

    /// Index of the last entry whose effects are here.
    pub fn applied(&self) -> Result<LogIndex, Error> {
        match self.meta(APPLIED)? {
            Some(bytes) => bytes
                .try_into()
                .map(u64::from_be_bytes)
                .map_err(|_| Error::damaged("the applied index in data.db", "its length does not fit")),
            None => Ok(0),
        }
    }

    /// A named value of the group.
    pub fn meta(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.db.db.get_cf(self.db.family(META), keys::meta(self.group, name)).map_err(Error::rocks(NAME))
    }

    /// Named values whose name begins with `prefix`: name and value.
    pub fn metas(&self, prefix: &[u8]) -> Result<Vec<NamedValue>, Error> {
        let mut found = Vec::new();
        self.scan(META, &keys::meta(self.group, prefix), |key, value| {
            found.push((key[keys::PREFIX..].to_vec(), value.to_vec()));
            Ok(())
        })?;
        Ok(found)
    }

    /// Slot of a point that is there now.
    pub fn slot(&self, id: PointId) -> Result<Option<Slot>, Error> {
        let value = self.db.db.get_pinned_cf(self.db.family(POINT), keys::point(self.group, id));
        decode_slot(value.map_err(Error::rocks(NAME))?.as_deref())
    }

    /// Record of a slot as it is now.
    pub fn record(&self, slot: Slot) -> Result<Option<PointRecord>, Error> {
        let value = self.db.db.get_pinned_cf(self.db.family(PAYLOAD), keys::payload(self.group, slot));
        value.map_err(Error::rocks(NAME))?.map(|it| PointRecord::decode(&it)).transpose()
    }

    /// Visits all records by slot.
    pub fn records(&self, mut visit: impl FnMut(Slot, PointRecord) -> Result<(), Error>) -> Result<(), Error> {
        self.scan(PAYLOAD, &self.group.0.to_be_bytes(), |key, value| {
            let (_, slot) = keys::split_slot(key, keys::PREFIX).ok_or_else(short_key)?;
            visit(slot, PointRecord::decode(value)?)
        })
    }

    /// Visits one payload index: value key and slot, in order.
    pub fn index_entries(&self, field: u16, mut visit: impl FnMut(&[u8], Slot)) -> Result<(), Error> {
        let prefix = keys::index_field(self.group, field);
        self.scan(INDEX, &prefix, |key, _| {
            let (value, slot) = keys::split_slot(key, prefix.len()).ok_or_else(short_key)?;
            visit(value, slot);
            Ok(())
        })
    }

    /// Visits the growing rows of one vector: segment, row, and what it holds; in order.
    pub fn rows(&self, vector: u8, mut visit: impl FnMut(u32, u32, Row) -> Result<(), Error>) -> Result<(), Error> {
        let prefix = [&self.group.0.to_be_bytes()[..], &[vector]].concat();
        self.scan(VEC, &prefix, |key, value| {
            let (segment, row) = keys::split_slot(key, prefix.len()).ok_or_else(short_key)?;
            let segment = segment.try_into().map(u32::from_be_bytes).map_err(|_| short_key())?;
            visit(segment, row, Row::decode(value)?)
        })
    }

    /// Sealed segments of one vector.
    pub fn manifests(&self, vector: u8) -> Result<Vec<SegmentManifest>, Error> {
        let values = self.metas(&[SEGMENT, &[vector]].concat())?;
        values
            .into_iter()
            .map(|(_, it)| {
                SegmentManifest::decode(&*it).map_err(|e| Error::damaged("a segment manifest", e.to_string()))
            })
            .collect()
    }

    /// Removes every key of the group. Its segment files are the caller's to remove, after
    /// [`ShardStore::sync`].
    pub fn destroy(&self) -> Result<(), Error> {
        let prefix = self.group.0.to_be_bytes();
        let mut batch = self.batch();
        for family in crate::data_db::FAMILIES {
            batch.batch.delete_range_cf(self.db.family(family), prefix.to_vec(), keys::end_of(&prefix));
        }
        batch.write()
    }

    fn scan(
        &self,
        family: &str,
        prefix: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(keys::end_of(prefix));
        options.set_total_order_seek(true);
        let mode = IteratorMode::From(prefix, Direction::Forward);
        for item in self.db.db.iterator_cf_opt(self.db.family(family), options, mode) {
            let (key, value) = item.map_err(Error::rocks(NAME))?;
            visit(&key, &value)?;
        }
        Ok(())
    }
}

impl Batch<'_> {
    /// Records that the effects of entries up to `index` are in this batch and those before.
    pub fn put_applied(&mut self, index: LogIndex) {
        self.put_meta(APPLIED, &index.to_be_bytes());
    }

    /// Sets a named value.
    pub fn put_meta(&mut self, name: &[u8], value: &[u8]) {
        self.batch.put_cf(self.store.db.family(META), keys::meta(self.store.group, name), value);
    }

    /// Removes a named value.
    pub fn delete_meta(&mut self, name: &[u8]) {
        self.batch.delete_cf(self.store.db.family(META), keys::meta(self.store.group, name));
    }

    /// Binds a point's id to its slot.
    pub fn put_point(&mut self, id: PointId, slot: Slot) {
        self.batch.put_cf(self.store.db.family(POINT), keys::point(self.store.group, id), slot.to_be_bytes());
    }

    /// Unbinds a point's id.
    pub fn delete_point(&mut self, id: PointId) {
        self.batch.delete_cf(self.store.db.family(POINT), keys::point(self.store.group, id));
    }

    /// Sets the record of a slot.
    pub fn put_record(&mut self, slot: Slot, record: &PointRecord) {
        self.batch.put_cf(self.store.db.family(PAYLOAD), keys::payload(self.store.group, slot), record.encode());
    }

    /// Removes the record of a slot.
    pub fn delete_record(&mut self, slot: Slot) {
        self.batch.delete_cf(self.store.db.family(PAYLOAD), keys::payload(self.store.group, slot));
    }

    /// Adds one value of one point to a payload index.
    pub fn put_index(&mut self, field: u16, value: &[u8], slot: Slot) {
        self.batch.put_cf(self.store.db.family(INDEX), keys::index(self.store.group, field, value, slot), b"");
    }

    /// Removes one value of one point from a payload index.
    pub fn delete_index(&mut self, field: u16, value: &[u8], slot: Slot) {
        self.batch.delete_cf(self.store.db.family(INDEX), keys::index(self.store.group, field, value, slot));
    }

    /// Removes a payload index.
    pub fn drop_index(&mut self, field: u16) {
        let prefix = keys::index_field(self.store.group, field);
        let end = keys::end_of(&prefix);
        self.batch.delete_range_cf(self.store.db.family(INDEX), prefix, end);
    }

    /// Adds a growing row.
    pub fn put_row(&mut self, vector: u8, segment: u32, row: u32, slot: Slot, version: LogIndex, values: &[f32]) {
        let key = keys::row(self.store.group, vector, segment, row);
        self.batch.put_cf(self.store.db.family(VEC), key, Row::encode(slot, version, values));
    }

    /// Names a sealed segment, and drops the growing rows it was made of, if any.
    pub fn put_segment(&mut self, vector: u8, manifest: &SegmentManifest) {
        let name = segment_name(vector, manifest.segment);
        self.put_meta(&name, &manifest.encode_to_vec());
        let from = keys::row(self.store.group, vector, manifest.segment, 0);
        let to = keys::row(self.store.group, vector, manifest.segment + 1, 0);
        self.batch.delete_range_cf(self.store.db.family(VEC), from, to);
    }

    /// Stops naming a sealed segment.
    pub fn delete_segment(&mut self, vector: u8, segment: u32) {
        self.delete_meta(&segment_name(vector, segment));
    }

    /// Writes the batch. It is atomic at once and durable after the next sync.
    pub fn write(self) -> Result<(), Error> {
        self.store.db.db.write(self.batch).map_err(Error::rocks(NAME))
    }
}

impl Snapshot<'_> {
    /// Slot of a point.
    pub fn slot(&self, id: PointId) -> Result<Option<Slot>, Error> {
        let key = keys::point(self.store.group, id);
        let value = self.snapshot.get_pinned_cf(self.store.db.family(POINT), key).map_err(Error::rocks(NAME))?;
        decode_slot(value.as_deref())
    }

    /// Record of a slot.
    pub fn record(&self, slot: Slot) -> Result<Option<PointRecord>, Error> {
        let key = keys::payload(self.store.group, slot);
        let value = self.snapshot.get_pinned_cf(self.store.db.family(PAYLOAD), key).map_err(Error::rocks(NAME))?;
        value.map(|it| PointRecord::decode(&it)).transpose()
    }

    /// Records of many slots in one look-up, in the order asked for.
    pub fn records(&self, slots: &[Slot]) -> Result<Vec<Option<PointRecord>>, Error> {
        let family = self.store.db.family(PAYLOAD);
        let keys = slots.iter().map(|slot| (family, keys::payload(self.store.group, *slot)));
        let record = |value: Option<Vec<u8>>| value.map(|it| PointRecord::decode(&it)).transpose();
        self.snapshot.multi_get_cf(keys).into_iter().map(|it| record(it.map_err(Error::rocks(NAME))?)).collect()
    }

    /// Visits records by slot from `from` on, until `visit` says false.
    pub fn records_from(
        &self,
        from: Slot,
        mut visit: impl FnMut(Slot, PointRecord) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let start = keys::payload(self.store.group, from);
        self.scan(PAYLOAD, &start, |key, value| {
            let (_, slot) = keys::split_slot(key, keys::PREFIX).ok_or_else(short_key)?;
            visit(slot, PointRecord::decode(value)?)
        })
    }

    /// Visits points in id order from `from` on, until `visit` says false.
    pub fn points_from(
        &self,
        from: Option<PointId>,
        mut visit: impl FnMut(PointId, Slot) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let start =
            from.map_or_else(|| self.store.group.0.to_be_bytes().to_vec(), |id| keys::point(self.store.group, id));
        self.scan(POINT, &start, |key, value| {
            let id = key.get(keys::PREFIX..).and_then(PointId::from_key).ok_or_else(short_key)?;
            let slot = decode_slot(Some(value))?.ok_or_else(short_key)?;
            visit(id, slot)
        })
    }

    fn scan(
        &self,
        family: &str,
        start: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(keys::end_of(&self.store.group.0.to_be_bytes()));
        options.set_total_order_seek(true);
        let mode = IteratorMode::From(start, Direction::Forward);
        for item in self.snapshot.iterator_cf_opt(self.store.db.family(family), options, mode) {
            let (key, value) = item.map_err(Error::rocks(NAME))?;
            if !visit(&key, &value)? {
                break;
            }
        }
        Ok(())
    }
}

fn segment_name(vector: u8, segment: u32) -> Vec<u8> {
    [SEGMENT, &[vector], &segment.to_be_bytes()].concat()
}

fn decode_slot(value: Option<&[u8]>) -> Result<Option<Slot>, Error> {
    let number = |it: &[u8]| it.try_into().map(u32::from_be_bytes);
    value.map(number).transpose().map_err(|_| Error::damaged("a slot in data.db", "its length does not fit"))
}

fn short_key() -> Error {
    Error::damaged("a key in data.db", "its length does not fit")
}
