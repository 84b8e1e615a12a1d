//! A data directory: the marker that says which node it belongs to, and the lock that keeps
//! it to one process.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vane_types::{GroupId, NodeId};

use crate::error::Error;

/// Version of everything below the directory. A directory of another one is refused: a later
/// one is unknown here, and 1 was of builds before any release.
const FORMAT: u32 = 2;
const MARKER: &str = "VANE";
const LOCK: &str = "LOCK";
const CLEAN: &str = "CLEAN";
const LIVES: &str = "LIVES";

/// Content of the marker file: a node never votes with a disk that it does not recognise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Version of the layout.
    pub format: u32,
    /// Names the disk: drawn when it is first used, never changed.
    pub disk_id: Uuid,
    /// Node that the disk belongs to; `None` until the node founds a cluster or joins one.
    #[serde(default)]
    pub member: Option<Member>,
    /// Starts of a member on this disk.
    #[serde(default)]
    pub starts: u64,
}

/// A disk's place in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Cluster that the node is a member of.
    pub cluster_id: Uuid,
    /// Node that the disk belongs to; never another one.
    pub node_id: NodeId,
    /// The node's replica of the meta group was made. Where it is not there any more, the
    /// disk has lost its votes and must not be used.
    pub has_meta: bool,
}

/// A locked data directory.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    marker: Mutex<Marker>,
    was_clean: bool,
    /// Releases the lock when dropped.
    _lock: File,
}

impl DataDir {
    /// Opens a directory, or marks one where there is none or an empty one.
    ///
    /// A directory that has files but no marker is somebody else's and is left alone.
    ///
    /// # Errors
    /// [`Error::InUse`] while another process has it, [`Error::Foreign`] when it holds something
    /// else or an earlier format, [`Error::TooNew`] a later one, [`Error::Damaged`] when its marker
    /// cannot be read; else the disk failed. Nothing that was there is changed, but for the note of
    /// a clean stop.
    pub fn open(path: &Path) -> Result<Self, Error> {
        make_dir(path)?;
        // Before anything is read: another process may be about to change it.
        let lock = lock(path)?;
        let marker = match read_marker(path)? {
            Some(marker) => marker,
            None => mark(path)?,
        };
        let clean = path.join(CLEAN);
        let was_clean = clean.exists();
        if was_clean {
            // Before anything is written: after a crash the note must not be there.
            fs::remove_file(&clean).map_err(Error::io("remove", &clean))?;
            sync_dir(path)?;
        }
        Ok(Self { path: path.to_owned(), marker: Mutex::new(marker), was_clean, _lock: lock })
    }

    /// Where the directory is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The marker as it is on disk.
    pub fn marker(&self) -> Marker {
        *self.marker.lock()
    }

    /// Records which node the disk belongs to from now on, on disk when it returns.
    ///
    /// # Errors
    /// When the marker cannot be written; the old one or the new one is on disk.
    pub fn set_member(&self, member: Member) -> Result<(), Error> {
        let mut marker = self.marker.lock();
        let changed = Marker { member: Some(member), ..*marker };
        // On disk first: memory must not say what a crash would take back.
        write_marker(&self.path, &changed)?;
        *marker = changed;
        Ok(())
    }

    /// Counts a start, on disk when it returns: the number is larger than that of every
    /// start before.
    ///
    /// # Errors
    /// When the marker cannot be written; the start may be counted or not. [`Error::Damaged`] when
    /// its number is the last one.
    pub fn count_start(&self) -> Result<u64, Error> {
        let mut marker = self.marker.lock();
        let starts = marker.starts.checked_add(1).ok_or_else(|| {
            Error::damaged(self.path.join(MARKER).display().to_string(), "it counts no more starts")
        })?;
        let changed = Marker { starts, ..*marker };
        write_marker(&self.path, &changed)?;
        *marker = changed;
        Ok(changed.starts)
    }

    /// What was kept of this disk's starts and those of the others; `None` where nothing was.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn lives(&self) -> Result<Option<Vec<u8>>, Error> {
        let file = self.path.join(LIVES);
        match fs::read(&file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io("read", &file)(e)),
        }
    }

    /// Keeps it, on disk when this returns. One call at a time.
    ///
    /// # Errors
    /// When the file cannot be written; what was kept before or this is on disk.
    pub fn keep_lives(&self, bytes: &[u8]) -> Result<(), Error> {
        write_durable(&self.path, LIVES, bytes)
    }

    /// Directory of snapshots on their way.
    pub fn snapshots_dir(&self) -> PathBuf {
        self.path.join("snapshots")
    }

    /// Whether the last process stopped in order. If not, files are verified when opened.
    pub fn was_clean(&self) -> bool {
        self.was_clean
    }

    /// Directory of one group's segment files.
    pub fn group_dir(&self, group: GroupId) -> PathBuf {
        self.path.join("shards").join(group.to_string())
    }

    /// Records a clean stop; call only when everything is flushed.
    ///
    /// # Errors
    /// When the note cannot be written; the next start verifies the files then.
    pub fn mark_clean(&self) -> Result<(), Error> {
        write_durable(&self.path, CLEAN, b"")
    }
}

