//! A replica that is filled again: out of its group, destroyed, and back as another.

use std::collections::BTreeMap;

use vane_types::{LogIndex, Term};

use super::*;
use crate::{HeldReplica, ReplicaAction, Seen, replica_plan};

fn refill(state: &mut State, group: u64, peer: PeerId) -> Result<(), String> {
    let command = MetaCommand::Refill { group: GroupId(group), peer };
    state.apply(command).map(drop).map_err(|refusal| refusal.to_string())
}

fn settle_on(state: &mut State, peers: &[PeerId]) {
    record(state, Conf::founding(peers));
}

fn record(state: &mut State, conf: Conf) {
    let epoch = state.shards[&GroupId(1)].epoch;
    let seen = Some(Seen { epoch, term: Term(1), index: LogIndex(epoch) });
    state.apply(MetaCommand::Settle { group: GroupId(1), conf, seen }).unwrap();
}

fn held(peers: &[(GroupId, PeerId)], is_removed: bool) -> BTreeMap<GroupId, HeldReplica> {
    let held = |peer| HeldReplica { peer, is_open: true, is_removed };
    peers.iter().map(|(group, peer)| (*group, held(*peer))).collect()
}

#[test]
fn it_leaves_before_its_successor_comes() {
    let mut state = founded();
    let (group, old) = (GroupId(1), peer(2, 1));
    refill(&mut state, 1, old).unwrap();
    let first = state.shards[&group].clone();
    let target: Vec<PeerId> = first.target.iter().flatten().map(|it| it.peer).collect();
    assert_eq!(target, [peer(1, 1), peer(3, 1)]);
    // Its group still counts on it: it stays.
    let open = [(group, old), (GroupId(2), peer(2, 1))];
    assert_eq!(replica_plan(&state, NodeId(2), &held(&open, false)), []);
    refill(&mut state, 1, old).unwrap();
    assert_eq!(state.shards[&group], first, "a repeated call changes nothing");

    settle_on(&mut state, &[peer(1, 1), peer(3, 1)]);
    let shard = &state.shards[&group];
    let target: Vec<PeerId> = shard.target.iter().flatten().map(|it| it.peer).collect();
    assert_eq!(target, [peer(1, 1), peer(2, 2), peer(3, 1)]);
    // It applies nothing that could tell it so: the group is asked.
    let ask = ReplicaAction::Ask { group, peer: old };
    assert_eq!(replica_plan(&state, NodeId(2), &held(&open, false)), [ask]);
    let plan = replica_plan(&state, NodeId(2), &held(&open, true));
    let [removal, opening] = &plan[..] else { panic!("{plan:?}") };
    assert_eq!(*removal, ReplicaAction::Remove { group, peer: old });
    let ReplicaAction::Open { peer: new, founding, .. } = opening else { panic!() };
    assert_eq!((*new, founding), (peer(2, 2), &None));

    settle_on(&mut state, &[peer(1, 1), peer(2, 2), peer(3, 1)]);
    let shard = &state.shards[&group];
    assert_eq!((&shard.target, &shard.refill), (&None, &None));
}

#[test]
fn a_learner_comes_back_as_one() {
    let mut state = founded();
    let conf = Conf { learners: vec![peer(4, 1)], ..Conf::founding(&[peer(1, 1), peer(3, 1)]) };
    record(&mut state, conf);
    refill(&mut state, 1, peer(4, 1)).unwrap();
    settle_on(&mut state, &[peer(1, 1), peer(3, 1)]);
    let target = state.shards[&GroupId(1)].target.clone().unwrap();
    let newest = TargetReplica { peer: peer(4, 1), learner: true };
    assert_eq!(target.last(), Some(&newest), "node 4 never had one by the catalog's count");
}

