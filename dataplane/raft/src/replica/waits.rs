//! Who waits for entries of a replica's log: proposers for theirs to be applied, others for
//! copies on the disks of voters. Everyone is answered once.

use std::sync::Arc;

use vane_types::{LogIndex, PeerId, Term};

use super::Replica;
use crate::callback::Callback;
use crate::error::ProposeError;
use crate::ticket::Ticket;

/// A proposal in the log, and who waits for it.
pub(super) struct Waiting {
    index: LogIndex,
    term: Term,
    ticket: Ticket,
}

/// Who waits until an entry is on the disks of so many voters.
pub(crate) struct ReplicatedWait {
    pub(crate) index: LogIndex,
    pub(crate) replicas: usize,
    pub(crate) done: Callback<Result<(), ProposeError>>,
}

impl Replica {
    /// Waits for the entry that was proposed last.
    pub(super) fn wait(&mut self, mut ticket: Ticket) {
        ticket.set_logged(self.group, Arc::clone(&self.watch));
        let index = LogIndex(self.raw.raft.raft_log.last_index());
        let term = self.term();
        self.waiting.push_back(Waiting { index, term, ticket });
    }

    /// Answers once so many voters have an entry on disk.
    pub(crate) fn wait_replicated(&mut self, wait: ReplicatedWait) {
        // Only a leader knows what the others have; nobody would ever answer.
        if !self.is_leader() {
            return (wait.done)(Err(ProposeError::Unknown(self.group)));
        }
        self.replicated_waits.push(wait);
        self.after_step();
    }

    /// Answers everyone who waits for a leader that this replica is no longer.
    pub(super) fn step_down(&mut self) {
        let unknown = ProposeError::Unknown(self.group);
        self.fail_waiting(&unknown);
    }

    /// Entries in the log may still be applied, whoever leads next: their proposers hear that
    /// nobody knows. Waits for copies get `error`.
    fn fail_waiting(&mut self, error: &ProposeError) {
        for waiting in self.waiting.drain(..) {
            waiting.ticket.fail(ProposeError::Unknown(self.group));
        }
        for wait in self.replicated_waits.drain(..) {
            (wait.done)(Err(error.clone()));
        }
    }

    pub(super) fn answer_replicated(&mut self) {
        let mut at = 0;
        while let Some(wait) = self.replicated_waits.get(at) {
            // A factor above the number of voters asks for all of them.
            let wanted = wait.replicas.min(self.conf.voters.len());
            if self.copies_of(wait.index) >= wanted {
                (self.replicated_waits.swap_remove(at).done)(Ok(()));
            } else {
                at += 1;
            }
        }
    }

    /// Voters that are known to have an entry on disk.
    fn copies_of(&self, index: LogIndex) -> usize {
        let members = self.raw.raft.prs();
        let has_entry = |peer: &&PeerId| {
            members.get(peer.0).is_some_and(|progress| progress.matched >= index.0)
        };
        self.conf.voters.iter().filter(has_entry).count()
    }

    /// Tells everyone who waits that the group is going. What was logged the others may still
    /// apply.
    pub(crate) fn close(&mut self, error: &ProposeError) {
        self.fail_waiting(error);
        self.reads.refuse_all(self.group, None).give();
        self.watch.refuse_words(self.group, None);
        // Those who hold the watch outlive the replica and must not go on routing to it.
        self.watch.set(None, self.term(), self.committed, false);
    }

    /// Who waits for an entry; those whose entries it took the place of are told.
    pub(super) fn ticket_of(&mut self, index: LogIndex, term: Term) -> Option<Ticket> {
        while self.waiting.front().is_some_and(|waiting| waiting.index <= index) {
            let waiting = self.waiting.pop_front()?;
            // The index alone does not do: another leader's entry may have taken the place.
            if waiting.index == index && waiting.term == term {
                return Some(waiting.ticket);
            }
            waiting.ticket.fail(ProposeError::Superseded(self.group));
        }
        None
    }
}
