//! `raft.db`: the logs of all groups. Every write is synced before it returns.
//!
//! Values have the protobuf fields of raft-rs's `eraftpb` (`Entry`, `HardState`), so a log
//! written here is one that raft-rs reads.

use std::path::Path;
use std::sync::Arc;

use prost::Message;
use rocksdb::{DB, DBCompressionType, DBRecoveryMode, Direction, IteratorMode, Options, ReadOptions, WriteBatch};
use rocksdb::{WriteOptions, properties};
use vane_types::{GroupId, LogIndex};

use crate::error::Error;
use crate::keys;

const DB: &str = "raft.db";
/// Keys removed in one batch of a truncation.
const TRUNCATE_BATCH_MAX: usize = 4096;

/// One entry, field for field `eraftpb.Entry`.
#[derive(Clone, PartialEq, Message)]
pub struct StoredEntry {
    /// 0 is a normal entry.
    #[prost(int32, tag = "1")]
    pub entry_type: i32,
    #[prost(uint64, tag = "2")]
    pub term: u64,
    #[prost(uint64, tag = "3")]
    pub index: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub data: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub context: Vec<u8>,
}

/// `eraftpb.HardState`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct HardState {
    #[prost(uint64, tag = "1")]
    pub term: u64,
    #[prost(uint64, tag = "2")]
    pub vote: u64,
    #[prost(uint64, tag = "3")]
    pub commit: u64,
}

/// State of one group's log.
#[derive(Clone, PartialEq, Message)]
pub struct LogState {
    #[prost(message, optional, tag = "1")]
    pub hard_state: Option<HardState>,
    #[prost(uint64, tag = "2")]
    pub last_index: u64,
    #[prost(uint64, tag = "3")]
    pub truncated_index: u64,
    #[prost(uint64, tag = "4")]
    pub truncated_term: u64,
    #[prost(uint64, tag = "5")]
    pub peer_id: u64,
}

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct LogDb {
    db: Arc<DB>,
}

