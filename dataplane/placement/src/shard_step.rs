//! The next step from the members that a shard's group has to those that it should have.
//!
//! Derived anew from what is, each time: the same facts give the same step, whoever asks and
//! however often, and a leader that goes on where another stopped needs to know nothing.

#[cfg(test)]
mod tests;

use derive_more::Display;
use thiserror::Error;
use vane_catalog::{State, TargetReplica};
use vane_raft::{CAUGHT_UP_ENTRIES, Conf, GroupStatus, MemberChange, PeerStatus};
use vane_types::planted::{self, Fault};
use vane_types::{GroupId, LogIndex, NodeId, PeerId};

/// Shards that are changed at a time.
const CHANGES_AT_ONCE: usize = 4;

/// What to do next; displayed as overviews say it, of a change that is under way.
#[derive(Debug, Display, Clone, PartialEq, Eq)]
pub enum ShardStep {
    /// Nothing yet.
    Wait(Waiting),
    /// Change the members.
    #[display("changing members")]
    Change(MemberChange),
    /// Hand the leadership over first.
    #[display("handing the leadership over")]
    Transfer(PeerId),
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
    /// A learner that is to vote does not have the data.
    #[error("peer {peer} is catching up: {matched} of {last_index} entries")]
    CatchingUp {
        /// Peer id of the learner.
        peer: PeerId,
        /// The last entry that it is known to have.
        matched: LogIndex,
        /// The last entry that there is.
        last_index: LogIndex,
    },
    /// The leader is to go, and nobody can take over.
    #[error("no voter that stays is caught up, to take the leadership")]
    NoHeir,
}

/// The shards whose members are to be changed now, of those that are not where they should be.
pub fn shards_to_change(state: &State) -> Vec<GroupId> {
    let due = state.shards.iter().filter(|(_, shard)| shard.target.is_some());
    // Always the first ones: a shard that cannot go on keeps its turn, and four such stop all
    // others.
    due.map(|(group, _)| *group).take(CHANGES_AT_ONCE).collect()
}

/// Whether a peer has a state, and all but the last few entries.
pub fn is_caught_up(status: &GroupStatus, peer: &PeerStatus) -> bool {
    // By its own word: in a short log nothing at all is not far behind either.
    let has_state = planted::is(Fault::VoteBeforeInstall)
        || (peer.applied > LogIndex::ZERO && !peer.installing);
    // While a snapshot is on its way, `matched` is from before it.
    peer.active
        && !peer.snapshot
        && has_state
        && peer.matched + CAUGHT_UP_ENTRIES >= status.last_index
}

/// The next step, from the leader's view of the group. `alive` says which nodes answer.
pub fn next_step(
    status: &GroupStatus,
    target: &[TargetReplica],
    alive: impl Fn(NodeId) -> bool,
) -> ShardStep {
    let conf = &status.conf;
    if status.conf_pending || conf.is_joint() {
        return ShardStep::Wait(Waiting::ChangeUnderWay);
    }
    let members = conf.members();
    if let Some(missing) = target.iter().find(|replica| !members.contains(&replica.peer)) {
        // One at a time, and first as a learner: it takes no part in a majority before it has
        // the data.
        return ShardStep::Change(MemberChange {
            learners: vec![missing.peer],
            ..MemberChange::default()
        });
    }
    let change = remaining_change(conf, target, status.leader);
    // No vote before the data: a majority that needs this one would wait until it has caught up.
    if let Some(peer) = change.voters.iter().find(|peer| !has_data(status, **peer)) {
        let matched = status.peer(*peer).map_or(LogIndex::ZERO, |known| known.matched);
        let last_index = status.last_index;
        return ShardStep::Wait(Waiting::CatchingUp { peer: *peer, matched, last_index });
    }
    if change != MemberChange::default() {
        return ShardStep::Change(change);
    }
    // Last of all: until here the leader has carried the change.
    if status.leader.and_then(|leader| wanted(target, leader)).is_none_or(|replica| replica.learner)
    {
        return hand_over(status, target, alive);
    }
    ShardStep::Settle
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
    }
}

/// The leader is to go or to give its vote up: a voter that stays takes over.
fn hand_over(
    status: &GroupStatus,
    target: &[TargetReplica],
    alive: impl Fn(NodeId) -> bool,
) -> ShardStep {
    let mut stays = target.iter().filter(|replica| !replica.learner).map(|replica| replica.peer);
    let heir = stays.find(|peer| {
        status.conf.voters.contains(peer) && alive(peer.node()) && has_data(status, *peer)
    });
    heir.map_or(ShardStep::Wait(Waiting::NoHeir), ShardStep::Transfer)
}

fn wanted(target: &[TargetReplica], peer: PeerId) -> Option<&TargetReplica> {
    target.iter().find(|replica| replica.peer == peer)
}

fn has_data(status: &GroupStatus, peer: PeerId) -> bool {
    planted::is(Fault::PromoteTooEarly)
        || status.peer(peer).is_some_and(|known| is_caught_up(status, known))
}
