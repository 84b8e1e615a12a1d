//! Vectors that are added to a spec and removed from it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};
use vane_crds::collection::VectorState::{Adding, Declared, Deleted, Retained, Undeclared};
use vane_crds::collection::{CollectionStatus, CollectionVector, VectorState};
use vane_crds::conditions::{PROGRESSING, READY, VECTORS_AS_DECLARED};
use vane_proto::admin;

use super::super::*;
use crate::collection::observed::Cluster;
use crate::collection::status::{remembers, status};
use crate::collection::validate::validate;

/// An object and its database, a pass after the other.
struct World {
    collection: ValidatedCollection,
    /// The parameters that the database has.
    params: Value,
    /// Of a node that says so.
    revision: Option<u64>,
    key: &'static str,
}

fn a() -> Value {
    json!({"name": "a", "size": 4, "distance": "Dot"})
}

fn b() -> Value {
    json!({"name": "b", "size": 8, "distance": "Dot", "memory": "Cold"})
}

impl World {
    /// One that was made with the vectors `a` and `b`.
    fn new() -> Self {
        let object = json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection",
            "metadata": {"name": "docs", "namespace": "data", "uid": "k"},
            "spec": {
                "clusterRef": {"name": "demo"}, "vectors": [a(), b()], "deletionPolicy": "Delete",
            },
        });
        let collection = validate(&serde_json::from_value(object).unwrap()).unwrap();
        let shown = |size: i32| json!({"size": size, "distance": "Dot"});
        let mut params = json!({"shard_number": 1, "replication_factor": 1});
        params["vectors"] = json!({"a": shown(4), "b": shown(8)});
        params["vectors"]["b"]["memory"] = "cold".into();
        let mut world = Self { collection, params, revision: Some(0), key: "k" };
        assert_eq!(world.pass(), [Step::Finalizer(true)]);
        world.collection.finalizers = vec![FINALIZER.to_owned()];
        world
    }

    fn declare(&mut self, vectors: &[Value], sparse: &[&str]) {
        self.collection.spec.vectors =
            vectors.iter().map(|vector| serde_json::from_value(vector.clone()).unwrap()).collect();
        let sparse = sparse.iter().map(|name| serde_json::from_value(json!({ "name": name })));
        self.collection.spec.sparse_vectors = sparse.map(Result::unwrap).collect();
    }

    fn observed(&self) -> Observed {
        let found = admin::Collection {
            name: "docs".into(),
            config: json!({ "params": self.params }).to_string(),
            idempotency_key: self.key.into(),
            vectors_revision: self.revision,
            ..Default::default()
        };
        let was_there = remembers(&self.collection.status);
        let (cluster, found) = (Cluster::There(3), Some(found));
        Observed { cluster, found, was_there, ..Observed::default() }
    }

    /// What a pass does; the status is written after it.
    fn pass(&mut self) -> Vec<Step> {
        let observed = self.observed();
        let plan = plan(&self.collection, &observed);
        let now = Time(jiff::Timestamp::UNIX_EPOCH);
        self.collection.status = status(&self.collection, &observed, &plan, None, &now);
        plan.steps
    }

    fn says(&self, kind: &str) -> (bool, &str, &str) {
        let CollectionStatus { conditions, .. } = &self.collection.status;
        let found = conditions.iter().find(|condition| condition.type_ == kind).unwrap();
        (found.status == "True", &found.reason, &found.message)
    }

    fn states(&self) -> Vec<(&str, VectorState)> {
        let state = |it: &CollectionVector| it.state;
        self.collection.status.vectors.iter().map(|it| (it.name.as_str(), state(it))).collect()
    }
}

