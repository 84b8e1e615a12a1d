//! Members of the meta group, followed until nothing is left to do.

use proptest::prelude::*;
use uuid::Uuid;
use vane_catalog::{FeatureLevel, Member, NodeEntry};
use vane_raft::{CAUGHT_UP_ENTRIES, GroupStatus};

use super::*;
use crate::fixture::{changed, peer, peers, status};

fn nodes(numbers: &[u64]) -> Vec<NodeId> {
    numbers.iter().copied().map(NodeId).collect()
}

/// A step of a group that node 1 leads.
fn step(status: &GroupStatus, members: &[u64], wanted: &[u64]) -> Option<MemberChange> {
    meta_step(status, &nodes(members), &nodes(wanted), NodeId(1))
}

fn change(voters: &[u64], learners: &[u64]) -> Option<MemberChange> {
    let (voters, learners) = (peers(voters), peers(learners));
    Some(MemberChange { voters, learners, ..MemberChange::default() })
}

fn make_slow(status: &mut GroupStatus, node: u64) {
    let last = status.last_index;
    let slow = status.peers.iter_mut().find(|it| it.peer == peer(node)).unwrap();
    slow.matched = last.saturating_back(CAUGHT_UP_ENTRIES + 1);
}

#[test]
fn new_nodes_follow_one_at_a_time_before_any_vote_moves() {
    let status = status(1, &[1], &[2]);
    assert_eq!(step(&status, &[1, 2, 3, 4], &[1, 2, 3]), change(&[], &[3]));
    let status = changed(&status, &change(&[], &[3]).unwrap());
    assert_eq!(step(&status, &[1, 2, 3, 4], &[1, 2, 3]), change(&[], &[4]));
    let status = changed(&status, &change(&[], &[4]).unwrap());
    assert_eq!(step(&status, &[1, 2, 3, 4], &[1, 2, 3]), change(&[2, 3], &[]));
    let status = changed(&status, &change(&[2, 3], &[]).unwrap());
    assert_eq!(step(&status, &[1, 2, 3, 4], &[1, 2, 3]), None);
}

#[test]
fn a_vote_moves_in_one_change_when_its_new_node_is_ready() {
    let mut status = status(1, &[1, 2, 3], &[4]);
    assert_eq!(step(&status, &[1, 2, 3, 4], &[1, 2, 4]), change(&[4], &[3]));
    make_slow(&mut status, 4);
    assert_eq!(step(&status, &[1, 2, 3, 4], &[1, 2, 4]), None, "3 votes until 4 has the data");
}

#[test]
fn while_one_is_slow_the_others_get_their_votes_and_nobody_loses_one() {
    let mut status = status(1, &[1, 2, 3], &[4, 5]);
    make_slow(&mut status, 5);
    assert_eq!(step(&status, &[1, 2, 3, 4, 5], &[1, 4, 5]), change(&[4], &[]));
}

#[test]
fn votes_that_are_too_many_go_at_once() {
    let status = status(1, &[1, 2, 3, 4, 5], &[]);
    assert_eq!(step(&status, &[1, 2, 3, 4, 5], &[1, 2, 3]), change(&[], &[4, 5]));
}

#[test]
fn the_leader_keeps_its_vote_wanted_or_not() {
    let status = status(1, &[1, 2, 3], &[4]);
    assert_eq!(step(&status, &[1, 2, 3, 4], &[2, 3, 4]), change(&[4], &[]));
}

#[test]
fn nothing_is_decided_by_a_follower_or_during_a_change() {
    let leads = status(1, &[1], &[]);
    assert!(step(&leads, &[1, 2], &[1]).is_some());
    let follows = GroupStatus { role: Role::Follower, ..leads.clone() };
    let pending = GroupStatus { conf_pending: true, ..leads.clone() };
    let mut joint = leads;
    joint.conf.voters_outgoing = peers(&[1, 2]);
    for status in [follows, pending, joint] {
        assert_eq!(step(&status, &[1, 2], &[1]), None);
    }
}

fn member(id: u64) -> (NodeId, Member) {
    let (id, number) = (NodeId(id), id);
    let entry = NodeEntry {
        disk_id: Uuid::from_u128(number.into()),
        name: String::new(),
        address: String::new(),
        rest_address: String::new(),
        version: String::new(),
        start: 1,
        level: FeatureLevel::FIRST,
    };
    (id, Member { id, entry, zone: None, leaving: false, follows_only: None })
}

#[test]
fn the_catalog_says_who_follows_and_who_votes() {
    let mut state = State::default();
    state.nodes = (1..=4).map(member).collect();
    let status = status(1, &[1], &[2, 3, 4]);
    let votes_given =
        |dead: u64| meta_change(&state, &status, NodeId(1), |node| node.0 != dead, |_| false);
    assert_eq!(votes_given(9), change(&[2, 3], &[]));
    assert_eq!(votes_given(2), change(&[3, 4], &[]), "none to a node that is down");
}

/// Members by number, as the catalog has them.
fn members_of(numbers: std::ops::RangeInclusive<u64>) -> State {
    let mut state = State::default();
    state.nodes = numbers.map(member).collect();
    state
}

