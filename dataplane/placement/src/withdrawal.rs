//! Which moves are given up: those that somebody preferred, and that fail again and again.
//!
//! A replica that takes the place of one that is lost, or is to go with its node, is never given
//! up: it is tried until it succeeds.

use vane_catalog::State;
use vane_types::{GroupId, NodeId, PeerId};

use crate::replica_request::{ReplicaPlan, ReplicaRequest, plan_replicas};
use crate::transfers::transfers;

/// Attempts to send a copy, one after the other and with pauses that grow, after which a move that
/// was only preferred is given up: about two minutes.
pub const MOVE_ATTEMPTS_MAX: u32 = 10;

/// What nodes are to a move.
pub struct Ends<S, G> {
    /// A node that is a member, answers and stays: what it has is no worse where it is.
    pub stays: S,
    /// A node that leaves or was silent for too long: nothing arrives there.
    pub is_gone: G,
}

/// The replicas that a shard should have without the move that is to be given up; `None` where
/// there is no such move. `attempts` are those that failed to send a peer its copy.
pub fn withdrawal<S, G>(
    state: &State,
    group: GroupId,
    attempts: impl Fn(PeerId) -> u32,
    ends: &Ends<S, G>,
) -> Option<ReplicaPlan>
where
    S: Fn(NodeId) -> bool,
    G: Fn(NodeId) -> bool,
{
    let shard = state.shards.get(&group).filter(|shard| shard.target.is_some())?;
    if shard.refill.is_some() {
        return None;
    }
    let is_over = |to: NodeId| {
        let failed = shard.peer_on(to).map_or(0, &attempts);
        failed >= MOVE_ATTEMPTS_MAX || (shard.is_rebalancing() && (ends.is_gone)(to))
    };
    let given_up = transfers(&shard.conf, &shard.wanted()).into_iter().find_map(|transfer| {
        let from = transfer.in_place_of.filter(|from| (ends.stays)(*from))?;
        is_over(transfer.to).then_some((from, transfer.to))
    });
    let (from, to) = given_up?;
    let named = (shard.collection.as_str(), u32::try_from(shard.ordinal).ok()?);
    // It is there: it was just found.
    plan_replicas(state, named, ReplicaRequest::Abort { from, to }, |_| true).ok()
}

#[cfg(test)]
mod tests {
    use vane_catalog::WantedReplica;

    use super::*;
    use crate::fixture::{members_state, peer, target};

    const GROUP: GroupId = GroupId(7);

    /// A shard on nodes 1 to 3 that is to be on 4 in place of 1.
    fn moving() -> State {
        let mut state = members_state(4, &[1, 2, 3], &[], GROUP);
        state.shards.get_mut(&GROUP).unwrap().target = Some(target(&[4, 2, 3]));
        state
    }

    /// Where the replicas are to be instead, with so many attempts to send node 4 its copy.
    fn instead(state: &State, failed: u32, stays: bool, is_gone: bool) -> Option<Vec<u64>> {
        let attempts = |to: PeerId| if to == peer(4) { failed } else { 0 };
        let ends = Ends { stays: |_| stays, is_gone: |_| is_gone };
        match withdrawal(state, GROUP, attempts, &ends)? {
            ReplicaPlan::Replicas { replicas, revision: 4, .. } => {
                Some(replicas.iter().map(|WantedReplica { node, .. }| node.0).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_preferred_move_is_given_up_after_its_attempts_and_a_needed_one_never() {
        let state = moving();
        assert_eq!(instead(&state, MOVE_ATTEMPTS_MAX - 1, true, false), None);
        assert_eq!(instead(&state, MOVE_ATTEMPTS_MAX, true, false), Some(vec![1, 2, 3]));
        assert_eq!(instead(&state, 10_000, false, false), None, "1 is lost or leaves");
        let mut more = moving();
        more.shards.get_mut(&GROUP).unwrap().target = Some(target(&[1, 2, 3, 4]));
        assert_eq!(instead(&more, 10_000, true, false), None, "a further replica was asked for");
    }

    #[test]
    fn a_move_for_balance_to_a_node_that_is_gone_is_given_up() {
        let mut state = moving();
        assert_eq!(instead(&state, 0, true, true), None, "people asked for it, and may wait");
        state.shards.get_mut(&GROUP).unwrap().rebalanced_at = Some(1);
        assert_eq!(instead(&state, 0, true, true), Some(vec![1, 2, 3]));
        assert_eq!(instead(&state, 0, true, false), None);
    }
}
