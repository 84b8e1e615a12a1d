//! Becoming a member.

use vane_proto::peer;
use vane_proto::peer::join_reply::Outcome as WireOutcome;
use vane_types::{Error, NodeId};

use super::failure::{error_from_wire, error_to_wire};
use super::{Unreadable, need};
use crate::{JoinReply, JoinRequest};

pub(crate) fn join_to_wire(request: JoinRequest) -> peer::JoinRequest {
    let JoinRequest { disk_id, name, address, rest_address, version, protocol, feature_level } =
        request;
    let disk_id = disk_id.to_string();
    peer::JoinRequest { disk_id, name, address, rest_address, version, protocol, feature_level }
}

pub(crate) fn join_from_wire(request: peer::JoinRequest) -> Result<JoinRequest, Unreadable> {
    let peer::JoinRequest {
        disk_id,
        name,
        address,
        rest_address,
        version,
        protocol,
        feature_level,
    } = request;
    let disk_id = disk_id.parse().map_err(|_| Unreadable::Uuid("the disk id"))?;
    Ok(JoinRequest { disk_id, name, address, rest_address, version, protocol, feature_level })
}

pub(crate) fn admitted_to_wire(admitted: Result<JoinReply, Error>) -> peer::JoinReply {
    let outcome = match admitted {
        Ok(JoinReply { cluster_id, node_id, members }) => {
            let members = members
                .into_iter()
                .map(|(node, address)| peer::Member { node_id: node.0, address })
                .collect();
            let cluster_id = cluster_id.to_string();
            WireOutcome::Admitted(peer::Admission { cluster_id, node_id: node_id.0, members })
        }
        Err(error) => WireOutcome::Refused(error_to_wire(error)),
    };
    peer::JoinReply { outcome: Some(outcome) }
}

pub(crate) fn admitted_from_wire(
    reply: peer::JoinReply,
) -> Result<Result<JoinReply, Error>, Unreadable> {
    match need(reply.outcome, "the answer")? {
        WireOutcome::Admitted(peer::Admission { cluster_id, node_id, members }) => {
            let cluster_id = cluster_id.parse().map_err(|_| Unreadable::Uuid("the cluster id"))?;
            let members = members
                .into_iter()
                .map(|member| (NodeId(member.node_id), member.address))
                .collect();
            Ok(Ok(JoinReply { cluster_id, node_id: NodeId(node_id), members }))
        }
        WireOutcome::Refused(error) => error_from_wire(error).map(Err),
    }
}
