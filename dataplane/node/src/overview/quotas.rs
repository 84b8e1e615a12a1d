//! The cluster's quotas, and how near its members are to them.

use vane_types::{NodeId, Quotas};

use crate::member::Member;
use crate::quota::{Exceeded, Usage};

/// The cluster's quotas, and how near its members are to them.
#[derive(Debug, Clone)]
pub struct QuotaOverview {
    /// As this node has heard of them.
    pub quotas: Quotas,
    /// What this node uses.
    pub usage: Usage,
    /// Members that answer, this node among them.
    pub peers: Vec<PeerQuota>,
}

/// What a member uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerQuota {
    /// Its number.
    pub node: NodeId,
    /// What it uses.
    pub usage: Usage,
    /// Whether it takes no writes that grow, by the quotas.
    pub exceeded: bool,
}

impl Member {
    /// The cluster's quotas, and what each member said within the last seconds that it uses.
    pub fn quota_overview(&self) -> QuotaOverview {
        let quotas = self.ground.catalog.read(|state| state.quotas);
        let (me, liveness) = (self.ground.me, &self.serving.liveness);
        let own = &self.serving.reporter.quota;
        let usage = own.usage();
        let narrow = |percent: Option<u32>| u8::try_from(percent?).ok();
        let of = |node: NodeId| {
            if node == me {
                return Some(PeerQuota { node, usage, exceeded: own.exceeded().is_any() });
            }
            let report = liveness.heard(node).filter(|_| liveness.is_alive(node))?.report?;
            let usage =
                Usage { memory: narrow(report.memory_percent), disk: narrow(report.disk_percent) };
            Some(PeerQuota { node, usage, exceeded: report.over_quota })
        };
        let peers = self.nodes().into_iter().filter_map(|node| of(node.id)).collect();
        QuotaOverview { quotas, usage, peers }
    }

    /// Which quotas this node is over.
    pub fn quotas_exceeded(&self) -> Exceeded {
        self.serving.reporter.quota.exceeded()
    }
}
