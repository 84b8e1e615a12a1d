//! What is asked of a leader and is no command, and what became of it.

use std::time::Instant;

use vane_proto::peer;
use vane_proto::peer::leader_reply::Outcome as WireOutcome;
use vane_raft::{MemberChange, Seen};
use vane_types::{GroupId, LogIndex, PeerId, Term};

use super::Wire;
use super::failure::{leader_from_wire, not_leader_to_wire};
use crate::deadline::{deadline_of, left_ms};
use crate::{LeaderRequest, NotDone};

pub(crate) fn transfer_to_wire(
    group: GroupId,
    to: PeerId,
    deadline: Instant,
) -> peer::TransferLeaderRequest {
    let timeout_ms = left_ms(deadline);
    peer::TransferLeaderRequest { group: group.0, timeout_ms, to_peer: to.0 }
}

pub(crate) fn transfer_from_wire(
    request: peer::TransferLeaderRequest,
) -> (GroupId, LeaderRequest, Instant) {
    let peer::TransferLeaderRequest { group, timeout_ms, to_peer } = request;
    (GroupId(group), LeaderRequest::Transfer(PeerId(to_peer)), deadline_of(timeout_ms))
}

pub(crate) fn change_to_wire(
    group: GroupId,
    change: MemberChange,
    deadline: Instant,
) -> peer::ChangeMembersRequest {
    let MemberChange { learners, voters, removed, seen } = change;
    peer::ChangeMembersRequest {
        group: group.0,
        timeout_ms: left_ms(deadline),
        add_learners: learners.into_message(),
        promote: voters.into_message(),
        remove: removed.into_message(),
        seen: seen
            .map(|Seen { term, applied }| peer::ConfSeen { term: term.0, applied: applied.0 }),
    }
}

pub(crate) fn change_from_wire(
    request: peer::ChangeMembersRequest,
) -> (GroupId, LeaderRequest, Instant) {
    let peer::ChangeMembersRequest { group, timeout_ms, add_learners, promote, remove, seen } =
        request;
    let change = MemberChange {
        learners: peers(add_learners),
        voters: peers(promote),
        removed: peers(remove),
        seen: seen.map(|seen| Seen { term: Term(seen.term), applied: LogIndex(seen.applied) }),
    };
    (GroupId(group), LeaderRequest::Change(change), deadline_of(timeout_ms))
}

pub(crate) fn done_to_wire(done: Result<(), NotDone>) -> peer::LeaderReply {
    let outcome = match done {
        Ok(()) => WireOutcome::Done(peer::Done {}),
        Err(NotDone::NotLeader { leader, .. }) => {
            WireOutcome::NotLeader(not_leader_to_wire(leader))
        }
        Err(NotDone::NoReplica(why)) => WireOutcome::NoReplica(why),
        Err(NotDone::Refused(why)) => WireOutcome::Refused(why),
        Err(NotDone::Unknown(why)) => WireOutcome::Unknown(why),
    };
    peer::LeaderReply { outcome: Some(outcome) }
}

/// `group` is the one that was asked for: the reply does not repeat it.
pub(crate) fn done_from_wire(group: GroupId, reply: peer::LeaderReply) -> Result<(), NotDone> {
    Err(match reply.outcome {
        Some(WireOutcome::Done(peer::Done {})) => return Ok(()),
        Some(WireOutcome::NotLeader(not_leader)) => {
            NotDone::NotLeader { group, leader: leader_from_wire(not_leader) }
        }
        Some(WireOutcome::NoReplica(why)) => NotDone::NoReplica(why),
        Some(WireOutcome::Refused(why)) => NotDone::Refused(why),
        Some(WireOutcome::Unknown(why)) => NotDone::Unknown(why),
        // It was asked, and may have done it.
        None => NotDone::Unknown("the answer of the leader could not be read".into()),
    })
}

fn peers(numbers: Vec<u64>) -> Vec<PeerId> {
    numbers.into_iter().map(PeerId).collect()
}
