//! The snapshot thread: makes snapshots and installs them, one at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use vane_types::{GroupId, PeerId};

use super::dirs::{OwnedDir, SnapshotDirs, discard};
use super::inbox::{Inbox, Input};
use super::{Counters, HasRoom, Machines, end_process};
use crate::core::Install;
use crate::error::{ApplyError, StoreError};
use crate::log::LogStore;
use crate::machine::Made;

/// Time between looks for received snapshots that nobody needs.
const SWEEP_INTERVAL: Duration = Duration::from_secs(15);

/// Something for the snapshot thread.
pub(super) enum Job {
    Make { group: GroupId, peer: PeerId },
    Install(Install),
}

pub(super) struct Worker {
    pub(super) store: Arc<dyn LogStore>,
    pub(super) machines: Arc<Machines>,
    pub(super) dirs: Arc<SnapshotDirs>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) counters: Arc<Counters>,
    pub(super) has_room: HasRoom,
}

impl Worker {
    /// Runs until the raft and the apply thread have ended.
    pub(super) fn run(&self, jobs: &Receiver<Job>) {
        let mut next_sweep = Instant::now() + SWEEP_INTERVAL;
        loop {
            match jobs.recv_deadline(next_sweep) {
                Ok(job) => self.work(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = Instant::now();
            if now >= next_sweep {
                next_sweep = now + SWEEP_INTERVAL;
                self.sweep(now);
            }
        }
    }

    fn work(&self, job: Job) {
        match job {
            Job::Make { group, peer } => {
                let made = self.make(group, peer);
                if made.is_ok() {
                    self.counters.snapshots_made.fetch_add(1, Ordering::Relaxed);
                }
                // A failure is told too: until then no other snapshot of the group is begun.
                self.inbox.put(Input::SnapshotMade { group, peer, made });
            }
            Job::Install(install) => self.install(&install),
        }
    }

    fn sweep(&self, now: Instant) {
        match self.dirs.sweep(self.store.as_ref(), now) {
            Ok(0) => {}
            Ok(count) => {
                tracing::info!(count, "removed received snapshots that Raft had no use for")
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "failed to remove received snapshots; it will be tried again"
                )
            }
        }
    }

    fn make(&self, group: GroupId, peer: PeerId) -> Result<Made, StoreError> {
        let machine = self.machines.of(group, peer);
        let machine =
            machine.ok_or_else(|| StoreError(format!("group {group} is not on this node")))?;
        let bytes = machine.snapshot_bytes();
        if !(self.has_room)(bytes) {
            return Err(StoreError(format!(
                "a snapshot of group {group} writes about {bytes} bytes, for which the disk has \
                 no room"
            )));
        }
        // Each has a directory of its own: an earlier one may still be on its way.
        let dir = self.dirs.outgoing(group).map_err(|e| {
            StoreError(format!("there is no directory for a snapshot of group {group}: {e}"))
        })?;
        // Owned from its first file on: an error takes what was written with it.
        let files = Arc::new(OwnedDir(dir));
        let exported = machine.snapshot(&files.0)?;
        Ok(Made { exported, files })
    }

    fn install(&self, install: &Install) {
        let Install { group, peer, index, term, .. } = *install;
        let dir = self.dirs.incoming(group, term, index);
        let Some(machine) = self.machines.of(group, peer) else { return discard(&dir) };
        match machine.install(&dir) {
            Ok(()) => {}
            // Of the catalog too: the node could not go on without it.
            Err(ApplyError::Unreadable(why)) if group != GroupId::META => {
                tracing::error!(%group, %why, "a snapshot is damaged; its replica is out of use");
                self.machines.remove_peer(group, peer);
                return self.inbox.put(Input::Quarantined { group, peer });
            }
            Err(error) => {
                end_process("failed to install a snapshot", &StoreError(error.to_string()))
            }
        }
        // Durable in the state machine by now: a start that finds it named in the log needs no
        // files.
        discard(&dir);
        self.inbox.put(Input::Installed { group, peer, index });
    }
}
