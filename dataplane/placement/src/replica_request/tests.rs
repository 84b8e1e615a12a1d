//! What requests become, given a catalog: one collection of one shard, members 1 to 5.

use vane_catalog::{Refill, TargetReplica};

use super::*;
use crate::fixture::{members_state, peer};
use crate::removal::{RemovalRefusal, RemovalStep, Waited, removal_step};

const GROUP: GroupId = GroupId(7);

fn state(voters: &[u64], learners: &[u64]) -> State {
    members_state(5, voters, learners, GROUP)
}

/// The same with a change on its way: learners are below 0.
fn moving(voters: &[u64], target: &[i64]) -> State {
    let mut state = state(voters, &[]);
    let replica =
        |node: &i64| TargetReplica { peer: peer(node.unsigned_abs()), learner: *node < 0 };
    let target = target.iter().map(replica).collect();
    state.shards.get_mut(&GROUP).unwrap().target = Some(target);
    state
}

fn node(node: u64) -> NodeId {
    NodeId(node)
}

fn ask(state: &State, request: ReplicaRequest) -> Result<ReplicaPlan, ReplicaRefusal> {
    plan_replicas(state, ("c", 0), request, |_| true)
}

fn replicas(nodes: &[i64]) -> Result<ReplicaPlan, ReplicaRefusal> {
    let replica =
        |node: &i64| WantedReplica { node: NodeId(node.unsigned_abs()), learner: *node < 0 };
    let replicas = nodes.iter().map(replica).collect();
    Ok(ReplicaPlan::Replicas { group: GROUP, replicas, revision: 4 })
}

fn moved(from: u64, to: u64) -> ReplicaRequest {
    ReplicaRequest::Move { from: node(from), to: node(to) }
}

fn replicated(from: u64, to: u64) -> ReplicaRequest {
    ReplicaRequest::Replicate { from: node(from), to: node(to) }
}

fn aborted(from: u64, to: u64) -> ReplicaRequest {
    ReplicaRequest::Abort { from: node(from), to: node(to) }
}

fn restarted(from: u64, to: u64) -> ReplicaRequest {
    ReplicaRequest::Restart { from: node(from), to: node(to) }
}

fn dropped(from: u64) -> ReplicaRequest {
    ReplicaRequest::Drop { node: node(from), others_min: None }
}

const NOTHING: Result<ReplicaPlan, ReplicaRefusal> = Ok(ReplicaPlan::Nothing);

#[test]
fn a_move_takes_the_role_along_and_is_made_once() {
    assert_eq!(ask(&state(&[1, 2, 3], &[]), moved(2, 4)), replicas(&[1, 4, 3]));
    assert_eq!(ask(&state(&[1], &[2]), moved(2, 4)), replicas(&[1, -4]));
    assert_eq!(ask(&moving(&[1, 2, 3], &[1, 4, 3]), moved(2, 4)), NOTHING, "it is on its way");
    assert_eq!(ask(&state(&[1, 3, 4], &[]), moved(2, 4)), NOTHING, "it is done");
}

#[test]
fn what_is_on_its_way_is_added_to_and_not_crossed() {
    let one = moving(&[1, 2, 3], &[1, 4, 3]);
    assert_eq!(ask(&one, moved(1, 5)), replicas(&[5, 4, 3]));
    let involved = |from, to| {
        let (from, to) = (node(from), node(to));
        Err(ReplicaRefusal::Involved { shard: 0, from, to })
    };
    assert_eq!(ask(&one, moved(2, 5)), involved(2, 4));
    assert_eq!(ask(&one, moved(4, 5)), involved(2, 4));
    assert_eq!(ask(&one, replicated(1, 2)), involved(2, 4));
}

