//! What people and tools are shown: the cluster, its nodes, collections and shards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use vane_raft::{GroupStatus, node_of};
use vane_types::GroupId;

use crate::cluster::Cluster;
use crate::collection::Collection;
use crate::direct::{Direction, direct};
use crate::driver::{Step, next_step};
use crate::error::Error;
use crate::health::is_alive;
use crate::inner::Inner;
use vane_catalog::{Member, MetaCommand, ShardEntry, State, TargetReplica, Wanted};
use crate::report::{GroupReport, gather};
use crate::running::meta_peer;

/// Time for another replica to take the leadership.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(5);

/// The cluster as a whole.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The cluster.
    pub cluster_id: Uuid,
    /// The node that answers.
    pub node: u64,
    /// The meta group as its leader sees it, if one answers.
    pub meta: Option<GroupStatus>,
    /// Members.
    pub nodes: usize,
    /// Members that answer.
    pub nodes_alive: usize,
    /// Collections.
    pub collections: usize,
    /// Shards.
    pub shards: usize,
    /// Shards that take no writes.
    pub shards_without_leader: usize,
    /// Shards with fewer voters up and caught up than they should have.
    pub shards_degraded: usize,
    /// Everything that is not as it should be, one line each.
    pub problems: Vec<String>,
}

/// A member.
#[derive(Debug, Clone)]
pub struct NodeOverview {
    /// As the catalogue has it.
    pub node: Member,
    /// It answers.
    pub alive: bool,
    /// Time since it was heard of.
    pub silent: Duration,
    /// It votes in the meta group.
    pub meta_voter: bool,
    /// Replicas of shards, and how many of them lead.
    pub replicas: u64,
    /// Leaders among them.
    pub leaders: u64,
    /// Bytes free on its disk.
    pub disk_free: u64,
    /// Bytes of its disk.
    pub disk_total: u64,
}

/// A shard.
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
    /// Members, as the catalogue has them.
    pub peers: Vec<u64>,
    /// Where the replicas should be, while that differs.
    pub target: Option<Vec<TargetReplica>>,
    /// What a change of replicas waits for or does next.
    pub step: String,
    /// Changes of the replicas that were asked for or recorded. No newer than the rest.
    pub revision: u64,
}

/// A collection.
#[derive(Debug, Clone)]
pub struct CollectionOverview {
    /// Handle on it.
    pub name: String,
    /// Key of the call that made it.
    pub key: String,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// Points, at the leaders that answer.
    pub points: u64,
    /// Vectors in a graph, at the leaders that answer.
    pub indexed_vectors: u64,
}

impl Cluster {
    /// Number of this node.
    pub fn node_id(&self) -> u64 {
        self.inner.me
    }

    /// Id of the cluster.
    pub fn cluster_id(&self) -> Uuid {
        self.inner.cluster_id
    }

    /// Members with their addresses, as this node knows them.
    pub fn nodes(&self) -> Vec<Member> {
        self.inner.meta.read(|it| it.nodes.values().cloned().collect())
    }

    /// The meta group as this node sees it.
    pub async fn meta_status(&self) -> Option<GroupStatus> {
        status_here(&self.inner, GroupId::META).await
    }