#[test]
fn a_vector_that_is_added_is_told_of_and_comes() {
    let mut world = World::new();
    assert_eq!(world.states(), [("a", Declared), ("b", Declared)]);
    let c = json!({"name": "c", "size": 2, "distance": "Cosine", "multi": true, "datatype":
        "Uint8", "hnsw": {"m": 8}});
    world.declare(&[a(), b(), c], &["words"]);
    assert_eq!(world.pass(), [], "what a crash must not forget is written down first");
    assert_eq!(world.states()[2..], [("c", Adding), ("words", Adding)]);
    let (is_there, reason, message) = world.says(VECTORS_AS_DECLARED);
    assert_eq!((is_there, reason), (false, "Adding"));
    assert!(message.contains(r#"vector "c", "words""#), "{message}");
    assert_eq!(world.says(PROGRESSING).1, "Changing");
    let dense = json!({"dense": {"size": 2, "distance": "Cosine", "datatype": "uint8",
        "multivector_config": {"comparator": "max_sim"}}});
    let steps = [
        Step::AddVector { name: "c".into(), body: dense.clone() },
        Step::AddVector { name: "words".into(), body: json!({"sparse": {}}) },
    ];
    assert_eq!(world.pass(), steps);
    assert_eq!(world.pass(), steps, "until it is seen");
    world.params["vectors"]["c"] = dense["dense"].clone();
    world.params["sparse_vectors"] = json!({"words": {}});
    let tuned = json!({"vectors": {"c": {"hnsw_config": {"m": 8}}}});
    assert_eq!(world.pass(), [Step::Update(tuned)], "what can be changed comes afterwards");
    assert_eq!(world.says(VECTORS_AS_DECLARED).1, "AsDeclared");
    assert_eq!(world.says(READY).1, "Ready");
}

#[test]
fn a_vector_that_is_removed_goes_where_points_would() {
    let mut world = World::new();
    world.declare(&[a()], &[]);
    world.revision = Some(7);
    assert_eq!(world.pass(), [], "it is said before it is done");
    let (_, reason, message) = world.says(VECTORS_AS_DECLARED);
    assert!(reason == "Removing" && message.contains(r#"vector "b""#), "{message}");
    let step = Step::RemoveVector { name: "b".into(), if_revision: 7 };
    assert_eq!(world.pass(), [step]);
    world.params["vectors"].as_object_mut().unwrap().remove("b");
    assert_eq!(world.pass(), []);
    assert_eq!(world.states(), [("a", Declared)]);
    assert_eq!(world.says(PROGRESSING).1, "Settled");
}

#[test]
fn several_go_each_at_the_revision_that_the_former_leaves() {
    let mut world = World::new();
    world.declare(&[json!({"name": "c", "size": 1, "distance": "Dot"})], &[]);
    world.pass();
    let removed = |name: &str, if_revision| Step::RemoveVector { name: name.into(), if_revision };
    let steps = world.pass();
    assert_eq!(steps[..2], [removed("a", 0), removed("b", 1)]);
    assert!(matches!(&steps[2..], [Step::AddVector { name, .. }] if name == "c"), "{steps:?}");
}

#[test]
fn a_vector_stays_where_points_would_and_its_name_is_taken() {
    let mut world = World::new();
    world.collection.spec.deletion_policy = Retain::Retain;
    world.collection.finalizers = Vec::new();
    world.declare(&[a()], &[]);
    for _ in 0..3 {
        assert_eq!(world.pass(), []);
    }
    assert_eq!(world.states(), [("a", Declared), ("b", Retained)]);
    let (_, reason, message) = world.says(VECTORS_AS_DECLARED);
    assert!(reason == "Retained" && message.contains("DELETE /collections/docs/vectors/b"));
    assert_eq!(world.says(READY).1, "Ready");
    // Another one of the name has to wait until a person makes room for it.
    let other = json!({"name": "b", "size": 9, "distance": "Dot"});
    world.declare(&[a(), other], &[]);
    assert_eq!(world.pass(), []);
    let (_, reason, message) = world.says(READY);
    assert!(reason == "ShapeDiffers" && message.contains("DELETE /collections/docs/vectors/b"));
    world.params["vectors"].as_object_mut().unwrap().remove("b");
    world.pass();
    assert!(matches!(&world.pass()[..], [Step::AddVector { name, .. }] if name == "b"));
}

#[test]
fn a_name_that_is_removed_and_added_with_another_size_is_another_vector() {
    let mut world = World::new();
    // Both edits before the operator has looked.
    let other = json!({"name": "b", "size": 9, "distance": "Dot"});
    world.declare(&[a(), other], &[]);
    assert_eq!(world.pass(), []);
    assert_eq!(world.pass(), [Step::RemoveVector { name: "b".into(), if_revision: 0 }]);
    // Killed before it wrote a status: it goes on from what is there.
    world.params["vectors"].as_object_mut().unwrap().remove("b");
    assert_eq!(world.pass(), []);
    let body = json!({"dense": {"size": 9, "distance": "Dot"}});
    assert_eq!(world.pass(), [Step::AddVector { name: "b".into(), body: body.clone() }]);
    world.params["vectors"]["b"] = body["dense"].clone();
    assert_eq!(world.pass(), []);
    assert_eq!(world.states(), [("a", Declared), ("b", Declared)]);
}

#[test]
fn what_a_client_added_or_removed_is_left_so() {
    let mut world = World::new();
    world.params["vectors"]["x"] = json!({"size": 3, "distance": "Euclid"});
    assert_eq!(world.pass(), []);
    assert_eq!(world.states()[2], ("x", Undeclared));
    world.params["vectors"].as_object_mut().unwrap().remove("b");
    assert_eq!(world.pass(), [], "nor is a parameter of it changed");
    assert_eq!(world.states()[2], ("b", Deleted));
    let (is_ready, reason, message) = world.says(READY);
    assert!(!is_ready && reason == "VectorDeleted" && message.contains(r#"vector "b""#));
    assert_eq!(world.pass(), []);
    // Taken out and put in again, it is a new one.
    world.declare(&[a()], &[]);
    world.pass();
    world.declare(&[a(), b()], &[]);
    world.pass();
    assert!(matches!(&world.pass()[..], [Step::AddVector { name, .. }] if name == "b"));
}

#[test]
fn what_others_made_is_not_completed_before_it_is_taken_over() {
    let mut world = World::new();
    let (status, vectors) = (std::mem::take(&mut world.collection.status), [a(), b()]);
    world.key = "theirs";
    world.declare(
        &[&vectors[..], &[json!({"name": "c", "size": 1, "distance": "Dot"})]].concat(),
        &[],
    );
    world.collection.finalizers = Vec::new();
    assert_eq!(world.pass(), []);
    let (_, reason, message) = world.says(READY);
    assert!(reason == "ShapeDiffers" && message.contains(r#"no vector "c""#), "{message}");
    assert_eq!(world.states(), []);
    world.collection.status = status;
    world.collection.finalizers = vec![FINALIZER.to_owned()];
    world.pass();
    assert_eq!(world.states()[2], ("c", Adding));
    // Where status was lost, what the spec does not have stays.
    world.collection.status = CollectionStatus::default();
    world.declare(&[a()], &[]);
    world.pass();
    assert_eq!(world.pass(), []);
    assert_eq!(world.states(), [("a", Declared), ("b", Undeclared)]);
}

#[test]
fn a_node_that_cannot_change_vectors_is_waited_for() {
    let mut world = World::new();
    world.revision = None;
    assert_eq!(world.pass(), []);
    assert_eq!(world.says(READY).1, "Ready");
    world.declare(&[a()], &[]);
    assert_eq!(world.pass(), []);
    assert_eq!(world.says(READY).1, "NodesTooOld");
    assert_eq!(world.says(PROGRESSING).1, "NodesTooOld");
}

#[test]
fn a_pause_holds_vectors_up_too() {
    let mut world = World::new();
    world.declare(&[a()], &[]);
    world.pass();
    let paused = Observed { paused: true, ..world.observed() };
    assert_eq!(plan(&world.collection, &paused).steps, []);
}
