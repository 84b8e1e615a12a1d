//! What the messages of all reads have in common: requests have a header, replies are an
//! answer or the reason why there is none.

use vane_proto::peer;
use vane_types::{Error, LogIndex};

use super::failure::{not_read_from_wire, not_read_to_wire};
use super::{Unreadable, need};
use crate::reads::WireRead;
use crate::{Answered, NotRead};

/// The message of a read's answer.
pub(crate) type AnswerOf<R> = <<R as WireRead>::Reply as WireReply>::Answer;

macro_rules! messages {
    ($($request:ident, $reply:ident, $outcome:ident, $answer:ident;)*) => {$(
        impl WireRequest for peer::$request {
            fn header(&self) -> Option<peer::ReadHeader> {
                self.header
            }
        }

        impl WireReply for peer::$reply {
            type Answer = peer::$answer;

            fn wrap(outcome: Result<peer::$answer, peer::NotRead>) -> Self {
                let outcome = match outcome {
                    Ok(answer) => peer::$outcome::Outcome::Answer(answer),
                    Err(not_read) => peer::$outcome::Outcome::NotRead(not_read),
                };
                Self { outcome: Some(outcome) }
            }

            fn unwrap_outcome(self) -> Option<Result<peer::$answer, peer::NotRead>> {
                Some(match self.outcome? {
                    peer::$outcome::Outcome::Answer(answer) => Ok(answer),
                    peer::$outcome::Outcome::NotRead(not_read) => Err(not_read),
                })
            }
        }
    )*};
}

messages! {
    SearchRequest, SearchReply, search_reply, SearchAnswer;
    HoldRequest, HoldReply, hold_reply, HoldAnswer;
    FetchRequest, FetchReply, fetch_reply, FetchAnswer;
    RetrieveRequest, RetrieveReply, retrieve_reply, RetrieveAnswer;
    ScrollRequest, ScrollReply, scroll_reply, ScrollAnswer;
    CountRequest, CountReply, count_reply, CountAnswer;
    VectorOfRequest, VectorOfReply, vector_of_reply, VectorOfAnswer;
    ResolveRequest, ResolveReply, resolve_reply, ResolveAnswer;
    ShardInfoRequest, ShardInfoReply, shard_info_reply, ShardInfoAnswer;
    BasisRequest, BasisReply, basis_reply, BasisAnswer;
}

pub(crate) fn answered_to_wire<R: WireRead>(answered: Answered<R::Answer>) -> R::Reply {
    R::Reply::wrap(match answered {
        Ok((answer, index)) => Ok(R::answer_to_wire(answer, index)),
        Err(not_read) => Err(not_read_to_wire(not_read)),
    })
}

pub(crate) fn answered_from_wire<R: WireRead>(reply: R::Reply) -> Answered<R::Answer> {
    // Not `NoReplica`: there is one, and it answered.
    read_outcome::<R>(reply).unwrap_or_else(|error| {
        let detail = format!("the answer of a shard could not be read: {error}");
        Err(NotRead::Failed(Error::internal(detail)))
    })
}

fn read_outcome<R: WireRead>(
    reply: R::Reply,
) -> Result<Result<(R::Answer, LogIndex), NotRead>, Unreadable> {
    match need(reply.unwrap_outcome(), "the answer")? {
        Ok(answer) => R::answer_from_wire(answer).map(Ok),
        Err(not_read) => not_read_from_wire(not_read).map(Err),
    }
}

/// The wire form of a read's request.
pub trait WireRequest: Send + 'static {
    /// Group, time and freshness.
    fn header(&self) -> Option<peer::ReadHeader>;
}

/// The wire form of what became of a read.
pub trait WireReply: Send + 'static {
    /// The answer's own message.
    type Answer;

    /// Wraps what became of the read.
    fn wrap(outcome: Result<Self::Answer, peer::NotRead>) -> Self;

    /// What became of the read; `None` when the reply does not say.
    fn unwrap_outcome(self) -> Option<Result<Self::Answer, peer::NotRead>>;
}
