//! What a node does when the catalog says something: which replicas it opens, which it removes.
//!
//! Pure: the same catalog and the same replicas give the same actions. It decides; the node
//! carries out, and asks again whenever the catalog has changed.
//!
//! The catalog says which replicas a node is to have. That one is to go is Raft's to say: the
//! catalog's copy of the members is older than the group whenever members change, and a voter
//! that is destroyed by an old copy is missing for ever.

use std::collections::BTreeMap;

use vane_raft::Conf;
use vane_types::planted::{self, Fault};
use vane_types::{CollectionConfig, GroupId, NodeId, PeerId};

use crate::state::{ShardEntry, State};

/// A replica that a node has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldReplica {
    /// Whose it is.
    pub peer: PeerId,
    /// It was opened since the node's start, or could not be; else it lies on the disk alone.
    pub is_open: bool,
    /// [`proves_removal`] was found true of it: the group has gone on without it, for good.
    pub is_removed: bool,
}

/// One thing to do with a replica of this node.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplicaAction {
    /// Close the replica and destroy what it has on the disk; its peer id is not used again.
    Remove {
        /// Group of the shard.
        group: GroupId,
        /// The replica that is there now.
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
    /// Ask the group's leader for the members: the catalog does not name the replica any more,
    /// and nothing shows yet that the group does not.
    Ask {
        /// Group of the shard.
        group: GroupId,
        /// The replica that may have to go.
        peer: PeerId,
    },
}

/// What `me` has to do, in order, so that it has the replicas that the catalog places on it,
/// and others only for as long as their groups may count them. `held` are the replicas it has,
/// those too that could not be opened: a failed opening is not tried again before the node's
/// next start.
///
/// Of two peers of one group the later is made when the earlier is gone.
pub fn replica_plan(
    state: &State,
    me: NodeId,
    held: &BTreeMap<GroupId, HeldReplica>,
) -> Vec<ReplicaAction> {
    let placed = replicas_here(state, me);
    let strays = held.iter().filter(|(group, it)| placed.get(group) != Some(&it.peer));
    let strays: Vec<ReplicaAction> =
        strays.filter_map(|(group, it)| stray(state, *group, *it)).collect();
    let going: Vec<GroupId> = strays.iter().filter_map(ReplicaAction::removal).collect();
    let missing = placed.iter().filter(|(group, peer)| match held.get(group) {
        Some(it) if it.peer == **peer => !it.is_open,
        Some(_) => going.contains(group),
        None => true,
    });
    let openings = missing.filter_map(|(group, peer)| opening(state, *group, *peer));
    // Removals first: what is made next may need the same directory.
    let (mut plan, rest): (Vec<_>, Vec<_>) =
        strays.into_iter().partition(|action| action.removal().is_some());
    plan.extend(openings.chain(rest));
    plan
}

/// Whether the members of a group show that a replica was one of them and is none any more.
/// They are to be those that the replica applied itself, or the answer of a leader that a
/// majority confirmed, to a question that was asked when the catalog here named the replica no
/// more: no peer id that was dropped is given again.
pub fn proves_removal(conf: &Conf, peer: PeerId) -> bool {
    // One that waits for its first snapshot knows of no members at all.
    !conf.voters.is_empty() && !conf.members().contains(&peer)
}

/// The replicas that the catalog places on a node.
pub fn replicas_here(state: &State, me: NodeId) -> BTreeMap<GroupId, PeerId> {
    // A shard without its collection cannot be made here, so it has no place either.
    let known =
        state.shards.iter().filter(|(_, shard)| state.collections.contains_key(&shard.collection));
    known.filter_map(|(group, shard)| Some((*group, shard.peer_on(me)?))).collect()
}

impl ReplicaAction {
    fn removal(&self) -> Option<GroupId> {
        match self {
            Self::Remove { group, .. } => Some(*group),
            Self::Open { .. } | Self::Ask { .. } => None,
        }
    }
}

/// What is done with a replica that the catalog does not place here.
fn stray(state: &State, group: GroupId, held: HeldReplica) -> Option<ReplicaAction> {
    let HeldReplica { peer, is_open, is_removed } = held;
    if state.was_deleted(group) {
        // The whole group goes, by a command that a majority agreed on.
        return Some(ReplicaAction::Remove { group, peer });
    }
    if !state.shards.contains_key(&group) {
        // Made by a later catalog than this one, which says nothing about it.
        return None;
    }
    if is_removed || planted::is(Fault::RemoveUnproven) {
        return Some(ReplicaAction::Remove { group, peer });
    }
    if !is_open {
        // It may still vote, and its group need it to let it go.
        return opening(state, group, peer);
    }
    Some(ReplicaAction::Ask { group, peer })
}

fn opening(state: &State, group: GroupId, peer: PeerId) -> Option<ReplicaAction> {
    let shard = state.shards.get(&group)?;
    let config = state.collections.get(&shard.collection)?.first_config();
    let founding = is_founder(shard, peer).then(|| Conf::founding(&shard.first));
    let campaign = shard.first.first().is_some_and(|first| first.node() == peer.node());
    Some(ReplicaAction::Open { group, peer, config: Box::new(config), founding, campaign })
}

/// Whether a replica may begin with the founding membership: it is one of the first, and no
/// change of members was reported. After one that membership is not the group's any more.
fn is_founder(shard: &ShardEntry, peer: PeerId) -> bool {
    shard.epoch == 0 && shard.first.contains(&peer)
}
