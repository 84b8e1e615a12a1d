//! The apply thread: committed entries, one after the other, to the state machines.

use std::collections::VecDeque;

use vane_raft::{Applied, Committed, Entry, Install, ProposeError, Ticket};
use vane_types::{GroupId, LogIndex};

use super::Process;
use super::snapshots::Job;
use crate::bug::Bug;
use crate::env::Env;
use crate::event::Step;

/// Entries applied in one step at most.
const ENTRIES_MAX: u64 = 8;

/// Something for the apply thread.
pub(super) enum Work {
    Apply {
        group: GroupId,
        peer: u64,
        entries: VecDeque<(Entry, Option<Ticket>)>,
        bytes: usize,
        last: LogIndex,
    },
    Install(Install),
}

impl Work {
    pub(super) fn of(committed: Committed) -> Self {
        let Committed { group, peer, entries, bytes } = committed;
        Self::Apply { group, peer, entries: entries.into(), bytes, last: 0 }
    }
}

impl Process {
    pub(super) fn add_work(&mut self, env: &mut Env, work: Work) {
        if self.work.is_empty() {
            self.call_apply(env);
        }
        self.work.push_back(work);
    }

    fn call_apply(&self, env: &mut Env) {
        let time = env.random.within(&env.swarm.apply);
        env.step(time, self.id, Step::Apply);
    }

    /// Applies a few entries of the first group in the queue.
    pub(super) fn apply(&mut self, env: &mut Env) {
        match self.work.pop_front() {
            Some(Work::Apply { group, peer, mut entries, bytes, mut last }) => {
                let few = 1 + env.random.below(ENTRIES_MAX) as usize;
                for (entry, ticket) in entries.drain(..few.min(entries.len())) {
                    last = self.apply_entry(env, (group, peer), entry, ticket).unwrap_or(last);
                }
                if entries.is_empty() {
                    self.note_applied((group, peer), last, bytes);
                } else {
                    self.work.push_front(Work::Apply { group, peer, entries, bytes, last });
                }
            }
            Some(Work::Install(install)) => self.add_job(env, Job::install(install)),
            None => {}
        }
        if !self.work.is_empty() {
            self.call_apply(env);
        }
    }

    fn note_applied(&mut self, replica: (GroupId, u64), index: LogIndex, bytes: usize) {
        let known = self.inbox.applied.entry(replica).or_default();
        known.0 = known.0.max(index);
        known.1 += bytes;
    }

    /// Index of the entry, if there is a machine to take it.
    fn apply_entry(
        &mut self,
        env: &mut Env,
        (group, peer): (GroupId, u64),
        entry: Entry,
        ticket: Option<Ticket>,
    ) -> Option<LogIndex> {
        let Some(replica) = self.replica(group, peer) else {
            if let Some(ticket) = ticket {
                ticket.fail(ProposeError::Unknown(group));
            }
            return None;
        };
        let (index, kind) = (entry.index, env.group(group).kind);
        let expected = replica.machine.applied() + 1;
        if index != expected {
            let name = crate::checks::name(peer);
            env.checks.fail(|| {
                format!("group {group}: peer {name} is given entry {index} after {}", expected - 1)
            });
            return None;
        }
        let request = kind.request_of(&entry.data).map(|it| (it.session, it.sequence));
        let forgets = env.bug == Some(Bug::DoubleApply) && request.is_some();
        let applied = match forgets {
            true => replica
                .machine
                .apply(&Entry { data: kind.without_request(&entry.data), ..entry.clone() }),
            false => replica.machine.apply(&entry),
        };
        let digest = replica.machine.digest();
        match (applied, digest) {
            (Ok(answer), Ok(digest)) => {
                env.note(
                    "applied",
                    &[("group", group.0), ("peer", peer), ("index", index), ("digest", digest)],
                );
                env.checks.applied(group, peer, &entry, request, digest);
                if let Some(ticket) = ticket {
                    ticket.applied(Applied { index, answer });
                }
            }
            (Err(error), _) => {
                env.checks.fail(|| format!("entry {index} could not be applied: {error}"))
            }
            (_, Err(error)) => env.checks.fail(|| format!("no digest at entry {index}: {error}")),
        }
        Some(index)
    }
}
