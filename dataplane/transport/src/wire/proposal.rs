//! Proposals, and what became of them.

use std::time::Instant;

use vane_proto::peer;
use vane_proto::peer::propose_reply::Outcome as WireOutcome;
use vane_types::{GroupId, LogIndex};

use super::failure::{leader_from_wire, not_leader_to_wire, refusal_from_wire, refusal_to_wire};
use super::{Unreadable, need};
use crate::deadline::{deadline_of, left_ms};
use crate::{Outcome, Proposal};

pub(crate) fn proposal_to_wire(proposal: Proposal, deadline: Instant) -> peer::ProposeRequest {
    let Proposal { group, command, replicas, basis, grows } = proposal;
    peer::ProposeRequest {
        group: group.0,
        command,
        timeout_ms: left_ms(deadline),
        replicas,
        basis: basis.map(|index| index.0),
        grows,
    }
}

pub(crate) fn proposal_from_wire(request: peer::ProposeRequest) -> (Proposal, Instant) {
    let peer::ProposeRequest { group, command, timeout_ms, replicas, basis, grows } = request;
    let basis = basis.map(LogIndex);
    let proposal = Proposal { group: GroupId(group), command, replicas, basis, grows };
    (proposal, deadline_of(timeout_ms))
}

pub(crate) fn outcome_to_wire(outcome: Outcome) -> peer::ProposeReply {
    let outcome = match outcome {
        Outcome::Applied(index) => WireOutcome::Applied(index.0),
        Outcome::Refused(refusal) => WireOutcome::Refused(refusal_to_wire(refusal)),
        Outcome::NotLeader(leader) => WireOutcome::NotLeader(not_leader_to_wire(leader)),
        Outcome::Full(why) => WireOutcome::Full(why),
        Outcome::NoSpace(why) => WireOutcome::NoSpace(why),
        Outcome::StaleBasis(index) => WireOutcome::StaleBasis(index.0),
        Outcome::NoReplica(why) => WireOutcome::NoReplica(why),
        Outcome::Unknown(why) => WireOutcome::Unknown(why),
    };
    peer::ProposeReply { outcome: Some(outcome) }
}

pub(crate) fn outcome_from_wire(reply: peer::ProposeReply) -> Outcome {
    // The leader did something with the command, and what is not known.
    read_outcome(reply).unwrap_or_else(|error| {
        Outcome::Unknown(format!("the answer of the leader could not be read: {error}"))
    })
}

fn read_outcome(reply: peer::ProposeReply) -> Result<Outcome, Unreadable> {
    Ok(match need(reply.outcome, "the outcome")? {
        WireOutcome::Applied(index) => Outcome::Applied(LogIndex(index)),
        WireOutcome::Refused(refusal) => Outcome::Refused(refusal_from_wire(refusal)?),
        WireOutcome::NotLeader(not_leader) => Outcome::NotLeader(leader_from_wire(not_leader)),
        WireOutcome::Full(why) => Outcome::Full(why),
        WireOutcome::NoSpace(why) => Outcome::NoSpace(why),
        WireOutcome::StaleBasis(index) => Outcome::StaleBasis(LogIndex(index)),
        WireOutcome::NoReplica(why) => Outcome::NoReplica(why),
        WireOutcome::Unknown(why) => Outcome::Unknown(why),
    })
}
