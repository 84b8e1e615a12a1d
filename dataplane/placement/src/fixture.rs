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

/// A catalog of so many members and a collection `c` of one shard, at revision 4.
pub(crate) fn members_state(
    members: u64,
    voters: &[u64],
    learners: &[u64],
    group: vane_types::GroupId,
) -> vane_catalog::State {
    let member = |id: u64| {
        let json = format!(
            r#"{{"id":{id},"entry":{{"disk_id":"00000000-0000-0000-0000-0000000000{id:02}",
            "name":"","address":"","rest_address":"","version":""}},"zone":null}}"#
        );
        (vane_types::NodeId(id), serde_json::from_str(&json).unwrap())
    };
    let mut shard = moving(None);
    shard.conf = Conf { voters: peers(voters), learners: peers(learners), ..Conf::default() };
    shard.revision = 4;
    let collection = vane_catalog::CollectionEntry {
        config: vane_types::CollectionConfig::default(),
        shards: vec![group],
        replication_factor: 1,
        write_consistency_factor: 1,
        key: String::new(),
        first_vectors: None,
        is_untold: false,
    };
    let mut state = vane_catalog::State::default();
    state.nodes = (1..=members).map(member).collect();
    state.collections = [("c".to_owned(), collection)].into();
    state.shards = [(group, shard)].into();
    state
}
