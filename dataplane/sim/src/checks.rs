//! What must hold at every step, whatever goes wrong.
//!
//! Keeps the one truth about each group's log: the first replica that applies an entry
//! writes it down, all others are compared with it.

use std::collections::{BTreeMap, BTreeSet};

use raft::eraftpb::MessageType;
use vane_placement::is_caught_up;
use vane_raft::{Conf, Entry, Envelope, GroupStatus, INITIAL_INDEX, MemberChange};
use vane_types::{GroupId, LogIndex, PeerId, Term};
use xxhash_rust::xxh3::xxh3_64;

use crate::machine::{self, Mention};
use crate::queue::Time;

/// Session and sequence of a write.
pub(crate) type RequestKey = (u64, u64);

/// An applied entry, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) term: Term,
    command: u64,
    pub(crate) conf: Option<Conf>,
    /// The write that it is a copy of.
    pub(crate) request: Option<RequestKey>,
    pub(crate) is_refused: bool,
    digest: u64,
}

/// The one log of a group.
#[derive(Debug, Default)]
pub(crate) struct TrueLog {
    pub(crate) entries: BTreeMap<LogIndex, Truth>,
    /// Membership at the last entry, the entry that it came with, and when that was applied.
    pub(crate) conf: Conf,
    pub(crate) conf_index: LogIndex,
    pub(crate) conf_since: Time,
    /// First copies of requests.
    pub(crate) requests: BTreeMap<RequestKey, LogIndex>,
    /// What entries say of vectors.
    pub(crate) mentions: BTreeMap<LogIndex, Mention>,
    /// Points that are gone for good, and the entries that took them away: nodes that were removed.
    pub(crate) removed: BTreeMap<u64, LogIndex>,
    /// Members of earlier memberships that are none any more.
    gone: BTreeSet<PeerId>,
    /// Replicas that have applied or installed something.
    with_data: BTreeSet<PeerId>,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    failure: Option<String>,
    pub(crate) now: Time,
    pub(crate) logs: BTreeMap<GroupId, TrueLog>,
    leaders: BTreeMap<(GroupId, Term), PeerId>,
    votes: BTreeMap<(GroupId, PeerId, Term), PeerId>,
}

impl TrueLog {
    /// Index of the last entry that was applied anywhere.
    pub(crate) fn last(&self) -> LogIndex {
        self.entries.last_key_value().map_or(INITIAL_INDEX, |(last, _)| *last)
    }

    /// Whether a replica's state machine has ever had anything.
    pub(crate) fn has_data(&self, peer: PeerId) -> bool {
        self.with_data.contains(&peer)
    }

    /// Takes a new membership in; says what is wrong with it.
    fn set_conf(&mut self, conf: Conf, index: LogIndex, now: Time) -> Option<String> {
        let (before, after) = (self.conf.members(), conf.members());
        // A peer id that comes back would vote with what an earlier disk of it promised.
        let back = after.iter().find(|peer| self.gone.contains(peer));
        let back = back.map(|peer| format!("{} is a member again at {index}", name(*peer)));
        let promoted = conf.voters.iter().filter(|peer| !self.conf.voters.contains(peer));
        let empty = promoted.copied().find(|peer| !self.has_data(*peer));
        let empty = empty.map(|peer| format!("{} votes from {index} on without data", name(peer)));
        self.gone.extend(before.into_iter().filter(|peer| !after.contains(peer)));
        (self.conf, self.conf_index, self.conf_since) = (conf, index, now);
        back.or(empty)
    }
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

    /// The log of a group; an empty one while it was not founded.
    pub(crate) fn log(&self, group: GroupId) -> Option<&TrueLog> {
        self.logs.get(&group)
    }

    /// A replica is made with the founding membership of its group.
    pub(crate) fn founded(&mut self, group: GroupId, conf: &Conf) {
        let conf_since = self.now;
        let log = self.logs.entry(group).or_insert_with(|| TrueLog {
            conf: conf.clone(),
            conf_since,
            with_data: conf.voters.iter().copied().collect(),
            ..TrueLog::default()
        });
        // Whoever begins with the first voters would count with those that left since. One that
        // was off may begin late as long as they are the same: a learner does not count.
        let voters = |conf: &Conf| -> BTreeSet<PeerId> {
            conf.voters.iter().chain(&conf.voters_outgoing).copied().collect()
        };
        let is_late = log.conf_index > LogIndex::ZERO;
        if is_late && voters(&log.conf) != voters(conf) {
            self.fail(|| format!("group {group}: a replica was founded after its voters changed"));
        }
    }

