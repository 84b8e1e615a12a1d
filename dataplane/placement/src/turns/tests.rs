//! Rounds of shards that copy, that wait, and that only have a step to take.

use std::collections::BTreeSet;

use vane_types::{LogIndex, NodeId};

use super::*;
use crate::fixture::{moving, peer, target};

fn state(shards: u64) -> State {
    let mut state = State::default();
    for group in 1..=shards {
        state.shards.insert(GroupId(group), moving(Some(target(&[2]))));
    }
    state
}

fn catching_up() -> ShardStep {
    let (matched, last_index) = (LogIndex(1), LogIndex(9));
    ShardStep::Wait(Waiting::CatchingUp { peer: peer(2), matched, last_index })
}

#[test]
fn shards_that_are_where_they_should_be_are_passed_over() {
    let mut state = state(3);
    state.shards.insert(GroupId(2), moving(None));
    assert_eq!(Turns::default().due(&state), [1, 3].map(GroupId));
    assert_eq!(Turns::default().due(&State::default()), []);
}

#[test]
fn no_more_than_a_few_copy_at_a_time_and_the_others_get_on() {
    let (mut turns, copy) = (Turns::default(), ShardStep::Copy(peer(2)));
    let begun: Vec<bool> = (1..=6).map(|group| turns.admits(GroupId(group), Some(&copy))).collect();
    assert_eq!(begun, [true, true, true, true, false, false]);
    assert!(turns.admits(GroupId(5), Some(&ShardStep::Settle)), "it copies nothing");
    assert!(turns.admits(GroupId(1), Some(&copy)), "it has its place");
    // While the step is being applied the place is kept, and so it is while data is on its way.
    assert!(!turns.admits(GroupId(1), Some(&ShardStep::Wait(Waiting::ChangeUnderWay))));
    assert!(!turns.admits(GroupId(1), Some(&catching_up())));
    assert!(!turns.admits(GroupId(6), Some(&copy)));
    assert!(turns.admits(GroupId(1), Some(&ShardStep::Settle)));
    assert!(turns.admits(GroupId(6), Some(&copy)));
}

#[test]
fn what_waits_for_a_node_that_is_away_keeps_no_place() {
    let (mut turns, copy) = (Turns::default(), ShardStep::Copy(peer(2)));
    for group in 1..=4 {
        assert!(turns.admits(GroupId(group), Some(&copy)));
    }
    assert!(!turns.admits(GroupId(5), Some(&copy)));
    assert!(!turns.admits(GroupId(1), Some(&ShardStep::Wait(Waiting::Away(NodeId(2))))));
    assert!(turns.admits(GroupId(5), Some(&copy)));
    assert!(!turns.admits(GroupId(2), None), "nobody leads it");
    assert!(turns.admits(GroupId(6), Some(&copy)));
}

#[test]
fn all_have_their_turn_and_those_that_copy_always() {
    let (mut turns, state) = (Turns::default(), state(200));
    turns.admits(GroupId(150), Some(&catching_up()));
    let mut seen = BTreeSet::new();
    for _ in 0..4 {
        let due = turns.due(&state);
        assert_eq!(due.len(), LOOKED_AT_MAX);
        assert_eq!(due.iter().filter(|group| **group == GroupId(150)).count(), 1);
        seen.extend(due);
    }
    assert_eq!(seen.len(), 200);
}
