//! Where snapshots lie while they are on their way, and when they go.
//!
//! ```text
//! out-<group>-<number>         made to be sent; goes with its last owner
//! staging-<group>              being received
//! in-<group>-<term>-<index>    received and verified; installed from here
//! old-…                        on its way out
//! ```
//!
//! A snapshot that came in is taken by Raft, which writes so in the group's log before it is
//! installed, or ignored without a word. What no log names must go, but never what a log is
//! about to name.

use std::collections::HashMap;
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use vane_types::{GroupId, LogIndex, Term};

use crate::error::StoreError;
use crate::log::LogStore;
use crate::machine::SnapshotFiles;

/// Time that a received snapshot is kept for Raft to take it. It lies before the raft thread
/// for no longer than a round, of which there are several in a second.
const KEEP: Duration = Duration::from_secs(600);

/// The same for one that Raft has ignored: its announcement may be in the queue once more.
const KEEP_REFUSED: Duration = Duration::from_secs(60);

const INCOMING: &str = "in-";
const OLD: &str = "old-";

pub(crate) struct SnapshotDirs {
    root: PathBuf,
    /// Received ones, and since when nothing was heard of them.
    heard: Mutex<HashMap<PathBuf, Instant>>,
    /// Snapshots that were begun.
    made: AtomicU64,
}

/// A directory of a snapshot that goes when nobody holds it any more.
#[derive(Debug)]
pub(super) struct OwnedDir(pub(super) PathBuf);

impl SnapshotFiles for OwnedDir {
    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for OwnedDir {
    fn drop(&mut self) {
        let dir = std::mem::take(&mut self.0);
        // Not here: whoever lets go of it may be the thread that owns all groups.
        let removal = std::thread::Builder::new().name("snapshot-gone".into());
        let begun = removal.spawn(move || discard(&dir));
        if let Err(error) = begun {
            tracing::warn!(%error, "a snapshot that is not needed stays until the next start");
        }
    }
}

impl SnapshotDirs {
    /// Removes what was on its way when the process ended, but for what a log names: that
    /// log begins with it.
    pub(super) fn open(root: &Path, store: &dyn LogStore) -> Result<Self, StoreError> {
        let dirs =
            Self { root: root.to_owned(), heard: Mutex::default(), made: AtomicU64::default() };
        fs::create_dir_all(root).map_err(|e| dirs.failed(&e))?;
        for dir in dirs.list()? {
            if !is_named(store, &dir)? {
                // No transfer goes on after a restart: what is still wanted is made or sent anew.
                fs::remove_dir_all(&dir).map_err(|e| dirs.failed(&e))?;
            }
        }
        Ok(dirs)
    }

    /// A new empty directory for a snapshot that is to be made.
    pub(super) fn outgoing(&self, group: GroupId) -> std::io::Result<PathBuf> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let dir = self.root.join(format!("out-{group}-{number}"));
        // What has that name is of an earlier process, and was to go when this one began.
        discard(&dir);
        fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    pub(super) fn incoming(&self, group: GroupId, term: Term, index: LogIndex) -> PathBuf {
        self.root.join(format!("{INCOMING}{group}-{term}-{index}"))
    }

    /// [`SnapshotDirs::incoming`] for one that is about to be announced: what lies there, or
    /// will, is kept long enough for Raft to take it.
    pub(super) fn expect(&self, group: GroupId, term: Term, index: LogIndex) -> PathBuf {
        let dir = self.incoming(group, term, index);
        // Also where it lies there already: a sweep must not take it away before Raft has seen it.
        self.heard.lock().insert(dir.clone(), Instant::now());
        dir
    }

    /// Notes that Raft did not take what was announced: it need not be kept for long. Not
    /// removed at once, since the same may just be coming again.
    pub(super) fn refused(&self, group: GroupId, term: Term, index: LogIndex) {
        let (dir, now) = (self.incoming(group, term, index), Instant::now());
        let early = now.checked_sub(KEEP - KEEP_REFUSED).unwrap_or(now);
        self.heard.lock().insert(dir, early);
    }

