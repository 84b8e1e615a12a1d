//! The snapshot thread: makes snapshots and installs them, one at a time.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use vane_types::{GroupId, PeerId};

use super::dirs::{SnapshotDirs, discard};
use super::inbox::{Inbox, Input};
use super::{Counters, Machines, end_process};
use crate::core::Install;
use crate::error::StoreError;
use crate::log::LogStore;
use crate::machine::Exported;

/// Time between looks for received snapshots that nobody needs.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Something for the snapshot thread.
pub(super) enum Job {
    Make { group: GroupId, peer: PeerId },
    Install(Install),
    Discard(PathBuf),
}

pub(super) struct Worker {
    pub(super) store: Arc<dyn LogStore>,
    pub(super) machines: Arc<Machines>,
    pub(super) dirs: Arc<SnapshotDirs>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) counters: Arc<Counters>,
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
            Job::Discard(dir) => discard(&dir),
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

    fn make(&self, group: GroupId, peer: PeerId) -> Result<Exported, StoreError> {
        let machine = self.machines.of(group, peer);
        let machine =
            machine.ok_or_else(|| StoreError(format!("group {group} is not on this node")))?;
        let dir = self.dirs.making(group);
        let failed = |e: std::io::Error| {
            StoreError(format!("snapshot of group {group} in {}: {e}", dir.display()))
        };
        // Left by an attempt that failed half way: the state machine counts on an empty directory.
        discard(&dir);
        fs::create_dir_all(&dir).map_err(failed)?;
        let exported = machine.snapshot(&dir)?;
        // Under this name there are only whole snapshots.
        let out = self.dirs.outgoing(group, exported.index);
        discard(&out);
        fs::rename(&dir, &out).map_err(failed)?;
        Ok(exported)
    }

    fn install(&self, install: &Install) {
        let Install { group, peer, index, term, .. } = *install;
        let Some(machine) = self.machines.of(group, peer) else { return };
        let dir = self.dirs.incoming(group, term, index);
        if let Err(error) = machine.install(&dir) {
            end_process("failed to install a snapshot", &error);
        }
        // Durable in the state machine by now: a start that finds it named in the log needs no
        // files.
        discard(&dir);
        self.inbox.put(Input::Installed { group, peer, index });
    }
}
