//! What a node tells of itself and of the groups that it leads.

use vane_proto::peer;
use vane_raft::{Conf, GroupStatus, PeerStatus, Role};
use vane_shard::Memory;
use vane_types::{GroupId, LogIndex};

use super::{Unreadable, Wire, choices, message};
use crate::{
    BrokenReplica, GroupReport, NodeMemory, NodeReport, ReportRequest, Sums, TransferPhase,
    TransferReport,
};

impl Wire for ReportRequest {
    type Message = peer::ReportRequest;

    fn into_message(self) -> peer::ReportRequest {
        match self {
            Self::NodeOnly => peer::ReportRequest::default(),
            Self::Groups(groups) => peer::ReportRequest {
                groups: groups.into_message(),
                ..peer::ReportRequest::default()
            },
            Self::AllLed => peer::ReportRequest { all: true, ..peer::ReportRequest::default() },
            Self::Sums(groups) => peer::ReportRequest {
                groups: groups.into_message(),
                sums: true,
                ..peer::ReportRequest::default()
            },
            Self::Memory => peer::ReportRequest { memory: true, ..Default::default() },
        }
    }

    fn from_message(request: peer::ReportRequest) -> Result<Self, Unreadable> {
        let peer::ReportRequest { groups, all, sums, memory } = request;
        if memory {
            return Ok(Self::Memory);
        }
        Ok(match (all, sums) {
            // First: the list is empty in this case, too.
            (true, _) => Self::AllLed,
            (false, true) => Self::Sums(Vec::from_message(groups)?),
            (false, false) if groups.is_empty() => Self::NodeOnly,
            (false, false) => Self::Groups(Vec::from_message(groups)?),
        })
    }
}

message!(
    NodeReport as (NodeReport {
        node: node_id,
        version,
        protocol,
        disk_free_bytes,
        disk_total_bytes,
        disk_full,
        meta_applied,
        leads_meta,
        replicas,
        leaders,
        groups,
        broken,
        differing,
        scrubbed_at,
        scrub_permille,
        sums,
        memory,
        memory_percent,
        disk_percent,
        over_quota,
    }) => ReportReply {
        node_id, version, protocol, disk_free_bytes, disk_total_bytes, disk_full, meta_applied,
        leads_meta, replicas, leaders, groups, broken, differing, scrubbed_at, scrub_permille, sums,
        memory, memory_percent, disk_percent, over_quota,
    }
);
message!(NodeMemory { resident, anonymous, pinned, memtables, block_cache, collections });
message!(
    (String, Memory) as ((collection, Memory { ids, places, rows, indexes, graphs })) =>
    CollectionMemory { collection, ids, places, rows, indexes, graphs }
);
message!(BrokenReplica { group, why });
message!((GroupId, Sums) as ((group, sums)) => GroupSums { group, sums });
message!((LogIndex, u64) as ((index, sum)) => IndexSum { index, sum });
message!(
    (GroupId, GroupReport) as
    ((group, GroupReport {
        status, points, vector_bytes, indexed_vectors, unreached_nodes, transfers,
    })) =>
    GroupReport {
        group, status = "the status of a group", points, vector_bytes, indexed_vectors,
        unreached_nodes, transfers,
    }
);
message!(GroupStatus {
    peer,
    role,
    term,
    leader,
    committed,
    applied,
    last_index,
    truncated_index,
    conf = "the members of a group",
    conf_pending,
    peers,
    installing,
});
message!(Conf { voters, learners, voters_outgoing, learners_next });
message!(PeerStatus { peer, matched, active, snapshot, applied, installing });
message!(TransferReport => Transfer {
    group, to, phase, bytes_total, bytes_done, bytes_per_second, attempts, failure,
});
choices!(TransferPhase, "the phase of a transfer": Preparing, Copying, Verifying);
choices!(Role, "the role of a replica": Follower, Candidate, Leader);
