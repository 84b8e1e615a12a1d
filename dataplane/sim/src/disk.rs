//! A disk for Raft's logs that forgets what was not synced.
//!
//! Batches are atomic. Of those behind the last sync a power failure keeps the first few.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;
use raft::eraftpb::EntryType;
use vane_raft::{Append, GroupLog, LogEntry, LogStore, StoreError};
use vane_types::{GroupId, LogIndex, PeerId, Term};

use crate::bug::Bug;

/// Batches that are not on disk after a sync that lied.
const UNSYNCED_MAX: usize = 24;
/// Entries that a truncation takes too many.
const TRUNCATED_TOO_MANY: u64 = 8;

/// The logs of a node.
pub(crate) struct LogDisk {
    state: Mutex<State>,
    bug: Option<Bug>,
}

#[derive(Clone, Default)]
struct State {
    /// Peers that were destroyed; on disk at once.
    buried: BTreeSet<(GroupId, PeerId)>,
    /// As a reader sees them.
    now: Logs,
    /// As a power failure would leave them at least.
    synced: Logs,
    /// What is between the two.
    unsynced: Vec<Change>,
}

#[derive(Clone, Default)]
struct Logs(BTreeMap<GroupId, Log>);

#[derive(Clone, Default)]
struct Log {
    state: GroupLog,
    entries: BTreeMap<LogIndex, LogEntry>,
}

#[derive(Clone)]
enum Change {
    Append(Vec<Append>),
    Truncate { group: GroupId, through: LogIndex, term: Term },
    Remove(GroupId),
}

impl LogDisk {
    pub(crate) fn new(bug: Option<Bug>) -> Self {
        Self { state: Mutex::default(), bug }
    }

    /// Writes without a sync.
    pub(crate) fn write(&self, appends: &[Append]) {
        let mut appends = appends.to_vec();
        if self.bug == Some(Bug::VoteForgotten) {
            // The answer that grants the vote still leaves: that is the bug.
            appends.iter_mut().for_each(|append| append.log.vote = None);
        }
        self.change(Change::Append(appends));
    }

    /// Makes everything written before durable.
    pub(crate) fn sync(&self) {
        let mut state = self.state.lock();
        // A disk with a cache that it does not admit to.
        let kept_back = if self.bug == Some(Bug::AckBeforeFsync) { UNSYNCED_MAX } else { 0 };
        let synced = state.unsynced.len().saturating_sub(kept_back);
        state.sync(synced);
    }

    /// Batches that a power failure may take.
    pub(crate) fn unsynced(&self) -> usize {
        self.state.lock().unsynced.len()
    }

    /// The power fails; so many of the unsynced batches made it.
    pub(crate) fn crash(&self, keep: usize) {
        let mut state = self.state.lock();
        state.sync(keep);
        state.unsynced.clear();
        state.now = state.synced.clone();
    }

    /// Records for good that a peer was destroyed.
    pub(crate) fn bury(&self, group: GroupId, peer: PeerId) {
        // A tombstone that a crash takes away would let the peer vote again.
        self.sync();
        self.state.lock().buried.insert((group, peer));
    }

    /// Whether a peer was destroyed here.
    pub(crate) fn is_buried(&self, group: GroupId, peer: PeerId) -> bool {
        self.state.lock().buried.contains(&(group, peer))
    }

    /// The same disk.
    pub(crate) fn copy(&self) -> Self {
        let mut state = self.state.lock().clone();
        // Whoever copies a disk copies what the kernel has, too.
        let all = state.unsynced.len();
        state.sync(all);
        Self { state: Mutex::new(state), bug: self.bug }
    }

    /// Groups that have a log.
    pub(crate) fn groups(&self) -> Vec<GroupId> {
        self.state.lock().now.0.keys().copied().collect()
    }

    /// Whether the log has changes of members behind an index.
    pub(crate) fn has_member_changes_behind(&self, group: GroupId, index: LogIndex) -> bool {
        let state = self.state.lock();
        let Some(log) = state.now.0.get(&group) else { return false };
        let mut behind = log.entries.range(index.next()..);
        behind.any(|(_, entry)| entry.get_entry_type() != EntryType::EntryNormal)
    }

    fn change(&self, change: Change) {
        let mut state = self.state.lock();
        state.now.apply(change.clone());
        state.unsynced.push(change);
    }
}

impl State {
    fn sync(&mut self, batches: usize) {
        for change in self.unsynced.drain(..batches) {
            self.synced.apply(change);
        }
    }
}

impl Logs {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Append(appends) => {
                for Append { group, log, entries, removed } in appends {
                    let known = self.0.entry(group).or_default();
                    known.state = log;
                    if let Some((first, last)) = removed {
                        known.entries.retain(|index, _| !(first..=last).contains(index));
                    }
                    known
                        .entries
                        .extend(entries.into_iter().map(|entry| (LogIndex(entry.index), entry)));
                }
            }
            Change::Truncate { group, through, term } => {
                if let Some(log) = self.0.get_mut(&group)
                    && log.state.truncated_index < through
                {
                    (log.state.truncated_index, log.state.truncated_term) = (through, term);
                    log.entries = log.entries.split_off(&through.next());
                }
            }
            Change::Remove(group) => {
                self.0.remove(&group);
            }
        }
    }
}

impl LogStore for LogDisk {
    fn group(&self, group: GroupId) -> Result<Option<GroupLog>, StoreError> {
        Ok(self.state.lock().now.0.get(&group).map(|log| log.state))
    }

    fn append(&self, appends: &[Append], sync: bool) -> Result<(), StoreError> {
        self.write(appends);
        if sync {
            self.sync();
        }
        Ok(())
    }

    fn entries(
        &self,
        group: GroupId,
        from: LogIndex,
        to: LogIndex,
        bytes_max: u64,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let state = self.state.lock();
        let missing =
            |index: LogIndex| StoreError(format!("group {group}: entry {index} is not in the log"));
        let log = state.now.0.get(&group).ok_or_else(|| missing(from))?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        for index in (from.0..to.0).map(LogIndex) {
            let entry = log.entries.get(&index).ok_or_else(|| missing(index))?;
            bytes += entry.data.len() as u64;
            // One entry at least, or a single large one could never be sent.
            if bytes > bytes_max && !found.is_empty() {
                break;
            }
            found.push(entry.clone());
        }
        Ok(found)
    }

    fn bytes(&self, group: GroupId, first: LogIndex, last: LogIndex) -> u64 {
        let state = self.state.lock();
        let entries = state.now.0.get(&group).map(|log| log.entries.range(first..=last));
        entries.into_iter().flatten().map(|(_, entry)| entry.data.len() as u64).sum()
    }

    fn truncate(&self, group: GroupId, through: LogIndex, term: Term) -> Result<(), StoreError> {
        let (mut through, mut term) = (through, term);
        if self.bug == Some(Bug::TruncationPastApplied)
            && let Some(log) = self.state.lock().now.0.get(&group)
            && let Some(entry) = log.entries.range(..=through + TRUNCATED_TOO_MANY).next_back()
        {
            (through, term) = (*entry.0, Term(entry.1.term));
        }
        self.change(Change::Truncate { group, through, term });
        Ok(())
    }

    fn remove(&self, group: GroupId) -> Result<(), StoreError> {
        // With a sync, as the real store: a log that comes back would belong to a dead peer.
        self.change(Change::Remove(group));
        let mut state = self.state.lock();
        let all = state.unsynced.len();
        state.sync(all);
        Ok(())
    }
}
