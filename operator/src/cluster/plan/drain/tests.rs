//! Three nodes on a machine each: nodes 1, 2, 3 run as demo-0, demo-1, demo-2.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use uuid::Uuid;
use vane_crds::VectorCluster;
use vane_proto::LEVEL_OF_ROLLS;
use vane_proto::admin::{Cluster, Group, Node, Replica, Role, Shard};

use super::*;
use crate::cluster::observed::Set;
use crate::cluster::validate::validate;
use crate::database::{Database, Disk, Machine, PodState};
use crate::names;

fn cluster() -> ValidatedCluster {
    let object: VectorCluster = serde_json::from_value(json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
        "metadata": {"name": "demo", "namespace": "data", "uid": Uuid::nil()},
        "spec": {"nodes": 3, "version": "1", "storage": {"size": "10Gi"}},
    }))
    .unwrap();
    validate(&object).unwrap()
}

fn shard(collection: &str, nodes: &[u64]) -> Shard {
    let voter = |node_id: &u64| Replica {
        node_id: *node_id,
        role: Role::Voter.into(),
        active: true,
        ..Replica::default()
    };
    let replicas = nodes.iter().map(voter).collect();
    let group = Some(Group { leader_node: nodes[0], replicas, ..Group::default() });
    Shard { collection: collection.into(), group, ..Shard::default() }
}

/// A cluster that carries steps out, and keeps what is said in status.
struct Sim {
    cluster: ValidatedCluster,
    observed: Observed,
}

impl Sim {
    fn new(nodes: i32) -> Self {
        let node = |ordinal: i32| Node {
            id: u64::from(ordinal.unsigned_abs()) + 1,
            name: names::pod("demo", ordinal),
            alive: true,
            ..Node::default()
        };
        let database = Database {
            cluster: Cluster { feature_level: LEVEL_OF_ROLLS, ..Cluster::default() },
            nodes: (0..nodes).map(node).collect(),
            shards: vec![shard("docs", &[1, 2, 3])],
            confirmed: Some(1),
            ..Database::default()
        };
        let pod = |ordinal: i32| {
            let disk = Disk::Member { cluster_id: "a".into(), node_id: 1 };
            let (name, state) = (names::pod("demo", ordinal), PodState::default());
            (ordinal, Pod { name, ready: true, zone: None, disk, state })
        };
        let set = Set { replicas: nodes, owned: true, ..Set::default() };
        let observed = Observed {
            set: Some(set),
            pods: (0..nodes).map(pod).collect(),
            founded: true,
            database: Some(database),
            ..Observed::default()
        };
        let mut sim = Self { cluster: cluster(), observed };
        (0..nodes).for_each(|ordinal| sim.machine(ordinal, Outlook::Stays));
        sim
    }

    fn machine(&mut self, ordinal: i32, outlook: Outlook) {
        let machine = Machine { name: format!("m{ordinal}"), zone: None, outlook };
        self.observed.pods.get_mut(&ordinal).unwrap().state.machine = Some(machine);
    }

    fn drain(&mut self, ordinal: i32) {
        self.machine(ordinal, Outlook::Drained("is cordoned".into()));
    }

    fn database(&mut self) -> &mut Database {
        self.observed.database.as_mut().unwrap()
    }

    fn plan(&self) -> Vec<Drain> {
        let founding = Founding::Done(Some("a".into()));
        drains(&self.cluster, &self.observed, &founding, None)
    }

    /// A pass: its steps are carried out, and status is written. What was told.
    fn pass(&mut self) -> Vec<String> {
        let drains = self.plan();
        for drain in &drains {
            let (node, follows) = match drain.step {
                Some(Step::HandOver { node, .. }) => (node, true),
                Some(Step::LetLead { node, .. }) => (node, false),
                _ => continue,
            };
            let mut nodes = self.database().nodes.iter_mut();
            nodes.find(|known| known.id == node).unwrap().follows_only = follows;
        }
        self.cluster.status.draining = drains.iter().map(|drain| drain.status.clone()).collect();
        drains.into_iter().filter_map(|drain| drain.interrupts).collect()
    }