    /// Removes received snapshots that no log names and nobody announced for [`KEEP`]. Not
    /// to run beside an installation. Says how many went.
    pub(super) fn sweep(&self, store: &dyn LogStore, now: Instant) -> Result<usize, StoreError> {
        let all = self.list()?;
        // With those of an earlier sweep that did not get to its end.
        let (mut unneeded, incoming) = (of_kind(&all, OLD), of_kind(&all, INCOMING));
        // Held over the renaming: whoever expects one from now on finds it gone, or it stays.
        let mut heard = self.heard.lock();
        heard.retain(|dir, since| now.saturating_duration_since(*since) < KEEP || dir.exists());
        for dir in incoming {
            let since = *heard.entry(dir.clone()).or_insert(now);
            if now.saturating_duration_since(since) < KEEP || is_named(store, &dir)? {
                continue;
            }
            let old = self.root.join(format!("{OLD}{}", name(&dir)));
            // A directory that is not empty cannot be renamed onto.
            discard(&old);
            fs::rename(&dir, &old).map_err(|e| self.failed(&e))?;
            heard.remove(&dir);
            unneeded.push(old);
        }
        drop(heard);
        unneeded.iter().for_each(|dir| discard(dir));
        Ok(unneeded.len())
    }

    fn list(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut dirs = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(|e| self.failed(&e))? {
            dirs.push(entry.map_err(|e| self.failed(&e))?.path());
        }
        dirs.retain(|path| path.is_dir());
        Ok(dirs)
    }

    fn failed(&self, error: &Error) -> StoreError {
        StoreError(format!("snapshot directory {}: {error}", self.root.display()))
    }
}

/// Removes a directory if it is there.
pub(super) fn discard(dir: &Path) {
    match fs::remove_dir_all(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(
                %error, dir = %dir.display(),
                "failed to remove a snapshot that is not needed"
            )
        }
    }
}

