//! What nodes say to each other, from and to this crate's own types. Whatever cannot be
//! read is an error with a reason; nothing here decides anything.

mod answer;
mod request;

use vane_proto::peer::propose_reply::Outcome as WireOutcome;
use vane_proto::peer::{ProposeReply, ProposeRequest};
use vane_types::{PointId, Refusal};

use crate::propose::{Outcome, Proposal};

pub(crate) use answer::{answer_from_wire, answer_to_wire};
pub(crate) use request::{read_from_wire, read_to_wire};

pub(crate) fn proposal_to_wire(proposal: Proposal, timeout_ms: u64) -> ProposeRequest {
    let Proposal { group, command, replicas, basis, grows } = proposal;
    ProposeRequest { group: group.0, command, timeout_ms, replicas, basis, grows }
}

pub(crate) fn outcome_to_wire(outcome: Outcome) -> ProposeReply {
    let reply =
        |kind: WireOutcome| ProposeReply { outcome: kind.into(), ..ProposeReply::default() };
    let text = |kind, why: String| ProposeReply { detail: why.into_bytes(), ..reply(kind) };
    match outcome {
        Outcome::Applied(index) => ProposeReply { index, ..reply(WireOutcome::Applied) },
        Outcome::Refused(refusal) => {
            let detail = serde_json::to_vec(&refusal).expect("a refusal is plain data");
            ProposeReply { detail, ..reply(WireOutcome::Refused) }
        }
        Outcome::NotLeader(leader) => {
            ProposeReply { leader_node: leader.unwrap_or(0), ..reply(WireOutcome::NotLeader) }
        }
        Outcome::StaleBasis(index) => ProposeReply { index, ..reply(WireOutcome::StaleBasis) },
        Outcome::Full(why) => text(WireOutcome::Full, why),
        Outcome::NoSpace(why) => text(WireOutcome::NoSpace, why),
        Outcome::Unknown(why) => text(WireOutcome::Unknown, why),
        Outcome::NoReplica(why) => text(WireOutcome::NoReplica, why),
    }
}

pub(crate) fn outcome_from_wire(reply: ProposeReply) -> Outcome {
    let kind = reply.outcome();
    let ProposeReply { index, leader_node, detail, .. } = reply;
    let text = || String::from_utf8_lossy(&detail).into_owned();
    match kind {
        WireOutcome::Applied => Outcome::Applied(index),
        WireOutcome::Refused => match serde_json::from_slice::<Refusal>(&detail) {
            Ok(refusal) => Outcome::Refused(refusal),
            Err(_) => Outcome::Refused(Refusal::Invalid(text())),
        },
        WireOutcome::NotLeader => Outcome::NotLeader(Some(leader_node).filter(|it| *it != 0)),
        WireOutcome::StaleBasis => Outcome::StaleBasis(index),
        WireOutcome::Full => Outcome::Full(text()),
        WireOutcome::NoSpace => Outcome::NoSpace(text()),
        WireOutcome::NoReplica => Outcome::NoReplica(text()),
        WireOutcome::Unknown => Outcome::Unknown(text()),
        WireOutcome::Unspecified => {
            Outcome::Unknown("the answer of the leader could not be read".into())
        }
    }
}

fn id(key: &[u8]) -> Result<PointId, String> {
    PointId::from_key(key).ok_or_else(|| "a point id could not be read".to_owned())
}

fn ids(keys: &[Vec<u8>]) -> Result<Vec<PointId>, String> {
    keys.iter().map(|it| id(it)).collect()
}