    /// The cluster as a whole.
    pub async fn summary(&self) -> Summary {
        let inner = &self.inner;
        let reports = gather(inner, None).await;
        let (nodes, collections, shards) = inner.meta.read(|it| {
            (it.nodes.keys().copied().collect::<Vec<_>>(), it.collections.len(), it.shards.len())
        });
        let mut problems = Vec::new();
        let alive = nodes.iter().filter(|it| is_alive(inner, **it)).count();
        for node in nodes.iter().filter(|it| !is_alive(inner, **it)) {
            problems.push(format!("node {node} does not answer"));
        }
        let meta = reports.get(&GroupId::META).map(|it| it.status.clone());
        if meta.is_none() {
            problems.push(
                "the meta group has no leader that answers: collections cannot be changed".into(),
            );
        }
        let (mut without_leader, mut degraded) = (0, 0);
        let known: Vec<(GroupId, Vec<u64>)> = inner.meta.read(|it| {
            it.shards.iter().map(|(group, it)| (*group, it.conf.voters.clone())).collect()
        });
        for (group, voters) in known {
            let Some(report) = reports.get(&group) else {
                without_leader += 1;
                problems.push(format!(
                    "{} has no leader that answers: it takes no writes",
                    inner.name_of(group)
                ));
                continue;
            };
            let well = |peer: &u64| {
                *peer == report.status.leader
                    || report.status.peer(*peer).is_some_and(|it| it.active)
            };
            if !voters.iter().all(well) {
                degraded += 1;
                problems.push(format!("{} has voters that do not answer", inner.name_of(group)));
            }
        }
        for (group, why) in inner.replicas.broken() {
            problems.push(format!(
                "{} is not open on node {}: {why}",
                inner.name_of(group),
                inner.me
            ));
        }
        Summary {
            cluster_id: inner.cluster_id,
            node: inner.me,
            meta,
            nodes: nodes.len(),
            nodes_alive: alive,
            collections,
            shards,
            shards_without_leader: without_leader,
            shards_degraded: degraded,
            problems,
        }
    }

    /// All members and how they are.
    pub async fn node_overviews(&self) -> Vec<NodeOverview> {
        let inner = &self.inner;
        let voters = self.meta_status().await.map(|it| it.conf.voters).unwrap_or_default();
        let own = crate::report::report(inner, Default::default()).await;
        let one = |node: Member| {
            let heard = inner.reports.read().get(&node.id).cloned();
            let report = if node.id == inner.me {
                Some(own.clone())
            } else {
                heard.as_ref().map(|it| it.report.clone())
            };
            let report = report.unwrap_or_default();
            let silent = heard.as_ref().map_or(Duration::ZERO, |it| it.at.elapsed());
            NodeOverview {
                alive: is_alive(inner, node.id),
                silent: if node.id == inner.me { Duration::ZERO } else { silent },
                meta_voter: voters.contains(&meta_peer(node.id)),
                replicas: report.replicas,
                leaders: report.leaders,
                disk_free: report.disk_free_bytes,
                disk_total: report.disk_total_bytes,
                node,
            }
        };
        self.nodes().into_iter().map(one).collect()
    }

    /// All shards, or those of one collection.
    pub async fn shard_overviews(&self, collection: Option<&str>) -> Vec<ShardOverview> {
        let inner = &self.inner;
        // Before the leaders are asked: who acts on what they said names this revision, and is
        // refused where something changed while they answered.
        let revisions: BTreeMap<GroupId, u64> = inner
            .meta
            .read(|state| state.shards.iter().map(|(group, it)| (*group, it.revision)).collect());
        let reports = gather(inner, None).await;
        let of = |state: &State| -> Vec<ShardOverview> {
            let wanted = state
                .shards
                .iter()
                .filter(|(_, it)| collection.is_none_or(|name| it.collection == name));
            let one = |(group, it): (&GroupId, &ShardEntry)| {
                let revision = revisions.get(group).copied().unwrap_or_default();
                ShardOverview { revision, ..shard_overview(inner, *group, it, &reports) }
            };
            wanted.map(one).collect()
        };
        let mut shards = inner.meta.read(of);
        shards.sort_by(|a, b| (&a.collection, a.ordinal).cmp(&(&b.collection, b.ordinal)));
        shards
    }

    /// All collections.
    pub async fn collection_overviews(&self) -> Vec<CollectionOverview> {
        let reports = gather(&self.inner, None).await;
        self.inner.meta.read(|state| {
            let one = |(name, entry): (&String, &vane_catalog::CollectionEntry)| {
                let sum = |of: fn(&GroupReport) -> u64| {
                    entry.shards.iter().filter_map(|it| reports.get(it)).map(of).sum()
                };
                CollectionOverview {
                    name: name.clone(),
                    key: entry.key.clone(),
                    aliases: state
                        .aliases
                        .iter()
                        .filter(|(_, it)| *it == name)
                        .map(|(it, _)| it.clone())
                        .collect(),
                    points: sum(|it| it.points),
                    indexed_vectors: sum(|it| it.indexed_vectors),
                }
            };
            state.collections.iter().map(one).collect()
        })
    }