impl LogDb {
    /// Opens or creates it.
    ///
    /// A damaged middle of the WAL is an error and not, as by RocksDB's default, a silent
    /// end: what lies behind it was acknowledged.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        options.set_track_and_verify_wals_in_manifest(true);
        // Most entries are truncated before their memtable is written out.
        options.set_write_buffer_size(32 << 20);
        options.set_max_write_buffer_number(3);
        options.set_max_total_wal_size(128 << 20);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_max_open_files(-1);
        options.set_keep_log_file_num(5);
        options.set_max_background_jobs(2);
        let db = DB::open(&options, path).map_err(Error::rocks(DB))?;
        Ok(Self { db: Arc::new(db) })
    }

    /// State of a group's log; `None` for a group that has none.
    pub fn state(&self, group: GroupId) -> Result<Option<LogState>, Error> {
        let value = self.db.get(keys::log_state(group)).map_err(Error::rocks(DB))?;
        value.map(|it| LogState::decode(&*it).map_err(|e| damaged(group, &e.to_string()))).transpose()
    }

    /// Appends entries and states of any number of groups in one synced write.
    pub fn append(&self, groups: &[(GroupId, LogState, Vec<StoredEntry>)]) -> Result<(), Error> {
        let mut batch = WriteBatch::default();
        for (group, state, entries) in groups {
            for entry in entries {
                batch.put(keys::entry(*group, entry.index), entry.encode_to_vec());
            }
            batch.put(keys::log_state(*group), state.encode_to_vec());
        }
        self.write(batch)
    }

    /// Visits entries from `from` on, in order; a gap is damage.
    pub fn replay<E: From<Error>>(
        &self,
        group: GroupId,
        from: LogIndex,
        mut visit: impl FnMut(StoredEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(keys::log_state(group));
        let start = keys::entry(group, from);
        let items = self.db.iterator_opt(IteratorMode::From(&start, Direction::Forward), options);
        for (expected, item) in (from..).zip(items) {
            let (_key, value) = item.map_err(Error::rocks(DB))?;
            let entry = StoredEntry::decode(&*value).map_err(|e| damaged(group, &e.to_string()))?;
            if entry.index != expected {
                return Err(damaged(group, &format!("entry {expected} is missing")).into());
            }
            visit(entry)?;
        }
        Ok(())
    }

    /// Removes entries up to `through`, which a caller has made durable elsewhere.
    ///
    /// Point deletes, not a range: range tombstones on every truncation slow iterators down
    /// (RocksDB issue 3959).
    pub fn truncate(&self, group: GroupId, through: LogIndex) -> Result<(), Error> {
        let mut state = self.state(group)?.unwrap_or_default();
        let mut batch = WriteBatch::default();
        for index in state.truncated_index + 1..=through {
            batch.delete(keys::entry(group, index));
            if batch.len() >= TRUNCATE_BATCH_MAX {
                self.db.write(std::mem::take(&mut batch)).map_err(Error::rocks(DB))?;
            }
        }
        state.truncated_index = through;
        state.truncated_term = state.hard_state.map_or(0, |it| it.term);
        batch.put(keys::log_state(group), state.encode_to_vec());
        // Unsynced: entries that come back after a power failure are skipped or truncated again.
        self.db.write(batch).map_err(Error::rocks(DB))
    }

    /// Removes a group's log.
    pub fn remove(&self, group: GroupId) -> Result<(), Error> {
        let prefix = group.0.to_be_bytes();
        let mut batch = WriteBatch::default();
        batch.delete_range(prefix.to_vec(), keys::end_of(&prefix));
        self.write(batch)
    }

    /// Groups that have a log.
    pub fn groups(&self) -> Result<Vec<GroupId>, Error> {
        let mut groups = Vec::new();
        let mut next = 0_u64;
        loop {
            let start = next.to_be_bytes();
            let mut it = self.db.iterator(IteratorMode::From(&start, Direction::Forward));
            let Some(item) = it.next() else { return Ok(groups) };
            let (key, _value) = item.map_err(Error::rocks(DB))?;
            let Some(prefix) = key.first_chunk::<8>() else {
                return Err(Error::damaged("raft.db", "a key is shorter than a group number"));
            };
            let group = u64::from_be_bytes(*prefix);
            groups.push(GroupId(group));
            let Some(behind) = group.checked_add(1) else { return Ok(groups) };
            next = behind;
        }
    }

    /// Writes memtables out, so that the WAL behind them can go.
    pub fn flush(&self) -> Result<(), Error> {
        self.db.flush().map_err(Error::rocks(DB))
    }

    /// Bytes held in memtables.
    pub fn memtable_bytes(&self) -> u64 {
        self.db.property_int_value(properties::CUR_SIZE_ALL_MEM_TABLES).ok().flatten().unwrap_or(0)
    }

    fn write(&self, batch: WriteBatch) -> Result<(), Error> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db.write_opt(batch, &options).map_err(Error::rocks(DB))
    }
}

fn damaged(group: GroupId, detail: &str) -> Error {
    Error::damaged(format!("the log of group {group} in raft.db"), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(range: std::ops::RangeInclusive<u64>) -> Vec<StoredEntry> {
        range.map(|index| StoredEntry { index, term: 1, data: vec![index as u8], ..Default::default() }).collect()
    }

    fn state(last_index: u64) -> LogState {
        LogState { last_index, ..Default::default() }
    }

    fn read(db: &LogDb, group: GroupId, from: u64) -> Result<Vec<u64>, Error> {
        let mut seen = Vec::new();
        db.replay(group, from, |it| {
            seen.push(it.index);
            Ok::<_, Error>(())
        })?;
        Ok(seen)
    }

    #[test]
    fn entries_survive_reopening_and_truncation_leaves_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (GroupId(1), GroupId(2));
        let db = LogDb::open(dir.path()).unwrap();
        db.append(&[(a, state(9), entries(1..=9)), (b, state(3), entries(1..=3))]).unwrap();
        drop(db);
        let db = LogDb::open(dir.path()).unwrap();
        db.truncate(a, 5).unwrap();
        assert_eq!(db.state(a).unwrap().unwrap().truncated_index, 5);
        assert_eq!(read(&db, a, 6).unwrap(), [6, 7, 8, 9]);
        assert_eq!(read(&db, b, 1).unwrap(), [1, 2, 3]);
        assert_eq!(db.groups().unwrap(), [a, b]);
        db.remove(a).unwrap();
        assert_eq!(db.groups().unwrap(), [b]);
    }

    #[test]
    fn a_gap_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        let db = LogDb::open(dir.path()).unwrap();
        db.append(&[(GroupId(1), state(4), [entries(1..=2), entries(4..=4)].concat())]).unwrap();
        assert!(matches!(read(&db, GroupId(1), 1), Err(Error::Damaged { .. })));
    }
}
