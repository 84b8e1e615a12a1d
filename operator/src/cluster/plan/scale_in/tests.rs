//! A cluster that becomes smaller, from its first to its last step, on one that does what the steps
//! say. The plan has no memory, so an operator that is killed between two steps goes on like one
//! that is not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use uuid::Uuid;
use vane_crds::VectorCluster;
use vane_proto::admin::{Group, Node, Replica, ReplicaTarget, Safety, Shard};

use crate::cluster::observed::{Claim, Observed, Pod, Set};
use crate::cluster::plan::{Plan, Step, plan};
use crate::cluster::recipe;
use crate::cluster::validate::{ValidatedCluster, validate};
use crate::database::{Database, Disk, PodState};
use crate::names;

fn cluster(nodes: i32) -> ValidatedCluster {
    let object: VectorCluster = serde_json::from_value(json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
        "metadata": {"name": "demo", "namespace": "data", "uid": Uuid::nil()},
        "spec": {"nodes": nodes, "version": "1", "storage": {"size": "10Gi"}},
    }))
    .unwrap();
    validate(&object).unwrap()
}

fn replica(node_id: u64) -> Replica {
    Replica { node_id, ..Replica::default() }
}

/// A shard with copies on these nodes.
fn shard(id: u64, nodes: &[u64]) -> Shard {
    let replicas = nodes.iter().copied().map(replica).collect();
    let group = Group { id, leader_node: nodes[0], replicas, ..Group::default() };
    Shard { collection: "docs".into(), vector_bytes: 100, group: Some(group), ..Shard::default() }
}

/// A cluster that carries steps out at once. Nodes 1, 2 … run as demo-0, demo-1 ….
struct Sim {
    cluster: ValidatedCluster,
    observed: Observed,
    log: Vec<&'static str>,
}

impl Sim {
    fn new(nodes: i32, shards: Vec<Shard>) -> Self {
        let node = |ordinal: i32| Node {
            id: u64::from(ordinal.unsigned_abs()) + 1,
            name: names::pod("demo", ordinal),
            alive: true,
            disk_free_bytes: 1000,
            disk_id: format!("disk-{ordinal}"),
            ..Node::default()
        };
        let safety = vec![Safety { ok: true, ..Safety::default() }];
        let database = Database {
            nodes: (0..nodes).map(node).collect(),
            shards,
            confirmed: Some(1),
            safety,
            ..Database::default()
        };
        let recipe = recipe::of_spec(&cluster(nodes));
        let pod = |ordinal: i32| {
            let disk = Disk::Member { cluster_id: "a".into(), node_id: 1 };
            let state = PodState { recipe: Some(recipe.clone()), ..PodState::default() };
            let name = names::pod("demo", ordinal);
            (ordinal, Pod { name, ready: true, zone: None, disk, state })
        };
        let claim = |ordinal| (ordinal, Claim::default());
        let observed = Observed {
            set: Some(Set {
                replicas: nodes,
                owned: true,
                recipe: Some(recipe.clone()),
                good: Some(recipe.clone()),
                ..Set::default()
            }),
            kept: [recipe.clone()].into(),
            settings: [recipe.clone()].into(),
            pods: (0..nodes).map(pod).collect(),
            claims: (0..nodes).map(claim).collect(),
            founded: true,
            database: Some(database),
            ..Observed::default()
        };
        Self { cluster: cluster(nodes), observed, log: Vec::new() }
    }

    fn database(&mut self) -> &mut Database {
        self.observed.database.as_mut().unwrap()
    }

    fn node(&mut self, id: u64) -> &mut Node {
        self.database().nodes.iter_mut().find(|node| node.id == id).unwrap()
    }

    fn set(&mut self) -> &mut Set {
        self.observed.set.as_mut().unwrap()
    }

    fn plan(&self) -> Plan {
        plan(&self.cluster, &self.observed)
    }

