//! A pod that came back with an empty disk: demo-1 was node 2 and is node 4 now.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use uuid::Uuid;
use vane_crds::VectorCluster;
use vane_proto::admin::{Group, Node, Replica, ReplicaTarget, Shard};

use super::*;
use crate::cluster::observed::{Claim, Set};
use crate::cluster::plan::{Plan, plan};
use crate::cluster::validate::validate;
use crate::database::{Database, Disk, PodState};

fn cluster(volume: Option<&str>) -> ValidatedCluster {
    let mut member = json!({"name": "demo-1", "nodeId": 2, "alive": false, "metaVoter": false});
    if let Some(volume) = volume {
        member["volume"] = volume.into();
    }
    let object: VectorCluster = serde_json::from_value(json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
        "metadata": {"name": "demo", "namespace": "data", "uid": Uuid::nil()},
        "spec": {"nodes": 3, "version": "1", "storage": {"size": "10Gi"}},
        "status": {"members": [member]},
    }))
    .unwrap();
    validate(&object).unwrap()
}

fn shard(leader_node: u64, nodes: &[u64]) -> Shard {
    let replica = |node_id: &u64| Replica { node_id: *node_id, ..Replica::default() };
    let replicas = nodes.iter().map(replica).collect();
    let group = Some(Group { leader_node, replicas, ..Group::default() });
    Shard { collection: "docs".into(), group, ..Shard::default() }
}

fn observed(shards: Vec<Shard>) -> Observed {
    let node = |id: u64, ordinal: i32| Node {
        id,
        name: names::pod("demo", ordinal),
        alive: id != 2,
        disk_id: format!("disk-{id}"),
        ..Node::default()
    };
    let nodes = vec![node(1, 0), node(2, 1), node(3, 2), node(4, 1)];
    let database = Database { nodes, shards, confirmed: Some(1), ..Database::default() };
    let pod = |ordinal: i32| {
        let disk = Disk::Member { cluster_id: "a".into(), node_id: 1 };
        let (name, state) = (names::pod("demo", ordinal), PodState::default());
        (ordinal, Pod { name, ready: true, zone: None, disk, state })
    };
    let claim = |ordinal| (ordinal, Claim { uid: "now".into(), ..Claim::default() });
    Observed {
        set: Some(Set { replicas: 3, owned: true, ..Set::default() }),
        pods: (0..3).map(pod).collect(),
        claims: (0..3).map(claim).collect(),
        founded: true,
        database: Some(database),
        ..Observed::default()
    }
}

fn step(plan: &Plan) -> Option<&'static str> {
    plan.steps.first().map(Step::reason)
}

fn old(observed: &mut Observed) -> &mut Node {
    &mut observed.database.as_mut().unwrap().nodes[1]
}

#[test]
fn nothing_is_given_up_without_a_persons_word() {
    let mut observed = observed(vec![shard(1, &[1, 2, 3])]);
    for volume in [None, Some("now")] {
        let plan = plan(&cluster(volume), &observed);
        assert_eq!((step(&plan), plan.lost.len()), (None, 1));
        assert!(!plan.lost[0].is_given_up && plan.lost[0].shards == 1);
    }
    // The claim that it had was deleted.
    assert_eq!(step(&plan(&cluster(Some("before")), &observed)), Some("Leaving"));
    // Or the pod says whose place it takes: of another node it says nothing.
    let replaces = |number| PodState { replaces: Some(number), ..PodState::default() };
    for (number, expected) in [(3, None), (2, Some("Leaving"))] {
        observed.pods.get_mut(&1).unwrap().state = replaces(number);
        assert_eq!(step(&plan(&cluster(None), &observed)), expected);
    }
    observed.database.as_mut().unwrap().confirmed = None;
    assert_eq!(step(&plan(&cluster(None), &observed)), None, "by the word of one node");
}

#[test]
fn its_successor_gets_the_copies_and_the_database_forgets_it() {
    let mut observed = observed(vec![shard(1, &[1, 2, 3])]);
    old(&mut observed).leaving = true;
    // Said once, it stays said: the pod may have been made again.
    let asked = plan(&cluster(None), &observed);
    let moves = Step::MoveCopies { node: 2, pod: "demo-1".into(), successor: 4 };
    assert_eq!(asked.steps, [moves]);
    let database = observed.database.as_mut().unwrap();
    let target = |node_id| ReplicaTarget { node_id, role: 1 };
    database.shards[0].target = [1, 4, 3].map(target).into();
    let waits = plan(&cluster(None), &observed);
    assert_eq!(step(&waits), None);
    assert!(waits.lost[0].waits_for.contains("on its way"), "{}", waits.lost[0].waits_for);
    observed.database.as_mut().unwrap().shards = vec![shard(1, &[1, 4, 3])];
    // It votes in the meta group, and is silent.
    old(&mut observed).meta_voter = true;
    assert_eq!(step(&plan(&cluster(None), &observed)), Some("RemovingNode"));
    observed.database.as_mut().unwrap().nodes.remove(1);
    assert!(plan(&cluster(None), &observed).lost.is_empty());
}

#[test]
fn shards_without_a_majority_are_named_and_stay() {
    let mut observed = observed(vec![shard(0, &[2]), shard(1, &[1, 2, 3])]);
    observed.database.as_mut().unwrap().shards[0].ordinal = 7;
    old(&mut observed).leaving = true;
    let asked = plan(&cluster(None), &observed);
    assert_eq!(asked.lost[0].stuck, ["shard 7 of docs"]);
    assert_eq!(step(&asked), Some("MovingCopies"), "the others are made again");
    observed.database.as_mut().unwrap().shards = vec![shard(0, &[2]), shard(1, &[1, 4, 3])];
    assert_eq!(step(&plan(&cluster(None), &observed)), None, "it is not asked again and again");
}

#[test]
fn a_node_that_is_heard_of_is_not_given_up() {
    let mut observed = observed(vec![shard(1, &[1, 2, 3])]);
    (old(&mut observed).leaving, old(&mut observed).alive) = (true, true);
    assert_eq!(step(&plan(&cluster(None), &observed)), None);
}
