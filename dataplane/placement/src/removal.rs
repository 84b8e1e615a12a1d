//! The next step of taking a member away, from what its shards and its meta vote are at.

use uuid::Uuid;
use vane_catalog::{Member, ShardEntry, State};
use vane_types::{GroupId, NodeId};

use crate::replica_request::{ReplicaPlan, ReplicaRefusal, without};

/// What to do next about a member that is to be taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemovalStep {
    /// Its shards are to do without it: one plan for each, all of them possible.
    Drop(Vec<ReplicaPlan>),
    /// It is to be marked as one that leaves: it gets nothing new, and gives its vote in the meta
    /// group to another.
    Leave,
    /// Until its groups have let go of it.
    Wait(Waited),
    /// Nothing needs it any more: the catalog may forget it, by its disk.
    Remove(Uuid),
    /// It is gone.
    Done,
}

/// What a removal waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// Shards that still name it.
    Shards(usize),
    /// The meta group, in which it votes.
    Vote,
}

/// Why a member is not taken away. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemovalRefusal {
    /// Its shards were to stay. In Qdrant's words.
    #[error("Cannot remove peer {0} as there are shards on it")]
    HasShards(NodeId),
    /// Nobody would be left.
    #[error("Cannot remove peer {0} as there is no other")]
    Last(NodeId),
    /// No such member.
    #[error("Peer {0} does not exist")]
    NoPeer(NodeId),
    /// A shard could not do without it.
    #[error(transparent)]
    Shard(#[from] ReplicaRefusal),
}

/// The next step of taking a member away; with `drops` its replicas go too, where their shards can
/// do without. `votes` says whether it is alive and votes in the meta group.
///
/// # Errors
/// [`RemovalRefusal`].
pub fn removal_step(
    state: &State,
    node: NodeId,
    drops: bool,
    votes: bool,
    alive: impl Fn(NodeId) -> bool,
) -> Result<RemovalStep, RemovalRefusal> {
    let Some(member) = state.nodes.get(&node) else {
        let was_there = state.removed.contains_key(&node);
        return if was_there { Ok(RemovalStep::Done) } else { Err(RemovalRefusal::NoPeer(node)) };
    };
    if state.nodes.len() == 1 {
        return Err(RemovalRefusal::Last(node));
    }
    let named = state.groups_naming(node);
    if !named.is_empty() && !drops {
        return Err(RemovalRefusal::HasShards(node));
    }
    let shards = named.iter().filter_map(|group| Some((*group, state.shards.get(group)?)));
    let plan = |shard: (GroupId, &ShardEntry)| without(shard, node, &alive).transpose();
    let plans: Vec<ReplicaPlan> = shards.filter_map(plan).collect::<Result<_, _>>()?;
    Ok(match named.len() {
        // First, so that no new shard comes to it meanwhile.
        _ if !plans.is_empty() && !member.leaving => RemovalStep::Leave,
        _ if !plans.is_empty() => RemovalStep::Drop(plans),
        0 => vote_step(member, votes),
        shards => RemovalStep::Wait(Waited::Shards(shards)),
    })
}

fn vote_step(member: &Member, votes: bool) -> RemovalStep {
    match (votes, member.leaving) {
        (false, _) => RemovalStep::Remove(member.entry.disk_id),
        (true, false) => RemovalStep::Leave,
        (true, true) => RemovalStep::Wait(Waited::Vote),
    }
}