fn name(dir: &Path) -> String {
    dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Those of some directories whose names begin with `kind`.
fn of_kind(dirs: &[PathBuf], kind: &str) -> Vec<PathBuf> {
    dirs.iter().filter(|dir| name(dir).starts_with(kind)).cloned().collect()
}

/// Whether a group's log says that the snapshot in a directory is being installed.
fn is_named(store: &dyn LogStore, dir: &Path) -> Result<bool, StoreError> {
    let name = name(dir);
    let numbers: Option<Vec<u64>> = name
        .strip_prefix(INCOMING)
        .and_then(|rest| rest.split('-').map(|number| number.parse().ok()).collect());
    // Logs name received snapshots only: whatever else lies here can be made again.
    let Some([group, term, index]) = numbers.as_deref() else { return Ok(false) };
    let log = store.group(GroupId(*group))?;
    let (term, index) = (Term(*term), Some(LogIndex(*index)));
    Ok(log.is_some_and(|log| (log.installing, log.truncated_term) == (index, term)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Append, GroupLog, LogEntry};

    /// A store in which group 7 installs the snapshot of term 3 and index 40, and the others
    /// have no log.
    struct Installing;

    impl LogStore for Installing {
        fn group(&self, group: GroupId) -> Result<Option<GroupLog>, StoreError> {
            let log = GroupLog {
                installing: Some(LogIndex(40)),
                truncated_index: LogIndex(40),
                truncated_term: Term(3),
                ..GroupLog::default()
            };
            Ok((group == GroupId(7)).then_some(log))
        }

        fn append(&self, _: &[Append], _: bool) -> Result<(), StoreError> {
            Ok(())
        }

        fn entries(
            &self,
            _: GroupId,
            _: LogIndex,
            _: LogIndex,
            _: u64,
        ) -> Result<Vec<LogEntry>, StoreError> {
            Ok(Vec::new())
        }

        fn bytes(&self, _: GroupId, _: LogIndex, _: LogIndex) -> u64 {
            0
        }

        fn truncate(&self, _: GroupId, _: LogIndex, _: Term) -> Result<(), StoreError> {
            Ok(())
        }

        fn remove(&self, _: GroupId) -> Result<(), StoreError> {
            Ok(())
        }
    }

    fn make(root: &Path, names: &[&str]) {
        for name in names {
            fs::create_dir_all(root.join(name).join("segment")).unwrap();
            fs::write(root.join(name).join("segment/rows"), "x").unwrap();
        }
    }

    fn names(root: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(root).unwrap().map(|entry| name(&entry.unwrap().path())).collect();
        names.sort();
        names
    }

    #[test]
    fn a_start_keeps_only_what_a_log_names() {
        let root = tempfile::tempdir().unwrap();
        let made = [
            "in-7-3-40",
            "in-7-3-39",
            "in-7-2-40",
            "in-8-3-40",
            "in-x",
            "making-7",
            "out-7-40",
            "staging-1",
        ];
        make(root.path(), &made);
        SnapshotDirs::open(root.path(), &Installing).unwrap();
        assert_eq!(names(root.path()), ["in-7-3-40"]);
    }

    #[test]
    fn what_raft_ignored_goes_after_a_while() {
        let root = tempfile::tempdir().unwrap();
        let dirs = SnapshotDirs::open(root.path(), &Installing).unwrap();
        let begin = Instant::now();
        dirs.expect(GroupId(8), Term(1), LogIndex(5));
        make(root.path(), &["in-7-3-40", "in-8-1-5", "in-9-1-5", "out-7-40"]);
        assert_eq!(dirs.sweep(&Installing, begin).unwrap(), 0, "Raft may not have looked yet");
        assert_eq!(dirs.sweep(&Installing, begin + KEEP / 2).unwrap(), 0);
        assert_eq!(dirs.sweep(&Installing, begin + KEEP * 2).unwrap(), 2);
        assert_eq!(names(root.path()), ["in-7-3-40", "out-7-40"]);
        assert_eq!(dirs.heard.lock().len(), 1, "what is gone is forgotten");
    }

    #[test]
    fn what_raft_refused_goes_sooner() {
        let root = tempfile::tempdir().unwrap();
        let dirs = SnapshotDirs::open(root.path(), &Installing).unwrap();
        make(root.path(), &["in-8-1-5"]);
        dirs.expect(GroupId(8), Term(1), LogIndex(5));
        dirs.refused(GroupId(8), Term(1), LogIndex(5));
        let now = Instant::now();
        assert_eq!(dirs.sweep(&Installing, now).unwrap(), 0);
        assert_eq!(dirs.sweep(&Installing, now + KEEP_REFUSED).unwrap(), 1);
    }

    #[test]
    fn a_made_snapshot_goes_with_its_last_owner() {
        let root = tempfile::tempdir().unwrap();
        let dirs = SnapshotDirs::open(root.path(), &Installing).unwrap();
        let first = dirs.outgoing(GroupId(7)).unwrap();
        let second = dirs.outgoing(GroupId(7)).unwrap();
        assert_ne!(first, second, "one may be on its way while another is made");
        let owned = std::sync::Arc::new(OwnedDir(first.clone()));
        let sending = std::sync::Arc::clone(&owned);
        drop(owned);
        assert!(first.exists(), "somebody still sends it");
        drop(sending);
        // By another thread.
        while first.exists() {
            std::thread::yield_now();
        }
        assert_eq!(names(root.path()), [name(&second)]);
    }

    #[test]
    fn what_is_announced_again_is_kept_as_long_again() {
        let root = tempfile::tempdir().unwrap();
        let dirs = SnapshotDirs::open(root.path(), &Installing).unwrap();
        make(root.path(), &["in-8-1-5"]);
        let begin = Instant::now();
        assert_eq!(dirs.sweep(&Installing, begin).unwrap(), 0);
        dirs.expect(GroupId(8), Term(1), LogIndex(5));
        assert_eq!(dirs.sweep(&Installing, begin + KEEP).unwrap(), 0);
        assert_eq!(dirs.sweep(&Installing, begin + KEEP * 2).unwrap(), 1);
        assert!(names(root.path()).is_empty());
    }
}
