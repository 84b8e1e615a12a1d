//! `raft.db`: the logs of all groups, and the peers that must not come back.
//!
//! Values have the protobuf fields of raft-rs's `eraftpb` (`Entry`, `HardState`), so a log
//! written here is one that raft-rs reads. Whether a write is synced before it returns is the
//! caller's choice only where losing it breaks no promise to another node.

mod records;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use prost::Message;
use rocksdb::{DB, DBCompressionType, DBRecoveryMode, Options, Range, ReadOptions};
use rocksdb::{WriteBatch, WriteOptions};
use vane_types::{GroupId, LogIndex, PeerId, Term};

use crate::error::Error;
use crate::held::Held;
use crate::keys;
use crate::memory_limit::share_of_memory;
pub use records::{HardState, LogAppend, LogState, StoredEntry};

const DB: &str = "raft.db";
/// Bytes of each of up to three memtables, as far as they are no more than a [`SHARE`] of the
/// memory.
const MEMTABLE_BYTES_MAX: usize = 32 << 20;
const SHARE: u64 = 64;
/// Entries removed in one batch of a truncation, and the longest tail that is removed key by key.
const POINT_DELETES_MAX: u64 = 4096;
/// Bytes of an entry beside its data, with its key, and of a log's state: about, in a batch.
const ENTRY_BYTES: usize = 64;
const STATE_BYTES: usize = 128;

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct LogDb {
    db: Arc<DB>,
}

impl LogDb {
    /// Opens the database, or creates it where there is none.
    ///
    /// A damaged middle of the WAL is an error and not, as by RocksDB's default, a silent
    /// end: what lies behind it was acknowledged.
    ///
    /// # Errors
    /// When RocksDB cannot open it: a disk that fails, or damage.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        // A WAL file that is missing as a whole must be noticed too.
        options.set_track_and_verify_wals_in_manifest(true);
        // Most entries are truncated before their memtable is written out.
        options.set_write_buffer_size(share_of_memory(SHARE, MEMTABLE_BYTES_MAX));
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
    ///
    /// # Errors
    /// When the database cannot be read, or the state is damaged.
    pub fn state(&self, group: GroupId) -> Result<Option<LogState>, Error> {
        let value = self.db.get(keys::log_state(group)).map_err(Error::rocks(DB))?;
        let Some(value) = value else { return Ok(None) };
        LogState::decode(&*value).map(Some).map_err(|e| damaged(group, &e.to_string()))
    }

    /// Writes what is new of any number of groups in one batch: after a crash all of it is
    /// there or nothing.
    ///
    /// With `sync` it is on disk when this returns. Without, it is so after the next synced
    /// append: that is enough for a state of which only the commit index has moved.
    ///
    /// # Errors
    /// When the write or the sync fails: all of it may be on disk, or none.
    pub fn append(&self, groups: &[LogAppend], sync: bool) -> Result<(), Error> {
        let entries = groups.iter().flat_map(|group| &group.entries);
        let bytes: usize = entries.map(|entry| entry.data.len() + ENTRY_BYTES).sum();
        // All of it at once: what grows by and by is moved again and again.
        let mut batch = WriteBatch::with_capacity_bytes(bytes + groups.len() * STATE_BYTES);
        for LogAppend { group, state, entries, remove } in groups {
            // First: an entry that takes the place of a removed one must stay.
            if let Some(remove) = remove {
                remove_entries(&mut batch, *group, *remove.start(), *remove.end());
            }
            for entry in entries {
                batch.put(keys::entry(*group, LogIndex(entry.index)), entry.encode_to_vec());
            }
            batch.put(keys::log_state(*group), state.encode_to_vec());
        }
        self.write(batch, sync)
    }

