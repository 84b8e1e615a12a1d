//! What a node tells of itself and of the groups that it leads.

use vane_proto::peer;
use vane_raft::{Conf, GroupStatus, PeerStatus, Role};
use vane_types::{GroupId, LogIndex, NodeId, PeerId, Term};

use super::leader_request::{peers, raw};
use super::{Unreadable, choice, need};
use crate::{GroupReport, NodeReport, ReportRequest};

pub(crate) fn request_to_wire(request: ReportRequest) -> peer::ReportRequest {
    match request {
        ReportRequest::NodeOnly => peer::ReportRequest { groups: Vec::new(), all: false },
        ReportRequest::Groups(groups) => {
            let groups = groups.into_iter().map(|group| group.0).collect();
            peer::ReportRequest { groups, all: false }
        }
        ReportRequest::AllLed => peer::ReportRequest { groups: Vec::new(), all: true },
    }
}

pub(crate) fn request_from_wire(request: peer::ReportRequest) -> ReportRequest {
    let peer::ReportRequest { groups, all } = request;
    // First: the list is empty in this case, too.
    if all {
        ReportRequest::AllLed
    } else if groups.is_empty() {
        ReportRequest::NodeOnly
    } else {
        ReportRequest::Groups(groups.into_iter().map(GroupId).collect())
    }
}

pub(crate) fn report_to_wire(report: NodeReport) -> peer::ReportReply {
    let NodeReport {
        node,
        version,
        protocol,
        disk_free_bytes,
        disk_total_bytes,
        disk_full,
        meta_applied,
        replicas,
        leaders,
        groups,
    } = report;
    peer::ReportReply {
        node_id: node.0,
        version,
        disk_free_bytes,
        disk_total_bytes,
        meta_applied: meta_applied.0,
        groups: groups.into_iter().map(group_to_wire).collect(),
        replicas,
        leaders,
        disk_full,
        protocol,
    }
}

pub(crate) fn report_from_wire(reply: peer::ReportReply) -> Result<NodeReport, Unreadable> {
    let peer::ReportReply {
        node_id,
        version,
        disk_free_bytes,
        disk_total_bytes,
        meta_applied,
        groups,
        replicas,
        leaders,
        disk_full,
        protocol,
    } = reply;
    Ok(NodeReport {
        node: NodeId(node_id),
        version,
        protocol,
        disk_free_bytes,
        disk_total_bytes,
        disk_full,
        meta_applied: LogIndex(meta_applied),
        replicas,
        leaders,
        groups: groups.into_iter().map(group_from_wire).collect::<Result<_, _>>()?,
    })
}

fn group_to_wire((group, report): (GroupId, GroupReport)) -> peer::GroupReport {
    let GroupReport { status, points, vector_bytes, indexed_vectors } = report;
    let status = Some(status_to_wire(status));
    peer::GroupReport { group: group.0, status, points, vector_bytes, indexed_vectors }
}

fn group_from_wire(report: peer::GroupReport) -> Result<(GroupId, GroupReport), Unreadable> {
    let peer::GroupReport { group, status, points, vector_bytes, indexed_vectors } = report;
    let status = status_from_wire(need(status, "the status of a group")?)?;
    Ok((GroupId(group), GroupReport { status, points, vector_bytes, indexed_vectors }))
}

fn status_to_wire(status: GroupStatus) -> peer::GroupStatus {
    let GroupStatus {
        peer: own,
        role,
        term,
        leader,
        committed,
        applied,
        last_index,
        truncated_index,
        conf,
        conf_pending,
        peers: others,
    } = status;
    let role = match role {
        Role::Follower => peer::Role::Follower,
        Role::Candidate => peer::Role::Candidate,
        Role::Leader => peer::Role::Leader,
    };
    peer::GroupStatus {
        peer: own.0,
        role: role.into(),
        term: term.0,
        leader: leader.map(|peer| peer.0),
        committed: committed.0,
        applied: applied.0,
        last_index: last_index.0,
        truncated_index: truncated_index.0,
        conf: Some(conf_to_wire(conf)),
        conf_pending,
        peers: others.into_iter().map(peer_to_wire).collect(),
    }
}

fn status_from_wire(status: peer::GroupStatus) -> Result<GroupStatus, Unreadable> {
    let role = match choice(status.role, "the role of a replica")? {
        peer::Role::Follower => Role::Follower,
        peer::Role::Candidate => Role::Candidate,
        peer::Role::Leader => Role::Leader,
        // No default: leaders are looked for by it.
        peer::Role::Unspecified => return Err(Unreadable::Missing("the role of a replica")),
    };
    Ok(GroupStatus {
        peer: PeerId(status.peer),
        role,
        term: Term(status.term),
        leader: status.leader.map(PeerId),
        committed: LogIndex(status.committed),
        applied: LogIndex(status.applied),
        last_index: LogIndex(status.last_index),
        truncated_index: LogIndex(status.truncated_index),
        conf: conf_from_wire(need(status.conf, "the members of a group")?),
        conf_pending: status.conf_pending,
        peers: status.peers.into_iter().map(peer_from_wire).collect(),
    })
}

fn conf_to_wire(conf: Conf) -> peer::Conf {
    let Conf { voters, learners, voters_outgoing, learners_next } = conf;
    peer::Conf {
        voters: raw(voters),
        learners: raw(learners),
        voters_outgoing: raw(voters_outgoing),
        learners_next: raw(learners_next),
    }
}

fn conf_from_wire(conf: peer::Conf) -> Conf {
    let peer::Conf { voters, learners, voters_outgoing, learners_next } = conf;
    Conf {
        voters: peers(voters),
        learners: peers(learners),
        voters_outgoing: peers(voters_outgoing),
        learners_next: peers(learners_next),
    }
}

fn peer_to_wire(status: PeerStatus) -> peer::PeerStatus {
    let PeerStatus { peer: of, matched, active, snapshot } = status;
    peer::PeerStatus { peer: of.0, matched: matched.0, active, snapshot }
}

fn peer_from_wire(status: peer::PeerStatus) -> PeerStatus {
    let peer::PeerStatus { peer: of, matched, active, snapshot } = status;
    PeerStatus { peer: PeerId(of), matched: LogIndex(matched), active, snapshot }
}
