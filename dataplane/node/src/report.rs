//! What a node tells of itself and of the groups that it leads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;
use vane_catalog::Catalog;
use vane_placement::StaysShut;
use vane_raft::{Engine, Role};
use vane_storage::Space;
use vane_transport::{
    BrokenReplica, GroupReport, NodeMemory, NodeReport, PROTOCOL, Peers, ReportRequest, Transfers,
};
use vane_types::{GroupId, LogIndex, NodeId};

use crate::broken::Broken;
use crate::compare::Differing;
use crate::memory;
use crate::quota::{QuotaWatch, Usage};
use crate::replicas::Replicas;
use crate::scrub::ScrubProgress;

/// Time for the other nodes to report.
const GATHER_TIMEOUT: Duration = Duration::from_secs(2);

/// Makes this node's report, and gathers those of all.
pub(crate) struct Reporter {
    pub(crate) me: NodeId,
    pub(crate) version: String,
    pub(crate) engine: Arc<Engine>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) space: Arc<Space>,
    pub(crate) quota: Arc<QuotaWatch>,
    pub(crate) transfers: Arc<Transfers>,
    pub(crate) scrub: Arc<ScrubProgress>,
    pub(crate) differing: Differing,
    /// Why replicas that are out of use are not filled again yet.
    pub(crate) waiting: Mutex<BTreeMap<GroupId, StaysShut>>,
}

impl Reporter {
    /// This node's report.
    pub(crate) async fn report(&self, request: ReportRequest) -> NodeReport {
        // Each second by each node: nothing is copied for that.
        let (replicas, leaders) = self.replicas.count();
        let (mut sums, mut memory) = (BTreeMap::new(), None);
        let wanted = match request {
            ReportRequest::NodeOnly => Vec::new(),
            ReportRequest::Groups(groups) => groups,
            // Named in any case: it falls out again where this node does not lead it.
            ReportRequest::AllLed => {
                self.replicas.led().into_iter().chain([GroupId::META]).collect()
            }
            ReportRequest::Sums(groups) => {
                let of = |group| Some((group, self.replicas.get(group)?.ok()?.shard.sums()));
                sums.extend(groups.into_iter().filter_map(of));
                Vec::new()
            }
            ReportRequest::Memory => {
                memory = self.memory().await;
                Vec::new()
            }
        };
        let meta = self.engine.watch(GroupId::META);
        let Usage { memory: memory_percent, disk: disk_percent } = self.quota.usage();
        NodeReport {
            node: self.me,
            version: self.version.clone(),
            protocol: PROTOCOL,
            disk_free_bytes: self.space.free(),
            disk_total_bytes: self.space.total(),
            disk_full: self.space.check(0).is_err(),
            meta_applied: meta.as_ref().map_or(LogIndex::ZERO, |watch| watch.applied()),
            leads_meta: meta.is_some_and(|watch| watch.is_serving()),
            replicas,
            leaders,
            groups: self.groups_here(wanted).await,
            broken: self.broken(),
            differing: self.differing.lock().iter().copied().collect(),
            scrubbed_at: self.scrub.whole_at(),
            scrub_permille: self.scrub.permille(),
            sums,
            memory,
            memory_percent: memory_percent.map(u32::from),
            disk_percent: disk_percent.map(u32::from),
            over_quota: self.quota.exceeded().is_any(),
        }
    }

    async fn memory(&self) -> Option<NodeMemory> {
        let (replicas, catalog) = (Arc::clone(&self.replicas), Arc::clone(&self.catalog));
        let look = move || memory::of_node(&replicas, &catalog);
        // Where the look fails, the node still reports itself.
        tokio::task::spawn_blocking(look).await.ok()
    }

    /// Replicas that are out of use here, with what is done about it.
    fn broken(&self) -> Vec<BrokenReplica> {
        let waiting = self.waiting.lock();
        let text = |group: GroupId, broken: Broken| match waiting.get(&group) {
            Some(wait) if broken.lacks_data => format!("{}; {wait}", broken.why),
            _ => broken.why,
        };
        let broken = self.replicas.broken().into_iter();
        let broken = broken.map(|(group, broken)| (group, text(group, broken)));
        let catalog = self.catalog.standing_still().map(|why| (GroupId::META, why.to_owned()));
        broken.chain(catalog).map(|(group, why)| BrokenReplica { group, why }).collect()
    }

    /// What a node reports; `None` where it does not answer.
    pub(crate) async fn ask(&self, node: NodeId, request: ReportRequest) -> Option<NodeReport> {
        if node == self.me {
            return Some(self.report(request).await);
        }
        self.peers.report(node, request, GATHER_TIMEOUT).await.ok()
    }

    /// Those of the groups that are led from here.
    async fn groups_here(&self, wanted: Vec<GroupId>) -> BTreeMap<GroupId, GroupReport> {
        if wanted.is_empty() {
            return BTreeMap::new();
        }
        let (engine, replicas) = (Arc::clone(&self.engine), Arc::clone(&self.replicas));
        let transfers = self.transfers.report();
        // The Raft thread answers between its rounds, which may wait for a disk.
        let look = move || {
            let led = |group| {
                let mut report = group_here(&engine, &replicas, group)?;
                let own = transfers.iter().filter(|transfer| transfer.group == group);
                report.transfers = own.cloned().collect();
                Some((group, report))
            };
            wanted.into_iter().filter_map(led).collect()
        };
        // Where the look fails, the node still reports itself.
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    /// Groups as their leaders see them, from all nodes that answer. Of two that both think
    /// they lead, the one of the later term.
    pub(crate) async fn gather(
        self: &Arc<Self>,
        request: ReportRequest,
    ) -> BTreeMap<GroupId, GroupReport> {
        let nodes: Vec<NodeId> = self.catalog.read(|state| state.nodes.keys().copied().collect());
        let mut asked = JoinSet::new();
        for node in nodes {
            let (reporter, request) = (Arc::clone(self), request.clone());
            asked.spawn(async move { reporter.ask(node, request).await });
        }
        let mut found: BTreeMap<GroupId, GroupReport> = BTreeMap::new();
        while let Some(answered) = asked.join_next().await {
            let Ok(Some(reply)) = answered else { continue };
            for (group, report) in reply.groups {
                let known = found.entry(group).or_default();
                if report.status.term >= known.status.term {
                    *known = report;
                }
            }
        }
        found
    }
}

fn group_here(engine: &Engine, replicas: &Replicas, group: GroupId) -> Option<GroupReport> {
    // Followers know neither the progress of the others nor who answers.
    let status = engine.status(group).filter(|status| status.role == Role::Leader)?;
    let mut report = GroupReport { status, ..GroupReport::default() };
    if let Some(Ok(replica)) = replicas.get(group) {
        let info = replica.shard.info();
        report.points = info.points as u64;
        report.vector_bytes = info.vector_bytes;
        report.indexed_vectors = info.indexed_vectors as u64;
        report.unreached_nodes = info.unreached_nodes as u64;
    }
    Some(report)
}
