//! Shards: where their replicas are, where they should be, and how many each node ever had.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vane_raft::Conf;
use vane_types::planted::{self, Fault};
use vane_types::{FeatureLevel, GroupId, NodeId, PeerId, Refusal};

use super::refill::Refill;
use super::{Changed, State, Touched};
use crate::command::{Seen, WantedReplica};

/// A shard: where its replicas are, by the last report, and where they should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// Name of its collection.
    pub collection: String,
    /// Its place among the collection's shards, from 0.
    pub ordinal: usize,
    /// The replicas that it began with; the one placed to lead comes first.
    pub first: Vec<PeerId>,
    /// Its members, as last reported; Raft's own may be ahead.
    pub conf: Conf,
    /// When they were looked at, once that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// Changes of members that were reported.
    pub epoch: u64,
    /// Where the replicas should be, while that differs from where they are.
    pub target: Option<Vec<TargetReplica>>,
    /// Changes of the target and reports of members, counted: a change that was decided on
    /// one count can be refused at another.
    #[serde(default)]
    pub revision: u64,
    /// A replica that is being replaced on its own node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refill: Option<Refill>,
    /// Its replicas stay where people want them, whatever the balance.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// When the cluster last moved it to even nodes out, in seconds since 1970; `None` once
    /// somebody has asked for other replicas since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebalanced_at: Option<u64>,
    /// Replicas that each node ever had, those that are gone too: no peer id is used twice.
    incarnations: BTreeMap<NodeId, u32>,
}

/// A replica that should be there, known to Raft by its peer id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetReplica {
    /// The peer that it is, or is to be.
    pub peer: PeerId,
    /// Follows without a vote.
    pub learner: bool,
}

impl ShardEntry {
    /// A shard as it begins: one replica on each of the nodes, all of them voters.
    pub(super) fn new(collection: &str, ordinal: usize, nodes: &[NodeId]) -> Self {
        let first: Vec<PeerId> = nodes.iter().map(|node| PeerId::new(*node, 1)).collect();
        Self {
            collection: collection.to_owned(),
            ordinal,
            conf: Conf::founding(&first),
            seen: None,
            first,
            epoch: 0,
            target: None,
            revision: 0,
            refill: None,
            pinned: false,
            rebalanced_at: None,
            incarnations: nodes.iter().map(|node| (*node, 1)).collect(),
        }
    }

    /// The peer that a node has of the shard, or is to have.
    pub fn peer_on(&self, node: NodeId) -> Option<PeerId> {
        let target = self.target.iter().flatten().map(|replica| replica.peer);
        // Of two the later one: the earlier is on its way out.
        target.chain(self.conf.members()).filter(|peer| peer.node() == node).max()
    }

    /// Whether a node may have a replica. While a change is under way Raft's members may be ahead
    /// of those that were reported: a node that a target named before the last one can vote.
    pub(super) fn may_be_on(&self, node: NodeId) -> bool {
        let had_one = self.incarnations.contains_key(&node);
        self.peer_on(node).is_some() || (self.target.is_some() && had_one)
    }

    /// Nodes that have a replica, in order.
    pub fn nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = self.conf.members().into_iter().map(PeerId::node).collect();
        nodes.dedup();
        nodes
    }

    /// Nodes that may have the leader: those that have a replica, then those that are to.
    pub(super) fn nodes_to_ask(&self) -> Vec<NodeId> {
        let (mut nodes, target) = (self.nodes(), self.target.iter().flatten());
        for node in target.map(|replica| replica.peer.node()) {
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        nodes
    }

    /// Whether the target fits what the group's members have become: it names those that there
    /// are on its nodes, and none that is gone. Where it does not, they are to be recorded first.
    pub fn fits(&self, conf: &Conf) -> bool {
        let members = conf.members();
        let mut target = self.target.iter().flatten();
        target.all(|replica| self.known_as(replica.peer, &members) == Some(replica.peer))
    }

    /// The peer that a node of the target has, or is still to get; `None` where the one that the
    /// target names was a member and is none any more.
    fn known_as(&self, wanted: PeerId, members: &[PeerId]) -> Option<PeerId> {
        let there = members.iter().filter(|peer| peer.node() == wanted.node()).max();
        let was_there = || self.conf.members().contains(&wanted);
        there.copied().or_else(|| (!was_there()).then_some(wanted))
    }

    /// Takes the members over into the target: who was removed on the way comes back as another.
    fn follow_members(&mut self, conf: &Conf) {
        let members = conf.members();
        let target = self.target.take().map(|mut target| {
            for replica in &mut target {
                replica.peer = self
                    .known_as(replica.peer, &members)
                    .unwrap_or_else(|| self.next_peer(replica.peer.node()));
            }
            target
        });
        self.target = target;
    }

    /// Refuses members that were looked at before those that are recorded.
    fn check_newer(&self, group: GroupId, seen: Seen) -> Result<(), Refusal> {
        let is_older = |known: Seen| seen.term < known.term || seen.index < known.index;
        let is_late = seen.epoch != self.epoch || self.seen.is_some_and(is_older);
        if is_late && !planted::is(Fault::EpochUnchecked) {
            return Err(Refusal::Conflict(format!(
                "the members of shard {group} were recorded {} times, and these were seen after \
                 {}; nothing was changed, look at them again",
                self.epoch, seen.epoch
            )));
        }
        Ok(())
    }

    /// Where the replicas should be: where they are, unless a change is under way.
    pub fn wanted(&self) -> Vec<WantedReplica> {
        // One that is to come back on its node is still wanted there.
        if let Some(refill) = self.refill.as_ref().filter(|refill| !refill.returning) {
            return refill.then.clone();
        }
        let replicas = self.target.clone().unwrap_or_else(|| self.replicas());
        let wanted =
            |it: TargetReplica| WantedReplica { node: it.peer.node(), learner: it.learner };
        replicas.into_iter().map(wanted).collect()
    }

    /// The members as they are.
    pub(super) fn replicas(&self) -> Vec<TargetReplica> {
        let is_learner = |peer| !self.conf.voters.contains(&peer);
        let members = self.conf.members().into_iter();
        members.map(|peer| TargetReplica { peer, learner: is_learner(peer) }).collect()
    }

    /// The replicas that are wanted, as peers: those that nodes have, and new ones.
    pub(super) fn target_of(&mut self, wanted: &[WantedReplica]) -> Vec<TargetReplica> {
        let replica = |wanted: &WantedReplica| TargetReplica {
            peer: self.peer_for(wanted.node),
            learner: wanted.learner,
        };
        wanted.iter().map(replica).collect()
    }

    /// The peer that a node has, or one that the group never had before.
    fn peer_for(&mut self, node: NodeId) -> PeerId {
        self.peer_on(node).unwrap_or_else(|| self.next_peer(node))
    }

    /// A peer of a node that the group never had before.
    pub(super) fn next_peer(&mut self, node: NodeId) -> PeerId {
        let incarnation = self.incarnations.entry(node).or_insert(0);
        if *incarnation == 0 || !planted::is(Fault::PeerIdTwice) {
            *incarnation += 1;
        }
        PeerId::new(node, *incarnation)
    }

    /// Whether a membership is the one that the target asks for.
    fn is_target(&self, conf: &Conf) -> bool {
        self.target.as_ref().is_some_and(|target| {
            let (learners, voters): (Vec<&TargetReplica>, Vec<&TargetReplica>) =
                target.iter().partition(|replica| replica.learner);
            sorted_peers(&voters) == conf.voters && sorted_peers(&learners) == conf.learners
        })
    }
}

