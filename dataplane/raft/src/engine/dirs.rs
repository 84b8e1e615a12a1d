//! Where snapshots lie while they are on their way, and when they go.
//!
//! ```text
//! making-<group>               being written
//! out-<group>-<index>          ready to be sent
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
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use vane_types::{GroupId, LogIndex, Term};

use crate::error::StoreError;
use crate::log::LogStore;

/// Time that a received snapshot is kept for Raft to take it. It lies before the raft thread
/// for no longer than a round, of which there are several in a second.
const KEEP: Duration = Duration::from_secs(600);

const INCOMING: &str = "in-";
const OLD: &str = "old-";

pub(crate) struct SnapshotDirs {
    root: PathBuf,
    /// Received ones, and since when nothing was heard of them.
    heard: Mutex<HashMap<PathBuf, Instant>>,
}

impl SnapshotDirs {
    /// Removes what was on its way when the process ended, but for what a log names: that
    /// log begins with it.
    pub(super) fn open(root: &Path, store: &dyn LogStore) -> Result<Self, StoreError> {
        let dirs = Self { root: root.to_owned(), heard: Mutex::default() };
        fs::create_dir_all(root).map_err(|e| dirs.failed(&e))?;
        for dir in dirs.list()? {
            if !is_named(store, &dir)? {
                // No transfer goes on after a restart: what is still wanted is made or sent anew.
                fs::remove_dir_all(&dir).map_err(|e| dirs.failed(&e))?;
            }
        }
        Ok(dirs)
    }

    pub(super) fn making(&self, group: GroupId) -> PathBuf {
        self.root.join(format!("making-{group}"))
    }

    pub(super) fn outgoing(&self, group: GroupId, index: LogIndex) -> PathBuf {
        self.root.join(format!("out-{group}-{index}"))
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
