//! Fewer nodes: under writes of which none is lost, called off, refused, and more again.

use serde_json::{Value, json};

use crate::guide::Guide;
use crate::process::Operator;
use crate::world::{World, cluster, collection, named};
use crate::writer::Writer;

/// A cluster of so many nodes with three collections: of three copies, of two, and of one.
async fn filled(world: &World, namespace: &str, nodes: i32) {
    world.namespace(namespace).await;
    world.apply(namespace, &cluster(nodes)).await;
    for (name, copies, shards) in [("docs", 3, 4), ("pairs", 2, 2), ("singles", 1, 3)] {
        let mut collection = named(name, collection(name, copies));
        collection["spec"]["shards"] = shards.into();
        world.apply(namespace, &collection).await;
    }
    for name in ["col/docs", "col/pairs", "col/singles"] {
        world.wait_condition(namespace, name, "Ready", ("True", "Ready")).await;
    }
    world.wait_condition(namespace, "vc/demo", "Ready", ("True", "Ready")).await;
}

/// Writes points that a collection has to have afterwards.
async fn written(world: &World, namespace: &str, collection: &str) {
    let points: Vec<Value> =
        (1..=200).map(|id| json!({"id": id, "vector": [id, 1, 0, 0]})).collect();
    let path = format!("collections/{collection}/points?wait=true");
    let (status, answer) =
        crate::rest::rest(world, namespace, "PUT", &path, Some(json!({"points": points}))).await;
    assert_eq!(status, 200, "{answer}");
}

async fn counted(world: &World, namespace: &str, collection: &str) -> Value {
    let path = format!("collections/{collection}/points/count");
    let (_, answer) = crate::rest::rest(world, namespace, "POST", &path, Some(json!({}))).await;
    answer["result"]["count"].clone()
}

/// Waits until so many pods and members are there, and nothing leaves.
async fn wait_nodes(world: &World, namespace: &str, nodes: usize) {
    let done = |cluster: &Value| {
        let status = &cluster["status"];
        let members = status["members"].as_array().map_or(0, Vec::len);
        (members, &status["nodes"]) == (nodes, &json!(nodes)) && status["leaving"].is_null()
    };
    world.wait(namespace, "vc/demo", done).await;
    world.wait_condition(namespace, "vc/demo", "Ready", ("True", "Ready")).await;
}

