//! What must hold at every step, whatever goes wrong.
//!
//! Keeps the one truth about each group's log: the first replica that applies an entry
//! writes it down, all others are compared with it.

use std::collections::BTreeMap;

use raft::eraftpb::MessageType;
use vane_raft::{Conf, Entry, Envelope, INITIAL_INDEX};
use vane_types::{GroupId, LogIndex};
use xxhash_rust::xxh3::xxh3_64;

/// An applied entry, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) term: u64,
    command: u64,
    pub(crate) conf: Option<Conf>,
    /// Session and sequence of the write that it is a copy of.
    pub(crate) request: Option<(u64, u64)>,
    digest: u64,
}

/// The one log of a group.
#[derive(Debug, Default)]
pub(crate) struct TrueLog {
    pub(crate) entries: BTreeMap<LogIndex, Truth>,
    /// Membership at the last entry, and the entry that it came with.
    pub(crate) conf: Conf,
    pub(crate) conf_index: LogIndex,
    /// First copies of requests.
    pub(crate) requests: BTreeMap<(u64, u64), LogIndex>,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    failure: Option<String>,
    pub(crate) logs: BTreeMap<GroupId, TrueLog>,
    leaders: BTreeMap<(GroupId, u64), u64>,
    votes: BTreeMap<(GroupId, u64, u64), u64>,
}

impl Checks {
    /// Why the run failed.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// The first reason counts.
    pub(crate) fn fail(&mut self, why: impl FnOnce() -> String) {
        self.failure.get_or_insert_with(why);
    }

    /// A group begins.
    pub(crate) fn founded(&mut self, group: GroupId, conf: Conf) {
        self.logs.insert(group, TrueLog { conf, ..TrueLog::default() });
    }

    /// A replica applied an entry.
    pub(crate) fn applied(
        &mut self,
        group: GroupId,
        peer: u64,
        entry: &Entry,
        request: Option<(u64, u64)>,
        digest: u64,
    ) {
        let Entry { index, term, .. } = *entry;
        let truth = Truth {
            term,
            command: xxh3_64(&entry.data),
            conf: entry.conf.clone(),
            request,
            digest,
        };
        let log = self.logs.entry(group).or_default();
        match log.entries.get(&index) {
            Some(known) if *known == truth => {}
            Some(known) => {
                let known = known.clone();
                let what =
                    if known.digest == truth.digest { "another entry" } else { "to another state" };
                self.fail(|| {
                    format!(
                        "group {group}: peer {} applied {what} at index {index}: {truth:?}, not {known:?}",
                        name(peer)
                    )
                });
            }
            None => {
                let expected =
                    log.entries.last_key_value().map_or(INITIAL_INDEX, |(last, _)| *last) + 1;
                if let Some(conf) = &truth.conf {
                    (log.conf, log.conf_index) = (conf.clone(), index);
                }
                if let Some(request) = request {
                    log.requests.entry(request).or_insert(index);
                }
                log.entries.insert(index, truth);
                if index != expected {
                    self.fail(|| format!("group {group}: index {index} was applied before {expected} was anywhere"));
                }
            }
        }
    }

    /// A replica took over a snapshot.
    pub(crate) fn installed(&mut self, group: GroupId, peer: u64, index: LogIndex, digest: u64) {
        let known = self.logs.get(&group).and_then(|it| it.entries.get(&index)).map(|it| it.digest);
        if index > INITIAL_INDEX && known != Some(digest) {
            self.fail(|| {
                format!(
                    "group {group}: the snapshot that peer {} took at {index} differs",
                    name(peer)
                )
            });
        }
    }

    /// A replica says who leads.
    pub(crate) fn leads(&mut self, group: GroupId, term: u64, peer: u64) {
        let known = *self.leaders.entry((group, term)).or_insert(peer);
        if known != peer {
            self.fail(|| {
                format!(
                    "group {group}: both {} and {} lead in term {term}",
                    name(known),
                    name(peer)
                )
            });
        }
    }

    /// A replica sends a message; says whether it is a vote.
    pub(crate) fn sends(&mut self, envelope: &Envelope) -> bool {
        let (group, message) = (envelope.group, &envelope.message);
        let given_to = match message.get_msg_type() {
            MessageType::MsgRequestVoteResponse if !message.reject => message.to,
            // Whoever stands for election votes for itself.
            MessageType::MsgRequestVote => message.from,
            _ => return false,
        };
        let (from, term) = (message.from, message.term);
        let known = *self.votes.entry((group, from, term)).or_insert(given_to);
        if known != given_to {
            self.fail(|| {
                let [from, known, given_to] = [from, known, given_to].map(name);
                format!("group {group}: {from} voted in term {term} for {known} and for {given_to}")
            });
        }
        true
    }
}

/// A peer as node and incarnation.
pub(crate) fn name(peer: u64) -> String {
    format!("{}.{}", vane_raft::node_of(peer), peer & u64::from(u32::MAX))
}
