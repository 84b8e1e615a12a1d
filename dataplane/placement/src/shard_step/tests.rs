//! Steps followed to their end, from any members to any others.

use proptest::prelude::*;
use vane_raft::{GroupStatus, MemberChange};
use vane_types::{LogIndex, NodeId};

use super::*;
use crate::fixture::{changed, moving, peer, peers, status, target};

/// Target replicas: voters, then learners.
fn mixed(voters: &[u64], learners: &[u64]) -> Vec<TargetReplica> {
    let learners = learners.iter().map(|node| TargetReplica { peer: peer(*node), learner: true });
    target(voters).into_iter().chain(learners).collect()
}

/// The group as it is after a step; `None` when it has come to the end.
fn after(status: &GroupStatus, step: &ShardStep) -> Option<GroupStatus> {
    match step {
        ShardStep::Settle => None,
        ShardStep::Wait(why) => panic!("it stands still: {why}"),
        ShardStep::Transfer(to) => {
            assert!(status.conf.voters.contains(to), "{to} leads without a vote");
            let nodes = |peers: &[PeerId]| peers.iter().map(|peer| peer.node().0).collect();
            let (voters, learners): (Vec<u64>, Vec<u64>) =
                (nodes(&status.conf.voters), nodes(&status.conf.learners));
            Some(crate::fixture::status(to.node().0, &voters, &learners))
        }
        ShardStep::Record => panic!("the catalog knows no members that could be gone"),
        ShardStep::Copy(peer) => {
            let learner = MemberChange { learners: vec![*peer], ..MemberChange::default() };
            Some(changed(status, &learner))
        }
        ShardStep::Change(change) => {
            let leader = status.leader.unwrap();
            assert!(!change.removed.contains(&leader), "the leader was removed");
            assert!(!change.learners.contains(&leader), "the leader lost its vote");
            Some(changed(status, change))
        }
    }
}

fn step(
    status: &GroupStatus,
    target: &[TargetReplica],
    alive: impl Fn(NodeId) -> bool,
) -> ShardStep {
    next_step(status, &moving(Some(target.to_vec())), alive, |_| true)
}

/// Follows the steps as a group would, from any members to the end.
fn walk(mut status: GroupStatus, target: &[TargetReplica]) -> (Vec<ShardStep>, Vec<GroupStatus>) {
    let (mut steps, mut groups) = (Vec::new(), vec![status.clone()]);
    for _ in 0..40 {
        let step = step(&status, target, |_| true);
        let next = after(&status, &step);
        steps.push(step);
        let Some(next) = next else { return (steps, groups) };
        status = next;
        groups.push(status.clone());
    }
    panic!("no end: {steps:?}");
}

#[test]
fn a_follower_is_replaced_by_learner_then_one_joint_change() {
    let (steps, _) = walk(status(1, &[1, 2, 3], &[]), &target(&[1, 2, 4]));
    let swap =
        MemberChange { voters: peers(&[4]), removed: peers(&[3]), ..MemberChange::default() };
    assert_eq!(steps, [ShardStep::Copy(peer(4)), ShardStep::Change(swap), ShardStep::Settle]);
}

#[test]
fn a_leader_hands_over_before_it_goes() {
    let (steps, _) = walk(status(1, &[1, 2, 3], &[]), &target(&[2, 3, 4]));
    assert!(steps.contains(&ShardStep::Transfer(peer(2))), "{steps:?}");
    assert_eq!(steps.last(), Some(&ShardStep::Settle));
}

#[test]
fn a_leader_that_goes_does_not_hand_over_to_one_that_only_follows() {
    let (group, shard) = (status(1, &[1, 2, 3], &[]), moving(Some(target(&[2, 3]))));
    let step = |follows: u64| next_step(&group, &shard, |_| true, |node| node.0 != follows);
    assert_eq!(step(2), ShardStep::Transfer(peer(3)));
    assert_eq!(step(9), ShardStep::Transfer(peer(2)));
}

#[test]
fn a_leader_that_is_to_learn_hands_over_too() {
    let (steps, groups) = walk(status(1, &[1, 2], &[]), &mixed(&[2], &[1]));
    assert_eq!(steps[0], ShardStep::Transfer(peer(2)));
    let end = &groups.last().unwrap().conf;
    assert_eq!((&end.voters, &end.learners), (&peers(&[2]), &peers(&[1])));
}

#[test]
fn any_membership_gets_to_any_other() {
    for from in [&[1][..], &[1, 2, 3], &[3, 4, 5]] {
        for to in [&[1][..], &[9], &[1, 2, 3], &[7, 8, 9], &[1, 2, 3, 4, 5]] {
            for leader in from {
                let (steps, _) = walk(status(*leader, from, &[]), &target(to));
                assert_eq!(steps.last(), Some(&ShardStep::Settle));
            }
        }
    }
}