async fn scale(world: &World, namespace: &str, nodes: i32) {
    let replicas = format!("--replicas={nodes}");
    world.api.kubectl(&["-n", namespace, "scale", "vc/demo", &replicas]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_becomes_smaller_under_writes_and_loses_nothing() {
    const NAMESPACE: &str = "scale";
    let world = World::with_kubelet().await;
    filled(&world, NAMESPACE, 5).await;
    for collection in ["pairs", "singles"] {
        written(&world, NAMESPACE, collection).await;
    }
    let guide = Guide::read("scale.md");
    let writer = Writer::start(&world, NAMESPACE).await;

    let told = guide.follow(&world, NAMESPACE, "Fewer nodes").await;
    assert!(told[0].contains("scaled"), "{told:?}");
    let pod = |name: &str| world.kubelet.as_ref().unwrap().pod(NAMESPACE, name).unwrap();
    // A node that copies come to or go from is killed in the middle.
    let leaves = |cluster: &Value| !cluster["status"]["leaving"]["nodeId"].is_null();
    world.wait(NAMESPACE, "vc/demo", leaves).await;
    pod("demo-4").kill();
    pod("demo-1").kill();
    wait_nodes(&world, NAMESPACE, 3).await;
    writer.end(&world).await;
    for collection in ["pairs", "singles"] {
        assert_eq!(counted(&world, NAMESPACE, collection).await, 200, "{collection}");
    }
    let events = world.list(NAMESPACE, "events").await;
    let removed = events.iter().filter(|event| event["reason"] == "NodeRemoved");
    // Those that are alike are one, which counts.
    assert!(removed.count() > 0, "{events:?}");

    volumes_that_were_left_are_no_database(&world, NAMESPACE).await;
    fewer_nodes_than_copies_are_refused(&world, NAMESPACE).await;
    guide.follow(&world, NAMESPACE, "More nodes again").await;
    wait_nodes(&world, NAMESPACE, 4).await;
    assert_eq!(counted(&world, NAMESPACE, "singles").await, 200);
}

/// The claims stay with their label, and a StatefulSet that is made anew brings no pods for them.
async fn volumes_that_were_left_are_no_database(world: &World, namespace: &str) {
    let claims = world.list(namespace, "pvc").await;
    let retired =
        claims.iter().filter(|it| it["metadata"]["labels"]["vanedb.io/retired"].is_string());
    assert_eq!((claims.len(), retired.count()), (5, 2), "{claims:?}");
    world.api.kubectl(&["-n", namespace, "delete", "statefulset", "demo"]).await.unwrap();
    let made = world.wait(namespace, "statefulset/demo", |set| set["spec"]["replicas"] == 3).await;
    assert!(made["metadata"]["annotations"]["vanedb.io/leaving"].is_null(), "{made}");
    wait_nodes(world, namespace, 3).await;
}

async fn fewer_nodes_than_copies_are_refused(world: &World, namespace: &str) {
    let pods = async || world.list(namespace, "pods").await.len();
    scale(world, namespace, 2).await;
    let reason = ("False", "TooFewForCopies");
    let message = world.wait_condition(namespace, "vc/demo", "Accepted", reason).await;
    assert!(message.contains("3 copies"), "{message}");
    assert_eq!(pods().await, 3);
    // On the way out again: the volume of a node that left is not its pod's.
    scale(world, namespace, 4).await;
    let reason = ("False", "RetiredVolume");
    let message = world.wait_condition(namespace, "vc/demo", "Accepted", reason).await;
    assert!(message.contains(&format!("kubectl -n {namespace} delete pvc data-demo-3")));
    assert_eq!(pods().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_nodes_call_a_scale_in_off() {
    const NAMESPACE: &str = "calledoff";
    let world = World::with_kubelet().await;
    filled(&world, NAMESPACE, 4).await;
    // What is to take the copies does not, so that they stay on their way.
    let pod = world.kubelet.as_ref().unwrap().pod(NAMESPACE, "demo-0").unwrap();
    scale(&world, NAMESPACE, 3).await;
    let leaves = |cluster: &Value| !cluster["status"]["leaving"].is_null();
    world.wait(NAMESPACE, "vc/demo", leaves).await;
    pod.freeze();
    scale(&world, NAMESPACE, 4).await;
    pod.thaw();
    wait_nodes(&world, NAMESPACE, 4).await;
    let set = world.get(NAMESPACE, "statefulset/demo").await.unwrap();
    assert!(set["metadata"]["annotations"]["vanedb.io/leaving"].is_null(), "{set}");
    let claims = world.list(NAMESPACE, "pvc").await;
    assert!(claims.iter().all(|it| it["metadata"]["labels"]["vanedb.io/retired"].is_null()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_killed_at_every_step_of_a_scale_in_finishes_it() {
    const NAMESPACE: &str = "scalekills";
    let mut world = World::with_kubelet().await;
    filled(&world, NAMESPACE, 4).await;
    for collection in ["docs", "pairs", "singles"] {
        written(&world, NAMESPACE, collection).await;
    }
    world.operator.kill();
    scale(&world, NAMESPACE, 3).await;
    let steps = ["NotingLeaving", "Leaving", "MovingCopies", "RetiringVolume", "RemovingNode"];
    for step in steps {
        world.operator_ends_at(step).await;
    }
    world.operator_ends_at("ScalingIn").await;
    world.operator = Operator::start(&world.api, world.dir.path());
    wait_nodes(&world, NAMESPACE, 3).await;
    for collection in ["docs", "pairs", "singles"] {
        assert_eq!(counted(&world, NAMESPACE, collection).await, 200, "{collection}");
    }
}
