//! Vectors that a Collection gets and loses while it is used, with the operator killed at every step.

use serde_json::{Value, json};

use crate::process::Operator;
use crate::world::{World, cluster, condition};

const NAMESPACE: &str = "vectors";

fn collection(policy: &str, vectors: &Value, sparse: &Value) -> Value {
    json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection", "metadata": {"name": "docs"},
        "spec": {
            "clusterRef": {"name": "demo"}, "shards": 2, "replicationFactor": 3,
            "vectors": vectors, "sparseVectors": sparse, "deletionPolicy": policy,
        },
    })
}

fn unnamed() -> Value {
    json!({"size": 4, "distance": "Dot"})
}

fn late(size: u32) -> Value {
    json!({"name": "late", "size": size, "distance": "Euclid", "hnsw": {"m": 8}})
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_come_and_go_with_the_spec() {
    let mut world = World::with_kubelet().await;
    world.namespace(NAMESPACE).await;
    world.apply(NAMESPACE, &cluster(3)).await;
    let first = collection("Delete", &json!([unnamed()]), &json!([]));
    world.apply(NAMESPACE, &first).await;
    world.wait_condition(NAMESPACE, "col/docs", "Ready", ("True", "Ready")).await;
    written(&world).await;

    added(&mut world).await;
    removed(&mut world).await;
    added_again_with_another_size(&mut world).await;
    taken_away_by_a_client(&world).await;
    kept_where_points_would_be(&world).await;
}

/// What the database says of the vectors.
async fn there(world: &World) -> Value {
    let described = rest(world, "GET", "collections/docs", None).await;
    described["result"]["config"]["params"].clone()
}

async fn written(world: &World) {
    let points: Vec<Value> =
        (1..=20).map(|id| json!({"id": id, "vector": [id, 1, 0, 0]})).collect();
    let body = json!({ "points": points });
    rest(world, "PUT", "collections/docs/points?wait=true", Some(body)).await;
}

/// Points that a vector is of.
async fn count(world: &World, vector: &str) -> Value {
    let body = json!({"filter": {"must": [{"has_vector": vector}]}});
    rest(world, "POST", "collections/docs/points/count", Some(body)).await["result"]["count"]
        .clone()
}

/// Waits until all are as the spec of now has them.
async fn settled(world: &mut World) -> Value {
    world.operator = Operator::start(&world.api, world.dir.path());
    let is_settled = |object: &Value| {
        let (as_declared, progressing) =
            (condition(object, "VectorsAsDeclared"), condition(object, "Progressing"));
        let is_of_now =
            |condition: &Value| condition["observedGeneration"] == object["metadata"]["generation"];
        (as_declared["status"] == "True" && is_of_now(&as_declared))
            && (progressing["reason"] == "Settled" && is_of_now(&progressing))
    };
    world.wait(NAMESPACE, "col/docs", is_settled).await
}

async fn added(world: &mut World) {
    world.operator.kill();
    let more = collection("Delete", &json!([unnamed(), late(3)]), &json!([{"name": "words"}]));
    world.apply(NAMESPACE, &more).await;
    for step in ["AddingVector", "UpdatingCollection"] {
        world.operator_ends_at(step).await;
    }
    let object = settled(world).await;
    let there = there(world).await;
    assert_eq!(there["vectors"]["late"]["size"], 3);
    assert_eq!(there["vectors"]["late"]["hnsw_config"]["m"], 8);
    assert!(there["sparse_vectors"]["words"].is_object(), "{there}");
    let states = object["status"]["vectors"].as_array().unwrap();
    assert!(states.iter().all(|vector| vector["state"] == "Declared"), "{states:?}");
    assert_eq!(states.len(), 3);
    let vectors = json!({"late": [1, 2, 3], "words": {"indices": [7], "values": [1.0]}});
    let points = json!({"points": [{"id": 1, "vector": vectors}]});
    rest(world, "PUT", "collections/docs/points/vectors?wait=true", Some(points)).await;
    assert_eq!((count(world, "").await, count(world, "late").await), (json!(20), json!(1)));
}

async fn removed(world: &mut World) {
    world.operator.kill();
    world.apply(NAMESPACE, &collection("Delete", &json!([unnamed()]), &json!([]))).await;
    world.operator_ends_at("RemovingVector").await;
    settled(world).await;
    let there = there(world).await;
    assert_eq!(there["vectors"]["size"], 4, "the unnamed one is alone: {there}");
    assert_eq!(count(world, "").await, 20);
    let told = world.api.kubectl(&["-n", NAMESPACE, "get", "events", "-o", "json"]).await.unwrap();
    assert!(told.contains("is removed, with what points have of it"), "{told}");
}

/// A name says nothing of what it meant before.
async fn added_again_with_another_size(world: &mut World) {
    let with = |size| collection("Delete", &json!([unnamed(), late(size)]), &json!([]));
    world.apply(NAMESPACE, &with(3)).await;
    settled(world).await;
    assert_eq!(count(world, "late").await, 0);
    // Both edits while nobody looks.
    world.operator.kill();
    world.apply(NAMESPACE, &collection("Delete", &json!([unnamed()]), &json!([]))).await;
    world.apply(NAMESPACE, &with(9)).await;
    for step in ["RemovingVector", "AddingVector"] {
        world.operator_ends_at(step).await;
    }
    settled(world).await;
    assert_eq!(there(world).await["vectors"]["late"]["size"], 9);
    assert_eq!((count(world, "").await, count(world, "late").await), (json!(20), json!(0)));
}

/// It is told and not made again: an empty one would hide that.
async fn taken_away_by_a_client(world: &World) {
    rest(world, "DELETE", "collections/docs/vectors/late", None).await;
    let told = world.wait_condition(NAMESPACE, "col/docs", "Ready", ("False", "VectorDeleted"));
    assert!(told.await.contains("\"late\""));
    assert_eq!(there(world).await["vectors"]["size"], 4);
    world.apply(NAMESPACE, &collection("Delete", &json!([unnamed()]), &json!([]))).await;
    world.wait_condition(NAMESPACE, "col/docs", "Ready", ("True", "Ready")).await;
}

async fn kept_where_points_would_be(world: &World) {
    let with = collection("Retain", &json!([unnamed(), late(3)]), &json!([]));
    world.apply(NAMESPACE, &with).await;
    let has_it = |object: &Value| {
        let vectors = object["status"]["vectors"].as_array();
        vectors.is_some_and(|vectors| {
            vectors.iter().any(|it| it["name"] == "late" && it["state"] == "Declared")
        })
    };
    world.wait(NAMESPACE, "col/docs", has_it).await;
    world.apply(NAMESPACE, &collection("Retain", &json!([unnamed()]), &json!([]))).await;
    let told =
        world.wait_condition(NAMESPACE, "col/docs", "VectorsAsDeclared", ("False", "Retained"));
    assert!(told.await.contains("DELETE /collections/docs/vectors/late"));
    world.wait_condition(NAMESPACE, "col/docs", "Ready", ("True", "Ready")).await;
    assert_eq!(there(world).await["vectors"]["late"]["size"], 3);
    rest(world, "DELETE", "collections/docs/vectors/late", None).await;
    let as_declared = ("True", "AsDeclared");
    world.wait_condition(NAMESPACE, "col/docs", "VectorsAsDeclared", as_declared).await;
}

/// A request that must succeed; the answer.
async fn rest(world: &World, method: &str, path: &str, body: Option<Value>) -> Value {
    let (status, answer) = crate::rest::rest(world, NAMESPACE, method, path, body).await;
    assert_eq!((status, &answer["status"]), (200, &json!("ok")), "{path}: {answer}");
    answer
}
