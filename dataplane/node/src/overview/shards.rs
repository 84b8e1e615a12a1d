//! Collections and their shards, by what the leaders report.

use std::collections::BTreeMap;

use vane_catalog::{CollectionEntry, ShardEntry, State, TargetReplica};
use vane_coordinator::Collection;
use vane_placement::{ShardStep, next_step};
use vane_raft::{Conf, GroupStatus};
use vane_transport::{GroupReport, ReportRequest};
use vane_types::{GroupId, NodeId};

use super::moves::{MoveOverview, moves_of, step_text};
use crate::member::Member;
use crate::shards::NodeShards;

/// A shard: where its replicas are and should be, and what its leader reports.
#[derive(Debug, Clone)]
pub struct ShardOverview {
    /// Its collection.
    pub collection: String,
    /// Its place there.
    pub ordinal: usize,
    /// Its group.
    pub group: GroupId,
    /// As its leader sees it; `None` when no leader answers.
    pub report: Option<GroupReport>,
    /// Members, as the catalog has them.
    pub conf: Conf,
    /// Where the replicas should be, while that differs.
    pub target: Option<Vec<TargetReplica>>,
    /// What a change of replicas waits for or does next; empty without one.
    pub step: String,
    /// Replicas that come and go.
    pub moves: Vec<MoveOverview>,
    /// The change is made to even nodes out.
    pub is_rebalancing: bool,
    /// Its replicas stay where people want them.
    pub pinned: bool,
    /// Changes of the replicas that were asked for or recorded. No newer than the rest.
    pub revision: u64,
}

/// A collection: its names, and figures summed over the leaders of its shards.
#[derive(Debug, Clone)]
pub struct CollectionOverview {
    /// Its own name.
    pub name: String,
    /// Key of the call that made it.
    pub key: String,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// Points, at the leaders that answer.
    pub points: u64,
    /// Vectors in a graph, at the leaders that answer.
    pub indexed_vectors: u64,
    /// Nodes of graphs that no search can come to, at the leaders that answer.
    pub unreached_nodes: u64,
    /// Shard keys, where its points are of tenants.
    pub shard_keys: Option<u32>,
}

/// A replica of a shard of a collection, as this node knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardReplica {
    /// Place of the shard in the collection.
    pub ordinal: usize,
    /// Node that has the replica.
    pub node: NodeId,
    /// Points in it, where it is on the node that answers.
    pub points: Option<u64>,
}

impl Member {
    /// All shards, or those of one collection.
    pub async fn shard_overviews(&self, collection: Option<&str>) -> Vec<ShardOverview> {
        // Before the leaders are asked: who acts on what they said names this revision, and is
        // refused where something changed while they answered.
        let revisions_of = |state: &State| -> BTreeMap<GroupId, u64> {
            state.shards.iter().map(|(group, shard)| (*group, shard.revision)).collect()
        };
        let revisions = self.ground.catalog.read(revisions_of);
        let reports = self.serving.reporter.gather(ReportRequest::AllLed).await;
        let mut shards: Vec<ShardOverview> = self.ground.catalog.read(|state| {
            let wanted = state
                .shards
                .iter()
                .filter(|(_, shard)| collection.is_none_or(|name| shard.collection == name));
            wanted
                .map(|(group, shard)| {
                    let revision = revisions.get(group).copied().unwrap_or_default();
                    let report = reports.get(group);
                    let step = report.map(|report| self.step_of(state, shard, &report.status));
                    let kept = (revision, !state.policy.may_copy());
                    shard_overview((*group, shard), report.cloned(), step, kept)
                })
                .collect()
        });
        shards.sort_by(|a, b| (&a.collection, a.ordinal).cmp(&(&b.collection, b.ordinal)));
        shards
    }

    /// What a change of a shard's replicas waits for or does next, as far as this node sees.
    pub(super) fn step_of(
        &self,
        state: &State,
        shard: &ShardEntry,
        status: &GroupStatus,
    ) -> ShardStep {
        let is_there =
            |node| state.nodes.contains_key(&node) && self.serving.liveness.is_alive(node);
        next_step(status, shard, is_there, |node| state.may_lead(node))
    }

    /// All collections.
    pub async fn collection_overviews(&self) -> Vec<CollectionOverview> {
        let reports = self.serving.reporter.gather(ReportRequest::AllLed).await;
        self.ground.catalog.read(|state| {
            let collections = state.collections.iter();
            collections
                .map(|(name, entry)| collection_overview(state, name, entry, &reports))
                .collect()
        })
    }

    /// Replicas of a collection's shards, as this node knows them, and the points of those
    /// that are here.
    pub fn replicas_of(&self, collection: &Collection<NodeShards>) -> Vec<ShardReplica> {
        let mut found = Vec::new();
        for (ordinal, group) in collection.groups().iter().enumerate() {
            let nodes_of = |state: &State| state.shards.get(group).map(ShardEntry::nodes);
            for node in self.ground.catalog.read(nodes_of).unwrap_or_default() {
                let points = if node == self.ground.me { self.points_here(*group) } else { None };
                found.push(ShardReplica { ordinal, node, points });
            }
        }
        found
    }

    fn points_here(&self, group: GroupId) -> Option<u64> {
        let replica = self.serving.replicas.get(group)?.ok()?;
        Some(replica.shard.info().points as u64)
    }
}

fn shard_overview(
    (group, entry): (GroupId, &ShardEntry),
    report: Option<GroupReport>,
    step: Option<ShardStep>,
    (revision, is_held): (u64, bool),
) -> ShardOverview {
    let text = match (&entry.target, &report, &step) {
        (None, ..) => String::new(),
        (Some(_), Some(_), Some(ShardStep::Copy(_))) if is_held => {
            "the policy lets no copy begin: bytes_per_second is 0".into()
        }
        (Some(_), Some(report), Some(step)) => step_text(step, report),
        (Some(_), ..) => "waiting for a leader".into(),
    };
    let moves = moves_of(entry, report.as_ref(), step.as_ref(), &text);
    ShardOverview {
        collection: entry.collection.clone(),
        ordinal: entry.ordinal,
        group,
        report,
        conf: entry.conf.clone(),
        target: entry.target.clone(),
        step: text,
        moves,
        is_rebalancing: entry.is_rebalancing(),
        pinned: entry.pinned,
        revision,
    }
}

fn collection_overview(
    state: &State,
    name: &str,
    entry: &CollectionEntry,
    reports: &BTreeMap<GroupId, GroupReport>,
) -> CollectionOverview {
    let of_shards = || entry.shards.iter().filter_map(|group| reports.get(group));
    let by_tenant = entry.config.by_tenant;
    let aliases = state.aliases.iter().filter(|(_, of)| *of == name);
    CollectionOverview {
        name: name.to_owned(),
        key: entry.key.clone(),
        aliases: aliases.map(|(alias, _)| alias.clone()).collect(),
        points: of_shards().map(|report| report.points).sum(),
        indexed_vectors: of_shards().map(|report| report.indexed_vectors).sum(),
        unreached_nodes: of_shards().map(|report| report.unreached_nodes).sum(),
        // Bounded by `limits::SHARD_KEYS_MAX`.
        shard_keys: by_tenant.then(|| state.tenants.count(name) as u32),
    }
}