    /// Entries from `from` on and below `to`, in order, up to `bytes_max` of their stored
    /// form but at least one. There are fewer where the log ends; a gap is damage.
    ///
    /// # Errors
    /// When the database cannot be read, or an entry before the end is missing or damaged.
    pub fn entries(
        &self,
        group: GroupId,
        from: LogIndex,
        to: LogIndex,
        bytes_max: u64,
    ) -> Result<Vec<StoredEntry>, Error> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(keys::entry(group, to));
        let mut cursor = self.db.raw_iterator_opt(options);
        cursor.seek(keys::entry(group, from));
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while let Some((_key, value)) = cursor.item() {
            bytes += value.len() as u64;
            if bytes > bytes_max && !entries.is_empty() {
                return Ok(entries);
            }
            let entry = StoredEntry::decode(value).map_err(|e| damaged(group, &e.to_string()))?;
            let expected = from + entries.len() as u64;
            if LogIndex(entry.index) != expected {
                return Err(damaged(group, &format!("entry {expected} is missing")));
            }
            entries.push(entry);
            cursor.next();
        }
        // A failing disk ends the cursor too, and must not look like the end of the log.
        cursor.status().map_err(Error::rocks(DB))?;
        Ok(entries)
    }

    /// Bytes that the entries `first` to `last` take on disk, about, without reading them. What
    /// was written since the database was opened counts only once it left memory.
    pub fn bytes(&self, group: GroupId, first: LogIndex, last: LogIndex) -> u64 {
        let (from, to) = (keys::entry(group, first), keys::entry(group, last.next()));
        self.db.get_approximate_sizes(&[Range::new(&from, &to)]).into_iter().sum()
    }

    /// Removes entries up to `through`, whose term is `term` and whose effects a caller has
    /// made durable elsewhere. Nothing happens where they are gone already, or the group is.
    ///
    /// Reads the group's state and writes it back with other truncated fields: the caller is
    /// the only one that writes the group's state meanwhile.
    ///
    /// Point deletes, not a range: range tombstones on every truncation slow iterators down
    /// (RocksDB issue 3959). Each batch is a truncation of its own, so that a crash between
    /// two leaves neither a gap behind the truncated index nor entries below it.
    ///
    /// # Errors
    /// When a batch cannot be written; the log is shorter then by those before it.
    pub fn truncate(&self, group: GroupId, through: LogIndex, term: Term) -> Result<(), Error> {
        let Some(mut state) = self.state(group)? else { return Ok(()) };
        while state.truncated_index < through.0 {
            let truncated = LogIndex(state.truncated_index);
            let (first, last) = (truncated.next(), through.min(truncated + POINT_DELETES_MAX));
            // Raft asks for the term at the truncated index, also where a crash stops between two
            // batches.
            let last_term = if last == through { term } else { self.term(group, last)? };
            (state.truncated_index, state.truncated_term) = (last.0, last_term.0);
            let mut batch = WriteBatch::default();
            remove_entries(&mut batch, group, first, last);
            batch.put(keys::log_state(group), state.encode_to_vec());
            // A power failure may bring entries back, with the state that goes with them.
            self.write(batch, false)?;
        }
        Ok(())
    }

    /// Removes a group's log. The tombstones of its peers stay.
    ///
    /// # Errors
    /// When the write fails; the log may be there or not.
    pub fn remove(&self, group: GroupId) -> Result<(), Error> {
        let prefix = group.0.to_be_bytes();
        let mut batch = WriteBatch::default();
        // A range, unlike a truncation: it happens once in the life of a group.
        batch.delete_range(prefix.to_vec(), keys::end_of(&prefix));
        self.write(batch, true)
    }

    /// Groups that have a log.
    ///
    /// # Errors
    /// When the database cannot be read, or has a key that is none of its own.
    pub fn groups(&self) -> Result<Vec<GroupId>, Error> {
        let mut groups = Vec::new();
        let mut options = ReadOptions::default();
        // Tombstones order behind all logs, and outlive them.
        options.set_iterate_upper_bound(keys::TOMBSTONES);
        let mut cursor = self.db.raw_iterator_opt(options);
        cursor.seek_to_first();
        while let Some(key) = cursor.key() {
            let Some(prefix) = key.first_chunk::<{ keys::PREFIX }>() else {
                return Err(Error::damaged(DB, "a key is shorter than a group number"));
            };
            groups.push(GroupId(u64::from_be_bytes(*prefix)));
            // One seek a group, however long its log.
            cursor.seek(keys::end_of(prefix));
        }
        cursor.status().map_err(Error::rocks(DB))?;
        Ok(groups)
    }

    /// Records for good that a peer of a group was removed: no message may bring it back.
    ///
    /// # Errors
    /// When the write fails; the peer may be buried or not.
    pub fn bury(&self, group: GroupId, peer: PeerId) -> Result<(), Error> {
        let mut batch = WriteBatch::default();
        batch.put(keys::tombstone(group, peer), b"");
        // Synced: a power failure must not bring back the peer's vote.
        self.write(batch, true)
    }

    /// Whether a peer of a group was buried.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_buried(&self, group: GroupId, peer: PeerId) -> Result<bool, Error> {
        let value = self.db.get_pinned(keys::tombstone(group, peer)).map_err(Error::rocks(DB))?;
        Ok(value.is_some())
    }

    /// Writes memtables out, so that the WAL behind them can go.
    ///
    /// # Errors
    /// When a memtable cannot be written out; what it holds is still in the WAL.
    pub fn flush(&self) -> Result<(), Error> {
        self.db.flush().map_err(Error::rocks(DB))
    }

    /// What it holds in memory.
    pub fn held(&self) -> Held {
        Held::of(&self.db, self.db.cf_handle(rocksdb::DEFAULT_COLUMN_FAMILY_NAME))
    }

    fn term(&self, group: GroupId, index: LogIndex) -> Result<Term, Error> {
        let value = self.db.get_pinned(keys::entry(group, index)).map_err(Error::rocks(DB))?;
        let value = value.ok_or_else(|| damaged(group, &format!("entry {index} is missing")))?;
        let entry = StoredEntry::decode(&*value).map_err(|e| damaged(group, &e.to_string()))?;
        Ok(Term(entry.term))
    }

    fn write(&self, batch: WriteBatch, sync: bool) -> Result<(), Error> {
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        self.db.write_opt(batch, &options).map_err(Error::rocks(DB))
    }
}

/// Removes entries `first` to `last`; a long run, which only a snapshot leaves behind, as a range.
fn remove_entries(batch: &mut WriteBatch, group: GroupId, first: LogIndex, last: LogIndex) {
    if first > last {
        return;
    }
    if last - first >= POINT_DELETES_MAX {
        batch.delete_range(keys::entry(group, first), keys::end_of(&keys::entry(group, last)));
    } else {
        (first.0..=last.0).for_each(|index| batch.delete(keys::entry(group, LogIndex(index))));
    }
}

fn damaged(group: GroupId, detail: &str) -> Error {
    Error::damaged(format!("the log of group {group} in raft.db"), detail)
}