    fn following(&self) -> Vec<u64> {
        let nodes = self.observed.database.iter().flat_map(|database| &database.nodes);
        nodes.filter(|node| node.follows_only).map(|node| node.id).collect()
    }
}

#[test]
fn a_node_leads_nothing_while_its_machine_is_drained() {
    let mut sim = Sim::new(3);
    assert!(sim.plan().is_empty());
    sim.drain(1);
    let step = Step::HandOver { node: 2, pod: "demo-1".into(), seconds: 3600 };
    assert_eq!(sim.plan()[0].step, Some(step));
    sim.pass();
    assert_eq!(sim.following(), [2]);
    sim.pass();
    assert_eq!(sim.plan()[0].step, None);
    // Nothing is known of the machine for a while: it stays as it is.
    sim.machine(1, Outlook::Hidden);
    sim.pass();
    assert_eq!(sim.following(), [2]);
    sim.machine(1, Outlook::Stays);
    assert!(matches!(sim.plan()[0].step, Some(Step::LetLead { node: 2, .. })));
    sim.pass();
    assert_eq!(sim.following(), [0; 0]);
    sim.pass();
    assert!(sim.cluster.status.draining.is_empty());
}

#[test]
fn what_a_person_keeps_from_leading_is_left_alone() {
    let mut sim = Sim::new(3);
    sim.database().nodes[1].follows_only = true;
    sim.drain(1);
    sim.pass();
    assert!(!sim.cluster.status.draining[0].hands_over);
    sim.machine(1, Outlook::Stays);
    sim.pass();
    assert_eq!(sim.following(), [2]);
}

#[test]
fn some_node_leads_also_when_all_machines_are_drained() {
    let mut sim = Sim::new(3);
    (0..3).for_each(|ordinal| sim.drain(ordinal));
    sim.pass();
    assert_eq!(sim.following(), [0; 0]);
    // One has moved: the others hand over to it.
    sim.machine(2, Outlook::Stays);
    sim.pass();
    assert_eq!(sim.following(), [1, 2]);
    // One after the other, the last one goes on.
    sim.drain(2);
    sim.pass();
    assert_eq!(sim.following(), [1, 2]);
    let mut sim = Sim::new(3);
    sim.drain(0);
    for ordinal in [1, 2] {
        sim.observed.pods.get_mut(&ordinal).unwrap().ready = false;
    }
    sim.pass();
    assert_eq!(sim.following(), [0; 0], "the others do not serve");
}

#[test]
fn nobody_is_asked_who_does_not_know_how_or_by_the_word_of_one_node() {
    let mut sim = Sim::new(3);
    sim.drain(1);
    sim.database().cluster.feature_level = LEVEL_OF_ROLLS - 1;
    assert_eq!(sim.plan()[0].step, None);
    sim.database().cluster.feature_level = LEVEL_OF_ROLLS;
    sim.database().confirmed = None;
    assert!(sim.plan().is_empty());
}

#[test]
fn what_stands_still_meanwhile_is_told_once() {
    let mut sim = Sim::new(3);
    sim.drain(1);
    assert_eq!(sim.pass(), [""; 0], "two of three go on");
    let mut sim = Sim::new(3);
    sim.database().shards.extend([shard("pairs", &[1, 2]), shard("single", &[1])]);
    sim.drain(1);
    let told = sim.pass();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("shard 0 of pairs stands still"), "{told:?}");
    assert!(told[0].contains("machine m1 is cordoned"), "{told:?}");
    assert_eq!(sim.pass(), [""; 0]);
    let mut alone = Sim::new(1);
    alone.drain(0);
    let told = alone.pass();
    assert!(told[0].contains("the only node"), "{told:?}");
    assert_eq!(alone.following(), [0; 0]);
}
