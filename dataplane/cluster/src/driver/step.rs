//! The next step from the members that a group has to those that it should have. Pure: the
//! same facts give the same step, whoever asks and however often.

use vane_raft::{CAUGHT_UP_ENTRIES, GroupStatus, MemberChange, PeerStatus};

use vane_catalog::TargetReplica;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing; why.
    Wait(String),
    /// Change the members.
    Change(MemberChange),
    /// Hand the leadership over first.
    Transfer(u64),
    /// It is done: record it.
    Settle,
}

/// Whether a peer has all but the last few entries.
pub(crate) fn is_caught_up(status: &GroupStatus, peer: &PeerStatus) -> bool {
    peer.active && !peer.snapshot && peer.matched + CAUGHT_UP_ENTRIES >= status.last_index
}

/// The next step, from the leader's view of the group.
pub(crate) fn next_step(
    status: &GroupStatus,
    target: &[TargetReplica],
    alive: impl Fn(u64) -> bool,
) -> Step {
    let conf = &status.conf;
    if status.conf_pending || conf.is_joint() {
        return Step::Wait("a change of members is being applied".into());
    }
    let members = conf.members();
    let missing: Vec<u64> =
        target.iter().map(|it| it.peer).filter(|it| !members.contains(it)).collect();
    if let Some(peer) = missing.first() {
        // One at a time, and first as a learner: it takes no part in a majority before it has the data.
        return Step::Change(MemberChange { learners: vec![*peer], ..MemberChange::default() });
    }
    let behind = |peer: u64| status.peer(peer).is_none_or(|it| !is_caught_up(status, it));
    let promoted: Vec<u64> = target
        .iter()
        .filter(|it| !it.learner && conf.learners.contains(&it.peer))
        .map(|it| it.peer)
        .collect();
    if let Some(peer) = promoted.iter().find(|it| behind(**it)) {
        let matched = status.peer(*peer).map_or(0, |it| it.matched);
        return Step::Wait(format!(
            "peer {peer} is catching up: {matched} of {} entries",
            status.last_index
        ));
    }
    let wanted = |peer: u64| target.iter().find(|it| it.peer == peer);
    let removed: Vec<u64> = members
        .iter()
        .copied()
        .filter(|it| wanted(*it).is_none() && *it != status.leader)
        .collect();
    let demoted: Vec<u64> = conf
        .voters
        .iter()
        .copied()
        .filter(|it| wanted(*it).is_some_and(|it| it.learner) && *it != status.leader)
        .collect();
    if !(promoted.is_empty() && removed.is_empty() && demoted.is_empty()) {
        return Step::Change(MemberChange { learners: demoted, voters: promoted, removed });
    }
    if wanted(status.leader).is_none_or(|it| it.learner) {
        let ready = |it: &&TargetReplica| {
            conf.voters.contains(&it.peer) && alive(it.peer) && !behind(it.peer)
        };
        return match target.iter().filter(|it| !it.learner).find(ready) {
            Some(heir) => Step::Transfer(heir.peer),
            None => Step::Wait("no voter that stays is caught up, to take the leadership".into()),
        };
    }
    Step::Settle
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_raft::{Conf, Role};

    fn status(leader: u64, voters: &[u64], learners: &[u64]) -> GroupStatus {
        let others = voters.iter().chain(learners).filter(|it| **it != leader);
        GroupStatus {
            peer: leader,
            leader,
            role: Role::Leader,
            last_index: 1000,
            conf: Conf { voters: voters.to_vec(), learners: learners.to_vec(), ..Conf::default() },
            peers: others
                .map(|it| PeerStatus { peer: *it, matched: 1000, active: true, snapshot: false })
                .collect(),
            ..GroupStatus::default()
        }
    }

    fn target(peers: &[u64]) -> Vec<TargetReplica> {
        peers.iter().map(|it| TargetReplica { peer: *it, learner: false }).collect()
    }

    /// Follows the steps as a group would, from any state to its end.
    fn walk(mut status: GroupStatus, target: &[TargetReplica]) -> Vec<Step> {
        let mut steps = Vec::new();
        for _ in 0..20 {
            let step = next_step(&status, target, |_| true);
            steps.push(step.clone());
            let conf = &mut status.conf;
            match step {
                Step::Settle => return steps,
                Step::Wait(why) => panic!("stands still: {why} after {steps:?}"),
                Step::Transfer(to) => {
                    status = self::status(to, &conf.voters.clone(), &conf.learners.clone())
                }
                Step::Change(change) => {
                    assert!(!change.removed.contains(&status.leader), "a leader was removed");
                    conf.voters
                        .retain(|it| !change.removed.contains(it) && !change.learners.contains(it));
                    conf.learners
                        .retain(|it| !change.removed.contains(it) && !change.voters.contains(it));
                    conf.voters.extend(&change.voters);
                    conf.learners.extend(&change.learners);
                    status =
                        self::status(status.leader, &conf.voters.clone(), &conf.learners.clone());
                }
            }
            assert!(!status.conf.voters.is_empty());
        }
        panic!("no end: {steps:?}");
    }

    #[test]
    fn a_follower_is_replaced_by_learner_then_one_joint_change() {
        let steps = walk(status(1, &[1, 2, 3], &[]), &target(&[1, 2, 4]));
        let learner = MemberChange { learners: vec![4], ..MemberChange::default() };
        let swap = MemberChange { voters: vec![4], removed: vec![3], ..MemberChange::default() };
        assert_eq!(steps, [Step::Change(learner), Step::Change(swap), Step::Settle]);
    }

    #[test]
    fn a_leader_hands_over_before_it_goes() {
        let steps = walk(status(1, &[1, 2, 3], &[]), &target(&[2, 3, 4]));
        assert!(steps.contains(&Step::Transfer(2)), "{steps:?}");
        assert_eq!(steps.last(), Some(&Step::Settle));
    }

    #[test]
    fn any_membership_gets_to_any_other() {
        for from in [&[1][..], &[1, 2, 3], &[3, 4, 5]] {
            for to in [&[1][..], &[9], &[1, 2, 3], &[7, 8, 9], &[1, 2, 3, 4, 5]] {
                for leader in from {
                    assert_eq!(
                        walk(status(*leader, from, &[]), &target(to)).last(),
                        Some(&Step::Settle)
                    );
                }
            }
        }
    }

    #[test]
    fn one_that_lags_is_waited_for() {
        let mut facts = status(1, &[1, 2, 3], &[4]);
        facts.peers.iter_mut().find(|it| it.peer == 4).unwrap().matched = 10;
        assert!(matches!(next_step(&facts, &target(&[1, 2, 4]), |_| true), Step::Wait(_)));
        facts.conf.voters_outgoing = vec![1, 2, 3];
        assert!(matches!(next_step(&facts, &target(&[1, 2, 4]), |_| true), Step::Wait(_)));
    }
}
