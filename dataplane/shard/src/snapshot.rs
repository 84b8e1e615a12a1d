//! Everything of a shard as files, for a replica on another node, and such files in the
//! place of everything.
//!
//! ```text
//! keys                            the group's keys in data.db (vane_storage::ReadView)
//! segments/v<vector>-s<segment>/  linked: sealed segments never change
//! ```

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use vane_raft::Exported;
use vane_storage::segment_file;

use crate::damage;
use crate::error::Error;
use crate::open;
use crate::segments::sealed::Sealed;
use crate::shard::Shard;
use crate::state::State;

const SEGMENTS: &str = "segments";

impl Shard {
    /// Writes a snapshot. See [`vane_raft::StateMachine::snapshot`].
    ///
    /// Files of segments are verified: what is damaged here must not spread.
    pub(crate) fn export(&self, dir: &Path) -> Result<Exported, Error> {
        let only_writer = self.writer.lock();
        if self.is_closed() {
            return Err(Error::Closed);
        }
        // Its mark would go with the keys, and take the receiver out of use.
        if let Some(mark) = self.quarantined.get() {
            return Err(Error::Quarantined { group: self.store.group(), why: mark.text() });
        }
        // Before others may write again: a job could end, and remove what is named now.
        let no_removal = self.linking.lock();
        let (exported, sealed) = {
            let state = self.state.read();
            self.check_ready(&state)?;
            let sealed: Vec<Arc<Sealed>> =
                state.vectors.values().flat_map(|vector| &vector.sealed).cloned().collect();
            (Exported { index: state.applied, conf: state.conf.clone() }, sealed)
        };
        let keys = self.store.read_view();
        // View and list are fixed: the shard may take writes again while files are linked.
        drop(only_writer);
        for segment in &sealed {
            segment_file::link_into(&segment.dir, &dir.join(SEGMENTS).join(name(&segment.dir)))?;
        }
        // The links hold the files from here on, however long verifying them takes.
        drop(no_removal);
        for segment in &sealed {
            let verified = segment.files.verify(&segment.dir, &segment.manifest);
            self.noting(verified.map_err(Error::from))?;
            if let Some(graph) = &segment.manifest.graph {
                let linked = dir.join(SEGMENTS).join(name(&segment.dir));
                if let Err(error) = segment_file::verify_graph(&linked, graph) {
                    // The rows are whole: the next snapshot is made without it.
                    self.drop_graph(segment, &error)?;
                    return Err(error.into());
                }
            }
        }
        let written = keys.export(dir);
        self.noting(written.map_err(Error::from))?;
        Ok(exported)
    }

    /// Takes a snapshot over. See [`vane_raft::StateMachine::install`].
    ///
    /// From its first change to its end the shard has no applied index, on disk as in memory:
    /// readers are refused, and whoever opens it after a crash finds it empty. Views that
    /// were taken before go on.
    pub(crate) fn install_from(&self, dir: &Path) -> Result<(), Error> {
        // Or else a graph that is being built would be waited for.
        self.stop_jobs.store(true, Ordering::Relaxed);
        let _no_jobs = self.jobs.write();
        self.stop_jobs.store(false, Ordering::Relaxed);
        let _only_writer = self.writer.lock();
        if self.is_closed() {
            return Ok(());
        }
        let _no_linking = self.linking.lock();
        // Before anything goes: whoever reads from here on is told so.
        self.fills.begin();
        let before = {
            let mut state = self.state.write();
            self.store.destroy()?;
            let empty = State::empty(state.config.clone());
            std::mem::replace(&mut *state, empty)
        };
        // Or else keys that survive a crash could name segments of the snapshot as theirs; and
        // keys of the snapshot, where it lacks a segment, one of these.
        self.store.sync()?;
        segment_file::remove_orphans(self.store.dir(), &[])?;
        for segment in directories(&dir.join(SEGMENTS))? {
            segment_file::link_into(&segment, &self.store.dir().join(name(&segment)))?;
        }
        self.store.import(dir)?;
        // Its sender may have found damage while it was made; what came here is verified.
        damage::clear(&self.store)?;
        // Verified here too: what lies between its arrival and this is a disk.
        let mut state = open::read(&self.store, true)?;
        // A leader of an older version has no range in its files, and this replica was told it.
        if let (None, Some(range)) = (state.own, before.own) {
            open::put_range(&self.store, range)?;
            state.own = Some(range);
        }
        *self.state.write() = state;
        *self.damaged.write() = None;
        self.fills.end();
        self.note_write(0);
        self.stir_applied();
        // Outside the lock on the state: letting go of all segments takes a while.
        drop(before);
        Ok(())
    }
}

/// Where a replica with its files in `dir` would have a file of a snapshot, by the name that it
/// has there; `None` for what is made anew for each snapshot.
pub fn own_file(dir: &Path, name: &str) -> Option<PathBuf> {
    Some(dir.join(Path::new(name).strip_prefix(SEGMENTS).ok()?))
}

fn name(segment: &Path) -> &OsStr {
    segment.file_name().expect("a segment has a directory of its own")
}

/// What a directory holds; nothing if it is not there.
fn directories(dir: &Path) -> Result<Vec<PathBuf>, vane_storage::Error> {
    let listed = match fs::read_dir(dir) {
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => Err(source),
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
    };
    listed.map_err(|source| vane_storage::Error::Io { what: "list", path: dir.to_owned(), source })
}