    /// Why the spec is refused.
    fn refused(&self) -> Vec<&'static str> {
        self.plan().refusals.iter().map(|refusal| refusal.reason).collect()
    }

    /// Carries out what is planned; whether anything was.
    fn step(&mut self) -> bool {
        let steps = self.plan().steps;
        for step in &steps {
            self.log.push(step.reason());
            self.carry_out(step);
        }
        !steps.is_empty()
    }

    fn run(&mut self) -> Vec<&'static str> {
        for _ in 0..100 {
            if !self.step() {
                return std::mem::take(&mut self.log);
            }
        }
        panic!("it does not end: {:?}", self.log);
    }

    fn carry_out(&mut self, step: &Step) {
        let ordinal = |claim: &str| names::claim_ordinal("demo", claim).unwrap();
        match step {
            Step::NoteLeaving(leaver) => self.set().leaving = Some(leaver.clone()),
            Step::ForgetLeaving => self.set().leaving = None,
            Step::Leave { node, .. } => self.node(*node).leaving = true,
            Step::Stay { node, .. } => self.node(*node).leaving = false,
            Step::MoveCopies { node, .. } => self.ask_to_move(*node),
            Step::RetireVolume { claim, node } => {
                let claim = self.observed.claims.get_mut(&ordinal(claim)).unwrap();
                claim.retired = Some(node.to_string());
            }
            Step::KeepVolume { claim } => {
                self.observed.claims.get_mut(&ordinal(claim)).unwrap().retired = None;
            }
            Step::RemoveNode { node, disk, .. } => {
                let gone = self.node(*node).clone();
                assert_eq!(gone.disk_id, *disk);
                assert!(gone.leaving && !(gone.alive && gone.meta_voter), "{gone:?}");
                let has = |shard: &Shard| {
                    shard.group.as_ref().unwrap().replicas.contains(&replica(*node))
                };
                assert!(!self.database().shards.iter().any(has), "it has copies");
                self.database().nodes.retain(|there| there.id != *node);
            }
            Step::ScaleIn(replicas) => {
                assert_eq!(self.set().replicas, replicas + 1);
                let pod = names::pod("demo", *replicas);
                assert!(self.database().nodes.iter().all(|node| node.name != pod));
                self.set().replicas = *replicas;
                self.set().leaving = None;
                self.observed.pods.remove(replicas);
            }
            Step::ScaleOut(replicas) => {
                // A pod on a disk that was a member's would be refused for ever.
                let new = self.set().replicas..*replicas;
                let claims = &self.observed.claims;
                assert!(new.clone().all(|it| claims.get(&it).is_none_or(|c| c.retired.is_none())));
                self.set().replicas = *replicas;
            }
            other => panic!("{other}"),
        }
    }

    /// Gives each shard of a node a target with the first other node that has none of it.
    fn ask_to_move(&mut self, node: u64) {
        let nodes: Vec<u64> =
            self.database().nodes.iter().filter(|it| !it.leaving).map(|it| it.id).collect();
        for shard in &mut self.database().shards {
            let has = shard.group.as_ref().unwrap().replicas.iter().map(|it| it.node_id);
            let mut has: Vec<u64> = has.collect();
            if let Some(place) = has.iter().position(|it| *it == node) {
                has[place] = *nodes.iter().find(|it| !has.contains(it)).unwrap();
                let target = |node_id: &u64| ReplicaTarget { node_id: *node_id, role: 1 };
                shard.target = has.iter().map(target).collect();
            }
        }
    }

    /// The moves that were asked for are made.
    fn move_all(&mut self) {
        for shard in &mut self.database().shards {
            let target = std::mem::take(&mut shard.target);
            if !target.is_empty() {
                let there = target.iter().map(|it| replica(it.node_id)).collect();
                shard.group.as_mut().unwrap().replicas = there;
            }
        }
    }
}

#[test]
fn the_last_node_is_emptied_forgotten_and_then_its_pod_goes() {
    let mut sim = Sim::new(4, vec![shard(1, &[1, 2, 4]), shard(2, &[1, 2, 3])]);
    sim.node(4).meta_voter = true;
    sim.cluster = cluster(3);
    assert_eq!(sim.run(), ["NotingLeaving", "Leaving", "MovingCopies"]);
    let leaving = sim.plan().leaving.unwrap();
    assert_eq!((leaving.pod.as_str(), leaving.node), ("demo-3", Some(4)));
    assert_eq!((leaving.shards, leaving.bytes), (1, 100));
    assert!(leaving.waits_for.contains("1 shard is on its way"), "{}", leaving.waits_for);
    sim.move_all();
    assert_eq!(sim.run(), [""; 0]);
    assert!(sim.plan().leaving.unwrap().waits_for.contains("vote"));
    sim.node(4).meta_voter = false;
    assert_eq!(sim.run(), ["RetiringVolume", "RemovingNode", "ScalingIn"]);
    assert_eq!(sim.plan().leaving, None);
    assert_eq!(sim.observed.claims[&3].retired.as_deref(), Some("4"));
}

#[test]
fn nodes_go_one_at_a_time() {
    let mut sim = Sim::new(5, vec![shard(1, &[1, 5])]);
    sim.cluster = cluster(3);
    sim.run();
    sim.move_all();
    let rest = ["RetiringVolume", "RemovingNode", "ScalingIn"];
    let next = ["NotingLeaving", "Leaving", "RetiringVolume", "RemovingNode", "ScalingIn"];
    assert_eq!(sim.run(), [&rest[..], &next[..]].concat());
    assert_eq!(sim.set().replicas, 3);
}

#[test]
fn more_nodes_call_it_off_until_the_node_is_forgotten() {
    let mut sim = Sim::new(4, vec![shard(1, &[1, 2, 4])]);
    sim.cluster = cluster(3);
    sim.run();
    sim.cluster = cluster(4);
    assert_eq!(sim.run(), ["Staying", "ForgettingLeaving"]);
    assert!(!sim.node(4).leaving);
    // Also when its volume was noted already.
    sim.cluster = cluster(3);
    sim.run();
    sim.move_all();
    assert!(sim.step());
    assert_eq!(sim.log, ["RetiringVolume"]);
    sim.log.clear();
    sim.cluster = cluster(5);
    assert_eq!(sim.run(), ["KeepingVolume", "Staying", "ForgettingLeaving", "ScalingOut"]);
}

