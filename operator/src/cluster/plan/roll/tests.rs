//! A roll-out from its first to its last step, on a cluster that does what the steps say. The plan
//! has no memory, so an operator that is killed between two steps goes on like one that is not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod planned;

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;
use vane_crds::VectorCluster;
use vane_proto::LEVEL_OF_ROLLS;
use vane_proto::admin::{Cluster, Group, Node, Safety};

use super::*;
use crate::cluster::validate::validate;
use crate::database::{Database, Disk, PodState};

/// Version of which no node starts.
const BROKEN: &str = "broken";

fn spec(nodes: i32, version: &str) -> ValidatedCluster {
    let object: VectorCluster = serde_json::from_value(json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
        "metadata": {"name": "demo", "namespace": "data", "uid": Uuid::nil()},
        "spec": {"nodes": nodes, "version": version, "storage": {"size": "10Gi"}},
    }))
    .unwrap();
    validate(&object).unwrap()
}

/// A cluster that carries steps out at once.
struct Sim {
    cluster: ValidatedCluster,
    observed: Observed,
    founding: Founding,
    /// UUIDs given.
    pods: u32,
    /// What was done.
    log: Vec<String>,
}

impl Sim {
    /// One whose pods are all ready with the spec's recipe, as noted; the meta leader is demo-0.
    fn settled(nodes: i32) -> Self {
        let cluster = spec(nodes, "1");
        let recipe = recipe::of_spec(&cluster);
        let node = |ordinal: i32| Node {
            id: u64::from(ordinal.unsigned_abs()) + 1,
            name: names::pod("demo", ordinal),
            // demo-1 has the most.
            leaders: u32::from(ordinal == 1) * 5,
            ..Node::default()
        };
        let nodes_known: Vec<Node> = (0..nodes).map(node).collect();
        let verdict =
            |node: &Node| Safety { without: vec![node.id], ok: true, ..Safety::default() };
        let meta = Some(Group { leader_node: 1, ..Group::default() });
        let database = Database {
            cluster: Cluster { meta, ..Cluster::default() },
            safety: nodes_known.iter().map(verdict).collect(),
            nodes: nodes_known,
            confirmed: Some(1),
            ..Database::default()
        };
        let set = Set {
            replicas: nodes,
            recipe: Some(recipe.clone()),
            owned: true,
            good: Some(recipe.clone()),
            ..Set::default()
        };
        let observed = Observed {
            set: Some(set),
            kept: [recipe.clone()].into(),
            settings: [recipe].into(),
            founded: true,
            database: Some(database),
            ..Observed::default()
        };
        let founding = Founding::Done(Some("a".into()));
        let mut sim = Self { cluster, observed, founding, pods: 0, log: Vec::new() };
        (0..nodes).for_each(|ordinal| sim.start(ordinal));
        sim
    }

    fn set(&mut self) -> &mut Set {
        self.observed.set.as_mut().unwrap()
    }

    fn pod(&mut self, ordinal: i32) -> &mut Pod {
        self.observed.pods.get_mut(&ordinal).unwrap()
    }

    fn asks_for(&mut self, version: &str) -> String {
        let spec = spec(self.cluster.spec.nodes, version).spec;
        self.cluster.spec = spec;
        recipe::of_spec(&self.cluster)
    }

    /// A new pod in place of the one before: it runs well unless its recipe is the broken one.
    fn start(&mut self, ordinal: i32) {
        self.pods += 1;
        let recipe = self.set().recipe.clone();
        let broken = recipe::of_spec(&spec(self.cluster.spec.nodes, BROKEN));
        let well = recipe.as_deref() != Some(&*broken);
        let state = PodState {
            uid: self.pods.to_string(),
            recipe,
            running: well,
            restarts: if well { 0 } else { 3 },
            exit_code: (!well).then_some(1),
            for_long: Duration::from_secs(60),
            ..PodState::default()
        };
        let disk = Disk::Member { cluster_id: "a".into(), node_id: 1 };
        let name = names::pod("demo", ordinal);
        let zone = self.observed.pods.get(&ordinal).and_then(|before| before.zone.clone());
        self.observed.pods.insert(ordinal, Pod { name, ready: well, zone, disk, state });
        // Its announcement says that it was started.
        if self.observed.database.is_some() {
            self.node(ordinal).follows_only = false;
        }
    }