fn lock(path: &Path) -> Result<File, Error> {
    let file = path.join(LOCK);
    // The file stays where it is: what counts is the lock on it, which the kernel drops with the
    // process, however that ends.
    let lock = File::options().create(true).truncate(false).write(true).open(&file);
    let lock = lock.map_err(Error::io("open", &file))?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(Errno::WOULDBLOCK) => Err(Error::InUse(path.to_owned())),
        Err(e) => Err(Error::io("lock", &file)(e.into())),
    }
}

fn read_marker(path: &Path) -> Result<Option<Marker>, Error> {
    let file = path.join(MARKER);
    let bytes = match fs::read(&file) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("read", &file)(e)),
    };
    let damaged = |e: serde_json::Error| Error::damaged(file.display().to_string(), e.to_string());
    // The format first: another one need not have the same fields.
    let Format { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if format > FORMAT {
        return Err(Error::TooNew { dir: path.to_owned(), format, reads: FORMAT });
    }
    if format != FORMAT {
        return Err(Error::Foreign(format!(
            "data directory {} has format {format}, this version of Vane reads {FORMAT}; \
             nothing was changed, run the version that wrote it",
            path.display(),
        )));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

fn mark(path: &Path) -> Result<Marker, Error> {
    for entry in fs::read_dir(path).map_err(Error::io("list", path))? {
        let name = entry.map_err(Error::io("list", path))?.file_name();
        // A fresh ext4 volume has lost+found; a start that was cut short may leave the rest.
        let known =
            name == LOCK || name == "lost+found" || name.to_string_lossy().ends_with(".tmp");
        if !known {
            return Err(Error::Foreign(format!(
                "{} has files (such as {}) but no {MARKER} marker, so it is not a Vane data \
                 directory; nothing was changed, choose an empty one with --data-dir",
                path.display(),
                name.to_string_lossy()
            )));
        }
    }
    let marker = Marker { format: FORMAT, disk_id: Uuid::new_v4(), member: None, starts: 0 };
    write_marker(path, &marker)?;
    Ok(marker)
}

fn write_marker(path: &Path, marker: &Marker) -> Result<(), Error> {
    let bytes = serde_json::to_vec_pretty(marker).expect("a marker is plain data");
    write_durable(path, MARKER, &bytes)
}

/// Writes a small file so that after a crash it is there whole or not at all.
fn write_durable(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let (tmp, path) = (dir.join(format!("{name}.tmp")), dir.join(name));
    let mut file = File::create(&tmp).map_err(Error::io("create", &tmp))?;
    // The content before its name, and the name before the caller goes on.
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::io("write", &tmp))?;
    fs::rename(&tmp, &path).map_err(Error::io("rename", &tmp))?;
    sync_dir(dir)
}

/// Makes a directory, and those above it that are missing. The names of what was made are durable
/// when it returns: a file that is synced below a name that a power failure takes is lost with it.
pub(crate) fn make_dir(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_dir(parent)?;
    }
    match fs::create_dir(path) {
        // Whoever made it a moment ago may not have come to the sync yet.
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
        made => made.map_err(Error::io("create", path))?,
    }
    parent.map_or(Ok(()), sync_dir)
}

/// Makes creations, renames and removals in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io("sync", dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_keeps_its_identity() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        let marker = first.marker();
        assert!(matches!(DataDir::open(dir.path()), Err(Error::InUse(_))));
        first.mark_clean().unwrap();
        drop(first);
        let second = DataDir::open(dir.path()).unwrap();
        assert_eq!(second.marker(), marker);
        let member = Member { cluster_id: Uuid::new_v4(), node_id: NodeId(7), has_meta: true };
        second.set_member(member).unwrap();
        assert_eq!(second.marker(), Marker { member: Some(member), ..marker });
        assert!(second.was_clean());
        assert_eq!(second.count_start().unwrap(), 1);
        assert_eq!(second.lives().unwrap(), None);
        second.keep_lives(b"x").unwrap();
        assert_eq!(second.lives().unwrap().as_deref(), Some(b"x".as_slice()));
        drop(second);
        let third = DataDir::open(dir.path()).unwrap();
        assert_eq!((third.marker().member, third.count_start().unwrap()), (Some(member), 2));
        drop(third);
        assert!(!DataDir::open(dir.path()).unwrap().was_clean(), "clean holds for one start");
    }

    #[test]
    fn foreign_and_newer_directories_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        let error = DataDir::open(dir.path()).unwrap_err();
        assert!(error.to_string().contains("thesis.tex"), "{error}");
        let dir = tempfile::tempdir().unwrap();
        drop(DataDir::open(dir.path()).unwrap());
        let marker = fs::read_to_string(dir.path().join(MARKER)).unwrap();
        let open_as = |format: &str| {
            let marker = marker.replace("\"format\": 2", format);
            fs::write(dir.path().join(MARKER), &marker).unwrap();
            let refused = DataDir::open(dir.path()).unwrap_err();
            assert_eq!(fs::read_to_string(dir.path().join(MARKER)).unwrap(), marker);
            refused
        };
        assert!(matches!(open_as("\"format\": 9"), Error::TooNew { format: 9, reads: 2, .. }));
        assert!(matches!(open_as("\"format\": 1"), Error::Foreign(_)));
    }
}
