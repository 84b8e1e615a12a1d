//! Which leaderships should be handed over so that nodes lead alike. After restarts one node may
//! lead nearly all: whoever is up first is elected.

use std::collections::{BTreeMap, BTreeSet};

use vane_catalog::State;
use vane_raft::{GroupStatus, Role};
use vane_types::{GroupId, NodeId, PeerId};

use crate::shard_step::is_caught_up;

/// Leaderships that a node has to have more than another before one is handed over: with one the
/// two would only change places.
const DIFFERENCE_MIN: usize = 2;

/// Leaderships to hand over now: at most one from each node, and one to each. None while nodes
/// are within the policy's threshold of the mean.
pub fn leader_moves(
    state: &State,
    statuses: &BTreeMap<GroupId, GroupStatus>,
) -> Vec<(GroupId, PeerId)> {
    if !state.policy.leaders || state.nodes.is_empty() {
        return Vec::new();
    }
    let mut led: BTreeMap<NodeId, Vec<GroupId>> =
        state.nodes.keys().map(|node| (*node, Vec::new())).collect();
    let leads = |status: &GroupStatus| status.role == Role::Leader;
    for (group, status) in statuses.iter().filter(|(_, status)| leads(status)) {
        if let Some(groups) = led.get_mut(&status.peer.node()).filter(|_| *group != GroupId::META) {
            groups.push(*group);
        }
    }
    let counts: BTreeMap<NodeId, usize> =
        led.iter().map(|(node, groups)| (*node, groups.len())).collect();
    let mean = counts.values().sum::<usize>() as f64 / counts.len() as f64;
    let most_allowed = mean * (1.0 + f64::from(state.policy.threshold_percent) / 100.0) + 1.0;
    let mut nodes: Vec<(usize, NodeId)> = counts.iter().map(|(id, count)| (*count, *id)).collect();
    nodes.sort_unstable_by(|a, b| b.cmp(a));
    let (mut moves, mut taken) = (Vec::new(), BTreeSet::new());
    for (count, node) in nodes.into_iter().filter(|(count, _)| *count as f64 > most_allowed) {
        let heirs = led[&node].iter().filter_map(|group| {
            let peer = heir_with_fewest(&statuses[group], &counts, &taken)?;
            Some((counts[&peer.node()], *group, peer))
        });
        let best = heirs.min();
        if let Some((_, group, peer)) = best.filter(|(least, ..)| least + DIFFERENCE_MIN <= count) {
            taken.insert(peer.node());
            moves.push((group, peer));
        }
    }
    moves
}

/// Of the voters of a group that could take over at once, the one on the node that leads the
/// fewest, but for nodes that are `taken`.
fn heir_with_fewest(
    status: &GroupStatus,
    counts: &BTreeMap<NodeId, usize>,
    taken: &BTreeSet<NodeId>,
) -> Option<PeerId> {
    let may_lead = |peer: &&vane_raft::PeerStatus| {
        status.conf.voters.contains(&peer.peer)
            && is_caught_up(status, peer)
            && !taken.contains(&peer.peer.node())
            && counts.contains_key(&peer.peer.node())
    };
    let heirs = status.peers.iter().filter(may_lead).map(|peer| peer.peer);
    heirs.min_by_key(|peer| (counts[&peer.node()], *peer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{members_state, peer, status};

    /// Groups of three voters by who leads them, on nodes 1 to 3.
    fn led_by(leaders: &[u64]) -> (State, BTreeMap<GroupId, GroupStatus>) {
        let state = members_state(3, &[1, 2, 3], &[], GroupId(1));
        let statuses = leaders.iter().map(|node| status(*node, &[1, 2, 3], &[]));
        (state, (1..).map(GroupId).zip(statuses).collect())
    }

    #[test]
    fn one_that_leads_all_hands_one_over_at_a_time_until_all_lead_alike() {
        let (state, mut statuses) = led_by(&[1; 30]);
        let mut rounds = 0;
        loop {
            let moves = leader_moves(&state, &statuses);
            assert!(moves.len() <= 1, "one from each node");
            let Some((group, to)) = moves.first() else { break };
            statuses.insert(*group, status(to.node().0, &[1, 2, 3], &[]));
            rounds += 1;
        }
        let leads = |node: u64| statuses.values().filter(|it| it.peer == peer(node)).count();
        // 20 per cent and one more than the mean of ten.
        assert_eq!([leads(1), leads(2), leads(3)].iter().max(), Some(&13));
        assert_eq!(rounds, 17);
    }

    #[test]
    fn who_is_behind_or_full_of_leaderships_takes_none() {
        let (mut state, mut statuses) = led_by(&[1, 1, 1, 1, 1, 1]);
        for status in statuses.values_mut() {
            status.peers.iter_mut().for_each(|known| known.active = false);
        }
        assert_eq!(leader_moves(&state, &statuses), []);
        let (_, statuses) = led_by(&[1, 1, 1, 1, 1, 1]);
        assert_eq!(leader_moves(&state, &statuses), [(GroupId(1), peer(2))]);
        state.policy.leaders = false;
        assert_eq!(leader_moves(&state, &statuses), []);
        // As even as it gets.
        let (state, statuses) = led_by(&[1, 1, 2]);
        assert_eq!(leader_moves(&state, &statuses), []);
    }
}