/// What node 1 does where some have been silent for long.
fn after_silence(state: &State, status: &GroupStatus, lost: &[u64]) -> Option<MemberChange> {
    let is_lost = |node: NodeId| lost.contains(&node.0);
    meta_change(state, status, NodeId(1), |node| !is_lost(node), is_lost)
}

#[test]
fn a_lost_vote_goes_to_a_live_node_that_has_the_data() {
    let state = members_of(1..=4);
    let mut status = status(1, &[1, 2, 3], &[4]);
    assert_eq!(after_silence(&state, &status, &[]), None);
    assert_eq!(after_silence(&state, &status, &[2]), change(&[4], &[2]));
    make_slow(&mut status, 4);
    assert_eq!(after_silence(&state, &status, &[2]), None, "it catches up first");
}

#[test]
fn volumes_lost_one_after_the_other_leave_a_majority_that_lives() {
    let mut group = status(1, &[1, 2, 3], &[]);
    for lost in 2..=9 {
        // Its machine is gone, and another joins under a number of its own.
        let state = members_of(1..=lost + 2);
        let gone: Vec<u64> = (2..=lost).collect();
        while let Some(step) = after_silence(&state, &group, &gone) {
            assert!(step.voters.len() <= 1 && step.learners.len() <= 1, "one at a time: {step:?}");
            group = changed(&group, &step);
        }
        let dead = group.conf.voters.iter().filter(|peer| gone.contains(&peer.node().0)).count();
        assert_eq!((group.conf.voters.len(), dead), (3, 0), "after node {lost}");
    }
}

#[test]
fn who_was_removed_leaves_the_group_and_who_is_to_go_gives_its_vote_up() {
    let mut state = members_of(1..=4);
    state.nodes.remove(&NodeId(3));
    let group = status(1, &[1, 2, 3], &[4]);
    let taken = MemberChange { voters: peers(&[4]), removed: peers(&[3]), ..Default::default() };
    assert_eq!(after_silence(&state, &group, &[]), Some(taken));
    let learner = MemberChange { removed: peers(&[3]), ..Default::default() };
    assert_eq!(after_silence(&state, &status(1, &[1, 2, 4], &[3]), &[]), Some(learner));
    let mut state = members_of(1..=4);
    state.nodes.get_mut(&NodeId(2)).unwrap().leaving = true;
    assert_eq!(after_silence(&state, &group, &[]), change(&[4], &[2]));
    assert_eq!(meta_heir(&state, &group, NodeId(1)), None);
    state.nodes.get_mut(&NodeId(1)).unwrap().leaving = true;
    assert_eq!(meta_heir(&state, &group, NodeId(1)), Some(peer(3)));
    state.nodes.get_mut(&NodeId(3)).unwrap().follows_only = Some(600);
    assert_eq!(meta_heir(&state, &group, NodeId(1)), None, "it would give it back");
}

/// Voters among five nodes, the leader's node 1 always.
fn voting() -> impl Strategy<Value = Vec<u64>> {
    prop::sample::subsequence(vec![2, 3, 4, 5], 0..=4).prop_map(|others| [vec![1], others].concat())
}

proptest! {
    /// A vote is taken away only where every wanted voter votes afterwards, and only those
    /// that have the data are given one.
    #[test]
    fn the_group_does_not_shrink_because_a_node_is_slow(
        voters in voting(),
        wanted in prop::sample::subsequence(vec![1, 2, 3, 4, 5], 1..=5),
        slow in prop::sample::subsequence(vec![2, 3, 4, 5], 0..=4),
    ) {
        let learners: Vec<u64> = (1..=5).filter(|node| !voters.contains(node)).collect();
        let mut before = status(1, &voters, &learners);
        slow.iter().for_each(|node| make_slow(&mut before, *node));
        let Some(change) = step(&before, &[1, 2, 3, 4, 5], &wanted) else { return Ok(()) };
        prop_assert!(change.removed.is_empty());
        prop_assert!(change.voters.iter().all(|peer| !slow.contains(&peer.node().0)), "{change:?}");
        let after = changed(&before, &change).conf;
        prop_assert!(after.voters.len() >= voters.len().min(wanted.len()), "{change:?}");
        prop_assert!(after.voters.contains(&peer(1)), "the leader votes");
        if !change.learners.is_empty() {
            let all_vote = wanted.iter().all(|node| after.voters.contains(&peer(*node)));
            prop_assert!(all_vote, "{change:?}");
        }
    }

    /// With everybody ready, one change gives the votes that are wanted, and then it rests.
    #[test]
    fn it_comes_to_rest_at_the_voters_that_are_wanted(
        voters in voting(),
        wanted in prop::sample::subsequence(vec![1, 2, 3, 4, 5], 1..=5),
    ) {
        let mut group = status(1, &voters, &[]);
        for _ in 0..8 {
            match step(&group, &[1, 2, 3, 4, 5], &wanted) {
                Some(change) => group = changed(&group, &change),
                None => break,
            }
        }
        let mut expected = peers(&wanted);
        expected.push(peer(1));
        expected.sort_unstable();
        expected.dedup();
        prop_assert_eq!(group.conf.voters, expected);
        prop_assert_eq!(group.conf.learners.len() + expected_len(&wanted), 5);
    }
}

/// Voters at the end: the wanted ones and the leader.
fn expected_len(wanted: &[u64]) -> usize {
    wanted.len() + usize::from(!wanted.contains(&1))
}
