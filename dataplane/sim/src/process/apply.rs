//! The apply threads: committed entries to the state machines, those of one group one after the
//! other.

use std::collections::VecDeque;

use vane_raft::{Applied, Committed, Entry, Install, ProposeError, Ticket};
use vane_types::{GroupId, LogIndex, PeerId};

use super::Process;
use super::snapshots::Job;
use crate::bug::Bug;
use crate::checks::name;
use crate::env::Env;
use crate::event::Step;
use crate::machine;

/// Entries applied in one step at most.
const ENTRIES_MAX: u64 = 8;

/// Something for the apply thread.
pub(super) enum Work {
    Apply {
        group: GroupId,
        peer: PeerId,
        entries: VecDeque<(Entry, Option<Ticket>)>,
        bytes: usize,
        last: LogIndex,
    },
    Install(Install),
}

impl Work {
    fn group(&self) -> GroupId {
        match self {
            Self::Apply { group, .. } => *group,
            Self::Install(install) => install.group,
        }
    }

    pub(super) fn of(committed: Committed) -> Self {
        let Committed { group, peer, entries, bytes } = committed;
        Self::Apply { group, peer, entries: entries.into(), bytes, last: LogIndex::ZERO }
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

    /// Applies a few entries of any group: which thread is faster nobody knows.
    pub(super) fn apply(&mut self, env: &mut Env) {
        let place = self.next_work(env);
        match self.work.remove(place) {
            Some(Work::Apply { group, peer, mut entries, bytes, mut last }) => {
                // A crash can then fall between any two entries of what was committed at once.
                let few = 1 + env.random.below(ENTRIES_MAX) as usize;
                for (entry, ticket) in entries.drain(..few.min(entries.len())) {
                    last = self.apply_entry(env, (group, peer), entry, ticket).unwrap_or(last);
                }
                if entries.is_empty() {
                    self.note_applied((group, peer), last, bytes);
                } else {
                    // Where it was: entries of one group have one order.
                    self.work.insert(place, Work::Apply { group, peer, entries, bytes, last });
                }
                if group == GroupId::META {
                    self.catalog_changed(env);
                }
            }
            Some(Work::Install(install)) => self.add_job(env, Job::install(install)),
            None => {}
        }
        if !self.work.is_empty() {
            self.call_apply(env);
        }
    }

    /// Place of the first work of one group that has some.
    fn next_work(&self, env: &mut Env) -> usize {
        let any = env.random.below(self.work.len().max(1) as u64) as usize;
        let group = self.work.get(any).map(Work::group);
        self.work.iter().position(|work| Some(work.group()) == group).unwrap_or_default()
    }

    fn note_applied(&mut self, replica: (GroupId, PeerId), index: LogIndex, bytes: usize) {
        let known = self.inbox.applied.entry(replica).or_default();
        known.0 = known.0.max(index);
        known.1 += bytes;
    }

    /// Index of the entry, if there is a machine to take it.
    fn apply_entry(
        &mut self,
        env: &mut Env,
        (group, peer): (GroupId, PeerId),
        entry: Entry,
        ticket: Option<Ticket>,
    ) -> Option<LogIndex> {
        let Some(replica) = self.replica(group, peer) else {
            if let Some(ticket) = ticket {
                // The replica is gone, the entry may well be applied by others.
                ticket.fail(ProposeError::Unknown(group));
            }
            return None;
        };
        let (index, expected) = (entry.index, replica.machine.applied().next());
        if index != expected {
            let name = name(peer);
            env.checks.fail(|| {
                format!("group {group}: peer {name} is given entry {index}, not {expected}")
            });
            return None;
        }
        let request = machine::request_of(group, &entry.data);
        let request = request.map(|request| (request.session, request.sequence));
        // By taking the name away: the table that would recognise the copy never sees it.
        let forgets = env.bug == Some(Bug::DoubleApply) && request.is_some();
        let applied = match forgets {
            true => {
                let data = machine::without_request(group, &entry.data);
                replica.machine.apply(&Entry { data, ..entry.clone() })
            }
            false => replica.machine.apply(&entry),
        };
        let applied = match applied {
            Ok(answer) => replica.machine.digest().map(|digest| (answer, digest)),
            Err(error) => Err(error.to_string()),
        };
        match applied {
            Ok((answer, digest)) => {
                let numbers =
                    [("group", group.0), ("peer", peer.0), ("index", index.0), ("digest", digest)];
                env.note("applied", &numbers);
                let outcome = (request, answer.is_err());
                if !self.is_unheard(env) {
                    env.checks.applied(group, peer, &entry, outcome, digest);
                }
                if let Some(ticket) = ticket {
                    ticket.applied(Applied { index, answer });
                }
            }
            Err(error) => {
                let why = || format!("group {group}: entry {index} was not applied: {error}");
                env.checks.fail(why);
            }
        }
        Some(index)
    }
}
