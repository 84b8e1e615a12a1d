//! `raft.db` as the log store that the raft crate asks for.

use vane_raft::{Append, GroupLog, LogEntry, LogStore, StoreError};
use vane_storage::LogDb;
use vane_storage::log_db::{HardState, LogAppend, LogState, StoredEntry};
use vane_types::{GroupId, LogIndex};

/// The adapter: neither crate knows the other.
pub(crate) struct NodeLog(pub(crate) LogDb);

fn failed(error: vane_storage::Error) -> StoreError {
    StoreError(error.to_string())
}

impl LogStore for NodeLog {
    fn group(&self, group: GroupId) -> Result<Option<GroupLog>, StoreError> {
        Ok(self.0.state(group).map_err(failed)?.map(|it| group_log(&it)))
    }

    fn append(&self, appends: &[Append], sync: bool) -> Result<(), StoreError> {
        let one = |it: &Append| LogAppend {
            group: it.group,
            state: log_state(&it.log),
            entries: it.entries.iter().map(stored).collect(),
            remove: it.removed.map(|(first, last)| first..=last),
        };
        let appends: Vec<_> = appends.iter().map(one).collect();
        self.0.append(&appends, sync).map_err(failed)
    }

    fn entries(
        &self,
        group: GroupId,
        from: LogIndex,
        to: LogIndex,
        bytes_max: u64,
    ) -> Result<Vec<LogEntry>, StoreError> {
        Ok(self
            .0
            .entries(group, from, to, bytes_max)
            .map_err(failed)?
            .into_iter()
            .map(log_entry)
            .collect())
    }

    fn truncate(&self, group: GroupId, through: LogIndex, term: u64) -> Result<(), StoreError> {
        self.0.truncate(group, through, term).map_err(failed)
    }

    fn remove(&self, group: GroupId) -> Result<(), StoreError> {
        self.0.remove(group).map_err(failed)
    }
}

fn group_log(state: &LogState) -> GroupLog {
    let HardState { term, vote, commit } = state.hard_state.unwrap_or_default();
    GroupLog {
        peer: state.peer_id,
        term,
        vote,
        commit,
        last_index: state.last_index,
        truncated_index: state.truncated_index,
        truncated_term: state.truncated_term,
        installing: state.applying,
    }
}

fn log_state(log: &GroupLog) -> LogState {
    LogState {
        hard_state: Some(HardState { term: log.term, vote: log.vote, commit: log.commit }),
        last_index: log.last_index,
        truncated_index: log.truncated_index,
        truncated_term: log.truncated_term,
        peer_id: log.peer,
        applying: log.installing,
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
