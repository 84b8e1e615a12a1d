//! The snapshot thread, and where snapshots lie while they are on their way.
//!
//! ```text
//! making-<group>               being written
//! out-<group>-<index>          ready to be sent
//! in-<group>-<term>-<index>    received and verified; installed from here
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::Receiver;
use vane_types::{GroupId, LogIndex};

use super::inbox::{Inbox, Input};
use super::{Counters, Machines, end_process};
use crate::core::Install;
use crate::error::StoreError;
use crate::machine::Exported;

/// Something for the snapshot thread.
pub(super) enum Job {
    Make { group: GroupId, peer: u64 },
    Install(Install),
    Discard(PathBuf),
}

pub(crate) struct SnapshotDirs(PathBuf);

impl SnapshotDirs {
    /// Removes what was on its way out when the process ended. What came in stays: a log
    /// may begin with it.
    pub(super) fn open(root: &Path) -> Result<Self, StoreError> {
        let failed = |e: std::io::Error| StoreError(format!("snapshot directory {}: {e}", root.display()));
        fs::create_dir_all(root).map_err(failed)?;
        for entry in fs::read_dir(root).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let incoming = path.file_name().is_some_and(|it| it.to_string_lossy().starts_with("in-"));
            if !incoming && path.is_dir() {
                fs::remove_dir_all(&path).map_err(failed)?;
            }
        }
        Ok(Self(root.to_owned()))
    }

    fn making(&self, group: GroupId) -> PathBuf {
        self.0.join(format!("making-{group}"))
    }

    pub(super) fn outgoing(&self, group: GroupId, index: LogIndex) -> PathBuf {
        self.0.join(format!("out-{group}-{index}"))
    }

    pub(super) fn incoming(&self, group: GroupId, term: u64, index: LogIndex) -> PathBuf {
        self.0.join(format!("in-{group}-{term}-{index}"))
    }
}

pub(super) struct Worker {
    pub(super) machines: Arc<Machines>,
    pub(super) dirs: Arc<SnapshotDirs>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) counters: Arc<Counters>,
}

impl Worker {
    /// Runs until the raft and the apply thread have ended.
    pub(super) fn run(&self, jobs: &Receiver<Job>) {
        for job in jobs {
            match job {
                Job::Make { group, peer } => {
                    let made = self.make(group, peer);
                    if made.is_ok() {
                        self.counters.snapshots_made.fetch_add(1, Ordering::Relaxed);
                    }
                    self.inbox.put(Input::SnapshotMade { group, peer, made });
                }
                Job::Install(install) => self.install(&install),
                Job::Discard(dir) => discard(&dir),
            }
        }
    }

    fn make(&self, group: GroupId, peer: u64) -> Result<Exported, StoreError> {
        let machine = self.machines.of(group, peer);
        let machine = machine.ok_or_else(|| StoreError(format!("group {group} is not on this node")))?;
        let dir = self.dirs.making(group);
        let failed = |e: std::io::Error| StoreError(format!("snapshot of group {group} in {}: {e}", dir.display()));
        discard(&dir);
        fs::create_dir_all(&dir).map_err(failed)?;
        let exported = machine.snapshot(&dir)?;
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
        discard(&dir);
        self.inbox.put(Input::Installed { group, peer, index });
    }
}

/// Removes a directory if it is there.
fn discard(dir: &Path) {
    match fs::remove_dir_all(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, dir = %dir.display(), "failed to remove a snapshot that is not needed"),
    }
}