#[test]
fn one_that_lags_is_waited_for() {
    let mut facts = status(1, &[1, 2, 3], &[4]);
    let wanted = target(&[1, 2, 4]);
    let learner = facts.peers.iter_mut().find(|other| other.peer == peer(4)).unwrap();
    learner.matched = LogIndex(10);
    let waits = step(&facts, &wanted, |_| true);
    assert_eq!(waits.to_string(), "node 4 is catching up: 10 of 1000 entries");
    assert!(ShardStep::Copy(peer(4)).to_string().starts_with("node 4 is to get the data; "));
    facts.conf.voters_outgoing = peers(&[1, 2, 3]);
    assert_eq!(step(&facts, &wanted, |_| true), ShardStep::Wait(Waiting::ChangeUnderWay));
}

#[test]
fn one_whose_snapshot_is_not_installed_does_not_vote() {
    let mut facts = status(1, &[1, 2, 3], &[4]);
    // Its log begins with the snapshot, and the leader takes it for caught up.
    for (applied, installing) in [(LogIndex::ZERO, false), (LogIndex(899), true)] {
        (facts.peers[2].applied, facts.peers[2].installing) = (applied, installing);
        let (peer, last_index) = (peer(4), facts.last_index);
        let taking_in = Waiting::TakingIn { peer, applied, last_index };
        assert_eq!(step(&facts, &target(&[1, 2, 4]), |_| true), ShardStep::Wait(taking_in));
    }
    facts.peers[2].installing = false;
    assert!(matches!(step(&facts, &target(&[1, 2, 4]), |_| true), ShardStep::Change(_)));
}

#[test]
fn one_that_has_much_to_apply_does_not_vote() {
    let mut facts = status(1, &[1, 2, 3], &[4]);
    facts.peers[2].applied = LogIndex(900);
    facts.last_index = LogIndex(900) + UNAPPLIED_ENTRIES_MAX + 1;
    facts.peers[2].matched = facts.last_index;
    let waits = step(&facts, &target(&[1, 2, 4]), |_| true);
    assert!(matches!(waits, ShardStep::Wait(Waiting::TakingIn { .. })), "{waits:?}");
    facts.peers[2].applied = LogIndex(901);
    assert!(matches!(step(&facts, &target(&[1, 2, 4]), |_| true), ShardStep::Change(_)));
}

#[test]
fn nothing_is_begun_with_a_node_that_is_away_and_who_waits_says_so() {
    let facts = status(1, &[1, 2, 3], &[]);
    let away = |node: NodeId| node != NodeId(4);
    let waits = step(&facts, &target(&[1, 2, 4]), away);
    assert_eq!(waits, ShardStep::Wait(Waiting::Away(NodeId(4))));
    assert!(waits.to_string().contains("node 4 is away"), "{waits}");
    assert_eq!(step(&facts, &target(&[1, 4, 5]), away), ShardStep::Copy(peer(5)));
    let mut facts = status(1, &[1, 2, 3], &[4]);
    facts.peers.iter_mut().for_each(|it| it.active = it.peer != peer(4));
    let waits = step(&facts, &target(&[1, 2, 4]), away);
    assert_eq!(waits, ShardStep::Wait(Waiting::Away(NodeId(4))), "it copies no more");
    // What was begun can be taken back all the same.
    let back = step(&facts, &target(&[1, 2, 3]), away);
    let gone = MemberChange { removed: peers(&[4]), ..MemberChange::default() };
    assert_eq!(back, ShardStep::Change(gone));
}

#[test]
fn members_that_the_target_does_not_know_are_recorded_first() {
    let mut shard = moving(Some(target(&[1, 2, 3])));
    shard.conf = Conf::founding(&peers(&[1, 2, 3]));
    assert_eq!(
        next_step(&status(1, &[1, 2, 3], &[]), &shard, |_| true, |_| true),
        ShardStep::Settle
    );
    // The move away from 3 was made, and then taken back: 3 would be a member again.
    let moved = status(1, &[1, 2, 4], &[]);
    assert_eq!(next_step(&moved, &shard, |_| true, |_| true), ShardStep::Record);
    // A peer that is there under another number than the target gives it.
    let again = TargetReplica { peer: PeerId::new(NodeId(4), 2), learner: false };
    let mut shard = moving(Some([target(&[1, 2]), vec![again]].concat()));
    assert_eq!(next_step(&moved, &shard, |_| true, |_| true), ShardStep::Record);
    // A leader that has not applied what is recorded knows too little.
    let seen = Seen { epoch: 1, term: moved.term, index: moved.applied.next() };
    shard.seen = Some(seen);
    let waits = ShardStep::Wait(Waiting::LeaderBehind);
    assert_eq!(next_step(&moved, &shard, |_| true, |_| true), waits);
}

