//! Steps followed to their end, from any members to any others.

use proptest::prelude::*;
use vane_catalog::State;
use vane_raft::{GroupStatus, MemberChange};
use vane_types::{LogIndex, NodeId};

use super::*;
use crate::fixture::{changed, peer, peers, status, target};

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
        ShardStep::Change(change) => {
            let leader = status.leader.unwrap();
            assert!(!change.removed.contains(&leader), "the leader was removed");
            assert!(!change.learners.contains(&leader), "the leader lost its vote");
            Some(changed(status, change))
        }
    }
}

/// Follows the steps as a group would, from any members to the end.
fn walk(mut status: GroupStatus, target: &[TargetReplica]) -> (Vec<ShardStep>, Vec<GroupStatus>) {
    let (mut steps, mut groups) = (Vec::new(), vec![status.clone()]);
    for _ in 0..40 {
        let step = next_step(&status, target, |_| true);
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
    let learner = MemberChange { learners: peers(&[4]), ..MemberChange::default() };
    let swap =
        MemberChange { voters: peers(&[4]), removed: peers(&[3]), ..MemberChange::default() };
    assert_eq!(steps, [ShardStep::Change(learner), ShardStep::Change(swap), ShardStep::Settle]);
}

#[test]
fn a_leader_hands_over_before_it_goes() {
    let (steps, _) = walk(status(1, &[1, 2, 3], &[]), &target(&[2, 3, 4]));
    assert!(steps.contains(&ShardStep::Transfer(peer(2))), "{steps:?}");
    assert_eq!(steps.last(), Some(&ShardStep::Settle));
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
    let learner = facts.peers.iter_mut().find(|it| it.peer == peer(4)).unwrap();
    learner.matched = LogIndex(10);
    let step = next_step(&facts, &wanted, |_| true);
    assert_eq!(step.to_string(), format!("peer {} is catching up: 10 of 1000 entries", peer(4)));
    facts.conf.voters_outgoing = peers(&[1, 2, 3]);
    assert_eq!(next_step(&facts, &wanted, |_| true), ShardStep::Wait(Waiting::ChangeUnderWay));
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
    let step = |facts: &GroupStatus, dead: u64| next_step(facts, &wanted, |node| node.0 != dead);
    assert_eq!(step(&facts, 2), ShardStep::Transfer(peer(3)));
    facts.peers.iter_mut().for_each(|it| it.active = it.peer == peer(2));
    assert_eq!(step(&facts, 9), ShardStep::Transfer(peer(2)));
    assert_eq!(step(&facts, 2), ShardStep::Wait(Waiting::NoHeir));
}

#[test]
fn no_more_than_a_few_shards_are_changed_at_a_time() {
    let mut state = State::default();
    let entry = |target: bool| {
        let target = if target { r#"[{"peer":4294967297,"learner":false}]"# } else { "null" };
        let json = format!(
            r#"{{"collection":"c","ordinal":0,"first":[],"conf":{{"voters":[],"learners":[],
            "voters_outgoing":[],"learners_next":[]}},"epoch":0,"target":{target},
            "incarnations":{{}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    };
    assert_eq!(shards_to_change(&state), []);
    for group in 1..=9 {
        state.shards.insert(GroupId(group), entry(group != 2));
    }
    assert_eq!(shards_to_change(&state), [1, 3, 4, 5].map(GroupId));
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
        }
        let ready = |peer: PeerId| facts.peer(peer).is_some_and(|it| is_caught_up(&facts, it));
        match next_step(&facts, &mixed(&to_voters, &to_learners), |node| node != NodeId(away)) {
            ShardStep::Change(change) => {
                prop_assert!(change.voters.iter().all(|peer| ready(*peer)), "{change:?}");
                prop_assert!(!change.removed.contains(&facts.leader.unwrap()));
            }
            ShardStep::Transfer(heir) => {
                prop_assert!(ready(heir) && heir.node() != NodeId(away));
                prop_assert!(facts.conf.voters.contains(&heir));
            }
            ShardStep::Wait(_) | ShardStep::Settle => {}
        }
    }
}
