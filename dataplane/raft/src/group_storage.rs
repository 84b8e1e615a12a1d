//! One group's log as raft-rs reads it: the newest entries in memory, older ones from the
//! store. Writing is the node's business; this follows it.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

use raft::eraftpb::{ConfState, HardState, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};
use vane_types::{GroupId, LogIndex, PeerId, Term};

use crate::error::StoreError;
use crate::log::{GroupLog, LogEntry, LogStore};
use crate::log_bytes::LogBytes;
use crate::machine::{Conf, SnapshotFiles};

/// What an entry takes beyond its data, about.
const ENTRY_OVERHEAD: usize = 24;

/// Bytes of entries that stay in memory although the store has them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CacheBounds {
    /// Of the newest, once they are applied.
    pub(crate) applied: usize,
    /// With those that are not.
    pub(crate) unapplied: usize,
}

pub(crate) struct GroupStorage {
    group: GroupId,
    store: Arc<dyn LogStore>,
    /// As it will be once everything handed out is written.
    pub(crate) log: GroupLog,
    /// Membership at the start; later ones are raft-rs's own to know.
    initial: ConfState,
    /// Contiguous up to `log.last_index`; may begin later than the log.
    cache: VecDeque<LogEntry>,
    cache_bytes: usize,
    bounds: CacheBounds,
    /// Last entry that the store has. Those behind it are in the cache.
    written: LogIndex,
    /// Of the entries since the truncated index.
    bytes: LogBytes,
    /// A snapshot that can be sent, and its files.
    snapshot: Option<(Snapshot, Arc<dyn SnapshotFiles>)>,
    /// Set when raft-rs asks for a snapshot and there is none: the least index it may have.
    wanted: Cell<Option<LogIndex>>,
}

impl GroupStorage {
    pub(crate) fn new(
        group: GroupId,
        store: Arc<dyn LogStore>,
        log: GroupLog,
        initial: ConfState,
        bounds: CacheBounds,
    ) -> Self {
        let (first, last) = (log.truncated_index.next(), log.last_index);
        let bytes = if first > last { 0 } else { store.bytes(group, first, last) };
        Self {
            group,
            store,
            log,
            initial,
            cache: VecDeque::new(),
            cache_bytes: 0,
            bounds,
            written: log.last_index,
            bytes: LogBytes::of(first, last, bytes),
            snapshot: None,
            wanted: Cell::new(None),
        }
    }

    /// Follows an append; says which entries are no longer part of the log.
    pub(crate) fn append(&mut self, entries: &[LogEntry]) -> Option<(LogIndex, LogIndex)> {
        let (first, last) = (entries.first()?.index, LogIndex(entries.last()?.index));
        let old_last = self.log.last_index;
        while self.cache.back().is_some_and(|entry| entry.index >= first) {
            self.drop_newest();
        }
        // A gap would make a read behind it return the wrong entries.
        if self.cache.back().is_some_and(|entry| entry.index + 1 != first) {
            self.cache.clear();
            self.cache_bytes = 0;
        }
        self.written = self.written.min(LogIndex(first - 1));
        self.bytes.cut_back(LogIndex(first));
        for entry in entries {
            self.cache_bytes += size(entry);
            self.bytes.push(LogIndex(entry.index), size(entry) as u64);
            self.cache.push_back(entry.clone());
        }
        self.log.last_index = last;
        // Entries of another leader took their place: a reader must not find them behind the end.
        (old_last > last).then_some((last.next(), old_last))
    }

    /// Follows a snapshot that takes the place of the whole log.
    pub(crate) fn restore(&mut self, index: LogIndex, term: Term) {
        self.cache.clear();
        (self.cache_bytes, self.bytes) = (0, LogBytes::default());
        self.set_snapshot(None);
        (self.log.truncated_index, self.log.truncated_term) = (index, term);
        (self.log.last_index, self.log.commit) = (index, self.log.commit.max(index));
        self.written = index;
    }

    /// Everything appended is in the store.
    pub(crate) fn set_written(&mut self, applied: LogIndex) {
        self.written = self.log.last_index;
        self.evict(applied);
    }

    /// Lets entries go that the store has, oldest first. Of those not applied more stay, since
    /// they are sure to be read once more; but not all, or a state machine that is slow would
    /// fill the memory.
    pub(crate) fn evict(&mut self, applied: LogIndex) {
        while let Some(oldest) = self.cache.front().map(|entry| LogIndex(entry.index)) {
            let CacheBounds { applied: kept, unapplied } = self.bounds;
            let bytes_max = if oldest <= applied { kept } else { kept.max(unapplied) };
            if oldest > self.written || self.cache_bytes <= bytes_max {
                break;
            }
            self.drop_oldest();
        }
    }

    /// Forgets entries up to `through`.
    pub(crate) fn truncate(&mut self, through: LogIndex) -> Result<(), StoreError> {
        let term = self
            .term(through.0)
            .map(Term)
            .map_err(|e| StoreError(format!("group {}: {e}", self.group)))?;
        self.store.truncate(self.group, through, term)?;
        self.bytes.cut_front(through);
        (self.log.truncated_index, self.log.truncated_term) = (through, term);
        while self.cache.front().is_some_and(|entry| entry.index <= through.0) {
            self.drop_oldest();
        }
        Ok(())
    }

    /// Entries in the log.
    pub(crate) fn len(&self) -> u64 {
        self.log.last_index - self.log.truncated_index
    }

