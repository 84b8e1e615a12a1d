//! Snapshots: real files in a directory that goes with its last owner.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;
use vane_raft::SnapshotFiles;
use vane_types::{GroupId, NodeId, PeerId};

/// Where there is a file system in memory.
const MEMORY: &str = "/dev/shm";

/// The directory of a run.
pub(crate) struct Directory {
    root: TempDir,
    next: AtomicU64,
}

/// Files of one snapshot; clones are the same files.
#[derive(Debug, Clone)]
pub(crate) struct Files(Arc<Owned>);

#[derive(Debug)]
struct Owned(PathBuf);

impl Directory {
    pub(crate) fn new() -> std::io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix("vane-sim-");
        let root = if Path::new(MEMORY).is_dir() {
            builder.tempdir_in(MEMORY)?
        } else {
            builder.tempdir()?
        };
        Ok(Self { root, next: AtomicU64::new(0) })
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    /// A new empty directory for a snapshot.
    pub(crate) fn files(&self) -> std::io::Result<Files> {
        self.new_files("snapshot")
    }

    /// A new empty directory for a copy of a disk.
    pub(crate) fn aside(&self) -> std::io::Result<Files> {
        self.new_files("kept")
    }

    fn new_files(&self, what: &str) -> std::io::Result<Files> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.root.path().join(format!("{what}-{number}"));
        std::fs::create_dir(&path)?;
        Ok(Files(Arc::new(Owned(path))))
    }

    /// Directories of snapshots that are there.
    pub(crate) fn snapshots(&self) -> std::io::Result<BTreeSet<PathBuf>> {
        self.of_kind("snapshot-")
    }

    /// Directories of replicas that are there.
    pub(crate) fn replicas(&self) -> std::io::Result<BTreeSet<PathBuf>> {
        self.of_kind("replica-")
    }

    fn of_kind(&self, kind: &str) -> std::io::Result<BTreeSet<PathBuf>> {
        let entries = std::fs::read_dir(self.root.path())?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let is_of_kind = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(kind))
        };
        paths.filter(|path| path.as_ref().is_ok_and(is_of_kind)).collect()
    }

    /// Directories of a node's replicas.
    pub(crate) fn replicas_of(&self, node: NodeId) -> std::io::Result<Vec<PathBuf>> {
        let is_of_node = |path: &PathBuf| {
            let peer = path.file_name()?.to_str()?.rsplit('-').next()?.parse().ok()?;
            Some(PeerId(peer).node() == node)
        };
        let all = self.replicas()?.into_iter();
        Ok(all.filter(|path| is_of_node(path) == Some(true)).collect())
    }

    /// Where a replica's own files lie.
    pub(crate) fn of_replica(&self, peer: PeerId, group: GroupId) -> PathBuf {
        self.root.path().join(format!("replica-{group}-{peer}"))
    }
}

impl Files {
    pub(crate) fn path(&self) -> &Path {
        &self.0.0
    }
}

impl SnapshotFiles for Files {
    fn path(&self) -> &Path {
        &self.0.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // What stays goes with the run's directory.
        let _stays = std::fs::remove_dir_all(&self.0);
    }
}
