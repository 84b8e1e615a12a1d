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
