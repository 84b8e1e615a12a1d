//! Members: one disk is one of them, and the later start has the word.

use uuid::Uuid;
use vane_types::{NodeId, Refusal};

use super::*;

#[test]
fn a_disk_is_one_node_for_ever() {
    let mut state = founded();
    let moved = NodeEntry { address: "elsewhere:1".into(), ..node(2) };
    state.apply(MetaCommand::PutNode(moved.clone())).unwrap();
    assert_eq!(state.nodes.len(), 4);
    assert_eq!(state.nodes[&NodeId(2)].entry, moved);
    state.apply(MetaCommand::PutNode(node(99))).unwrap();
    assert_eq!(state.nodes[&NodeId(5)].entry.disk_id, Uuid::from_u128(99));
}

#[test]
fn what_a_node_said_before_its_last_start_comes_too_late() {
    let mut state = founded();
    let of_start = |start, address: &str| NodeEntry { address: address.into(), start, ..node(2) };
    state.apply(MetaCommand::PutNode(of_start(3, "new:1"))).unwrap();
    let before = state.clone();
    let late = state.apply(MetaCommand::PutNode(of_start(2, "old:1")));
    assert!(matches!(late, Err(Refusal::Conflict(_))));
    state.apply(MetaCommand::PutNode(of_start(3, "new:1"))).expect("the same word again");
    assert_eq!(state, before);
}

#[test]
fn a_zone_is_said_and_taken_back() {
    let mut state = founded();
    let zone = Some("west".to_owned());
    let say = |zone: Option<String>| MetaCommand::SetZone { node: NodeId(2), zone };
    state.apply(say(zone.clone())).unwrap();
    assert_eq!(state.nodes[&NodeId(2)].zone, zone);
    state.apply(MetaCommand::PutNode(node(2))).unwrap();
    assert_eq!(state.nodes[&NodeId(2)].zone, zone, "a node does not know its zone");
    state.apply(say(None)).unwrap();
    assert_eq!(state.nodes[&NodeId(2)].zone, None);
    let unknown = MetaCommand::SetZone { node: NodeId(9), zone: None };
    assert_eq!(state.apply(unknown), Err(Refusal::NotFound("Node 9".into())));
}

#[test]
fn a_node_follows_until_it_is_started_again() {
    let mut state = founded();
    let node_of_start = |start| MetaCommand::PutNode(NodeEntry { start, ..node(2) });
    let say = |node, seconds| MetaCommand::SetFollowsOnly { node: NodeId(node), seconds };
    state.apply(say(2, Some(600))).unwrap();
    state.apply(say(3, Some(60))).unwrap();
    let following = |state: &State| state.following_nodes().collect::<Vec<_>>();
    assert_eq!(following(&state), [(NodeId(2), 600), (NodeId(3), 60)]);
    assert!(state.may_lead(NodeId(1)) && !state.may_lead(NodeId(2)) && !state.may_lead(NodeId(9)));
    state.apply(node_of_start(1)).unwrap();
    assert_eq!(following(&state).len(), 2, "of the same start, announced anew");
    state.apply(node_of_start(2)).unwrap();
    assert_eq!(following(&state), [(NodeId(3), 60)]);
    state.apply(say(3, None)).unwrap();
    assert_eq!(following(&state), []);
    let before = state.clone();
    for seconds in [0, FOLLOWS_ONLY_SECONDS_MAX + 1] {
        assert!(matches!(state.apply(say(2, Some(seconds))), Err(Refusal::Invalid(_))));
    }
    assert_eq!(state.apply(say(9, Some(1))), Err(Refusal::NotFound("Node 9".into())));
    assert_eq!(state, before);
}

#[test]
fn a_node_is_removed_when_no_shard_names_it_and_its_disk_does_not_come_back() {
    let mut state = founded();
    let remove =
        |node, disk| MetaCommand::RemoveNode { node: NodeId(node), disk_id: Uuid::from_u128(disk) };
    state.apply(MetaCommand::PutNode(node(5))).unwrap();
    let before = state.clone();
    let Err(Refusal::Conflict(why)) = state.apply(remove(2, 2)) else { panic!("it was removed") };
    assert!(why.contains("2 shards (shard groups 1, 2)"), "{why}");
    assert!(matches!(state.apply(remove(5, 9)), Err(Refusal::Conflict(_))), "another disk");
    assert_eq!(state.apply(remove(9, 9)), Err(Refusal::NotFound("Node 9".into())));
    assert_eq!(state, before);
    reconfigure(&mut state, GroupId(1), &[2, 3, 5]);
    assert!(state.apply(remove(5, 5)).is_err(), "it is to have a replica");
    assert!(state.apply(remove(1, 1)).is_err(), "it has one still");
    settle(&mut state, GroupId(1));
    state.apply(remove(1, 1)).unwrap();
    assert_eq!(state.apply(remove(1, 1)), Ok(Vec::new()), "said twice");
    assert_eq!(
        (state.nodes.len(), state.removed_node_of(Uuid::from_u128(1))),
        (4, Some(NodeId(1)))
    );
    let Err(Refusal::Conflict(why)) = state.apply(MetaCommand::PutNode(node(1))) else {
        panic!("it came back")
    };
    assert!(why.contains("removed from the cluster"), "{why}");
    state.apply(MetaCommand::PutNode(node(8))).unwrap();
    assert_eq!(state.node_of_disk(Uuid::from_u128(8)).map(|it| it.id), Some(NodeId(6)));
}

/// The members that were reported name it no more than the target does; Raft's may.
#[test]
fn a_node_that_an_undone_move_may_have_given_a_vote_is_not_removed() {
    let mut state = founded();
    let remove = || MetaCommand::RemoveNode { node: NodeId(5), disk_id: Uuid::from_u128(5) };
    state.apply(MetaCommand::PutNode(node(5))).unwrap();
    reconfigure(&mut state, GroupId(1), &[1, 2, 3, 5]);
    reconfigure(&mut state, GroupId(1), &[1, 2, 3]);
    assert_eq!(state.shards[&GroupId(1)].peer_on(NodeId(5)), None);
    let Err(Refusal::Conflict(why)) = state.apply(remove()) else { panic!("it was removed") };
    assert!(why.contains("1 shard (shard groups 1)"), "{why}");
    settle(&mut state, GroupId(1));
    state.apply(remove()).unwrap();
}

#[test]
fn a_member_is_found_by_its_disk() {
    let state = founded();
    assert_eq!(state.node_of_disk(Uuid::from_u128(3)).map(|it| it.id), Some(NodeId(3)));
    assert_eq!(state.node_of_disk(Uuid::from_u128(9)), None);
}

#[test]
fn a_node_has_one_replica_of_the_meta_group_for_ever() {
    assert_eq!(meta_peer(NodeId(7)), peer(7, 1));
}
