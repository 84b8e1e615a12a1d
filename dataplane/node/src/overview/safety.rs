//! What would stand still without some nodes.

use std::collections::{BTreeMap, BTreeSet};

use vane_catalog::State;
use vane_placement::{Absence, Harm, absence};
use vane_raft::Conf;
use vane_transport::{GroupReport, ReportRequest};
use vane_types::{GroupId, NodeId, Subject};

use crate::member::Member;

/// What the absence of some nodes would be to the groups of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Safety {
    /// Nodes that would be away, in order.
    pub without: Vec<NodeId>,
    /// Groups that would stand still until they are back, and lose nothing.
    pub pauses: usize,
    /// Groups that speak against it, and why.
    pub harmed: Vec<(Subject, Harm)>,
}

impl Safety {
    /// Whether nothing speaks against it.
    pub fn is_safe(&self) -> bool {
        self.harmed.is_empty()
    }
}

impl Member {
    /// What the absence of these nodes together would be; where none are named, of each member
    /// alone. By one look at all groups.
    pub async fn safety(&self, without: &BTreeSet<NodeId>) -> Vec<Safety> {
        let reports = self.serving.reporter.gather(ReportRequest::AllLed).await;
        // A leader that answers knows best who votes for the catalog; else this node's log does.
        let meta = match reports.get(&GroupId::META) {
            Some(report) => Some(report.status.conf.clone()),
            None => self.meta_status().await.map(|status| status.conf),
        };
        let confs_of = |state: &State| -> BTreeMap<GroupId, Conf> {
            state.shards.iter().map(|(group, shard)| (*group, shard.conf.clone())).collect()
        };
        let mut confs = self.ground.catalog.read(confs_of);
        confs.extend(meta.map(|conf| (GroupId::META, conf)));
        let asked: Vec<BTreeSet<NodeId>> = match without.is_empty() {
            false => vec![without.clone()],
            true => self.nodes().into_iter().map(|node| [node.id].into()).collect(),
        };
        asked.iter().map(|without| self.safety_of(without, &confs, &reports)).collect()
    }

    fn safety_of(
        &self,
        without: &BTreeSet<NodeId>,
        confs: &BTreeMap<GroupId, Conf>,
        reports: &BTreeMap<GroupId, GroupReport>,
    ) -> Safety {
        let mut safety = Safety { without: without.iter().copied().collect(), ..Safety::default() };
        for (group, conf) in confs {
            let status = reports.get(group).map(|report| &report.status);
            match absence(conf, status, without) {
                Absence::GoesOn => {}
                Absence::Pauses => safety.pauses += 1,
                Absence::Harms(harm) => {
                    safety.harmed.push((self.serving.coordinator.subject(*group), harm));
                }
            }
        }
        safety
    }
}
