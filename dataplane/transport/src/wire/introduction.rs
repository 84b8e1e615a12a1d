//! Getting to know another node's start.

use vane_proto::peer;
use vane_proto::peer::introduce_reply::Outcome as WireOutcome;
use vane_types::Error;

use super::{Unreadable, Wire, message, need};
use crate::lives::{Introduction, Life, Start};

message!(Start { number, boot });
message!(
    Introduction as (Introduction { life: Life { node, disk, start }, address, before }) =>
    Introduction { node, disk, start = "the start", address, before }
);

pub(crate) fn answer_to_wire(answer: Result<Introduction, Error>) -> peer::IntroduceReply {
    peer::IntroduceReply {
        outcome: Some(match answer {
            Ok(own) => WireOutcome::Accepted(own.into_message()),
            Err(error) => WireOutcome::Refused(error.into_message()),
        }),
    }
}

pub(crate) fn answer_from_wire(
    reply: peer::IntroduceReply,
) -> Result<Result<Introduction, Error>, Unreadable> {
    match need(reply.outcome, "the answer")? {
        WireOutcome::Accepted(own) => Introduction::from_message(own).map(Ok),
        WireOutcome::Refused(error) => Error::from_message(error).map(Err),
    }
}
