//! What is made for a VectorCluster, before any node runs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{World, cluster, condition};

const NAMESPACE: &str = "children";

#[tokio::test]
async fn a_cluster_gets_its_children_and_says_what_it_waits_for() {
    let world = World::start().await;
    world.namespace(NAMESPACE).await;
    world.apply(NAMESPACE, &cluster(3)).await;
    let message = world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("False", "Founding")).await;
    assert!(!message.is_empty());
    let owner = world.get(NAMESPACE, "vc/demo").await.unwrap()["metadata"]["uid"].clone();
    for child in [
        "statefulset/demo",
        "service/demo",
        "service/demo-nodes",
        "serviceaccount/demo",
        "pdb/demo",
    ] {
        let child = world.wait(NAMESPACE, child, |_| true).await;
        let metadata = &child["metadata"];
        assert_eq!(metadata["ownerReferences"][0]["uid"], owner, "{child}");
        assert_eq!(metadata["labels"]["app.kubernetes.io/managed-by"], "vane-operator");
        assert!(
            metadata["labels"]["team"].is_null() && metadata["annotations"]["note"].is_null(),
            "{metadata}"
        );
    }
    for kind in ["configmap", "controllerrevision"] {
        let of_recipe =
            |object: &Value| !object["metadata"]["labels"]["vanedb.io/recipe"].is_null();
        let made = world.list(NAMESPACE, kind).await.into_iter().filter(of_recipe);
        let made: Vec<Value> = made.collect();
        assert_eq!(made.len(), 1, "{made:?}");
        assert_eq!(made[0]["metadata"]["ownerReferences"][0]["uid"], owner);
    }
    // The namespace refuses pods that are not of the restricted profile.
    world.wait(NAMESPACE, "pod/demo-2", |pod| pod["status"]["phase"] == "Pending").await;
    assert_eq!(world.list(NAMESPACE, "pvc").await.len(), 3);
    let service = world.get(NAMESPACE, "service/demo-nodes").await.unwrap();
    assert_eq!(
        (&service["spec"]["clusterIP"], &service["spec"]["publishNotReadyAddresses"]),
        (&json!("None"), &json!(true))
    );

    the_token_is_made_once(&world).await;
    what_is_not_possible_yet_touches_nothing(&world).await;
    what_somebody_deletes_comes_back(&world).await;
    a_paused_cluster_is_left_alone(&world).await;
    at_rest_nothing_is_written(&world).await;
}

async fn the_token_is_made_once(world: &World) {
    let token =
        async || world.get(NAMESPACE, "secret/demo-token").await.unwrap()["data"]["token"].clone();
    let before = token().await;
    assert!(before.as_str().unwrap().len() > 40);
    world
        .wait(NAMESPACE, "vc/demo", |cluster| {
            cluster["status"]["observedGeneration"] == cluster["metadata"]["generation"]
        })
        .await;
    assert_eq!(token().await, before);
}

async fn what_is_not_possible_yet_touches_nothing(world: &World) {
    let template = async || world.get(NAMESPACE, "statefulset/demo").await.unwrap()["spec"].clone();
    let before = template().await;
    let mut changed = cluster(3);
    changed["spec"]["storage"]["retention"] = json!({"whenScaled": "Delete"});
    world.apply(NAMESPACE, &changed).await;
    let refused = ("False", "RetentionNotSupported");
    let message = world.wait_condition(NAMESPACE, "vc/demo", "Accepted", refused).await;
    assert!(message.contains("yet"), "{message}");
    assert_eq!(template().await, before);
    let events = world.list(NAMESPACE, "events").await;
    let mut told = events.iter().filter(|event| event["reason"] == "RetentionNotSupported");
    assert!(told.any(|event| event["type"] == "Warning"), "{events:?}");
}

async fn what_somebody_deletes_comes_back(world: &World) {
    let before = world.get(NAMESPACE, "service/demo").await.unwrap()["metadata"]["uid"].clone();
    world.api.kubectl(&["-n", NAMESPACE, "delete", "service", "demo"]).await.unwrap();
    world.wait(NAMESPACE, "service/demo", |service| service["metadata"]["uid"] != before).await;
}

async fn a_paused_cluster_is_left_alone(world: &World) {
    let patch = async |paused: &str| {
        let patch = format!(r#"{{"spec": {{"paused": {paused}}}}}"#);
        world
            .api
            .kubectl(&["-n", NAMESPACE, "patch", "vc", "demo", "--type=merge", "-p", &patch])
            .await
            .unwrap();
    };
    patch("true").await;
    world.wait_condition(NAMESPACE, "vc/demo", "Progressing", ("False", "Paused")).await;
    world.api.kubectl(&["-n", NAMESPACE, "delete", "pdb", "demo"]).await.unwrap();
    patch("false").await;
    world.wait(NAMESPACE, "pdb/demo", |_| true).await;
}

/// Nothing but the Lease is written when nothing happens.
async fn at_rest_nothing_is_written(world: &World) {
    const QUIET: Duration = Duration::from_secs(5);
    let versions = async || {
        let mut versions = Vec::new();
        for kind in ["vc", "statefulset", "service", "serviceaccount", "pdb", "configmap", "secret"]
        {
            let objects = world.list(NAMESPACE, kind).await;
            for metadata in objects.iter().map(|object| &object["metadata"]) {
                versions.push((metadata["name"].clone(), metadata["resourceVersion"].clone()));
            }
        }
        versions
    };
    let settled = |cluster: &Value| condition(cluster, "Progressing")["reason"] == "Founding";
    world.wait(NAMESPACE, "vc/demo", settled).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = versions().await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(versions().await, before);
}