impl State {
    pub(super) fn reconfigure(
        &mut self,
        group: GroupId,
        replicas: &[WantedReplica],
        if_revision: Option<u64>,
    ) -> Changed {
        self.check_members(replicas.iter().map(|replica| replica.node))?;
        check_wanted(group, replicas)?;
        let entry = self.shards.get_mut(&group).ok_or_else(|| shard_not_found(group))?;
        let there = entry.wanted();
        // First: a call that is repeated meets the revision that it made itself.
        if there.len() == replicas.len() && replicas.iter().all(|replica| there.contains(replica)) {
            return Ok(Vec::new());
        }
        if let Some(expected) = if_revision.filter(|expected| *expected != entry.revision) {
            return Err(Refusal::Conflict(format!(
                "shard {group} is at revision {}, not {expected}: its replicas are to be on nodes \
                 {} by now; nothing was changed, look at the shard again and decide anew",
                entry.revision,
                listed(&there)
            )));
        }
        entry.target = Some(entry.target_of(replicas));
        // Whoever decides anew decides about that replica too.
        entry.refill = None;
        // Back to where they were: what could not be moved rests like what was.
        let is_undone = entry.is_rebalancing() && entry.target.as_ref() == Some(&entry.replicas());
        if !is_undone {
            entry.rebalanced_at = None;
        }
        entry.revision += 1;
        Ok(vec![Touched::Shard(group)])
    }

    pub(super) fn settle(&mut self, group: GroupId, conf: Conf, seen: Option<Seen>) -> Changed {
        let is_told = self.level >= FeatureLevel::PROVEN;
        let entry = self.shards.get_mut(&group).ok_or_else(|| shard_not_found(group))?;
        match seen {
            Some(seen) => {
                entry.check_newer(group, seen)?;
                entry.follow_members(&conf);
                entry.seen = Some(seen);
            }
            // Sent by a version that no member runs any more: nobody knows when it looked.
            None if is_told => {
                return Err(Refusal::Conflict(format!(
                    "nothing says when the members of shard {group} were looked at; nothing was \
                     changed"
                )));
            }
            None => {}
        }
        // A report from before the target's last change leaves the target standing: the meta
        // leader goes on until the members are the ones that are wanted now.
        let is_met = entry.is_target(&conf);
        entry.conf = conf;
        if is_met {
            entry.target = None;
            entry.refill_on();
        }
        entry.epoch += 1;
        entry.revision += 1;
        Ok(vec![Touched::Shard(group)])
    }
}

/// Refuses replicas that no shard can have.
fn check_wanted(group: GroupId, replicas: &[WantedReplica]) -> Result<(), Refusal> {
    let mut nodes: Vec<NodeId> = replicas.iter().map(|replica| replica.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let why = if nodes.len() < replicas.len() {
        "a node is named twice, but can have one replica of a shard"
    } else if replicas.iter().all(|replica| replica.learner) {
        "at least one replica must have a vote"
    } else {
        return Ok(());
    };
    Err(Refusal::Invalid(format!("shard {group}: {why}; nothing was changed")))
}

pub(super) fn shard_not_found(group: GroupId) -> Refusal {
    Refusal::NotFound(format!("Shard {group}"))
}

fn sorted_peers(replicas: &[&TargetReplica]) -> Vec<PeerId> {
    let mut peers: Vec<PeerId> = replicas.iter().map(|replica| replica.peer).collect();
    peers.sort_unstable();
    peers
}

/// Replicas as people write them: `1,2,3:learner`.
fn listed(replicas: &[WantedReplica]) -> String {
    let words: Vec<String> = replicas.iter().map(WantedReplica::to_string).collect();
    words.join(",")
}