    /// Bytes of the log, about.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.total()
    }

    /// Bytes of the entries behind `after` and up to `through`, about.
    pub(crate) fn bytes_between(&self, after: LogIndex, through: LogIndex) -> u64 {
        self.bytes.between(after, through)
    }

    /// Index behind which the log has so many bytes, about; where it has fewer, the one that it
    /// begins behind.
    pub(crate) fn tail(&self, bytes: u64) -> LogIndex {
        self.bytes.tail(bytes).unwrap_or(self.log.truncated_index)
    }

    /// The snapshot that raft-rs asked for in vain, once.
    pub(crate) fn take_wanted(&self) -> Option<LogIndex> {
        self.wanted.take()
    }

    /// Files of the one before go, unless it is on its way to somebody.
    pub(crate) fn set_snapshot(&mut self, snapshot: Option<(Snapshot, Arc<dyn SnapshotFiles>)>) {
        self.snapshot = snapshot;
    }

    /// Files of the snapshot at an index, if that is the one that can be sent.
    pub(crate) fn files_of(&self, index: LogIndex) -> Option<Arc<dyn SnapshotFiles>> {
        let (_, files) = self.snapshot.as_ref()?;
        (self.snapshot_index() == Some(index)).then(|| Arc::clone(files))
    }

    /// Index of the snapshot that is ready to be sent.
    pub(crate) fn snapshot_index(&self) -> Option<LogIndex> {
        self.snapshot.as_ref().map(|(snapshot, _)| LogIndex(snapshot.get_metadata().index))
    }

    fn drop_newest(&mut self) {
        if let Some(entry) = self.cache.pop_back() {
            self.cache_bytes -= size(&entry);
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.cache.pop_front() {
            self.cache_bytes -= size(&entry);
        }
    }

    /// Place of an index in the cache.
    fn place(&self, index: LogIndex) -> Option<usize> {
        let behind_first = index.0.checked_sub(self.cache.front()?.index)?;
        usize::try_from(behind_first).ok().filter(|place| *place < self.cache.len())
    }

    /// Whether a snapshot helps a peer that asked for one of at least `request_index`.
    fn fits(&self, snapshot: &Snapshot, request_index: u64, to: u64) -> bool {
        let metadata = snapshot.get_metadata();
        let members = Conf::from(metadata.get_conf_state()).members();
        // One that the log does not reach back to would be followed by the next at once; one
        // from before its receiver became a member is refused there, again and again.
        metadata.index >= request_index
            && metadata.index >= self.log.truncated_index.0
            && members.contains(&PeerId(to))
    }

    fn failed(&self, error: &StoreError) -> raft::Error {
        let text = format!("group {}: failed to read the log: {error}", self.group);
        raft::Error::Store(StorageError::Other(text.into()))
    }
}

impl Storage for GroupStorage {
    fn initial_state(&self) -> raft::Result<RaftState> {
        let GroupLog { term, vote, commit, .. } = self.log;
        let hard_state = HardState { term: term.0, vote: PeerId::to_raw(vote), commit: commit.0 };
        Ok(RaftState::new(hard_state, self.initial.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> raft::Result<Vec<LogEntry>> {
        // To raft-rs this error means that the follower needs a snapshot.
        if low <= self.log.truncated_index.0 {
            return Err(raft::Error::Store(StorageError::Compacted));
        }
        let max_size = max_size.into().unwrap_or(u64::MAX);
        // The cache has no gaps: where it has the first entry it has all that follow. What is in
        // it is not read from the store, which may still have others at those indexes.
        let cached = self.cache.front().map_or(u64::MAX, |entry| entry.index).min(high);
        let mut found = match low < cached {
            true => self
                .store
                .entries(self.group, LogIndex(low), LogIndex(cached), max_size)
                .map_err(|e| self.failed(&e))?,
            false => Vec::new(),
        };
        let next = low + found.len() as u64;
        let Some(place) = self.place(LogIndex(next)).filter(|_| next >= cached && next < high)
        else {
            return Ok(found);
        };
        let mut bytes = found.iter().map(|entry| size(entry) as u64).sum::<u64>();
        for entry in self.cache.iter().skip(place).take((high - next) as usize) {
            bytes += size(entry) as u64;
            if bytes > max_size && !found.is_empty() {
                break;
            }
            found.push(entry.clone());
        }
        Ok(found)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        let index = LogIndex(index);
        if index == self.log.truncated_index {
            return Ok(self.log.truncated_term.0);
        }
        if index < self.log.truncated_index {
            return Err(raft::Error::Store(StorageError::Compacted));
        }
        if index > self.log.last_index {
            return Err(raft::Error::Store(StorageError::Unavailable));
        }
        if let Some(place) = self.place(index) {
            return Ok(self.cache[place].term);
        }
        let found =
            self.store.entries(self.group, index, index.next(), 0).map_err(|e| self.failed(&e))?;
        found.first().map(|entry| entry.term).ok_or(raft::Error::Store(StorageError::Unavailable))
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.log.truncated_index.next().0)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.log.last_index.0)
    }

    fn snapshot(&self, request_index: u64, to: u64) -> raft::Result<Snapshot> {
        match &self.snapshot {
            Some((snapshot, _)) if self.fits(snapshot, request_index, to) => Ok(snapshot.clone()),
            _ => {
                // Making one here would hold up every group, and raft-rs takes any other error for
                // fatal.
                self.wanted.set(Some(LogIndex(request_index)));
                Err(raft::Error::Store(StorageError::SnapshotTemporarilyUnavailable))
            }
        }
    }
}

fn size(entry: &LogEntry) -> usize {
    entry.data.len() + entry.context.len() + ENTRY_OVERHEAD
}

#[cfg(test)]
mod tests;