    fn node(&mut self, ordinal: i32) -> &mut Node {
        let database = self.observed.database.as_mut().unwrap();
        &mut database.nodes[usize::try_from(ordinal).unwrap()]
    }

    /// One whose nodes hand over what they lead before they go.
    fn handing_over(nodes: i32) -> Self {
        let mut sim = Self::settled(nodes);
        sim.observed.database.as_mut().unwrap().cluster.feature_level = LEVEL_OF_ROLLS;
        sim
    }

    /// Makes the plan until the next step is of a kind.
    fn until(&mut self, reason: &str) {
        while self.plan().step.as_ref().map(Step::reason) != Some(reason) {
            assert!(self.step(), "{reason} never comes: {:?}", self.log);
        }
    }

    fn plan(&self) -> Roll {
        roll(&self.cluster, &self.observed, &self.founding, true).unwrap()
    }

    /// Carries one step out; whether there was one.
    fn step(&mut self) -> bool {
        let Some(step) = self.plan().step else { return false };
        self.log.push(step.to_string());
        match step {
            Step::KeepRecipe(name) => drop(self.observed.kept.insert(name)),
            Step::MakeSettings(name) => drop(self.observed.settings.insert(name)),
            Step::ChangeTemplate(name) => {
                assert!(
                    self.observed.kept.contains(&name) && self.observed.settings.contains(&name)
                );
                self.set().recipe = Some(name);
            }
            Step::GiveUp { failed, good } => {
                (self.set().failed, self.set().recipe) = (Some(failed), Some(good));
            }
            Step::NoteGood(name) => self.set().good = Some(name),
            Step::ForgetFailure => self.set().failed = None,
            Step::DropRecipe(name) => {
                let pods = self.observed.pods.values();
                assert!(pods.clone().all(|pod| pod.state.recipe.as_ref() != Some(&name)));
                self.observed.kept.remove(&name);
                self.observed.settings.remove(&name);
            }
            Step::DeletePod { pod, uid } | Step::EvictPod { pod, uid } => {
                let ordinal = names::pod_ordinal("demo", &pod).unwrap();
                assert_eq!(self.pod(ordinal).state.uid, uid);
                self.start(ordinal);
            }
            Step::HandOver { node, .. } => {
                let database = self.observed.database.as_mut().unwrap();
                let mut nodes = database.nodes.iter_mut();
                let node = nodes.find(|known| known.id == node).unwrap();
                (node.follows_only, node.leaders) = (true, 0);
            }
            Step::LetLead { node, .. } => {
                let database = self.observed.database.as_mut().unwrap();
                let mut nodes = database.nodes.iter_mut();
                nodes.find(|known| known.id == node).unwrap().follows_only = false;
            }
            step => panic!("{step}"),
        }
        true
    }

    /// Until nothing is left to do; which pods were replaced, in order.
    fn run(&mut self) -> Vec<String> {
        self.log.clear();
        for _ in 0..60 {
            if !self.step() {
                let pods = self.log.iter().filter_map(|step| step.split_once(" pod "));
                return pods.map(|(_, pod)| pod.to_owned()).collect();
            }
        }
        panic!("it does not come to rest: {:?}", self.log)
    }

    fn recipes(&self) -> Vec<&str> {
        let pods = self.observed.pods.values();
        pods.map(|pod| pod.state.recipe.as_deref().unwrap_or("none")).collect()
    }
}

#[test]
fn pods_get_the_new_recipe_one_by_one_and_the_meta_leader_last() {
    let mut sim = Sim::settled(3);
    assert_eq!(sim.run(), [""; 0], "nothing to do");
    assert_eq!(sim.plan().stand, Stand::Done);
    let new = sim.asks_for("2");
    assert_eq!(sim.run(), ["demo-2", "demo-1", "demo-0"]);
    assert_eq!(sim.recipes(), [&new; 3]);
    assert_eq!(sim.set().good, Some(new.clone()));
    assert_eq!((sim.observed.kept.len(), sim.observed.settings.len()), (1, 1), "old ones are gone");
    assert_eq!(sim.plan().stand, Stand::Done);
}

