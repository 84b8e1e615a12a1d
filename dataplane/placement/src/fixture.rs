//! What tests say of groups: one replica on each node, the first that it had there.

use vane_catalog::{ShardEntry, TargetReplica};
use vane_raft::{Conf, GroupStatus, PeerStatus, Role};
use vane_types::{LogIndex, PeerId};

pub(crate) fn peer(node: u64) -> PeerId {
    PeerId::new(vane_types::NodeId(node), 1)
}

pub(crate) fn peers(nodes: &[u64]) -> Vec<PeerId> {
    nodes.iter().map(|node| peer(*node)).collect()
}

/// The leader's view of a group whose members are all caught up.
pub(crate) fn status(leader: u64, voters: &[u64], learners: &[u64]) -> GroupStatus {
    let others = voters.iter().chain(learners).filter(|node| **node != leader);
    let matched = LogIndex(1000);
    let caught_up = |node: &u64| PeerStatus {
        peer: peer(*node),
        matched,
        active: true,
        applied: matched,
        ..PeerStatus::default()
    };
    GroupStatus {
        peer: peer(leader),
        leader: Some(peer(leader)),
        role: Role::Leader,
        last_index: matched,
        conf: Conf { voters: peers(voters), learners: peers(learners), ..Conf::default() },
        peers: others.map(caught_up).collect(),
        ..GroupStatus::default()
    }
}

/// A group with the members that a change leaves, seen by the same leader.
pub(crate) fn changed(status: &GroupStatus, change: &vane_raft::MemberChange) -> GroupStatus {
    let mut conf = status.conf.clone();
    conf.voters.retain(|peer| !change.removed.contains(peer) && !change.learners.contains(peer));
    conf.learners.retain(|peer| !change.removed.contains(peer) && !change.voters.contains(peer));
    conf.voters.extend(&change.voters);
    conf.learners.extend(&change.learners);
    conf.voters.sort_unstable();
    conf.learners.sort_unstable();
    let nodes = |peers: &[PeerId]| peers.iter().map(|peer| peer.node().0).collect::<Vec<u64>>();
    let leader = status.peer.node().0;
    self::status(leader, &nodes(&conf.voters), &nodes(&conf.learners))
}

/// A shard of which the catalog knows no members, with a target.
pub(crate) fn moving(target: Option<Vec<TargetReplica>>) -> ShardEntry {
    let json = r#"{"collection":"c","ordinal":0,"first":[],"conf":{"voters":[],"learners":[],
        "voters_outgoing":[],"learners_next":[]},"epoch":0,"target":null,"incarnations":{}}"#;
    let mut shard: ShardEntry = serde_json::from_str(json).unwrap();
    shard.target = target;
    shard
}

pub(crate) fn target(nodes: &[u64]) -> Vec<TargetReplica> {
    nodes.iter().map(|node| TargetReplica { peer: peer(*node), learner: false }).collect()
}
