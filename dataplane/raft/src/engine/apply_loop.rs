//! The apply thread: takes committed entries in order and answers those who wait.

use crossbeam_channel::{Receiver, Sender};
use vane_types::LogIndex;

use super::inbox::{Inbox, Input};
use super::snapshots::Job;
use super::{Machines, end_process};
use crate::core::Install;
use crate::error::{ApplyError, ProposeError};
use crate::machine::{Applied, Committed};

/// Something for the apply thread.
pub(super) enum Work {
    Apply(Committed),
    /// Everything before the snapshot has been applied when this comes; nothing behind it
    /// comes before it is installed.
    Install(Install),
}

/// Runs until the raft thread has ended and everything it handed on is applied.
pub(super) fn run(work: &Receiver<Work>, machines: &Machines, inbox: &Inbox, job: &Sender<Job>) {
    for work in work {
        match work {
            Work::Apply(committed) => apply(committed, machines, inbox),
            // Elsewhere: an installation takes as long as its files do, and other groups' entries
            // would wait.
            Work::Install(install) => drop(job.send(Job::Install(install))),
        }
    }
}

fn apply(committed: Committed, machines: &Machines, inbox: &Inbox) {
    let Committed { group, peer, entries, bytes } = committed;
    let Some(machine) = machines.of(group, peer) else {
        // The replica is gone; the other members still apply what was committed.
        for ticket in entries.into_iter().filter_map(|(_, ticket)| ticket) {
            ticket.fail(ProposeError::Unknown(group));
        }
        // The bytes were counted when the entries were handed on: without this their room would be
        // lost.
        return inbox.applied(group, peer, LogIndex::ZERO, bytes);
    };
    let mut last = LogIndex::ZERO;
    for (entry, ticket) in entries {
        // Asked of the machine each time: an entry left out or applied twice makes replicas differ
        // for good.
        let expected = machine.applied().next();
        assert_eq!(entry.index, expected, "group {group}: entries must be applied in log order");
        let answer = match machine.apply(&entry) {
            Ok(answer) => answer,
            Err(ApplyError::Unreadable(why)) => {
                tracing::error!(
                    %group,
                    %why,
                    "a replica is taken out of use; all others of this node go on"
                );
                machines.remove_peer(group, peer);
                inbox.put(Input::Quarantined { group, peer });
                // Dropped with those that come behind it: whoever waits hears that nobody knows,
                // since the other replicas may apply them.
                break;
            }
            Err(ApplyError::Store(error)) => {
                end_process("failed to apply a committed entry", &error)
            }
        };
        last = entry.index;
        if let Some(ticket) = ticket {
            ticket.applied(Applied { index: entry.index, answer });
        }
    }
    inbox.applied(group, peer, last, bytes);
}

#[cfg(test)]
mod tests;
