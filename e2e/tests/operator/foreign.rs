//! What others made under the names that a cluster needs stays theirs.

use std::time::Duration;

use serde_json::{Value, json};
use vane_testbed::wait_until_async;

use crate::world::{World, cluster};

const NAMESPACE: &str = "foreign";

/// What a chart installs for an application called `demo`, with the marks that Helm writes.
fn of_a_chart() -> [Value; 2] {
    let metadata = || {
        json!({
            "name": "demo",
            "labels": {"app.kubernetes.io/name": "qdrant", "app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "demo"},
        })
    };
    let spec = json!({
        "selector": {"app.kubernetes.io/name": "qdrant"},
        "ports": [{"name": "http", "port": 6333}],
    });
    [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata(), "spec": spec}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata()}),
    ]
}

/// The chart's objects as they are, to the last byte that the API server keeps.
async fn theirs(world: &World) -> [Option<Value>; 2] {
    [world.get(NAMESPACE, "service/demo").await, world.get(NAMESPACE, "sa/demo").await]
}

async fn kubectl(world: &World, args: &[&str]) {
    world.api.kubectl(&[&["-n", NAMESPACE], args].concat()).await.unwrap();
}

/// Waits until an object of ours has this UUID as its controller.
async fn wait_owner(world: &World, object: &str, uid: &Value) {
    let is_owned = |found: &Value| &found["metadata"]["ownerReferences"][0]["uid"] == uid;
    world.wait(NAMESPACE, object, is_owned).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_chart_made_under_the_same_name_is_left_alone() {
    let world = World::start().await;
    world.namespace(NAMESPACE).await;
    for object in of_a_chart() {
        world.apply(NAMESPACE, &object).await;
    }
    let before = theirs(&world).await;
    world.apply(NAMESPACE, &cluster(3)).await;
    let message =
        world.wait_condition(NAMESPACE, "vc/demo", "Accepted", ("False", "NameTaken")).await;
    for named in ["service demo", "serviceaccount demo", "Helm release demo"] {
        assert!(message.contains(named), "{named}: {message}");
    }
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("False", "NameTaken")).await;
    for kind in ["statefulset", "pdb", "secret", "service/demo-nodes", "controllerrevision"] {
        let made = world.get(NAMESPACE, kind).await.filter(|found| found["items"] != json!([]));
        assert_eq!(made, None, "nothing of a cluster is made that cannot be whole");
    }
    kubectl(&world, &["delete", "vc/demo"]).await;
    // What its deletion takes along is taken by then: the garbage collector works in seconds.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(theirs(&world).await, before);

    // Out of the way, and the cluster goes on by itself.
    world.apply(NAMESPACE, &cluster(3)).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Accepted", ("False", "NameTaken")).await;
    kubectl(&world, &["delete", "service/demo", "sa/demo"]).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Accepted", ("True", "Accepted")).await;
    world.wait(NAMESPACE, "statefulset/demo", |_| true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cluster_left_behind_is_its_successors() {
    let world = World::start().await;
    world.namespace(NAMESPACE).await;
    let uid = async || world.get(NAMESPACE, "vc/demo").await.unwrap()["metadata"]["uid"].clone();
    world.apply(NAMESPACE, &cluster(3)).await;
    world.wait(NAMESPACE, "statefulset/demo", |_| true).await;
    let first = uid().await;
    // Of an object that is deleted alone, all else stays, and belongs to nobody.
    kubectl(&world, &["delete", "vc/demo", "--cascade=orphan"]).await;
    let look = async || {
        let set = world.get(NAMESPACE, "statefulset/demo").await.unwrap();
        let owners = &set["metadata"]["ownerReferences"];
        Ok(if owners.is_null() { Ok(()) } else { Err(owners.to_string()) })
    };
    let what = "the garbage collector to let the set go";
    wait_until_async(what, Duration::from_secs(60), look).await.unwrap();
    world.apply(NAMESPACE, &cluster(3)).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Accepted", ("True", "Accepted")).await;
    let second = uid().await;
    assert_ne!(first, second);
    for object in ["service/demo", "service/demo-nodes", "sa/demo", "pdb/demo"] {
        wait_owner(&world, object, &second).await;
    }
    // Deleted as usual and made again at once: what goes with the first is waited for.
    kubectl(&world, &["delete", "vc/demo", "--wait=false"]).await;
    world.wait_gone(NAMESPACE, "vc").await;
    world.apply(NAMESPACE, &cluster(3)).await;
    let third = uid().await;
    for object in ["service/demo", "sa/demo", "pdb/demo", "statefulset/demo"] {
        wait_owner(&world, object, &third).await;
    }
}
