//! Who waits for a command.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vane_types::GroupId;
use vane_types::planted::{self, Fault};

use crate::callback::Callback;
use crate::error::ProposeError;
use crate::machine::Applied;
use crate::status::Watch;

/// Called once with the outcome of a command.
pub type OnApplied = Callback<Result<Applied, ProposeError>>;

/// A command's place among those that the node has on their way. Used up by its answer.
pub struct Ticket {
    done: Option<OnApplied>,
    bytes: usize,
    pending: Arc<AtomicUsize>,
    /// The group whose log has the command, and what is shown of the replica, once one has.
    logged: Option<(GroupId, Arc<Watch>)>,
}

impl Ticket {
    /// Counts `bytes` as pending until the answer.
    pub fn new(bytes: usize, pending: Arc<AtomicUsize>, done: OnApplied) -> Self {
        pending.fetch_add(bytes, Ordering::AcqRel);
        Self { done: Some(done), bytes, pending, logged: None }
    }

    /// The command is in a log from now on: what becomes of it is not decided here alone.
    pub(crate) fn set_logged(&mut self, group: GroupId, watch: Arc<Watch>) {
        self.logged = Some((group, watch));
    }

    /// The command is applied.
    pub fn applied(self, applied: Applied) {
        // Before the answer: whoever has it may read at a follower, which asks this replica how far
        // it is and may be answered before the thread that owns the groups has heard of the entry.
        if let Some((_, watch)) = &self.logged
            && !planted::is(Fault::AckUnshown)
        {
            watch.note_applied(applied.index);
        }
        self.answer(Ok(applied));
    }

    /// The command is not, or nobody here knows.
    pub fn fail(self, error: ProposeError) {
        self.answer(Err(error));
    }

    fn answer(mut self, outcome: Result<Applied, ProposeError>) {
        // Before the answer: whoever has it may propose again at once.
        self.pending.fetch_sub(std::mem::take(&mut self.bytes), Ordering::AcqRel);
        if let Some(done) = self.done.take() {
            done(outcome);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.pending.fetch_sub(self.bytes, Ordering::AcqRel);
        if let Some(done) = self.done.take() {
            // Wherever a ticket is dropped, whoever waits for it must hear something.
            let logged = self.logged.as_ref();
            done(Err(logged.map_or(ProposeError::Stopping, |log| ProposeError::Unknown(log.0))));
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
