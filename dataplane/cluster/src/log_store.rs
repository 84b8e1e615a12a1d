//! `raft.db` as the log store that the raft crate asks for.

use vane_raft::{Append, Entry, GroupLog, LogStore, StoreError};
use vane_storage::LogDb;
use vane_storage::log_db::{HardState, LogState, StoredEntry};
use vane_types::{GroupId, LogIndex};

/// This node's peer id in every group while a group has one voter.
const PEER_ID: u64 = 1;

/// The adapter: neither crate knows the other.
pub(crate) struct NodeLog(pub(crate) LogDb);

fn failed(error: vane_storage::Error) -> StoreError {
    StoreError(error.to_string())
}

/// Carries either error through a replay.
struct Replay(StoreError);

impl From<vane_storage::Error> for Replay {
    fn from(error: vane_storage::Error) -> Self {
        Self(failed(error))
    }
}

impl LogStore for NodeLog {
    fn group(&self, group: GroupId) -> Result<GroupLog, StoreError> {
        let state = self.0.state(group).map_err(failed)?.unwrap_or_default();
        Ok(GroupLog {
            term: state.hard_state.map_or(0, |it| it.term),
            last_index: state.last_index,
            truncated_index: state.truncated_index,
        })
    }

    fn append(&self, appends: &[Append]) -> Result<(), StoreError> {
        let groups: Vec<_> = appends.iter().map(|it| (it.group, state(&it.log), stored(&it.entries))).collect();
        self.0.append(&groups).map_err(failed)
    }

    fn replay(
        &self,
        group: GroupId,
        from: LogIndex,
        visit: &mut dyn FnMut(Entry) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let entry = |it: StoredEntry| visit(Entry { index: it.index, term: it.term, data: it.data }).map_err(Replay);
        self.0.replay(group, from, entry).map_err(|Replay(error)| error)
    }

    fn truncate(&self, group: GroupId, through: LogIndex) -> Result<(), StoreError> {
        self.0.truncate(group, through).map_err(failed)
    }

    fn remove(&self, group: GroupId) -> Result<(), StoreError> {
        self.0.remove(group).map_err(failed)
    }
}

fn state(log: &GroupLog) -> LogState {
    LogState {
        // The only voter has voted for itself, and what it has synced is committed.
        hard_state: Some(HardState { term: log.term, vote: PEER_ID, commit: log.last_index }),
        last_index: log.last_index,
        truncated_index: log.truncated_index,
        truncated_term: if log.truncated_index == 0 { 0 } else { log.term },
        peer_id: PEER_ID,
    }
}

fn stored(entries: &[Entry]) -> Vec<StoredEntry> {
    let one = |it: &Entry| StoredEntry { term: it.term, index: it.index, data: it.data.clone(), ..Default::default() };
    entries.iter().map(one).collect()
}
