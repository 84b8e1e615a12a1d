//! Becoming a member.

use vane_proto::peer;
use vane_proto::peer::join_reply::Outcome as WireOutcome;
use vane_types::{Error, NodeId};

use super::{Unreadable, Wire, message, need};
use crate::{JoinReply, JoinRequest};

message!(JoinRequest { disk_id, name, address, rest_address, version, protocol, feature_level });
message!(JoinReply => Admission { cluster_id, node_id, members });
message!((NodeId, String) as ((node_id, address)) => Member { node_id, address });

pub(crate) fn admitted_to_wire(admitted: Result<JoinReply, Error>) -> peer::JoinReply {
    peer::JoinReply {
        outcome: Some(match admitted {
            Ok(reply) => WireOutcome::Admitted(reply.into_message()),
            Err(error) => WireOutcome::Refused(error.into_message()),
        }),
    }
}

pub(crate) fn admitted_from_wire(
    reply: peer::JoinReply,
) -> Result<Result<JoinReply, Error>, Unreadable> {
    match need(reply.outcome, "the answer")? {
        WireOutcome::Admitted(admission) => JoinReply::from_message(admission).map(Ok),
        WireOutcome::Refused(error) => Error::from_message(error).map(Err),
    }
}
