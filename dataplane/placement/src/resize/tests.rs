//! More and fewer replicas: one collection of one or two shards, members 1 to 5.

use vane_types::GroupId;

use super::*;
use crate::fixture::{members_state, peers};

const GROUP: GroupId = GroupId(7);

fn resized(state: &State, factor: u32, dead: &'static [u64]) -> Result<Vec<Vec<u64>>, String> {
    let plans = plan_resize(state, "c", factor, |node| !dead.contains(&node.0));
    let nodes = |plan: ReplicaPlan| match plan {
        ReplicaPlan::Replicas { replicas, .. } => replicas.iter().map(|it| it.node.0).collect(),
        other => panic!("{other:?}"),
    };
    plans.map(|plans| plans.into_iter().map(nodes).collect()).map_err(|why| why.to_string())
}

fn zoned(mut state: State, zones: &[(u64, &str)]) -> State {
    for (node, zone) in zones {
        state.nodes.get_mut(&NodeId(*node)).unwrap().zone = Some((*zone).to_owned());
    }
    state
}

#[test]
fn new_replicas_are_spread_over_zones_and_nodes() {
    let one = members_state(5, &[1], &[], GROUP);
    assert_eq!(resized(&one, 1, &[]), Ok(vec![]));
    assert_eq!(resized(&one, 3, &[]), Ok(vec![vec![1, 2, 3]]));
    assert_eq!(resized(&one, 3, &[2]), Ok(vec![vec![1, 3, 4]]), "nothing goes to a dead node");
    let zones = zoned(one.clone(), &[(1, "a"), (2, "a"), (3, "b"), (4, "b"), (5, "c")]);
    assert_eq!(resized(&zones, 3, &[]), Ok(vec![vec![1, 3, 5]]));
    let mut two = one;
    let mut second = two.shards[&GROUP].clone();
    (second.ordinal, second.conf.voters) = (1, peers(&[2]));
    two.shards.insert(GroupId(8), second);
    two.collections.get_mut("c").unwrap().shards.push(GroupId(8));
    assert_eq!(resized(&two, 2, &[]), Ok(vec![vec![1, 3], vec![2, 4]]), "evenly");
    let refused = resized(&two, 5, &[4]).unwrap_err();
    assert!(refused.contains("5 replicas of a shard need as many nodes, and 4 of"), "{refused}");
}

#[test]
fn those_go_first_that_are_missed_least() {
    let four = members_state(5, &[1, 2, 3, 4], &[], GROUP);
    assert_eq!(resized(&four, 3, &[]), Ok(vec![vec![1, 2, 3]]));
    assert_eq!(resized(&four, 3, &[2]), Ok(vec![vec![1, 3, 4]]), "the dead one");
    let mut leaving = four.clone();
    leaving.nodes.get_mut(&NodeId(1)).unwrap().leaving = true;
    assert_eq!(resized(&leaving, 3, &[]), Ok(vec![vec![2, 3, 4]]));
    let zones = zoned(four, &[(1, "a"), (2, "a"), (3, "b"), (4, "c")]);
    assert_eq!(resized(&zones, 3, &[]), Ok(vec![vec![1, 3, 4]]), "a zone has two");
    let refused = resized(&members_state(3, &[1, 2, 3], &[], GROUP), 2, &[2, 3]).unwrap_err();
    assert!(refused.contains("majority"), "{refused}");
    let learner = members_state(5, &[1, 2], &[3], GROUP);
    assert_eq!(resized(&learner, 1, &[]), Ok(vec![vec![1, 3]]), "it follows on");
}
