//! Shards and where their replicas are and should be.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vane_raft::Conf;
use vane_types::{GroupId, NodeId, PeerId, Refusal};

use super::members::no_node;
use super::{Changed, State, Touched};
use crate::command::Wanted;

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// Its collection.
    pub collection: String,
    /// Its place among the collection's shards.
    pub ordinal: usize,
    /// Peers that it began with.
    pub first: Vec<PeerId>,
    /// Its members, as last reported; Raft's own may be ahead.
    pub conf: Conf,
    /// Changes of members that were reported.
    pub epoch: u64,
    /// Where the replicas should be, while that differs.
    pub target: Option<Vec<TargetReplica>>,
    /// Changes of the target and reports of members, counted: a change that was decided on
    /// one count can be refused at another.
    #[serde(default)]
    pub revision: u64,
    /// Replicas that each node ever had.
    pub(super) incarnations: BTreeMap<NodeId, u32>,
}

/// A replica that should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetReplica {
    /// Its peer id.
    pub peer: PeerId,
    /// Follows without a vote.
    pub learner: bool,
}

impl ShardEntry {
    /// The peer that a node has of the shard, or is to have.
    pub fn peer_on(&self, node: NodeId) -> Option<PeerId> {
        let target = self.target.iter().flatten().map(|it| it.peer);
        // Of two the later one: the earlier is on its way out.
        target.chain(self.conf.members()).filter(|peer| peer.node() == node).max()
    }

    /// Where the replicas should be: where they are, unless a change is under way.
    fn wanted(&self) -> Vec<Wanted> {
        let wanted = |peer: PeerId, learner| Wanted { node: peer.node(), learner };
        match &self.target {
            Some(target) => target.iter().map(|it| wanted(it.peer, it.learner)).collect(),
            None => {
                let learner = |it: PeerId| !self.conf.voters.contains(&it);
                self.conf.members().into_iter().map(|it| wanted(it, learner(it))).collect()
            }
        }
    }

    /// Nodes that have a replica.
    pub fn nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = self.conf.members().into_iter().map(PeerId::node).collect();
        nodes.dedup();
        nodes
    }
}

impl State {
    pub(super) fn reconfigure(
        &mut self,
        group: GroupId,
        replicas: &[Wanted],
        if_revision: Option<u64>,
    ) -> Changed {
        if let Some(wanted) = replicas.iter().find(|it| !self.nodes.contains_key(&it.node)) {
            return Err(no_node(wanted.node));
        }
        let mut nodes: Vec<NodeId> = replicas.iter().map(|it| it.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let invalid = |text: &str| {
            Err(Refusal::Invalid(format!("shard {group}: {text}; nothing was changed")))
        };
        if nodes.len() < replicas.len() {
            return invalid("a node is named twice, but can have one replica of a shard");
        }
        if replicas.iter().all(|it| it.learner) {
            return invalid("at least one replica must have a vote");
        }
        let entry = self
            .shards
            .get_mut(&group)
            .ok_or_else(|| Refusal::NotFound(format!("Shard {group}")))?;
        let there = entry.wanted();
        // First: a call that is repeated meets the revision that it made itself.
        if there.len() == replicas.len() && replicas.iter().all(|it| there.contains(it)) {
            return Ok(Vec::new());
        }
        if let Some(expected) = if_revision.filter(|it| *it != entry.revision) {
            return Err(Refusal::Conflict(format!(
                "shard {group} is at revision {}, not {expected}: its replicas are to be on nodes {} by now; nothing \
                 was changed, look at the shard again and decide anew",
                entry.revision,
                listed(&there)
            )));
        }
        let mut target = Vec::with_capacity(replicas.len());
        for Wanted { node, learner } in replicas {
            let peer = entry.peer_on(*node).unwrap_or_else(|| {
                let incarnation = entry.incarnations.entry(*node).or_insert(0);
                *incarnation += 1;
                PeerId::new(*node, *incarnation)
            });
            target.push(TargetReplica { peer, learner: *learner });
        }
        entry.target = Some(target);
        entry.revision += 1;
        Ok(vec![Touched::Shard(group)])
    }

    pub(super) fn settle(&mut self, group: GroupId, conf: Conf) -> Changed {
        let entry = self
            .shards
            .get_mut(&group)
            .ok_or_else(|| Refusal::NotFound(format!("Shard {group}")))?;
        let wanted = |learner: bool| {
            let mut peers: Vec<PeerId> = entry
                .target
                .iter()
                .flatten()
                .filter(|it| it.learner == learner)
                .map(|it| it.peer)
                .collect();
            peers.sort_unstable();
            peers
        };
        if entry.target.is_some() && wanted(false) == conf.voters && wanted(true) == conf.learners {
            entry.target = None;
        }
        entry.conf = conf;
        entry.epoch += 1;
        entry.revision += 1;
        Ok(vec![Touched::Shard(group)])
    }
}

/// Replicas as people write them: `1,2,3:learner`.
fn listed(replicas: &[Wanted]) -> String {
    let one = |it: &Wanted| format!("{}{}", it.node, if it.learner { ":learner" } else { "" });
    replicas.iter().map(one).collect::<Vec<_>>().join(",")
}
