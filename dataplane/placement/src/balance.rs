//! Which replicas should move so that nodes carry alike.
//!
//! From the node that carries the most to the one that carries the least, the shard that comes
//! nearest to what one has too much and the other too little, again and again. Each move makes
//! the two more alike, so that it ends. A plan that does not make its nodes better by half the
//! threshold is none: it would be undone by the next writes. No move makes a shard's spread over
//! zones worse, and what is pinned stays.

mod loads;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use thiserror::Error;
use vane_catalog::{ShardEntry, State};
use vane_raft::GroupStatus;
use vane_types::{GroupId, NodeId, Rebalance};

use crate::shard_step::is_caught_up;
use crate::transfers::transfers;
use loads::Loads;

/// Seconds for which a shard rests after a move.
pub const REST_SECONDS: u64 = 3600;
/// Moves of one plan; the next one goes on.
const PLAN_MAX: usize = 256;

/// A shard, as its leader reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardLoad {
    /// Bytes of its vectors, of one replica.
    pub bytes: u64,
    /// All of its replicas are up, have the data, and are those that the catalog names.
    pub is_whole: bool,
}

impl ShardLoad {
    /// That of a shard whose leader reports so.
    pub fn of(shard: &ShardEntry, status: &GroupStatus, bytes: u64) -> Self {
        let is_up = |peer: &vane_types::PeerId| {
            status.leader == Some(*peer)
                || status.peer(*peer).is_some_and(|peer| is_caught_up(status, peer))
        };
        let members = status.conf.members();
        let is_whole = !status.conf_pending
            && !status.conf.is_joint()
            && members == shard.conf.members()
            && members.iter().all(is_up);
        Self { bytes, is_whole }
    }
}

/// A voter to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BalanceMove {
    /// Whose.
    pub group: GroupId,
    /// The node that has it.
    pub from: NodeId,
    /// The node that is to have it.
    pub to: NodeId,
    /// The shard's revision that this was decided on.
    pub revision: u64,
}

/// How the balance is, and why nothing is moved where that is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Standing {
    /// No node is too far off the mean.
    #[error("the nodes carry alike")]
    Balanced,
    /// Replicas are on their way, or about to be.
    #[error("{0} shards are being moved")]
    Moving(usize),
    /// What would be moved was moved lately.
    #[error("what would be moved was moved within the hour, and rests")]
    Resting,
    /// Nobody wants anything moved.
    #[error("the policy is to move nothing")]
    OffByPolicy,
    /// What would have to be moved is pinned.
    #[error("what would have to be moved is pinned")]
    Pinned,
    /// No move makes it better.
    #[error(
        "no move makes it better by half the threshold: the shards are too large, every other \
         node has a replica, is full, or is of a zone that has one"
    )]
    NoRoom,
    /// Not now.
    #[error("nothing is moved while {0}")]
    Waiting(Unwell),
}

/// Why nothing is moved for the sake of balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unwell {
    /// A member does not answer, or is to go.
    #[error("node {0} is away or leaving")]
    Node(NodeId),
    /// Replicas are made anew or moved for another reason, which comes first.
    #[error("shard {0} is moved or filled again for another reason")]
    OtherMove(GroupId),
    /// A replica is away or behind, or the leader is.
    #[error("shard {0} has not all of its replicas")]
    NotWhole(GroupId),
}

/// How even nodes are, and what is to be moved now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// How far the node that is farthest off the mean is, in per cent of it, once what is under way
    /// has arrived.
    pub worst_percent: u64,
    /// How that is to be taken.
    pub standing: Standing,
    /// Moves to begin now, as the policy lets them.
    pub moves: Vec<BalanceMove>,
}