#[test]
fn the_only_vote_is_never_given_up() {
    let mut state = founded();
    let error = refill(&mut state, 1, peer(4, 1)).unwrap_err();
    assert!(error.contains("none of its members"), "{error}");
    assert!(refill(&mut state, 77, peer(1, 1)).unwrap_err().contains("Shard 77"));
    reconfigure(&mut state, GroupId(1), &[2]);
    settle(&mut state, GroupId(1));
    let error = refill(&mut state, 1, peer(2, 1)).unwrap_err();
    assert!(error.contains("no other replica"), "{error}");
}

/// Peers that a shard's replicas are to be.
fn target(state: &State) -> Vec<PeerId> {
    state.shards[&GroupId(1)].target.iter().flatten().map(|replica| replica.peer).collect()
}

#[test]
fn a_move_waits_until_a_damaged_replica_has_left_and_then_goes_on() {
    let mut state = founded();
    reconfigure(&mut state, GroupId(1), &[1, 2]);
    // Without node 3 the damaged one would be needed for every majority.
    refill(&mut state, 1, peer(2, 1)).unwrap();
    assert_eq!(target(&state), [peer(1, 1), peer(3, 1)]);
    let begun = state.shards[&GroupId(1)].clone();
    reconfigure(&mut state, GroupId(1), &[1, 2]);
    assert_eq!(state.shards[&GroupId(1)], begun, "what is wanted is still the move's end");
    settle_on(&mut state, &[peer(1, 1), peer(3, 1)]);
    assert_eq!(target(&state), [peer(1, 1), peer(2, 2)]);
    settle_on(&mut state, &[peer(1, 1), peer(2, 2)]);
    assert_eq!(state.shards[&GroupId(1)].target, None);
    assert_eq!(state.shards[&GroupId(1)].refill, None);
}

#[test]
fn a_replica_that_is_damaged_while_it_is_filled_begins_anew() {
    let mut state = founded();
    reconfigure(&mut state, GroupId(1), &[1, 2, 3, 4]);
    // The catalog has not heard yet that it follows.
    refill(&mut state, 1, peer(4, 1)).unwrap();
    assert_eq!(target(&state), [peer(1, 1), peer(2, 1), peer(3, 1)]);
    settle_on(&mut state, &[peer(1, 1), peer(2, 1), peer(3, 1)]);
    assert_eq!(target(&state), [peer(1, 1), peer(2, 1), peer(3, 1), peer(4, 2)]);
    // And once more, on its way back.
    refill(&mut state, 1, peer(4, 2)).unwrap();
    settle_on(&mut state, &[peer(1, 1), peer(2, 1), peer(3, 1)]);
    assert_eq!(target(&state)[3], peer(4, 3));
    // One that a move takes away is not brought back.
    reconfigure(&mut state, GroupId(1), &[1, 2]);
    refill(&mut state, 1, peer(3, 1)).unwrap();
    settle_on(&mut state, &[peer(1, 1), peer(2, 1)]);
    assert_eq!(target(&state), [peer(1, 1), peer(2, 1)]);
}

#[test]
fn whoever_decides_anew_decides_about_it_too() {
    let mut state = founded();
    refill(&mut state, 1, peer(2, 1)).unwrap();
    // What there is to be has not changed: the refill goes on.
    reconfigure(&mut state, GroupId(1), &[1, 2, 3]);
    assert!(state.shards[&GroupId(1)].refill.is_some());
    reconfigure(&mut state, GroupId(1), &[1, 3, 4]);
    assert_eq!(state.shards[&GroupId(1)].refill, None);
    settle(&mut state, GroupId(1));
    assert_eq!(state.shards[&GroupId(1)].target, None);
}

#[test]
fn few_are_filled_again_at_once() {
    let mut state = founded();
    for n in 0..REFILLS_MAX {
        state.apply(create(&format!("more-{n}"), &[&[1, 2, 3]], "key")).unwrap();
    }
    refill(&mut state, 1, peer(2, 1)).unwrap();
    refill(&mut state, 2, peer(2, 1)).unwrap();
    let error = refill(&mut state, 3, peer(2, 1)).unwrap_err();
    assert!(error.contains("as many"), "{error}");
    refill(&mut state, 3, peer(1, 1)).unwrap();
}
