//! Moves that the cluster decides on by itself.

use vane_types::{Policy, Rebalance, Refusal};

use super::*;
use crate::state::Touched;

fn balancing() -> (State, GroupId) {
    let mut state = founded();
    let policy = Policy { rebalance: Rebalance::Count, ..Policy::default() };
    state.apply(MetaCommand::SetPolicy(policy)).unwrap();
    let group = state.collections["c"].shards[0];
    (state, group)
}

fn rebalance(state: &mut State, group: GroupId, from: u64, to: u64, revision: u64) -> Changed {
    let (from, to) = (NodeId(from), NodeId(to));
    state.apply(MetaCommand::Rebalance { group, from, to, revision, at: 1000 })
}

type Changed = Result<Vec<Touched>, Refusal>;

fn refused(changed: Changed) -> String {
    changed.expect_err("it is refused").to_string()
}

#[test]
fn a_move_is_made_once_and_only_from_what_it_was_decided_on() {
    let (mut state, group) = balancing();
    let revision = state.shards[&group].revision;
    assert!(refused(rebalance(&mut state, group, 4, 1, revision)).contains("other nodes"));
    assert!(refused(rebalance(&mut state, group, 1, 2, revision)).contains("other nodes"));
    assert!(refused(rebalance(&mut state, group, 1, 4, revision + 1)).contains("meanwhile"));
    assert!(rebalance(&mut state, group, 1, 9, revision).is_err(), "there is no such node");
    rebalance(&mut state, group, 1, 4, revision).unwrap();
    assert_eq!(state.shards[&group].wanted(), voters(&[4, 2, 3]));
    assert!(state.shards[&group].is_rebalancing());
    assert!(rebalance(&mut state, group, 1, 4, revision).is_err(), "a copy of it changes nothing");
    // It could not be carried out, and is taken back: it is not tried again at once.
    let mut undone = state.clone();
    reconfigure(&mut undone, group, &[1, 2, 3]);
    assert_eq!(undone.shards[&group].rebalanced_at, Some(1000));
    settle(&mut state, group);
    let shard = &state.shards[&group];
    assert_eq!((shard.is_rebalancing(), shard.rebalanced_at), (false, Some(1000)), "it rests");
    // Whoever asks for other replicas has the last word.
    reconfigure(&mut state, group, &[1, 2, 3]);
    let shard = &state.shards[&group];
    assert_eq!((shard.is_rebalancing(), shard.rebalanced_at), (false, None));
}

#[test]
fn pins_leaving_nodes_and_the_policy_hold_against_a_move() {
    let (mut state, group) = balancing();
    let revision = state.shards[&group].revision;
    state.apply(MetaCommand::SetPinned { group, pinned: true }).unwrap();
    let now = state.shards[&group].revision;
    assert!(now > revision, "a plan from before the pin does not hold");
    assert!(refused(rebalance(&mut state, group, 1, 4, now)).contains("pinned"));
    assert_eq!(state.apply(MetaCommand::SetPinned { group, pinned: true }), Ok(Vec::new()));
    state.apply(MetaCommand::SetPinned { group, pinned: false }).unwrap();
    let now = state.shards[&group].revision;
    state.apply(MetaCommand::SetLeaving { node: NodeId(4), leaving: true }).unwrap();
    assert!(refused(rebalance(&mut state, group, 1, 4, now)).contains("leaving"));
    state.apply(MetaCommand::SetLeaving { node: NodeId(4), leaving: false }).unwrap();
    state.apply(MetaCommand::SetPolicy(Policy::default())).unwrap();
    assert!(refused(rebalance(&mut state, group, 1, 4, now)).contains("policy"));
    let wrong = Policy { per_node: 0, ..Policy::default() };
    assert!(refused(state.apply(MetaCommand::SetPolicy(wrong))).contains("per_node"));
    assert_eq!(state.policy, Policy::default());
}
