//! Shards: who asks for other replicas, and what peers come of it.

use vane_raft::Conf;
use vane_types::{NodeId, Refusal};

use super::*;

#[test]
fn a_node_that_gets_a_replica_again_gets_another_peer_id() {
    let mut state = founded();
    let group = state.collections["c"].shards[0];
    let first = state.shards[&group].peer_on(NodeId(3)).unwrap();
    reconfigure(&mut state, group, &[1, 2, 4]);
    assert_eq!(
        state.shards[&group].peer_on(NodeId(3)),
        Some(first),
        "it stays until the change is recorded"
    );
    settle(&mut state, group);
    assert_eq!(state.shards[&group].peer_on(NodeId(3)), None);
    reconfigure(&mut state, group, &[1, 2, 3]);
    let second = state.shards[&group].peer_on(NodeId(3)).unwrap();
    assert!(second != first && second.node() == NodeId(3));
    let mut asked = |nodes: &[u64]| {
        let replicas = voters(nodes);
        state.apply(MetaCommand::Reconfigure { group, replicas, if_revision: None })
    };
    assert!(asked(&[1, 1, 2]).is_err(), "one node cannot have two");
    assert!(asked(&[]).is_err(), "somebody must vote");
    assert!(asked(&[1, 9]).is_err(), "there is no such node");
}

#[test]
fn of_two_that_look_at_the_same_shard_the_second_is_refused() {
    let mut state = founded();
    let group = state.collections["c"].shards[0];
    let revision = |state: &State| state.shards[&group].revision;
    let ask = |state: &mut State, nodes: &[u64], if_revision| {
        let replicas = nodes
            .iter()
            .map(|node| WantedReplica { node: NodeId(*node), learner: *node == 4 })
            .collect();
        state.apply(MetaCommand::Reconfigure { group, replicas, if_revision })
    };
    let seen = revision(&state);
    ask(&mut state, &[1, 2, 3, 4], Some(seen)).unwrap();
    let before = state.clone();
    let refused = ask(&mut state, &[1, 2], Some(seen)).unwrap_err();
    assert!(
        matches!(&refused, Refusal::Conflict(text) if text.contains("nodes 1,2,3,4:learner by now")),
        "{refused}"
    );
    ask(&mut state, &[4, 3, 2, 1], Some(seen)).expect("a repeated call finds its own work done");
    assert_eq!(state, before);
    // What was seen of a change under way is old when it is done.
    let under_way = revision(&state);
    let target = state.shards[&group].target.clone().unwrap_or_default();
    let peers = |learner: bool| {
        target.iter().filter(|it| it.learner == learner).map(|it| it.peer).collect()
    };
    let conf = Conf { voters: peers(false), learners: peers(true), ..Conf::default() };
    state.apply(MetaCommand::Settle { group, conf }).unwrap();
    assert!(ask(&mut state, &[1, 2], Some(under_way)).is_err());
    assert_eq!(ask(&mut state, &[1, 2, 3, 4], Some(under_way)), Ok(Vec::new()), "they are there");
    let now = revision(&state);
    ask(&mut state, &[1, 2], Some(now)).unwrap();
    ask(&mut state, &[1, 3], None).unwrap();
    assert_eq!(revision(&state), now + 2);
}