#[test]
fn a_replica_is_added_as_a_voter() {
    let three = state(&[1, 2, 3], &[]);
    assert_eq!(ask(&three, replicated(1, 4)), replicas(&[1, 2, 3, 4]));
    assert_eq!(ask(&three, replicated(1, 2)), NOTHING);
    assert_eq!(ask(&moving(&[1], &[1, 4]), replicated(1, 4)), NOTHING);
    assert_eq!(ask(&state(&[1], &[2]), replicated(1, 2)), replicas(&[1, 2]), "it gets a vote");
    let nine: Vec<u64> = (1..=9).collect();
    let state = members_state(10, &nine, &[], GROUP);
    assert_eq!(ask(&state, replicated(1, 10)), Err(ReplicaRefusal::TooMany { shard: 0 }));
}

#[test]
fn a_replica_goes_where_others_can_do_without() {
    let drop_of = |state: &State, dead: &'static [u64], request| {
        plan_replicas(state, ("c", 0), request, |node| !dead.contains(&node.0))
    };
    let (one, two, three) = (state(&[1], &[2]), state(&[1, 2], &[]), state(&[1, 2, 3], &[]));
    assert_eq!(drop_of(&three, &[], dropped(1)), replicas(&[2, 3]));
    assert_eq!(drop_of(&three, &[1], dropped(1)), replicas(&[2, 3]), "the dead one");
    assert_eq!(drop_of(&one, &[], dropped(2)), replicas(&[1]), "a follower");
    let last = Err(ReplicaRefusal::LastReplica { shard: 0, peer: node(1) });
    assert_eq!(drop_of(&one, &[], dropped(1)), last, "a follower is none to count on");
    assert_eq!(drop_of(&two, &[2], dropped(1)), last);
    assert_eq!(drop_of(&moving(&[1], &[1, 4]), &[], dropped(1)), last, "the other is empty");
    let refused = ReplicaRefusal::NoMajority { shard: 0, peer: node(1), active: 1, left: 2 };
    assert_eq!(drop_of(&three, &[3], dropped(1)), Err(refused));
    let refused = ReplicaRefusal::NoReplica { shard: 0, peer: node(4) };
    assert_eq!(drop_of(&three, &[], dropped(4)), Err(refused));
    assert_eq!(drop_of(&moving(&[1, 2, 3], &[1, 2]), &[], dropped(3)), NOTHING, "it is going");
    let least = |least| ReplicaRequest::Drop { node: node(1), others_min: Some(least) };
    assert_eq!(drop_of(&three, &[], least(2)), replicas(&[2, 3]));
    let refused = drop_of(&three, &[], least(3)).unwrap_err().to_string();
    assert!(refused.contains("at least 3 are required"), "{refused}");
}

#[test]
fn an_aborted_transfer_leaves_what_was_there() {
    assert_eq!(ask(&moving(&[1, 2, 3], &[1, 4, 3]), aborted(2, 4)), replicas(&[1, 2, 3]));
    assert_eq!(ask(&moving(&[1], &[1, 4]), aborted(1, 4)), replicas(&[1]));
    let mut promoted = moving(&[1], &[1, 4]);
    promoted.shards.get_mut(&GROUP).unwrap().conf.learners = vec![peer(4)];
    assert_eq!(ask(&promoted, aborted(1, 4)), replicas(&[1, -4]), "it followed before");
    let missing = |from, to| {
        let (collection, from, to) = ("c".to_owned(), node(from), node(to));
        Err(ReplicaRefusal::NoTransfer { collection, shard: 0, from, to })
    };
    let one = moving(&[1, 2, 3], &[1, 4, 3]);
    assert_eq!(ask(&one, aborted(1, 4)), missing(1, 4), "the replica of 2 is what moves");
    assert_eq!(ask(&one, aborted(2, 5)), missing(2, 5));
    assert_eq!(ask(&state(&[1, 2], &[]), aborted(1, 2)), missing(1, 2));
}

