//! The next step towards the members that the meta group should have: every node follows it,
//! and some of them vote.

#[cfg(test)]
mod tests;

use vane_catalog::{Member, State, meta_peer};
use vane_raft::{GroupStatus, MemberChange, Role};
use vane_types::{NodeId, PeerId};

use crate::facts::{NodeFacts, unloaded_facts};
use crate::heir::heir;
use crate::meta_voters::meta_voters;
use crate::shard_step::may_vote;

/// The next change of the meta group's members, from its leader's view and the catalog, if
/// there is one to make. `me` is the leader's node; `alive` says which nodes answer, `lost`
/// which have not for so long that another may have their vote.
pub fn meta_change(
    state: &State,
    status: &GroupStatus,
    me: NodeId,
    alive: impl Fn(NodeId) -> bool,
    lost: impl Fn(NodeId) -> bool,
) -> Option<MemberChange> {
    let members: Vec<NodeId> = state.nodes.keys().copied().collect();
    let voting = voting_nodes(status);
    let is_leaving =
        |node: NodeId| state.nodes.get(&node).is_some_and(|member: &Member| member.leaving);
    // One vote after the other: each is taken only by one that has the data, and meanwhile no
    // other voter is given up.
    let first_lost = voting.iter().copied().find(|node| lost(*node));
    let keeps = |node: NodeId| first_lost != Some(node) && (voting.contains(&node) || !lost(node));
    // Asked each second, and who votes does not depend on what a node carries.
    let facts = unloaded_facts(state, alive).into_iter();
    let facts: Vec<NodeFacts> = facts
        .map(|node| NodeFacts { keeps_vote: node.keeps_vote && keeps(node.id), ..node })
        .collect();
    let staying = || facts.iter().filter(|node| !is_leaving(node.id)).cloned();
    // Where all are to go, they vote as if none were.
    let facts = if staying().next().is_none() { facts } else { staying().collect() };
    meta_step(status, &members, &meta_voters(&facts, &voting), me)
}

/// The voter that should lead the meta group where its leader is to go and votes last for that.
pub fn meta_heir(state: &State, status: &GroupStatus, me: NodeId) -> Option<PeerId> {
    let is_leaving =
        |node: NodeId| state.nodes.get(&node).is_none_or(|member: &Member| member.leaving);
    // One that only follows would give it back.
    let may_take = |node: NodeId| !is_leaving(node) && state.may_lead(node);
    is_leaving(me).then(|| heir(status, may_take))?
}

/// The next change of members: first every node of `members` follows, one at a time, then
/// votes go to `wanted_voters` as far as they are ready. Who is no member any more goes, a
/// voter together with a new one that takes its vote. `None` when there is nothing to do,
/// when this replica does not lead, and while an earlier change is not applied.
///
/// `me` keeps its vote while it leads, wanted or not.
pub fn meta_step(
    status: &GroupStatus,
    members: &[NodeId],
    wanted_voters: &[NodeId],
    me: NodeId,
) -> Option<MemberChange> {
    if status.role != Role::Leader || status.conf_pending || status.conf.is_joint() {
        return None;
    }
    let peers = status.conf.members();
    let newcomer = members.iter().map(|node| meta_peer(*node)).find(|peer| !peers.contains(peer));
    if let Some(peer) = newcomer {
        return Some(MemberChange { learners: vec![peer], ..MemberChange::default() });
    }
    let gone = |peer: &PeerId| !members.contains(&peer.node());
    let learners_gone: Vec<PeerId> = status.conf.learners.iter().copied().filter(gone).collect();
    if !learners_gone.is_empty() {
        return Some(MemberChange { removed: learners_gone, ..MemberChange::default() });
    }
    let voting = voting_nodes(status);
    let without_vote = wanted_voters.iter().filter(|node| !voting.contains(node));
    let (ready, slow): (Vec<NodeId>, Vec<NodeId>) =
        without_vote.partition(|node| can_vote(status, **node));
    let unwanted = voting.iter().filter(|node| !wanted_voters.contains(node) && **node != me);
    // Votes are taken away only together with giving others: the group must not shrink
    // because a node is slow.
    let demoted: Vec<PeerId> = match slow.as_slice() {
        [] => unwanted.map(|node| meta_peer(*node)).collect(),
        _ => Vec::new(),
    };
    let promoted: Vec<PeerId> = ready.into_iter().map(meta_peer).collect();
    if promoted.is_empty() && demoted.is_empty() {
        return None;
    }
    let (removed, learners) = demoted.into_iter().partition(gone);
    Some(MemberChange { learners, voters: promoted, removed, ..MemberChange::default() })
}

fn voting_nodes(status: &GroupStatus) -> Vec<NodeId> {
    status.conf.voters.iter().map(|peer| peer.node()).collect()
}

/// Whether a node has the data that a voter answers for.
fn can_vote(status: &GroupStatus, node: NodeId) -> bool {
    status.peer(meta_peer(node)).is_some_and(|peer| may_vote(status, peer))
}
