//! The cluster as a whole, and what is not as it should be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;
use vane_catalog::State;
use vane_placement::{ShardStep, Waiting};
use vane_raft::GroupStatus;
use vane_transport::{BrokenReplica, GroupReport, ReportRequest};
use vane_types::{FeatureLevel, GroupId, NodeId, PeerId, Subject};

use crate::member::Member;

/// The cluster as a whole.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Id of the cluster.
    pub cluster_id: Uuid,
    /// The node that answers.
    pub node: NodeId,
    /// The meta group as its leader sees it, if one answers.
    pub meta: Option<GroupStatus>,
    /// Members that the catalog lists.
    pub nodes: usize,
    /// Members that answer.
    pub nodes_alive: usize,
    /// Collections that the catalog lists.
    pub collections: usize,
    /// Shards of all collections.
    pub shards: usize,
    /// Shards that take no writes.
    pub shards_without_leader: usize,
    /// Shards with fewer voters up and caught up than they should have.
    pub shards_degraded: usize,
    /// Feature level that holds.
    pub level: FeatureLevel,
    /// Feature level that all members speak, as far as this node knows.
    pub level_spoken: FeatureLevel,
    /// The level waits for somebody to raise it.
    pub level_is_held: bool,
    /// Settings that all nodes have while they run.
    pub settings: BTreeMap<String, String>,
    /// Everything that is not as it should be.
    pub problems: Vec<Problem>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A member does not answer.
    NodeSilent {
        /// Its number.
        node: NodeId,
        /// For how long.
        silent: Duration,
        /// Another node answers at its address: what that one says.
        displaced: Option<String>,
    },
    /// Collections cannot be changed.
    MetaWithoutLeader,
    /// A shard takes no writes.
    ShardWithoutLeader(Subject),
    /// A shard survives fewer losses than it should.
    VotersSilent(Subject),
    /// Replicas have come to different points, and nobody can say which are right.
    ReplicasDiffer(Subject),
    /// A shard's replicas do not get to where they should be.
    MoveWaits {
        /// Whose replicas.
        subject: Subject,
        /// What for.
        why: String,
    },
    /// A replica could not be opened, or is out of use since.
    ReplicaBroken {
        /// Whose replica.
        subject: Subject,
        /// The node that it is on.
        node: NodeId,
        /// Why.
        why: String,
    },
}

impl Member {
    /// The cluster as a whole, by what the leaders of its groups report.
    pub async fn summary(&self) -> Summary {
        let reports = self.serving.reporter.gather(ReportRequest::AllLed).await;
        let count = |state: &State| (state.collections.len(), state.shards.len());
        let (collections, shards) = self.ground.catalog.read(count);
        let nodes: Vec<NodeId> =
            self.ground.catalog.read(|state| state.nodes.keys().copied().collect());
        let silent: Vec<NodeId> =
            nodes.iter().copied().filter(|node| !self.serving.liveness.is_alive(*node)).collect();
        // Groups are reported by leaders alone: no report means that no leader answers.
        let meta = reports.get(&GroupId::META).map(|report| report.status.clone());
        let mut problems: Vec<Problem> = silent.iter().map(|node| self.silence_of(*node)).collect();
        if meta.is_none() {
            problems.push(Problem::MetaWithoutLeader);
        }
        let of_shards = self.problems_of_shards(&reports);
        let number =
            |is_kind: fn(&Problem) -> bool| of_shards.iter().filter(|it| is_kind(it)).count();
        let shards_without_leader = number(|it| matches!(it, Problem::ShardWithoutLeader(_)));
        let shards_degraded = number(|it| matches!(it, Problem::VotersSilent(_)));
        problems.extend(of_shards);
        problems.extend(self.waiting_moves(&reports));
        problems.extend(self.problems_of_replicas().await);
        let levels = |state: &State| (state.level, state.spoken_by_all(), state.level_is_held);
        let (level, level_spoken, level_is_held) = self.ground.catalog.read(levels);
        Summary {
            cluster_id: self.ground.cluster_id,
            node: self.ground.me,
            meta,
            nodes: nodes.len(),
            nodes_alive: nodes.len() - silent.len(),
            collections,
            shards,
            shards_without_leader,
            shards_degraded,
            level,
            level_spoken,
            level_is_held,
            settings: self.ground.catalog.read(|state| state.settings.clone()),
            problems,
        }
    }