#[test]
fn a_restarted_transfer_begins_with_a_new_replica() {
    let mut one = moving(&[1, 2, 3], &[1, 4, 3]);
    let again = Ok(ReplicaPlan::Refill { group: GROUP, peer: peer(4) });
    assert_eq!(ask(&one, restarted(2, 4)), again);
    let then = one.shards[&GROUP].wanted();
    let entry = one.shards.get_mut(&GROUP).unwrap();
    entry.refill = Some(Refill { leaving: peer(4), then, returning: false });
    entry.target = Some(vec![]);
    assert_eq!(ask(&one, restarted(2, 4)), NOTHING, "it has begun");
    assert!(ask(&one, restarted(2, 5)).is_err());
}

#[test]
fn what_is_not_there_is_named() {
    let three = state(&[1, 2, 3], &[]);
    let text = |request| ask(&three, request).unwrap_err().to_string();
    assert_eq!(text(moved(2, 9)), "Peer 9 does not exist");
    assert_eq!(text(moved(9, 2)), "Peer 9 does not exist");
    assert_eq!(text(dropped(9)), "Peer 9 does not exist");
    assert_eq!(text(moved(4, 5)), "Shard 0 is not active on peer 4");
    assert_eq!(text(replicated(4, 5)), "Shard 0 is not active on peer 4");
    assert!(text(moved(1, 2)).starts_with("Peer 2 has a replica of shard 0 already"));
    assert!(text(moved(1, 1)).starts_with("Peer 1 has a replica"), "it goes nowhere");
    assert_eq!(text(aborted(1, 9)), "Shard transfer 1 -> 9 for collection c:0 does not exist");
    for (collection, shard) in [("c", 1), ("d", 0), ("c", u32::MAX)] {
        let refused = plan_replicas(&three, (collection, shard), dropped(1), |_| true).unwrap_err();
        assert_eq!(refused.to_string(), format!("Shard {shard} of {collection} does not exist"));
    }
}

#[test]
fn a_member_goes_once_its_shards_and_its_vote_do_without_it() {
    let step =
        |state: &State, of, drops, votes| removal_step(state, node(of), drops, votes, |_| true);
    let three = state(&[1, 2, 3], &[]);
    let has_shards = Err(RemovalRefusal::HasShards(node(3)));
    assert_eq!(step(&three, 3, false, false), has_shards);
    assert_eq!(step(&three, 3, true, false), Ok(RemovalStep::Leave));
    let mut leaving = three.clone();
    leaving.nodes.get_mut(&node(3)).unwrap().leaving = true;
    let drop_it = RemovalStep::Drop(vec![replicas(&[1, 2]).unwrap()]);
    assert_eq!(step(&leaving, 3, true, false), Ok(drop_it));
    assert_eq!(
        step(&state(&[3], &[]), 3, true, false).unwrap_err().to_string(),
        "Shard 0 must have at least one active replica after removing 3"
    );
    assert_eq!(
        step(&moving(&[1, 2, 3], &[1, 2]), 3, true, false),
        Ok(RemovalStep::Wait(Waited::Shards(1)))
    );
    assert_eq!(step(&three, 4, false, true), Ok(RemovalStep::Leave));
    let mut leaving = three.clone();
    leaving.nodes.get_mut(&node(4)).unwrap().leaving = true;
    assert_eq!(step(&leaving, 4, false, true), Ok(RemovalStep::Wait(Waited::Vote)));
    let disk = three.nodes[&node(4)].entry.disk_id;
    assert_eq!(step(&leaving, 4, false, false), Ok(RemovalStep::Remove(disk)));
    assert_eq!(step(&three, 9, true, false), Err(RemovalRefusal::NoPeer(node(9))));
    let mut gone = three.clone();
    gone.nodes.remove(&node(4));
    gone.removed.insert(node(4), disk);
    assert_eq!(step(&gone, 4, false, false), Ok(RemovalStep::Done));
    let alone = members_state(1, &[], &[], GROUP);
    assert_eq!(step(&alone, 1, true, true), Err(RemovalRefusal::Last(node(1))));
}
