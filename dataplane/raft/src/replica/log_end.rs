//! The old end of a group's log: snapshots for those it no longer reaches, and truncation.

use raft::eraftpb::{ConfState, Snapshot};
use raft::{Progress, ProgressState, SnapshotStatus};
use vane_types::{LogIndex, PeerId};

use super::Replica;
use crate::error::StoreError;
use crate::machine::Exported;

/// Ticks that a snapshot nobody takes is kept for the next who needs one.
const SNAPSHOT_KEPT_TICKS: usize = 300;

#[derive(Default)]
pub(super) struct LogEnd {
    /// Least index of a snapshot that is being made: the log behind it must stay.
    making: Option<LogIndex>,
    /// Ticks since the last snapshot was made or sent.
    idle_ticks: usize,
}

impl LogEnd {
    pub(super) fn tick(&mut self) {
        self.idle_ticks += 1;
    }
}

impl Replica {
    /// Whether raft-rs waits for a snapshot that nobody makes yet.
    pub(crate) fn takes_snapshot_order(&mut self) -> bool {
        let wanted = self.raw.store().take_wanted().is_some();
        if !wanted || self.log_end.making.is_some() {
            return false;
        }
        // From now on the log behind it stays: its receiver goes on from there.
        self.log_end.making = Some(self.applied);
        true
    }

    /// Takes a snapshot that was made, to be sent; after a failure raft-rs asks again.
    pub(crate) fn snapshot_made(&mut self, made: Result<Exported, StoreError>) {
        self.log_end.making = None;
        self.log_end.idle_ticks = 0;
        let exported = match made {
            Ok(exported) => exported,
            Err(error) => {
                tracing::error!(
                    %error, group = %self.group,
                    "failed to make a snapshot; it will be tried again"
                );
                return;
            }
        };
        // Its term is gone with the entry: whoever received it could not go on from this log.
        let Ok(term) = raft::Storage::term(self.raw.store(), exported.index.0) else {
            tracing::warn!(
                group = %self.group,
                "a snapshot was older than the log when it was done"
            );
            return;
        };
        let mut snapshot = Snapshot::default();
        let meta = snapshot.mut_metadata();
        (meta.index, meta.term) = (exported.index.0, term);
        meta.set_conf_state(ConfState::from(&exported.conf));
        self.raw.mut_store().set_snapshot(Some(snapshot));
    }

    /// Tells raft-rs that a snapshot reached its receiver, or did not.
    pub(crate) fn snapshot_sent(&mut self, to: PeerId, ok: bool) {
        self.log_end.idle_ticks = 0;
        let status = if ok { SnapshotStatus::Finish } else { SnapshotStatus::Failure };
        self.raw.report_snapshot(to.0, status);
        self.after_step();
    }

    /// Index of a snapshot that nobody needs any more; it is forgotten here.
    pub(crate) fn take_spent_snapshot(&mut self) -> Option<LogIndex> {
        if self.is_spent() {
            self.raw.mut_store().set_snapshot(None);
        }
        self.raw.mut_store().take_spent()
    }

    /// Indexes of all snapshots that there are files of, where the replica goes.
    pub(crate) fn take_all_snapshots(&mut self) -> Vec<LogIndex> {
        let store = self.raw.mut_store();
        store.set_snapshot(None);
        std::iter::from_fn(|| store.take_spent()).collect()
    }

    /// Whether the snapshot that can be sent is one that nobody needs.
    fn is_spent(&self) -> bool {
        let Some(index) = self.raw.store().snapshot_index() else { return false };
        let in_use = self
            .raw
            .raft
            .prs()
            .iter()
            .any(|(_, progress)| progress.state == ProgressState::Snapshot);
        let behind_log = index < self.raw.store().log.truncated_index;
        !in_use
            && (behind_log || self.log_end.idle_ticks > SNAPSHOT_KEPT_TICKS || !self.is_leader())
    }

    /// Forgets entries whose effects are durable here and that no member needs.
    pub(crate) fn truncate(&mut self, durable: LogIndex) -> Result<(), StoreError> {
        // Entries of an open round must stay readable; whoever truncates comes again.
        if self.installing.is_some() || self.writing.is_some() {
            return Ok(());
        }
        let (durable, bounds) = (durable.min(self.applied), &self.bounds);
        let (log, bytes) = (self.raw.store(), self.raw.store().bytes());
        let too_long = log.len() > bounds.log_kept_entries_max || bytes > bounds.log_kept_bytes_max;
        let through = match (self.is_alone(), self.is_leader()) {
            (true, _) => durable,
            // Members that are away get a snapshot then: the log must not grow for ever.
            (false, true) if too_long => durable.min(self.pinned()),
            (false, true) => durable.min(self.pinned()).min(self.slowest_member()),
            (false, false) if too_long => durable,
            (false, false) => {
                durable.min(self.applied.saturating_back(bounds.follower_kept_entries))
            }
        };
        if through > log.log.truncated_index {
            self.raw.mut_store().truncate(through)?;
            self.watch_log();
        }
        Ok(())
    }

    /// Tells those who propose whether the log has room.
    pub(super) fn watch_log(&self) {
        self.watch
            .set_log_full(self.is_leader() && self.raw.store().bytes() > self.bounds.log_bytes_max);
    }

    #[cfg(test)]
    pub(crate) fn force_truncate(&mut self, through: LogIndex) {
        self.raw.mut_store().truncate(through).expect("a log in memory can be truncated");
    }

    /// Least index of a snapshot that is made or ready: whoever receives it needs the log
    /// behind it.
    fn pinned(&self) -> LogIndex {
        let ready = self.raw.store().snapshot_index();
        self.log_end.making.into_iter().chain(ready).min().unwrap_or(LogIndex::MAX)
    }

    /// Last entry that every member is known to have. Those that wait for a snapshot need no log
    /// before it; a learner that has nothing yet will get one.
    fn slowest_member(&self) -> LogIndex {
        let members = self.raw.raft.prs().iter();
        let needing = members.filter(|(id, progress)| self.needs_log(PeerId(**id), progress));
        let matched = needing.map(|(_, progress)| LogIndex(progress.matched));
        matched.min().unwrap_or(LogIndex::MAX)
    }

    fn needs_log(&self, peer: PeerId, progress: &Progress) -> bool {
        let begins_empty = progress.matched == 0 && !self.conf.voters.contains(&peer);
        peer != self.peer && progress.state != ProgressState::Snapshot && !begins_empty
    }
}