/// The balance of a catalog's members. `shards` is what their leaders report; `alive` says who
/// answers, `has_room` who takes new replicas; `now` is in seconds since 1970.
pub fn balance(
    state: &State,
    shards: &BTreeMap<GroupId, ShardLoad>,
    alive: impl Fn(NodeId) -> bool,
    has_room: impl Fn(NodeId) -> bool,
    now: u64,
) -> Balance {
    let loads = Loads::of(state, shards, has_room);
    let worst_percent = loads.worst_percent();
    let (standing, moves) = match unwell(state, shards, alive) {
        _ if state.policy.rebalance == Rebalance::Off => {
            let is_even = worst_percent <= u64::from(state.policy.threshold_percent);
            let standing = if is_even { Standing::Balanced } else { Standing::OffByPolicy };
            (standing, Vec::new())
        }
        Some(unwell) => (Standing::Waiting(unwell), Vec::new()),
        None => planned(state, &loads, now),
    };
    Balance { worst_percent, standing, moves }
}

/// Why replicas and leaders are better left where they are, if there is a reason.
pub fn unwell(
    state: &State,
    shards: &BTreeMap<GroupId, ShardLoad>,
    alive: impl Fn(NodeId) -> bool,
) -> Option<Unwell> {
    // One that only follows is about to be started again.
    let is_unwell = |node: &NodeId| {
        let member = &state.nodes[node];
        !alive(*node) || member.leaving || member.follows_only.is_some()
    };
    if let Some(node) = state.nodes.keys().find(|node| is_unwell(node)) {
        return Some(Unwell::Node(*node));
    }
    state.shards.iter().find_map(|(group, shard)| {
        if shard.is_rebalancing() {
            None
        } else if shard.target.is_some() {
            Some(Unwell::OtherMove(*group))
        } else {
            let is_whole = shards.get(group).is_some_and(|load| load.is_whole);
            (!is_whole).then_some(Unwell::NotWhole(*group))
        }
    })
}

fn planned(state: &State, loads: &Loads, now: u64) -> (Standing, Vec<BalanceMove>) {
    let rests = |shard: &ShardEntry| {
        let since = shard.rebalanced_at.map(|at| now.saturating_sub(at));
        since.is_some_and(|since| since < REST_SECONDS)
    };
    let free = |shard: &ShardEntry| !shard.pinned && !rests(shard);
    let under_way = state.shards.values().filter(|shard| shard.is_rebalancing()).count();
    let plan = loads.plan(state, free);
    if under_way > 0 || !plan.is_empty() {
        let moves = admitted(state, plan, under_way);
        return (Standing::Moving(under_way + moves.len()), moves);
    }
    let standing = if loads.worst_percent() <= u64::from(state.policy.threshold_percent) {
        Standing::Balanced
    } else if !loads.plan(state, |shard| !shard.pinned).is_empty() {
        Standing::Resting
    } else if !loads.plan(state, |_| true).is_empty() {
        Standing::Pinned
    } else {
        Standing::NoRoom
    };
    (standing, Vec::new())
}

/// Those of a plan that may begin beside what is under way.
fn admitted(state: &State, plan: Vec<BalanceMove>, under_way: usize) -> Vec<BalanceMove> {
    let policy = &state.policy;
    let mut busy: BTreeMap<NodeId, u32> = BTreeMap::new();
    for shard in state.shards.values().filter(|shard| shard.is_rebalancing()) {
        for transfer in transfers(&shard.conf, &shard.wanted()) {
            for node in transfer.in_place_of.into_iter().chain([transfer.to]) {
                *busy.entry(node).or_default() += 1;
            }
        }
    }
    let room = (policy.moves_at_once as usize).saturating_sub(under_way);
    let mut admitted = Vec::new();
    for next in plan {
        let nodes = [next.from, next.to];
        let is_free = |node: &NodeId| busy.get(node).is_none_or(|count| *count < policy.per_node);
        if admitted.len() < room && policy.may_copy() && nodes.iter().all(is_free) {
            nodes.iter().for_each(|node| *busy.entry(*node).or_default() += 1);
            admitted.push(next);
        }
    }
    admitted
}