#[test]
fn a_cluster_of_one_node_is_replaced_too() {
    let mut sim = Sim::settled(1);
    sim.asks_for("2");
    assert_eq!(sim.run(), ["demo-0"]);
    // Not ready, and no database to ask: nobody but itself is concerned.
    sim.asks_for("3");
    (sim.pod(0).ready, sim.observed.database) = (false, None);
    assert_eq!(sim.run(), ["demo-0"]);
}

#[test]
fn a_recipe_that_fails_costs_one_pod_and_is_not_tried_again() {
    let mut sim = Sim::settled(3);
    let good = recipe::of_spec(&sim.cluster);
    let broken = sim.asks_for(BROKEN);
    assert_eq!(sim.run(), ["demo-2", "demo-2"], "there and back");
    assert_eq!(sim.recipes(), [&good; 3]);
    let failed = sim.set().failed.clone().unwrap();
    assert_eq!((failed.recipe, failed.reason.as_str()), (broken.clone(), "Crashing"));
    let roll = sim.plan();
    assert_eq!((roll.target, roll.wanted, roll.stand), (good.clone(), broken, Stand::Done));
    assert!(sim.observed.kept.contains(&good));
    // A fixed spec is tried.
    let fixed = sim.asks_for("2");
    assert_eq!(sim.run(), ["demo-2", "demo-1", "demo-0"]);
    assert_eq!(sim.recipes(), [&fixed; 3]);
    assert_eq!(sim.set().failed, None);
}

#[test]
fn a_broken_recipe_is_tried_again_once_the_spec_was_another() {
    let mut sim = Sim::settled(3);
    sim.asks_for(BROKEN);
    sim.run();
    sim.asks_for("1");
    assert_eq!(sim.run(), [""; 0], "the pods have it");
    assert_eq!(sim.set().failed, None);
    sim.asks_for(BROKEN);
    assert_eq!(sim.run(), ["demo-2", "demo-2"]);
}

#[test]
fn a_spec_that_changes_on_the_way_is_followed_from_any_step() {
    for version in ["1", "3"] {
        for steps in 0..12 {
            let mut sim = Sim::settled(3);
            sim.asks_for("2");
            (0..steps).for_each(|_| _ = sim.step());
            let last = sim.asks_for(version);
            sim.run();
            assert_eq!(sim.recipes(), [&last; 3], "{version} after {steps} steps");
            assert_eq!(sim.plan().stand, Stand::Done);
        }
    }
}

#[test]
fn a_first_recipe_that_fails_waits_for_a_better_spec() {
    let mut sim = Sim::settled(3);
    let broken = sim.asks_for(BROKEN);
    (sim.set().good, sim.set().recipe) = (None, Some(broken.clone()));
    sim.founding = Founding::Waiting("disks".into());
    (0..3).for_each(|ordinal| sim.start(ordinal));
    assert_eq!(sim.run(), [""; 0]);
    assert!(matches!(sim.plan().stand, Stand::Failing(failed) if failed.recipe == broken));
    let fixed = sim.asks_for("2");
    assert_eq!(sim.run().len(), 3);
    assert_eq!(sim.recipes(), [&fixed; 3]);
}

/// The next step once templates are changed, after something else was changed too.
fn next(change: impl FnOnce(&mut Sim)) -> (Stand, Option<Step>) {
    let mut sim = Sim::settled(3);
    sim.asks_for("2");
    while !matches!(sim.plan().step, Some(Step::EvictPod { .. })) {
        assert!(sim.step());
    }
    change(&mut sim);
    let roll = sim.plan();
    (roll.stand, roll.step)
}

