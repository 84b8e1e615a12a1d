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
fn a_member_is_found_by_its_disk() {
    let state = founded();
    assert_eq!(state.node_of_disk(Uuid::from_u128(3)).map(|it| it.id), Some(NodeId(3)));
    assert_eq!(state.node_of_disk(Uuid::from_u128(9)), None);
}

#[test]
fn a_node_has_one_replica_of_the_meta_group_for_ever() {
    assert_eq!(meta_peer(NodeId(7)), peer(7, 1));
}
