//! What the catalog says of the nodes, and what plans make of it.

use vane_types::{Error, ErrorKind, GroupId};

use super::*;
use crate::{Unplaceable, place_collection};

/// Members 1 to 3, node 2 in a zone, with a collection of two shards: on 1, 2 and on 2, 3.
fn state() -> State {
    let member = |id: u64| {
        let zone = if id == 2 { r#""west""# } else { "null" };
        let json = format!(
            r#"{{"id":{id},"entry":{{"disk_id":"00000000-0000-0000-0000-00000000000{id}",
            "name":"","address":"","rest_address":"","version":""}},"zone":{zone}}}"#
        );
        serde_json::from_str(&json).unwrap()
    };
    let shard = |nodes: [u64; 2]| {
        let [first, second] = nodes.map(|node| node << 32 | 1);
        let json = format!(
            r#"{{"collection":"c","ordinal":0,"first":[{second},{first}],
            "conf":{{"voters":[{first},{second}],"learners":[],"voters_outgoing":[],
            "learners_next":[]}},"epoch":0,"target":null,"incarnations":{{}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    };
    let mut state = State::default();
    state.nodes = (1..=3).map(|id| (NodeId(id), member(id))).collect();
    state.shards = [(GroupId(1), shard([1, 2])), (GroupId(2), shard([2, 3]))].into();
    state
}

#[test]
fn members_carry_what_the_shards_say() {
    let facts = node_facts(&state(), |node| node != NodeId(3));
    let loads: Vec<(u64, u64)> =
        facts.iter().map(|it| (it.total.replicas, it.total.leaders)).collect();
    assert_eq!(loads, [(1, 0), (2, 1), (1, 1)]);
    assert_eq!(facts.iter().map(|it| it.accepts_replicas).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(facts[1].zone.as_deref(), Some("west"));
    assert!(facts.iter().all(|it| it.in_collection == Load::default()), "it is a new one");
}

#[test]
fn a_shard_on_a_node_that_is_no_member_counts_for_nobody() {
    let mut state = state();
    state.nodes.remove(&NodeId(2));
    let facts = node_facts(&state, |_| true);
    assert_eq!(
        facts.iter().map(|it| (it.id.0, it.total.replicas)).collect::<Vec<_>>(),
        [(1, 1), (3, 1)]
    );
}

#[test]
fn a_collection_goes_to_nodes_that_answer() {
    let placed = place_collection(&state(), |node| node != NodeId(2), 2, 2).unwrap();
    for nodes in placed {
        assert!(nodes.contains(&NodeId(1)) && nodes.contains(&NodeId(3)), "{nodes:?}");
    }
}

#[test]
fn too_few_nodes_is_the_callers_mistake() {
    let refused = place_collection(&state(), |node| node != NodeId(2), 1, 3).unwrap_err();
    assert_eq!(refused, Unplaceable::TooFewNodes { wanted: 3, available: 2, members: 3 });
    assert_eq!(Error::from(refused).kind, ErrorKind::BadInput);
    assert_eq!(Error::from(Unplaceable::NoReplicas).kind, ErrorKind::Unavailable);
}

#[test]
fn of_two_facts_on_one_node_the_first_counts() {
    let mut facts = node_facts(&state(), |_| true);
    let mut again = facts[0].clone();
    again.accepts_replicas = false;
    facts.push(again);
    assert_eq!(members(&facts).len(), 3);
    assert_eq!(candidates(&facts).len(), 3);
}
