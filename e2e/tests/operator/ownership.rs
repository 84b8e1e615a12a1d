//! Whose points a Collection deletes: its own. And what it says while it may not, or cannot.

use std::time::Duration;

use serde_json::{Value, json};
use vane_testbed::wait_until_async;

use crate::rest::{has, rest};
use crate::world::{World, cluster};

const NAMESPACE: &str = "ownership";

/// A Collection of vectors of four numbers, called `name` in the database.
fn collection(object: &str, name: &str) -> Value {
    json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection", "metadata": {"name": object},
        "spec": {
            "clusterRef": {"name": "demo"}, "name": name, "deletionPolicy": "Delete",
            "vectors": [{"size": 4, "distance": "Dot"}],
        },
    })
}

async fn delete(world: &World, object: &str) {
    world.api.kubectl(&["-n", NAMESPACE, "delete", object, "--timeout=60s"]).await.unwrap();
}

async fn gone(world: &World, object: &str) {
    let look = async || {
        let found = world.get(NAMESPACE, object).await;
        Ok(found.map_or(Ok(()), |found| Err(found.to_string())))
    };
    let what = format!("{object} to be gone");
    wait_until_async(&what, Duration::from_secs(60), look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_deletes_only_what_it_made_or_adopted() {
    let world = World::with_kubelet().await;
    world.namespace(NAMESPACE).await;
    world.apply(NAMESPACE, &cluster(1)).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("True", "Ready")).await;
    one_that_was_refused_deletes_nothing(&world).await;
    one_that_was_adopted_goes(&world).await;
    of_two_the_older_has_it(&world).await;
    a_pause_holds_collections_too(&world).await;
    one_that_goes_says_what_it_waits_for(&world).await;
}

/// Makes a collection as a client does.
async fn make(world: &World, name: &str, size: u32) {
    let body = json!({"vectors": {"size": size, "distance": "Dot"}});
    let (status, answer) =
        rest(world, NAMESPACE, "PUT", &format!("collections/{name}"), Some(body)).await;
    assert_eq!(status, 200, "{answer}");
}

async fn one_that_was_refused_deletes_nothing(world: &World) {
    make(world, "theirs", 8).await;
    world.apply(NAMESPACE, &collection("theirs", "theirs")).await;
    world.wait_condition(NAMESPACE, "col/theirs", "Accepted", ("False", "ShapeDiffers")).await;
    delete(world, "col/theirs").await;
    assert!(has(world, NAMESPACE, "theirs").await, "a client's collection was deleted");
}

async fn one_that_was_adopted_goes(world: &World) {
    make(world, "adopted", 4).await;
    world.apply(NAMESPACE, &collection("adopted", "adopted")).await;
    world.wait_condition(NAMESPACE, "col/adopted", "Ready", ("True", "Ready")).await;
    delete(world, "col/adopted").await;
    assert!(!has(world, NAMESPACE, "adopted").await);
}

async fn of_two_the_older_has_it(world: &World) {
    world.apply(NAMESPACE, &collection("first", "shared")).await;
    world.wait_condition(NAMESPACE, "col/first", "Ready", ("True", "Ready")).await;
    // Times of creation are whole seconds.
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.apply(NAMESPACE, &collection("second", "shared")).await;
    let message =
        world.wait_condition(NAMESPACE, "col/second", "Accepted", ("False", "Taken")).await;
    assert!(message.contains("first"), "{message}");
    delete(world, "col/second").await;
    assert!(has(world, NAMESPACE, "shared").await, "the first one's points were deleted");
    world.wait_condition(NAMESPACE, "col/first", "Ready", ("True", "Ready")).await;

    world.apply(NAMESPACE, &collection("second", "shared")).await;
    world.wait_condition(NAMESPACE, "col/second", "Accepted", ("False", "Taken")).await;
    delete(world, "col/first").await;
    world.wait_condition(NAMESPACE, "col/second", "Ready", ("True", "Ready")).await;
    assert!(has(world, NAMESPACE, "shared").await, "the name is free for the second one");
}

async fn a_pause_holds_collections_too(world: &World) {
    let pause = async |paused: bool| {
        let patch = json!({"spec": {"paused": paused}}).to_string();
        world
            .api
            .kubectl(&["-n", NAMESPACE, "patch", "vc", "demo", "--type=merge", "-p", &patch])
            .await
            .unwrap();
    };
    pause(true).await;
    world.apply(NAMESPACE, &collection("later", "later")).await;
    world.wait_condition(NAMESPACE, "col/later", "Progressing", ("False", "Paused")).await;
    world.api.kubectl(&["-n", NAMESPACE, "delete", "col/second", "--wait=false"]).await.unwrap();
    world.wait_condition(NAMESPACE, "col/second", "Progressing", ("False", "Paused")).await;
    assert!(has(world, NAMESPACE, "shared").await && !has(world, NAMESPACE, "later").await);
    pause(false).await;
    world.wait_condition(NAMESPACE, "col/later", "Ready", ("True", "Ready")).await;
    gone(world, "col/second").await;
    assert!(!has(world, NAMESPACE, "shared").await);
}

async fn one_that_goes_says_what_it_waits_for(world: &World) {
    let pod = world.kubelet.as_ref().unwrap().pod(NAMESPACE, "demo-0").unwrap();
    pod.hold();
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("False", "Unreachable")).await;
    world.api.kubectl(&["-n", NAMESPACE, "delete", "col/later", "--wait=false"]).await.unwrap();
    world
        .wait_condition(NAMESPACE, "col/later", "Progressing", ("True", "WaitingForDatabase"))
        .await;
    pod.release();
    gone(world, "col/later").await;
}