#[test]
fn no_pod_goes_that_the_database_cannot_do_without() {
    let (stand, step) = next(|sim| {
        let database = sim.observed.database.as_mut().unwrap();
        database.safety[2] =
            Safety { without: vec![3], why: vec!["shard 0: behind".into()], ..Safety::default() };
    });
    assert_eq!((stand, step), (Stand::Unsafe("without demo-2, shard 0: behind".into()), None));
    for change in [
        (|sim| sim.observed.database = None) as fn(&mut Sim),
        |sim| sim.observed.database.as_mut().unwrap().confirmed = None,
        |sim| sim.observed.database.as_mut().unwrap().safety.clear(),
    ] {
        let (stand, step) = next(change);
        assert!(matches!(stand, Stand::Unsafe(_)), "{stand:?}");
        assert_eq!(step, None);
    }
    let mut sim = Sim::settled(3);
    sim.asks_for("2");
    (0..3).for_each(|_| _ = sim.step());
    let roll = roll(&sim.cluster, &sim.observed, &sim.founding, false).unwrap();
    assert!(matches!(roll.stand, Stand::Unsafe(_)), "the budget lets none go");
}

#[test]
fn one_pod_is_away_at_a_time() {
    let waits = |change: fn(&mut Sim)| match next(change) {
        (Stand::Rolling(what), None) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        waits(|sim| {
            sim.step();
            sim.pod(2).ready = false;
        }),
        "demo-2 is not ready yet"
    );
    assert_eq!(waits(|sim| drop(sim.observed.pods.remove(&1))), "demo-1 is made");
    assert_eq!(waits(|sim| sim.pod(1).state.going = true), "demo-1 ends");
    assert_eq!(
        waits(|sim| {
            sim.step();
            sim.pod(2).state.for_long = Duration::from_secs(3);
        }),
        "demo-2 was not ready for 10 s yet"
    );
}

#[test]
fn what_does_not_run_goes_first() {
    let (_, step) = next(|sim| {
        (sim.pod(0).ready, sim.pod(0).state.running) = (false, false);
    });
    assert!(matches!(step, Some(Step::DeletePod { pod, .. }) if pod == "demo-0"));
    // It runs, and is not ready: the others are, and the database can do without it.
    let (_, step) = next(|sim| sim.pod(1).ready = false);
    assert!(matches!(step, Some(Step::DeletePod { pod, .. }) if pod == "demo-1"));
}

#[test]
fn who_deletes_pods_by_hand_is_told_which() {
    let mut sim = Sim::settled(3);
    let new = sim.asks_for("2");
    sim.cluster.spec.update.strategy = UpdateStrategy::OnDelete;
    assert_eq!(sim.run(), [""; 0]);
    assert_eq!(sim.set().recipe, Some(new), "pods that are made have it");
    sim.start(1);
    let left = Stand::ByHand(vec!["demo-0".into(), "demo-2".into()]);
    assert_eq!((sim.plan().stand, sim.plan().updated), (left, 1));
}

#[test]
fn pods_from_before_recipes_stay_until_the_spec_changes() {
    let mut sim = Sim::settled(3);
    let before = "0123456789abcdef";
    let set = Set {
        recipe: Some(before.into()),
        before_recipes: Some(before.into()),
        good: None,
        ..sim.set().clone()
    };
    sim.observed.set = Some(set);
    (sim.observed.kept, sim.observed.settings) = ([].into(), [before.to_owned()].into());
    (0..3).for_each(|ordinal| sim.pod(ordinal).state.recipe = None);
    // Its own recipe is kept, whatever comes.
    let new = sim.asks_for("2");
    assert_eq!(sim.plan().step, Some(Step::KeepRecipe(before.into())));
    let broken = sim.asks_for(BROKEN);
    assert_eq!(sim.run(), ["demo-2", "demo-2"]);
    assert_eq!(sim.set().good.as_deref(), Some(before), "that is the way back");
    assert_eq!(sim.set().failed.clone().unwrap().recipe, broken);
    sim.asks_for("2");
    sim.run();
    assert_eq!(sim.recipes(), [&new; 3]);
}

#[test]
fn nothing_is_rolled_where_nothing_is_made_from_recipes() {
    let mut sim = Sim::settled(1);
    sim.set().recipe = None;
    assert_eq!(roll(&sim.cluster, &sim.observed, &sim.founding, true), None);
    let nothing = Observed::default();
    assert_eq!(roll(&sim.cluster, &nothing, &sim.founding, true), None);
}
