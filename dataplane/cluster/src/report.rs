//! What a node tells of itself and of the groups that it leads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use vane_proto::peer::{GroupReport as WireGroupReport, ReportReply, ReportRequest};
use vane_raft::{GroupStatus, Role};
use vane_types::GroupId;

use crate::health;
use crate::inner::Inner;

/// Time for the other nodes to report.
const GATHER_TIMEOUT: Duration = Duration::from_secs(2);

/// A group as its leader sees it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GroupReport {
    /// Raft's view.
    pub status: GroupStatus,
    /// Points; 0 for the meta group.
    pub points: u64,
    /// Bytes of vectors.
    pub vector_bytes: u64,
    /// Vectors in a graph.
    pub indexed_vectors: u64,
}

/// This node's report.
pub(crate) async fn report(inner: &Arc<Inner>, request: ReportRequest) -> ReportReply {
    let replicas = inner.replicas.all();
    let leads = replicas.iter().filter(|(_, it)| it.watch.is_serving()).count();
    let mut wanted: Vec<GroupId> = request.groups.into_iter().map(GroupId).collect();
    if request.all {
        wanted = replicas
            .iter()
            .filter(|(_, it)| it.watch.is_serving())
            .map(|(group, _)| *group)
            .collect();
        wanted.push(GroupId::META);
    }
    let groups = groups_here(inner, wanted).await;
    let wire = |(group, report): (GroupId, GroupReport)| WireGroupReport {
        group: group.0,
        status: serde_json::to_string(&report).expect("a report is plain data"),
    };
    ReportReply {
        node_id: inner.me,
        version: inner.settings.node.version.clone(),
        disk_free_bytes: inner.space.free(),
        disk_total_bytes: inner.space.total(),
        disk_full: inner.space.check(0).is_err(),
        meta_applied: inner.node.watch(GroupId::META).map_or(0, |it| it.applied()),
        replicas: replicas.len() as u64,
        leaders: leads as u64,
        groups: groups.into_iter().map(wire).collect(),
    }
}

/// Those of the groups that are led from here.
async fn groups_here(inner: &Arc<Inner>, wanted: Vec<GroupId>) -> BTreeMap<GroupId, GroupReport> {
    let inner = Arc::clone(inner);
    let look = move || {
        let one = |group: GroupId| {
            let status = inner.node.status(group).filter(|it| it.role == Role::Leader)?;
            let mut report = GroupReport { status, ..GroupReport::default() };
            if let Some(Ok(replica)) = inner.replicas.get(group) {
                let info = replica.shard.info();
                report.points = info.points as u64;
                report.vector_bytes = info.vector_bytes;
                report.indexed_vectors = info.indexed_vectors as u64;
            }
            Some((group, report))
        };
        wanted.into_iter().filter_map(one).collect()
    };
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

/// Groups as their leaders see them, from all nodes that answer. Of two that both think
/// they lead, the one of the later term.
pub(crate) async fn gather(
    inner: &Arc<Inner>,
    groups: Option<Vec<GroupId>>,
) -> BTreeMap<GroupId, GroupReport> {
    let request = match &groups {
        Some(groups) => {
            ReportRequest { groups: groups.iter().map(|it| it.0).collect(), all: false }
        }
        None => ReportRequest { groups: Vec::new(), all: true },
    };
    let nodes: Vec<u64> = inner.meta.read(|it| it.nodes.keys().copied().collect());
    let mut asked = JoinSet::new();
    for node in nodes {
        let (inner, request) = (Arc::clone(inner), request.clone());
        asked.spawn(async move {
            if node == inner.me {
                return Some(report(&inner, request).await);
            }
            health::ask(&inner, node, request, GATHER_TIMEOUT).await.ok()
        });
    }
    let mut found: BTreeMap<GroupId, GroupReport> = BTreeMap::new();
    while let Some(answered) = asked.join_next().await {
        let Ok(Some(reply)) = answered else { continue };
        for WireGroupReport { group, status } in reply.groups {
            let Ok(report) = serde_json::from_str::<GroupReport>(&status) else { continue };
            let known = found.entry(GroupId(group)).or_default();
            if report.status.term >= known.status.term {
                *known = report;
            }
        }
    }
    found
}
