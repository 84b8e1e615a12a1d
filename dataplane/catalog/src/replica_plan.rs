//! What a node does when the catalog says something: which replicas it opens, which it removes.
//!
//! Pure: the same catalog and the same open replicas give the same actions. It decides; the
//! node carries out, and asks again whenever the catalog has changed.

use std::collections::BTreeMap;

use vane_raft::Conf;
use vane_types::{CollectionConfig, GroupId, NodeId, PeerId};

use crate::state::{ShardEntry, State};

/// One thing to do with a replica of this node.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplicaAction {
    /// Close the replica and destroy what it has on the disk; its peer id is not used again.
    Remove {
        /// Group of the shard.
        group: GroupId,
        /// The replica that is open now.
        peer: PeerId,
    },
    /// Open the replica; make it first where the disk has none of this peer.
    Open {
        /// Group of the shard.
        group: GroupId,
        /// The replica that should be open.
        peer: PeerId,
        /// What a replica that is made begins with.
        config: Box<CollectionConfig>,
        /// The membership that a replica that is made begins with. `None` for one that joins
        /// a running group: it begins with nothing and is sent a snapshot.
        founding: Option<Conf>,
        /// Whether a replica that is made stands for election at once: it was placed to lead.
        campaign: bool,
    },
}

/// What `me` has to do, in order, so that it has the replicas that the catalog places on it
/// and no others. `open` are the replicas it has, those too that could not be opened: a
/// failed opening is not tried again before the node's next start.
///
/// Removals come first, so that of two peers of one group the old one is gone before the new
/// one is made in its directory.
pub fn replica_plan(
    state: &State,
    me: NodeId,
    open: &BTreeMap<GroupId, PeerId>,
) -> Vec<ReplicaAction> {
    let placed = replicas_here(state, me);
    // The catalog's word alone destroys the replica. It relies on the copy of the members in
    // the catalog being no older than what the group itself has come to, which does not hold
    // while a change of members is under way and the target is changed back.
    let stale = open.iter().filter(|(group, peer)| placed.get(group) != Some(peer));
    let removals = stale.map(|(group, peer)| ReplicaAction::Remove { group: *group, peer: *peer });
    let missing = placed.iter().filter(|(group, peer)| open.get(group) != Some(peer));
    let openings = missing.filter_map(|(group, peer)| opening(state, *group, *peer));
    removals.chain(openings).collect()
}

/// The replicas that the catalog places on a node.
pub fn replicas_here(state: &State, me: NodeId) -> BTreeMap<GroupId, PeerId> {
    // A shard without its collection cannot be made here, so it has no place either.
    let known =
        state.shards.iter().filter(|(_, shard)| state.collections.contains_key(&shard.collection));
    known.filter_map(|(group, shard)| Some((*group, shard.peer_on(me)?))).collect()
}

/// Groups that have something on this node's disk and no place here: what a removal that was
/// cut short left behind. The meta group is every node's and never among them.
pub fn orphans(state: &State, me: NodeId, on_disk: &[GroupId]) -> Vec<GroupId> {
    let placed = replicas_here(state, me);
    let has_place = |group: &GroupId| *group == GroupId::META || placed.contains_key(group);
    on_disk.iter().copied().filter(|group| !has_place(group)).collect()
}

fn opening(state: &State, group: GroupId, peer: PeerId) -> Option<ReplicaAction> {
    let shard = state.shards.get(&group)?;
    let config = state.collections.get(&shard.collection)?.config.clone();
    let founding = is_founder(shard, peer).then(|| Conf::founding(&shard.first));
    let campaign = shard.first.first().is_some_and(|first| first.node() == peer.node());
    Some(ReplicaAction::Open { group, peer, config: Box::new(config), founding, campaign })
}

/// Whether a replica may begin with the founding membership: it is one of the first, and no
/// change of members was reported. After one that membership is not the group's any more.
fn is_founder(shard: &ShardEntry, peer: PeerId) -> bool {
    shard.epoch == 0 && shard.first.contains(&peer)
}