    /// A replica applied an entry.
    pub(crate) fn applied(
        &mut self,
        group: GroupId,
        peer: PeerId,
        entry: &Entry,
        (request, is_refused): (Option<RequestKey>, bool),
        digest: u64,
    ) {
        let Entry { index, term, .. } = *entry;
        let (command, conf) = (xxh3_64(&entry.data), entry.conf.clone());
        let truth = Truth { term, command, conf, request, is_refused, digest };
        let now = self.now;
        let log = self.logs.entry(group).or_default();
        log.with_data.insert(peer);
        match log.entries.get(&index) {
            // The same entry with the same effect, as on every replica after the first.
            Some(known) if *known == truth => {}
            Some(known) => {
                let known = known.clone();
                let is_same = known.digest == truth.digest;
                let what = if is_same { "another entry" } else { "to another state" };
                let name = name(peer);
                self.fail(|| {
                    format!(
                        "group {group}: peer {name} applied {what} at index {index}: {truth:?}, \
                         not {known:?}"
                    )
                });
            }
            None => {
                let expected = log.last().next();
                let wrong = truth.conf.clone().and_then(|conf| log.set_conf(conf, index, now));
                // Only the first copy takes effect; the table of requests passes over the others.
                let first = request.map(|it| *log.requests.entry(it).or_insert(index));
                let before = log.entries.last_key_value().map(|(_, before)| before.digest);
                let again = first.filter(|first| *first < index && before != Some(digest));
                if let Some(point) = machine::removal_of(group, &entry.data).filter(|_| !is_refused)
                {
                    log.removed.entry(point).or_insert(index);
                }
                let mention = machine::mention_of(group, &entry.data);
                log.mentions.extend(mention.map(|mention| (index, mention)));
                log.entries.insert(index, truth);
                if index != expected {
                    self.fail(|| {
                        format!(
                            "group {group}: index {index} was applied before {expected} was \
                             anywhere"
                        )
                    });
                }
                if let Some(wrong) = wrong {
                    self.fail(|| format!("group {group}: {wrong}"));
                }
                if let Some(first) = again {
                    self.fail(|| {
                        format!(
                            "group {group}: entry {index} is a copy of {first}, the log says, and \
                             changed the state"
                        )
                    });
                }
            }
        }
    }

    /// A replica took over a snapshot.
    pub(crate) fn installed(&mut self, group: GroupId, peer: PeerId, index: LogIndex, digest: u64) {
        let log = self.logs.entry(group).or_default();
        log.with_data.insert(peer);
        let known = log.entries.get(&index).map(|entry| entry.digest);
        // Before the first entry there is nothing that anybody could have written down.
        if index > INITIAL_INDEX && known != Some(digest) {
            let name = name(peer);
            self.fail(|| {
                format!("group {group}: the snapshot that {name} took at {index} differs")
            });
        }
    }

    /// What a replica had is about to go from its disk.
    pub(crate) fn destroyed(&mut self, group: GroupId, peer: PeerId) {
        let Some(log) = self.logs.get(&group) else { return };
        let conf = &log.conf;
        // Both halves of a joint membership still need it.
        if conf.voters.contains(&peer) || conf.voters_outgoing.contains(&peer) {
            let (name, conf) = (name(peer), conf.clone());
            self.fail(|| {
                format!("group {group}: the voter {name} is destroyed, the members are {conf:?}")
            });
        }
    }

    /// A replica says who leads.
    pub(crate) fn leads(&mut self, group: GroupId, term: Term, peer: PeerId) {
        let known = *self.leaders.entry((group, term)).or_insert(peer);
        if known != peer {
            let [known, peer] = [known, peer].map(name);
            self.fail(|| format!("group {group}: both {known} and {peer} lead in term {term}"));
        }
    }

    /// A replica sends a message; says whether it is a vote.
    pub(crate) fn sends(&mut self, envelope: &Envelope) -> bool {
        let (group, message) = (envelope.group, &envelope.message);
        let given_to = match message.get_msg_type() {
            MessageType::MsgRequestVoteResponse if !message.reject => envelope.to(),
            // Whoever stands for election votes for itself.
            MessageType::MsgRequestVote => envelope.from(),
            _ => return false,
        };
        let (from, term) = (envelope.from(), Term(message.term));
        let known = *self.votes.entry((group, from, term)).or_insert(given_to);
        if known != given_to {
            let [from, known, given_to] = [from, known, given_to].map(name);
            self.fail(|| {
                format!("group {group}: {from} voted in term {term} for {known} and for {given_to}")
            });
        }
        true
    }

    /// A meta leader asks a group's leader, by its last report, to change members.
    pub(crate) fn changes(&mut self, group: GroupId, status: &GroupStatus, change: &MemberChange) {
        let is_behind = |peer: &&PeerId| {
            let seen = status.peer(**peer);
            seen.is_none_or(|seen| !is_caught_up(status, seen))
        };
        if let Some(peer) = change.voters.iter().find(is_behind) {
            let name = name(*peer);
            self.fail(|| format!("group {group}: {name} is to vote and is not caught up"));
        }
    }
}

/// A peer as node and incarnation.
pub(crate) fn name(peer: PeerId) -> String {
    format!("{}.{}", peer.node(), peer.incarnation())
}
