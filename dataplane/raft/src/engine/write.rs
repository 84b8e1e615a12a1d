//! The thread that writes rounds to the log store, one at a time, so that the thread that owns the
//! groups never waits for a disk.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::inbox::{Inbox, Input};
use super::{Counters, end_process};
use crate::log::{Append, LogStore};

/// What a round writes, and whether it must be on disk before the round ends.
type Round = (Vec<Append>, bool);

/// Both sides.
pub(super) fn pair(
    store: Arc<dyn LogStore>,
    inbox: Arc<Inbox>,
    counters: Arc<Counters>,
) -> (Write, Writer) {
    let (rounds, to_write) = bounded(1);
    let writer = Writer { store, inbox, counters, rounds: to_write };
    (Write { rounds, is_free: true }, writer)
}

/// The raft thread's side: at most one round is being written.
pub(super) struct Write {
    rounds: Sender<Round>,
    is_free: bool,
}

impl Write {
    pub(super) fn is_free(&self) -> bool {
        self.is_free
    }

    /// [`Input::Written`] comes once it is done.
    pub(super) fn begin(&mut self, appends: Vec<Append>, sync: bool) {
        self.is_free = false;
        // The receiver ends after the raft thread.
        let _sent = self.rounds.send((appends, sync));
    }

    pub(super) fn end(&mut self) {
        self.is_free = true;
    }
}

/// The thread's own side.
pub(super) struct Writer {
    store: Arc<dyn LogStore>,
    inbox: Arc<Inbox>,
    counters: Arc<Counters>,
    rounds: Receiver<Round>,
}

impl Writer {
    /// Runs until the raft thread has ended and its last round is written.
    pub(super) fn run(&self) {
        for (appends, sync) in &self.rounds {
            if let Err(error) = self.store.append(&appends, sync) {
                end_process("failed to sync raft.db", &error);
            }
            if sync {
                let entries: usize = appends.iter().map(|append| append.entries.len()).sum();
                self.counters.syncs.fetch_add(1, Ordering::Relaxed);
                self.counters.entries.fetch_add(entries as u64, Ordering::Relaxed);
            }
            self.inbox.put(Input::Written);
        }
    }
}
