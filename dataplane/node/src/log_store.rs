//! `raft.db` as the log store that the raft crate asks for.

use vane_raft::{Append, GroupLog, LogEntry, LogStore, StoreError};
use vane_storage::LogDb;
use vane_storage::log_db::{HardState, LogAppend, LogState, StoredEntry};
use vane_types::{GroupId, LogIndex, PeerId, Term};

/// The adapter: neither crate knows the other.
pub(crate) struct NodeLog(pub(crate) LogDb);

fn failed(error: vane_storage::Error) -> StoreError {
    StoreError(error.to_string())
}

impl LogStore for NodeLog {
    fn group(&self, group: GroupId) -> Result<Option<GroupLog>, StoreError> {
        let state = self.0.state(group).map_err(failed)?;
        Ok(state.as_ref().map(group_log))
    }

    fn append(&self, appends: &[Append], sync: bool) -> Result<(), StoreError> {
        let appends: Vec<LogAppend> = appends.iter().map(log_append).collect();
        self.0.append(&appends, sync).map_err(failed)
    }

    fn entries(
        &self,
        group: GroupId,
        from: LogIndex,
        to: LogIndex,
        bytes_max: u64,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let entries = self.0.entries(group, from, to, bytes_max).map_err(failed)?;
        Ok(entries.into_iter().map(log_entry).collect())
    }

    fn bytes(&self, group: GroupId, first: LogIndex, last: LogIndex) -> u64 {
        self.0.bytes(group, first, last)
    }

    fn truncate(&self, group: GroupId, through: LogIndex, term: Term) -> Result<(), StoreError> {
        self.0.truncate(group, through, term).map_err(failed)
    }

    fn remove(&self, group: GroupId) -> Result<(), StoreError> {
        self.0.remove(group).map_err(failed)
    }
}

fn log_append(append: &Append) -> LogAppend {
    LogAppend {
        group: append.group,
        state: log_state(&append.log),
        entries: append.entries.iter().map(stored).collect(),
        remove: append.removed.map(|(first, last)| first..=last),
    }
}

fn group_log(state: &LogState) -> GroupLog {
    let HardState { term, vote, commit } = state.hard_state.unwrap_or_default();
    GroupLog {
        peer: PeerId(state.peer_id),
        term: Term(term),
        vote: PeerId::from_raw(vote),
        commit: LogIndex(commit),
        last_index: LogIndex(state.last_index),
        truncated_index: LogIndex(state.truncated_index),
        truncated_term: Term(state.truncated_term),
        // Stored as 0 where no installation was begun.
        installing: (state.applying != 0).then_some(LogIndex(state.applying)),
    }
}

fn log_state(log: &GroupLog) -> LogState {
    let hard_state =
        HardState { term: log.term.0, vote: PeerId::to_raw(log.vote), commit: log.commit.0 };
    LogState {
        hard_state: Some(hard_state),
        last_index: log.last_index.0,
        truncated_index: log.truncated_index.0,
        truncated_term: log.truncated_term.0,
        peer_id: log.peer.0,
        applying: log.installing.map_or(0, |index| index.0),
    }
}

fn stored(entry: &LogEntry) -> StoredEntry {
    let LogEntry { entry_type, term, index, data, context, .. } = entry.clone();
    StoredEntry { entry_type, term, index, data, context }
}

fn log_entry(entry: StoredEntry) -> LogEntry {
    let StoredEntry { entry_type, term, index, data, context } = entry;
    LogEntry { entry_type, term, index, data, context, ..LogEntry::default() }
}
