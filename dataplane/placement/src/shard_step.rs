//! The next step from the members that a shard's group has to those that it should have.
//!
//! Derived anew from what is, each time: the same facts give the same step, whoever asks and
//! however often, and a leader that goes on where another stopped needs to know nothing.

#[cfg(test)]
mod tests;

use derive_more::Display;
use thiserror::Error;
use vane_catalog::{MetaCommand, Seen, ShardEntry, TargetReplica};
use vane_raft::{CAUGHT_UP_ENTRIES, Conf, GroupStatus, MemberChange, PeerStatus};
use vane_types::planted::{self, Fault};
use vane_types::{GroupId, LogIndex, NodeId, PeerId};

use crate::turns::COPIES_AT_ONCE;

/// Entries that a learner may still have to apply when it gets its vote: a second or so of
/// writes, that it would have to make up for as the leader.
const UNAPPLIED_ENTRIES_MAX: u64 = 4096;

/// What to do next; displayed as overviews say it, of a change that is under way.
#[derive(Debug, Display, Clone, PartialEq, Eq)]
pub enum ShardStep {
    /// Nothing yet.
    Wait(Waiting),
    /// A peer begins to follow, and is sent the data.
    #[display(
        "node {} is to get the data; {COPIES_AT_ONCE} replicas get theirs at a time",
        _0.node()
    )]
    Copy(PeerId),
    /// Change the members.
    #[display("changing members")]
    Change(MemberChange),
    /// Hand the leadership over first.
    #[display("handing the leadership over")]
    Transfer(PeerId),
    /// The target was made from members that have changed since: record those, and go on from
    /// what the target then is.
    #[display("recording what the members are now")]
    Record,
    /// The members are those that are wanted: record it in the catalog.
    #[display("recording the new members")]
    Settle,
}

/// What a change of members waits for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Waiting {
    /// One step at a time: the last one is not applied.
    #[error("a change of members is being applied")]
    ChangeUnderWay,
    /// The leader is too new to know what the catalog knows.
    #[error("the leader is catching up with its log")]
    LeaderBehind,
    /// A node that is to get a replica does not answer.
    #[error("node {0} is away; ask for other replicas to take the move to it back")]
    Away(NodeId),
    /// A learner that is to vote does not have the data.
    #[error("node {} is catching up: {matched} of {last_index} entries", .peer.node())]
    CatchingUp {
        /// Peer id of the learner.
        peer: PeerId,
        /// The last entry that it is known to have.
        matched: LogIndex,
        /// The last entry that there is.
        last_index: LogIndex,
    },
    /// A learner that is to vote has the entries in its log, and not in its state: a snapshot
    /// is being installed, or entries are applied.
    #[error(
        "node {} is taking the data in: it has applied entry {applied} of {last_index}",
        .peer.node()
    )]
    TakingIn {
        /// Peer id of the learner.
        peer: PeerId,
        /// The last entry that it says it has applied; 0 where it was not heard.
        applied: LogIndex,
        /// The last entry that there is.
        last_index: LogIndex,
    },
    /// The leader is to go, and nobody can take over.
    #[error("no voter that stays is caught up, to take the leadership")]
    NoHeir,
}

/// Whether a peer has a state, and all but the last few entries.
pub fn is_caught_up(status: &GroupStatus, peer: &PeerStatus) -> bool {
    has_log(status, peer) && has_state(peer)
}

fn has_log(status: &GroupStatus, peer: &PeerStatus) -> bool {
    // While a snapshot is on its way, `matched` is from before it.
    peer.active && !peer.snapshot && peer.matched + CAUGHT_UP_ENTRIES >= status.last_index
}

/// By its own word: in a short log nothing at all is not far behind either, and a log begins with
/// a snapshot's index before that is installed.
fn has_state(peer: &PeerStatus) -> bool {
    planted::is(Fault::VoteBeforeInstall) || (peer.applied > LogIndex::ZERO && !peer.installing)
}

/// Whether a peer may be given a vote.
pub(crate) fn may_vote(status: &GroupStatus, peer: &PeerStatus) -> bool {
    let has_applied = peer.applied + UNAPPLIED_ENTRIES_MAX >= status.last_index;
    is_caught_up(status, peer) && has_applied
}