#[test]
fn caught_up_is_all_but_a_few_entries_and_no_snapshot_on_the_way() {
    let mut facts = status(1, &[1, 2], &[]);
    facts.peers[0].matched = facts.last_index.saturating_back(CAUGHT_UP_ENTRIES);
    assert!(is_caught_up(&facts, &facts.peers[0]));
    let spoils: [fn(&mut PeerStatus); 5] = [
        |peer| peer.matched = peer.matched.saturating_back(1),
        |peer| peer.active = false,
        |peer| peer.snapshot = true,
        |peer| peer.installing = true,
        |peer| peer.applied = LogIndex::ZERO,
    ];
    for spoil in spoils {
        let mut peer = facts.peers[0].clone();
        spoil(&mut peer);
        assert!(!is_caught_up(&facts, &peer), "{peer:?}");
    }
}

#[test]
fn a_leader_that_is_to_go_stays_while_nobody_can_take_over() {
    let mut facts = status(1, &[1, 2, 3], &[]);
    let wanted = target(&[2, 3]);
    let step = |facts: &GroupStatus, dead: u64| step(facts, &wanted, |node| node.0 != dead);
    assert_eq!(step(&facts, 2), ShardStep::Transfer(peer(3)));
    facts.peers.iter_mut().for_each(|other| other.active = other.peer == peer(2));
    assert_eq!(step(&facts, 9), ShardStep::Transfer(peer(2)));
    assert_eq!(step(&facts, 2), ShardStep::Wait(Waiting::NoHeir));
}

/// Members and a target, each some of six nodes with at least one voter.
fn members() -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
    let roles = prop::collection::vec(0_u8..3, 6);
    roles.prop_filter_map("somebody votes", |roles| {
        let with = |wanted: u8| {
            (1..).zip(&roles).filter(|(_, role)| **role == wanted).map(|(node, _)| node).collect()
        };
        let (voters, learners): (Vec<u64>, Vec<u64>) = (with(1), with(2));
        (!voters.is_empty()).then_some((voters, learners))
    })
}

proptest! {
    /// On the way from any members to any others the group is never smaller than both, and
    /// the end is what was asked for.
    #[test]
    fn the_group_is_never_smaller_than_it_was_or_is_to_be(
        (voters, learners) in members(),
        (to_voters, to_learners) in members(),
        leads in any::<prop::sample::Index>(),
    ) {
        let leader = *leads.get(&voters);
        let target = mixed(&to_voters, &to_learners);
        let (_, groups) = walk(status(leader, &voters, &learners), &target);
        let least = voters.len().min(to_voters.len());
        for group in &groups {
            prop_assert!(group.conf.voters.len() >= least, "{groups:?}");
        }
        let end = &groups.last().unwrap().conf;
        prop_assert_eq!(&end.voters, &peers(&to_voters));
        prop_assert_eq!(&end.learners, &peers(&to_learners));
    }

    /// Whatever the followers' state, nobody votes without the data and nobody who is away
    /// is made the leader.
    #[test]
    fn votes_and_leadership_go_to_those_that_are_ready(
        (voters, learners) in members(),
        (to_voters, to_learners) in members(),
        leads in any::<prop::sample::Index>(),
        states in prop::collection::vec((0_u64..=1000, any::<bool>(), any::<bool>()), 6),
        away in 0_u64..8,
    ) {
        let mut facts = status(*leads.get(&voters), &voters, &learners);
        for (peer, (matched, active, snapshot)) in facts.peers.iter_mut().zip(states) {
            (peer.matched, peer.active, peer.snapshot) = (LogIndex(matched), active, snapshot);
            peer.applied = LogIndex(if matched % 3 > 0 { matched } else { 0 });
        }
        let ready = |peer: PeerId| facts.peer(peer).is_some_and(|it| is_caught_up(&facts, it));
        let wanted = mixed(&to_voters, &to_learners);
        match step(&facts, &wanted, |node| node != NodeId(away)) {
            ShardStep::Copy(peer) => prop_assert!(peer.node() != NodeId(away)),
            ShardStep::Change(change) => {
                prop_assert!(change.voters.iter().all(|peer| ready(*peer)), "{change:?}");
                prop_assert!(!change.removed.contains(&facts.leader.unwrap()));
            }
            ShardStep::Transfer(heir) => {
                prop_assert!(ready(heir) && heir.node() != NodeId(away));
                prop_assert!(facts.conf.voters.contains(&heir));
            }
            ShardStep::Wait(_) | ShardStep::Record | ShardStep::Settle => {}
        }
    }
}
