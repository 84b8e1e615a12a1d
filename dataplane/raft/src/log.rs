//! Where logs lie: what the core asks of a disk.

use vane_types::{GroupId, LogIndex, PeerId, Term};

use crate::INITIAL_INDEX;
use crate::error::StoreError;

pub use raft::eraftpb::Entry as LogEntry;

/// What a log store knows of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupLog {
    /// This replica's peer id; never used again once it is removed.
    pub peer: PeerId,
    /// Latest term that the replica has seen.
    pub term: Term,
    /// Peer that got this replica's vote in the term.
    pub vote: Option<PeerId>,
    /// Highest index known to be committed. May lag behind: what is applied is committed.
    pub commit: LogIndex,
    /// Index of the last entry.
    pub last_index: LogIndex,
    /// Entries up to here are gone: their effects are durable elsewhere.
    pub truncated_index: LogIndex,
    /// Term of the entry at `truncated_index`.
    pub truncated_term: Term,
    /// Index of a snapshot whose installation was begun and is not known to have ended.
    pub installing: Option<LogIndex>,
}

impl GroupLog {
    /// What the log of one of a group's first replicas begins with: nothing behind an entry
    /// that never was, at [`INITIAL_INDEX`].
    pub fn founding(peer: PeerId) -> Self {
        let term = Term(INITIAL_INDEX.0);
        Self {
            peer,
            term,
            commit: INITIAL_INDEX,
            last_index: INITIAL_INDEX,
            truncated_index: INITIAL_INDEX,
            truncated_term: term,
            ..Self::default()
        }
    }

    /// What the log of a replica begins with that joins a group: nothing at all, so that it
    /// needs a snapshot.
    pub fn joining(peer: PeerId) -> Self {
        Self { peer, ..Self::default() }
    }
}

/// What changes in one group's log.
#[derive(Debug, Clone)]
pub struct Append {
    /// Group whose log changes.
    pub group: GroupId,
    /// State of the log once the entries are there.
    pub log: GroupLog,
    /// Entries, contiguous, the last of them at `log.last_index`; they take the place of
    /// any that were there.
    pub entries: Vec<LogEntry>,
    /// Indexes of entries that are no longer part of the log: first and last.
    pub removed: Option<(LogIndex, LogIndex)>,
}

/// Where logs lie.
pub trait LogStore: Send + Sync + 'static {
    /// State of one group's log; `None` for a group without one.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what this version does not know.
    fn group(&self, group: GroupId) -> Result<Option<GroupLog>, StoreError>;
    /// Changes any number of groups in one atomic write, which with `sync` is on disk when
    /// this returns.
    ///
    /// # Errors
    /// When the write or the sync fails: all of it may be on disk, or none. The caller must
    /// not go on.
    fn append(&self, appends: &[Append], sync: bool) -> Result<(), StoreError>;
    /// Entries from `from` to before `to`, contiguous, of about `bytes_max` at most but at
    /// least one. All of them are there.
    ///
    /// # Errors
    /// When the store cannot be read, or one of the entries is missing.
    fn entries(
        &self,
        group: GroupId,
        from: LogIndex,
        to: LogIndex,
        bytes_max: u64,
    ) -> Result<Vec<LogEntry>, StoreError>;
    /// Bytes that the entries `first` to `last` take, about; those are as they were when the store
    /// was opened.
    fn bytes(&self, group: GroupId, first: LogIndex, last: LogIndex) -> u64;
    /// Forgets entries up to `through`, which was of `term`; their effects are durable.
    ///
    /// # Errors
    /// When the write fails; a part of the entries may be gone, from the oldest on.
    fn truncate(&self, group: GroupId, through: LogIndex, term: Term) -> Result<(), StoreError>;
    /// Forgets the whole group, on disk when this returns.
    ///
    /// # Errors
    /// When the write fails; the log may be there or not.
    fn remove(&self, group: GroupId) -> Result<(), StoreError>;
}
