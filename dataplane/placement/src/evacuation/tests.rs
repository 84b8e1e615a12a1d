//! Replicas of a node that goes: shards of one collection or of several, members 1 to 5.

use vane_types::GroupId;

use super::*;
use crate::fixture::{members_state, peers};

const GROUP: GroupId = GroupId(7);

/// Where the replicas are to be, by group, and what stays.
fn evacuated(
    state: &State,
    node: u64,
    preferred: Option<u64>,
    dead: &[u64],
) -> (Vec<(u64, Vec<u64>)>, Vec<String>) {
    let alive = |node: NodeId| !dead.contains(&node.0);
    let found = evacuation(state, NodeId(node), preferred.map(NodeId), alive);
    let nodes = |plan: ReplicaPlan| match plan {
        ReplicaPlan::Replicas { group, replicas, revision } => {
            assert_eq!(revision, state.shards[&group].revision);
            (group.0, replicas.iter().map(|it| it.node.0).collect())
        }
        other => panic!("{other:?}"),
    };
    let stays = found.stays.iter().map(ToString::to_string).collect();
    (found.plans.into_iter().map(nodes).collect(), stays)
}

/// Says that a node is to go.
fn leaving(mut state: State, node: u64) -> State {
    state.nodes.get_mut(&NodeId(node)).unwrap().leaving = true;
    state
}

/// Adds a collection of one shard with voters on these nodes.
fn with_collection(mut state: State, name: &str, group: u64, voters: &[u64]) -> State {
    let mut shard = state.shards[&GROUP].clone();
    (shard.collection, shard.conf.voters) = (name.to_owned(), peers(voters));
    let mut collection = state.collections["c"].clone();
    collection.shards = vec![GroupId(group)];
    state.shards.insert(GroupId(group), shard);
    state.collections.insert(name.to_owned(), collection);
    state
}

#[test]
fn each_replica_goes_where_one_would_have_been_placed() {
    let state = leaving(members_state(4, &[1, 2, 4], &[], GROUP), 4);
    assert_eq!(evacuated(&state, 4, None, &[]), (vec![(7, vec![1, 2, 3])], vec![]));
    assert_eq!(evacuated(&state, 3, None, &[]), (vec![], vec![]), "it has none");
    let mut zoned = leaving(members_state(5, &[1, 2, 5], &[], GROUP), 5);
    for (node, zone) in [(1, "a"), (2, "b"), (3, "a"), (4, "c"), (5, "c")] {
        zoned.nodes.get_mut(&NodeId(node)).unwrap().zone = Some(zone.to_owned());
    }
    assert_eq!(evacuated(&zoned, 5, None, &[]).0, [(7, vec![1, 2, 4])]);
}

#[test]
fn many_small_collections_are_spread_over_those_that_stay() {
    let mut state = leaving(members_state(4, &[4], &[], GROUP), 4);
    for group in 8..10 {
        state = with_collection(state, &format!("d{group}"), group, &[4]);
    }
    let (plans, stays) = evacuated(&state, 4, None, &[]);
    let mut to: Vec<u64> = plans.iter().map(|(_, nodes)| nodes[0]).collect();
    to.sort_unstable();
    assert_eq!((to, stays), (vec![1, 2, 3], vec![]));
}

#[test]
fn the_successor_of_a_lost_node_takes_what_it_can() {
    let state = leaving(members_state(5, &[1, 2, 3], &[], GROUP), 2);
    assert_eq!(evacuated(&state, 2, Some(5), &[2]).0, [(7, vec![1, 5, 3])]);
    // It has a replica of the shard already.
    assert_eq!(evacuated(&state, 2, Some(3), &[2]).0, [(7, vec![1, 4, 3])]);
    assert_eq!(evacuated(&state, 2, Some(5), &[2, 5]).0, [(7, vec![1, 4, 3])], "it is away");
}

#[test]
fn what_cannot_go_is_named() {
    let three = leaving(members_state(3, &[1, 2, 3], &[], GROUP), 3);
    let nowhere = "shard 0 of c: there is no other node that could take its replica";
    assert_eq!(evacuated(&three, 3, None, &[]), (vec![], vec![nowhere.to_owned()]));
    let four = leaving(members_state(4, &[1, 2, 3], &[], GROUP), 3);
    let (plans, stays) = evacuated(&four, 3, None, &[2, 3]);
    assert!(plans.is_empty() && stays[0].contains("1 of its 3 voters answer"), "{stays:?}");
    let single = leaving(members_state(3, &[3], &[], GROUP), 3);
    let (plans, stays) = evacuated(&single, 3, None, &[3]);
    assert!(plans.is_empty() && stays[0].contains("its only replica is there"), "{stays:?}");
    assert_eq!(evacuated(&single, 3, None, &[]).0, [(7, vec![1])], "it answers, and is moved");
}

#[test]
fn what_is_on_its_way_is_left_alone() {
    let mut state = leaving(members_state(4, &[1, 2, 4], &[], GROUP), 4);
    let target = crate::fixture::target(&[1, 2, 3]);
    state.shards.get_mut(&GROUP).unwrap().target = Some(target);
    assert_eq!(evacuated(&state, 4, None, &[]), (vec![], vec![]));
}
