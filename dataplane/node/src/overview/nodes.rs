//! The members, and how they are.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vane_catalog::{Member as CatalogMember, meta_peer};
use vane_raft::GroupStatus;
use vane_transport::ReportRequest;
use vane_types::{GroupId, LogIndex};

use crate::liveness::Failed;
use crate::member::Member;

/// A member: what the catalog has of it, with the figures it last reported.
#[derive(Debug, Clone)]
pub struct NodeOverview {
    /// As the catalog has it.
    pub node: CatalogMember,
    /// It answers.
    pub alive: bool,
    /// Time since it was heard of.
    pub silent: Duration,
    /// Another node answers at its address: what that one says.
    pub displaced: Option<String>,
    /// Questions to it in vain since its last answer.
    pub failed: Option<Failed>,
    /// It votes in the meta group.
    pub meta_voter: bool,
    /// Index of the meta group that it has applied.
    pub meta_applied: LogIndex,
    /// Replicas of shards that it has open.
    pub replicas: u64,
    /// Leaders among them.
    pub leaders: u64,
    /// Bytes free on its disk.
    pub disk_free: u64,
    /// Bytes of its disk.
    pub disk_total: u64,
    /// Time since all that it has was last found to be what was written.
    pub scrubbed_ago: Option<Duration>,
    /// How many thousandths of that the pass under way has read.
    pub scrub_permille: u32,
}

impl Member {
    /// Members with their addresses, as this node knows them.
    pub fn nodes(&self) -> Vec<CatalogMember> {
        self.ground.catalog.read(|state| state.nodes.values().cloned().collect())
    }

    /// The meta group as this node sees it.
    pub async fn meta_status(&self) -> Option<GroupStatus> {
        let engine = Arc::clone(&self.ground.engine);
        // The Raft thread answers between its rounds, which may wait for a disk.
        tokio::task::spawn_blocking(move || engine.status(GroupId::META)).await.ok().flatten()
    }

    /// All members and how they are.
    pub async fn node_overviews(&self) -> Vec<NodeOverview> {
        let meta = self.meta_status().await;
        let own = self.serving.reporter.report(ReportRequest::NodeOnly).await;
        let overview = |node: CatalogMember| {
            let heard = self.serving.liveness.heard(node.id);
            let silent = heard.as_ref().map_or(Duration::ZERO, |heard| heard.at.elapsed());
            let displaced = heard.as_ref().and_then(|heard| heard.displaced.clone());
            let failed = heard.as_ref().and_then(|heard| heard.failed.clone());
            // Its own report is made on the spot, since a node asks only the others.
            let report = match node.id == self.ground.me {
                true => Some(own.clone()),
                false => heard.and_then(|heard| heard.report),
            };
            // One that never answered is listed without figures rather than left out.
            let report = report.unwrap_or_default();
            let votes = |status: &GroupStatus| status.conf.voters.contains(&meta_peer(node.id));
            NodeOverview {
                alive: self.serving.liveness.is_alive(node.id),
                silent,
                displaced,
                failed,
                meta_voter: meta.as_ref().is_some_and(votes),
                meta_applied: report.meta_applied,
                replicas: report.replicas,
                leaders: report.leaders,
                disk_free: report.disk_free_bytes,
                disk_total: report.disk_total_bytes,
                scrubbed_ago: ago(report.scrubbed_at),
                scrub_permille: report.scrub_permille,
                node,
            }
        };
        self.nodes().into_iter().map(overview).collect()
    }
}

/// Time since a moment in seconds since 1970; `None` for 0. Another node's clock may be ahead.
fn ago(at: u64) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (at > 0).then(|| now.saturating_sub(Duration::from_secs(at)))
}