    fn silence_of(&self, node: NodeId) -> Problem {
        let liveness = &self.serving.liveness;
        let displaced = liveness.heard(node).and_then(|heard| heard.displaced);
        Problem::NodeSilent { node, silent: liveness.silent_for(node), displaced }
    }

    fn problems_of_shards(&self, reports: &BTreeMap<GroupId, GroupReport>) -> Vec<Problem> {
        let voters_of = |state: &State| -> Vec<(GroupId, Vec<PeerId>)> {
            let shards = state.shards.iter();
            shards.map(|(group, shard)| (*group, shard.conf.voters.clone())).collect()
        };
        let mut problems = Vec::new();
        for (group, voters) in self.ground.catalog.read(voters_of) {
            let subject = self.serving.coordinator.subject(group);
            match reports.get(&group) {
                None => problems.push(Problem::ShardWithoutLeader(subject)),
                // By the catalog's voters: one that the leader knows nothing of is silent too.
                Some(report) if !all_answer(&report.status, &voters) => {
                    problems.push(Problem::VotersSilent(subject));
                }
                Some(_) => {}
            }
        }
        problems
    }

    /// Moves that wait for what need not come by itself.
    fn waiting_moves(&self, reports: &BTreeMap<GroupId, GroupReport>) -> Vec<Problem> {
        let waiting: Vec<(GroupId, String)> = self.ground.catalog.read(|state| {
            let moving = state.shards.iter().filter(|(_, shard)| shard.target.is_some());
            moving
                .filter_map(|(group, shard)| {
                    match self.step_of(state, shard, &reports.get(group)?.status) {
                        ShardStep::Wait(why @ (Waiting::Away(_) | Waiting::NoHeir)) => {
                            Some((*group, why.to_string()))
                        }
                        _ => None,
                    }
                })
                .collect()
        });
        let subject = |group| self.serving.coordinator.subject(group);
        let problem = |(group, why)| Problem::MoveWaits { subject: subject(group), why };
        waiting.into_iter().map(problem).collect()
    }

    /// What the members say of their replicas: this one now, the others when last heard of.
    async fn problems_of_replicas(&self) -> Vec<Problem> {
        let nodes: Vec<NodeId> =
            self.ground.catalog.read(|state| state.nodes.keys().copied().collect());
        let (mut broken, mut differing) = (Vec::new(), BTreeSet::new());
        for node in nodes {
            let report = if node == self.ground.me {
                Some(self.serving.reporter.report(ReportRequest::NodeOnly).await)
            } else {
                self.serving.liveness.heard(node).and_then(|heard| heard.report)
            };
            let Some(report) = report else { continue };
            // Both sides of a difference tell it.
            differing.extend(report.differing);
            broken.extend(report.broken.into_iter().map(|BrokenReplica { group, why }| {
                let subject = self.serving.coordinator.subject(group);
                Problem::ReplicaBroken { subject, node, why }
            }));
        }
        let subject = |group| self.serving.coordinator.subject(group);
        broken.extend(differing.into_iter().map(|group| Problem::ReplicasDiffer(subject(group))));
        broken
    }
}

/// Whether all of some voters answered the leader lately.
fn all_answer(status: &GroupStatus, voters: &[PeerId]) -> bool {
    voters.iter().all(|voter| {
        // A leader does not hear from itself.
        status.leader == Some(*voter) || status.peer(*voter).is_some_and(|peer| peer.active)
    })
}