/// The next step of a shard, from the leader's view of the group and the catalog's entry.
/// `alive` says which nodes are members that answer, `may_lead` which of them may take a
/// leadership. Without a target there is nothing to do,
/// and the members would be recorded once more.
pub fn next_step(
    status: &GroupStatus,
    shard: &ShardEntry,
    alive: impl Fn(NodeId) -> bool,
    may_lead: impl Fn(NodeId) -> bool,
) -> ShardStep {
    let conf = &status.conf;
    if status.conf_pending || conf.is_joint() {
        return ShardStep::Wait(Waiting::ChangeUnderWay);
    }
    if shard.seen.is_some_and(|seen| seen.term > status.term || seen.index > status.applied) {
        return ShardStep::Wait(Waiting::LeaderBehind);
    }
    if !shard.fits(conf) {
        return ShardStep::Record;
    }
    let target = shard.target.as_deref().unwrap_or_default();
    let members = conf.members();
    let missing: Vec<PeerId> =
        target.iter().map(|replica| replica.peer).filter(|peer| !members.contains(peer)).collect();
    // One at a time, and first as a learner: it takes no part in a majority before it has the
    // data. Those that are there first, so that they are ready when the others come back.
    if let Some(peer) = missing.iter().find(|peer| alive(peer.node())) {
        return ShardStep::Copy(*peer);
    }
    if let Some(peer) = missing.first() {
        return ShardStep::Wait(Waiting::Away(peer.node()));
    }
    let change = remaining_change(conf, target, status.leader);
    if let Some(waiting) = change.voters.iter().find_map(|peer| unready(status, *peer, &alive)) {
        return ShardStep::Wait(waiting);
    }
    if change != MemberChange::default() {
        return ShardStep::Change(change);
    }
    // Last of all: until here the leader has carried the change.
    if status.leader.and_then(|leader| wanted(target, leader)).is_none_or(|replica| replica.learner)
    {
        return hand_over(status, target, |node| alive(node) && may_lead(node));
    }
    ShardStep::Settle
}

/// Why a learner may not vote yet: a majority that needs it would wait until it has the data.
fn unready(status: &GroupStatus, peer: PeerId, alive: impl Fn(NodeId) -> bool) -> Option<Waiting> {
    if planted::is(Fault::PromoteTooEarly) {
        return None;
    }
    let known = status.peer(peer).cloned().unwrap_or_default();
    let (matched, last_index) = (known.matched, status.last_index);
    match may_vote(status, &known) {
        true => None,
        false if !alive(peer.node()) => Some(Waiting::Away(peer.node())),
        false if has_log(status, &known) => {
            Some(Waiting::TakingIn { peer, applied: known.applied, last_index })
        }
        false => Some(Waiting::CatchingUp { peer, matched, last_index }),
    }
}

/// What separates the members from the target once all of the target follow. In one change:
/// votes that are given and votes that are taken away hold from the same entry on.
fn remaining_change(conf: &Conf, target: &[TargetReplica], leader: Option<PeerId>) -> MemberChange {
    let promoted = target
        .iter()
        .filter(|replica| !replica.learner && conf.learners.contains(&replica.peer))
        .map(|replica| replica.peer);
    // Never the leader: it hands over when all else is done.
    let others = |peer: &PeerId| Some(*peer) != leader;
    let removed = conf.members().into_iter().filter(|peer| wanted(target, *peer).is_none());
    let demoted = conf.voters.iter().copied();
    let demoted =
        demoted.filter(|peer| wanted(target, *peer).is_some_and(|replica| replica.learner));
    MemberChange {
        learners: demoted.filter(others).collect(),
        voters: promoted.collect(),
        removed: removed.filter(others).collect(),
        seen: None,
    }
}

/// The leader is to go or to give its vote up: a voter that stays takes over.
fn hand_over(
    status: &GroupStatus,
    target: &[TargetReplica],
    may_take: impl Fn(NodeId) -> bool,
) -> ShardStep {
    let mut stays = target.iter().filter(|replica| !replica.learner).map(|replica| replica.peer);
    let has_data = |peer| status.peer(peer).is_some_and(|known| is_caught_up(status, known));
    let heir = stays
        .find(|peer| status.conf.voters.contains(peer) && may_take(peer.node()) && has_data(*peer));
    heir.map_or(ShardStep::Wait(Waiting::NoHeir), ShardStep::Transfer)
}

fn wanted(target: &[TargetReplica], peer: PeerId) -> Option<&TargetReplica> {
    target.iter().find(|replica| replica.peer == peer)
}

/// The command that records what a shard's members are. `is_told` says whether it says when they
/// were looked at, which all members have to be able to read; one from an older look is refused
/// then.
pub fn record(
    group: GroupId,
    shard: &ShardEntry,
    status: &GroupStatus,
    is_told: bool,
) -> MetaCommand {
    let seen = Seen { epoch: shard.epoch, term: status.term, index: status.applied };
    MetaCommand::Settle { group, conf: status.conf.clone(), seen: is_told.then_some(seen) }
}