    /// Says where a node stands; `None` takes it back.
    pub async fn set_zone(
        &self,
        node: u64,
        zone: Option<String>,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.change(MetaCommand::SetZone { node, zone }, Instant::now() + timeout).await
    }

    /// Records where a shard's replicas should be; the meta leader carries it out. With
    /// `if_revision`, only while the shard is at that one ([`ShardOverview::revision`]);
    /// else it is [`Error::Conflict`].
    pub async fn reconfigure(
        &self,
        group: GroupId,
        replicas: Vec<Wanted>,
        if_revision: Option<u64>,
        timeout: Duration,
    ) -> Result<(), Error> {
        if group == GroupId::META {
            return Err(Error::BadInput(
                "the meta group's members follow from the nodes; nothing was changed".into(),
            ));
        }
        let command = MetaCommand::Reconfigure { group: group.0, replicas, if_revision };
        self.change(command, Instant::now() + timeout).await
    }

    /// Hands a group's leadership to its replica on a node; the term that it leads in.
    pub async fn transfer_leader(&self, group: GroupId, node: u64) -> Result<u64, Error> {
        let inner = &self.inner;
        let report = gather(inner, Some(vec![group])).await.remove(&group).map(|it| it.status);
        let status = report.ok_or_else(|| {
            Error::Unavailable(format!(
                "{} has no leader that answers; nothing was changed",
                inner.name_of(group)
            ))
        })?;
        let peer = status.conf.voters.iter().copied().find(|it| node_of(*it) == node).ok_or_else(
            || {
                Error::BadInput(format!(
                    "node {node} has no vote in {}; nothing was changed",
                    inner.name_of(group)
                ))
            },
        )?;
        if status.leader != peer {
            let deadline = Instant::now() + TRANSFER_TIMEOUT;
            direct(inner, group, node_of(status.leader), Direction::Transfer(peer), deadline)
                .await?;
            inner.routes.set_leader(group, Some(node));
        }
        Ok(gather(inner, Some(vec![group]))
            .await
            .get(&group)
            .map_or(status.term, |it| it.status.term))
    }
}

impl Collection {
    /// Its shards with their replicas, as this node knows them, and those that are here
    /// with their points.
    pub fn replicas(&self) -> Vec<(usize, u64, Option<u64>)> {
        let inner = &self.inner;
        let mut found = Vec::new();
        for (ordinal, group) in self.groups().iter().enumerate() {
            let nodes =
                inner.meta.read(|it| it.shards.get(group).map(|it| it.nodes()).unwrap_or_default());
            for node in nodes {
                let here = if node == inner.me { inner.replicas.get(*group) } else { None };
                let points = here.and_then(Result::ok).map(|it| it.shard.info().points as u64);
                found.push((ordinal, node, points));
            }
        }
        found
    }

    /// Number of the node that answers.
    pub fn node_id(&self) -> u64 {
        self.inner.me
    }
}

async fn status_here(inner: &Arc<Inner>, group: GroupId) -> Option<GroupStatus> {
    let node = Arc::clone(&inner.node);
    tokio::task::spawn_blocking(move || node.status(group)).await.ok().flatten()
}

fn shard_overview(
    inner: &Inner,
    group: GroupId,
    entry: &ShardEntry,
    reports: &BTreeMap<GroupId, GroupReport>,
) -> ShardOverview {
    let report = reports.get(&group).cloned();
    let step = match (&entry.target, &report) {
        (None, _) => String::new(),
        (Some(_), None) => "waiting for a leader".into(),
        (Some(target), Some(report)) => {
            match next_step(&report.status, target, |peer| is_alive(inner, node_of(peer))) {
                Step::Wait(why) => why,
                Step::Change(_) => "changing members".into(),
                Step::Transfer(_) => "handing the leadership over".into(),
                Step::Settle => "recording the new members".into(),
            }
        }
    };
    let (collection, ordinal) = (entry.collection.clone(), entry.ordinal);
    let (peers, target) = (entry.conf.members(), entry.target.clone());
    ShardOverview {
        collection,
        ordinal,
        group,
        report,
        peers,
        target,
        step,
        revision: entry.revision,
    }
}