#[test]
fn what_the_database_has_forgotten_is_ended_and_a_new_pod_waits_for_an_empty_volume() {
    let mut sim = Sim::new(4, Vec::new());
    sim.cluster = cluster(3);
    while sim.log.last() != Some(&"RemovingNode") {
        assert!(sim.step());
    }
    sim.log.clear();
    sim.cluster = cluster(5);
    assert_eq!(sim.run(), ["ScalingIn"]);
    assert_eq!(sim.refused(), ["RetiredVolume"]);
    // Its owner deleted it.
    sim.observed.claims.remove(&3);
    assert_eq!(sim.run(), ["ScalingOut"]);
    assert!(sim.refused().is_empty());
}

#[test]
fn a_node_that_people_said_is_to_go_is_theirs() {
    let mut sim = Sim::new(3, Vec::new());
    sim.node(3).leaving = true;
    assert_eq!(sim.run(), [""; 0]);
    assert!(sim.node(3).leaving && sim.plan().leaving.is_none());
}

#[test]
fn a_node_that_is_dead_does_not_hold_it_up() {
    let mut sim = Sim::new(4, vec![shard(1, &[1, 2, 4])]);
    sim.cluster = cluster(3);
    sim.node(4).meta_voter = true;
    sim.node(4).alive = false;
    sim.observed.pods.get_mut(&3).unwrap().ready = false;
    assert_eq!(sim.run(), ["NotingLeaving", "Leaving", "MovingCopies"]);
    sim.move_all();
    // The votes of the dead are taken out of the meta group afterwards.
    assert_eq!(sim.run(), ["RetiringVolume", "RemovingNode", "ScalingIn"]);
}

#[test]
fn while_another_node_is_away_none_begins_to_leave() {
    let mut sim = Sim::new(4, vec![shard(1, &[1, 2, 4])]);
    sim.cluster = cluster(3);
    sim.observed.pods.get_mut(&1).unwrap().ready = false;
    assert_eq!(sim.run(), [""; 0]);
    assert!(sim.plan().leaving.unwrap().waits_for.contains("demo-1 is not ready"));
    sim.observed.database.as_mut().unwrap().confirmed = None;
    assert_eq!(sim.plan().leaving, None, "by the word of one node");
}

#[test]
fn pods_are_replaced_before_a_node_begins_to_leave() {
    let mut sim = Sim::new(4, vec![shard(1, &[1, 2, 4])]);
    sim.cluster = cluster(3);
    sim.observed.pods.get_mut(&0).unwrap().state.recipe = Some("before".into());
    sim.observed.settings.insert("before".into());
    sim.observed.kept.insert("before".into());
    let waits = sim.plan();
    assert_eq!(waits.steps, [], "it is not known whether the database can do without demo-0");
    assert!(waits.leaving.unwrap().waits_for.contains("replaced first"));
}

#[test]
fn a_pod_that_lost_its_disk_goes_with_both_of_its_nodes() {
    let mut sim = Sim::new(3, vec![shard(1, &[1, 3])]);
    sim.node(3).alive = false;
    let again = Node { id: 9, alive: true, disk_id: "again".into(), ..sim.node(3).clone() };
    sim.database().nodes.push(again);
    sim.cluster = cluster(2);
    sim.run();
    sim.move_all();
    sim.run();
    assert_eq!((sim.set().replicas, sim.database().nodes.len()), (2, 2));
}

#[test]
fn a_member_whose_pod_is_gone_is_forgotten_too() {
    let mut sim = Sim::new(4, vec![shard(1, &[1, 4])]);
    // The set was made anew with fewer pods.
    sim.cluster = cluster(3);
    sim.set().replicas = 3;
    sim.node(4).alive = false;
    sim.run();
    sim.move_all();
    assert_eq!(sim.run(), ["RetiringVolume", "RemovingNode"]);
    assert_eq!(sim.set().replicas, 3);
}

#[test]
fn what_fewer_nodes_could_not_hold_is_refused_and_nothing_is_touched() {
    let mut sim = Sim::new(3, vec![shard(1, &[1, 2, 3])]);
    sim.cluster = cluster(2);
    assert_eq!((sim.refused(), sim.run()), (vec!["TooFewForCopies"], vec![]));
    sim.database().shards = vec![shard(1, &[1])];
    sim.database().most_copies = Some(3);
    assert_eq!(sim.refused(), ["TooFewForCopies"], "of a collection without shards");
    sim.database().most_copies = Some(1);
    sim.observed.pins = [("demo-2".to_owned(), "demo-1f-0".to_owned())].into();
    assert_eq!((sim.refused(), sim.run()), (vec!["TooFewForPins"], vec![]));
    sim.observed.pins = [("demo-1".to_owned(), "demo-1f-0".to_owned())].into();
    assert!(sim.refused().is_empty());
    sim.database().shards = vec![Shard { vector_bytes: 1700, ..shard(1, &[3]) }];
    assert_eq!((sim.refused(), sim.run()), (vec!["NotEnoughRoom"], vec![]));
    sim.database().shards[0].vector_bytes = 1600;
    assert!(sim.refused().is_empty() && !sim.run().is_empty());
}
