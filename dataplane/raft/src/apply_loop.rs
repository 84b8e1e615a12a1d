//! The apply thread: takes committed entries in order and answers those who wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::Receiver;

use crate::node::Group;
use crate::{Applied, Entry, OnApplied, end_process};

/// An entry that is synced, and who waits for it.
pub(crate) struct Committed {
    pub(crate) group: Arc<Group>,
    pub(crate) entry: Entry,
    pub(crate) on_applied: OnApplied,
}

/// Runs until the log thread has ended and everything it handed on is applied.
pub(crate) fn run(committed: &Receiver<Vec<Committed>>, pending_bytes: &AtomicUsize) {
    for Committed { group, entry, on_applied } in committed.iter().flatten() {
        let expected = group.machine.applied() + 1;
        assert_eq!(entry.index, expected, "entries must be applied in log order");
        let answer = match group.machine.apply(&entry) {
            Ok(answer) => answer,
            Err(error) => end_process("failed to apply a committed entry", &error),
        };
        // Before the answer: whoever has it may propose again at once.
        pending_bytes.fetch_sub(entry.data.len(), Ordering::AcqRel);
        on_applied(Ok(Applied { index: entry.index, answer }));
    }
}
