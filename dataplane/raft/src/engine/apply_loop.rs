//! The apply threads: they take the committed entries of each group in order and answer those
//! who wait.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use crossbeam_channel::Sender;
use vane_types::{GroupId, LogIndex};

use super::apply_queues::{ApplyQueues, Lane};
use super::inbox::{Inbox, Input};
use super::snapshots::Job;
use super::{Machines, end_process};
use crate::core::Install;
use crate::error::{ApplyError, ProposeError};
use crate::machine::{Applied, Committed};

/// Threads that apply entries of shards: beyond these, data.db is what is waited for.
const SHARD_THREADS_MAX: usize = 8;
/// With fewer, one entry that takes long would hold up every other shard.
const SHARD_THREADS_MIN: usize = 2;

/// Something for an apply thread.
pub(super) enum Work {
    Apply(Committed),
    /// Everything before the snapshot has been applied when this comes; nothing behind it
    /// comes before it is installed.
    Install(Install),
}

impl Work {
    pub(super) fn group(&self) -> GroupId {
        match self {
            Self::Apply(committed) => committed.group,
            Self::Install(install) => install.group,
        }
    }
}

/// Threads to start: one for the meta group, and as many for the shards as there are cores,
/// within bounds.
pub(super) fn lanes() -> Vec<Lane> {
    let cores = available_parallelism().map_or(SHARD_THREADS_MIN, NonZero::get);
    let shards = cores.clamp(SHARD_THREADS_MIN, SHARD_THREADS_MAX);
    [Lane::Meta].into_iter().chain(std::iter::repeat_n(Lane::Shards, shards)).collect()
}

/// What an apply thread needs.
pub(super) struct Applier {
    pub(super) queues: Arc<ApplyQueues>,
    pub(super) machines: Arc<Machines>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) job: Sender<Job>,
}

impl Applier {
    /// Runs until the raft thread has ended and everything of the lane that it handed on is
    /// applied.
    pub(super) fn run(&self, lane: Lane) {
        self.queues.work(lane, |work| match work {
            Work::Apply(committed) => apply(committed, &self.machines, &self.inbox),
            // Elsewhere: an installation takes as long as its files do, and this thread has other
            // groups to serve.
            Work::Install(install) => drop(self.job.send(Job::Install(install))),
        });
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
