//! What is lost or taken away by hand under a database that runs.

use serde_json::{Value, json};

use crate::rest::rest;
use crate::world::{World, cluster, collection, condition};

const NAMESPACE: &str = "losses";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_is_told_and_comes_back_where_it_can() {
    let world = World::with_kubelet().await;
    world.namespace(NAMESPACE).await;
    let mut wanted = cluster(3);
    wanted["spec"]["storage"]["retention"] = json!({"whenDeleted": "Delete"});
    world.apply(NAMESPACE, &wanted).await;
    // At once: it waits until its copies can be spread.
    world.apply(NAMESPACE, &collection("docs", 3)).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("True", "Ready")).await;
    world.wait_condition(NAMESPACE, "col/docs", "Ready", ("True", "Ready")).await;
    let points: Vec<Value> =
        (1..=20).map(|id| json!({"id": id, "vector": [id, 1, 0, 0]})).collect();
    let written = json!({ "points": points });
    assert_eq!(
        rest(&world, NAMESPACE, "PUT", "collections/docs/points?wait=true", Some(written)).await.0,
        200
    );

    settings_come_back(&world).await;
    a_lost_token_is_not_replaced_under_running_nodes(&world).await;
    a_node_that_is_away_stops_no_new_collection(&world).await;
    an_empty_disk_under_an_old_name_is_told(&world).await;
    volumes_go_with_the_cluster(&world).await;
}

/// The nodes of a cluster, as its status has them.
fn members(cluster: &Value) -> impl Iterator<Item = &Value> {
    cluster["status"]["members"].as_array().unwrap().iter()
}

async fn settings_come_back(world: &World) {
    let set = world.get(NAMESPACE, "statefulset/demo").await.unwrap();
    let recipe = &set["spec"]["template"]["metadata"]["annotations"]["vanedb.io/recipe"];
    let settings = format!("configmap/demo-settings-{}", recipe.as_str().unwrap());
    world.api.kubectl(&["-n", NAMESPACE, "delete", &settings]).await.unwrap();
    let as_before = |settings: &Value| settings["data"]["VANE_LOG__LEVEL"] == "info";
    world.wait(NAMESPACE, &settings, as_before).await;
}

/// The condition says what to do, and doing it costs no points: not even where volumes are
/// to go with the VectorCluster.
async fn a_lost_token_is_not_replaced_under_running_nodes(world: &World) {
    let claims = async || {
        let claims = world.list(NAMESPACE, "pvc").await;
        claims.iter().map(|claim| claim["metadata"]["uid"].to_string()).collect::<Vec<_>>()
    };
    let before = claims().await;
    assert_eq!(before.len(), 3);
    world.api.kubectl(&["-n", NAMESPACE, "delete", "secret", "demo-token"]).await.unwrap();
    let message =
        world.wait_condition(NAMESPACE, "vc/demo", "Accepted", ("False", "NoToken")).await;
    assert!(message.contains("kubectl -n losses delete statefulset demo"), "{message}");
    assert!(world.get(NAMESPACE, "secret/demo-token").await.is_none());
    world.api.kubectl(&["-n", NAMESPACE, "delete", "statefulset", "demo"]).await.unwrap();
    world.wait(NAMESPACE, "secret/demo-token", |_| true).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("True", "Ready")).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Accepted", ("True", "Accepted")).await;
    assert_eq!(claims().await, before);
    let (_, count) =
        rest(world, NAMESPACE, "POST", "collections/docs/points/count", Some(json!({}))).await;
    assert_eq!(count["result"]["count"], 20);
}

async fn a_node_that_is_away_stops_no_new_collection(world: &World) {
    let pod = world.kubelet.as_ref().unwrap().pod(NAMESPACE, "demo-1").unwrap();
    pod.hold();
    // Until the others know, a copy may be put on it.
    let known = |cluster: &Value| members(cluster).any(|member| member["alive"] == false);
    world.wait(NAMESPACE, "vc/demo", known).await;
    world.apply(NAMESPACE, &collection("meanwhile", 2)).await;
    world.wait_condition(NAMESPACE, "col/meanwhile", "Ready", ("True", "Ready")).await;
    pod.release();
    // With two copies it would not survive what comes next.
    let (status, answer) = rest(world, NAMESPACE, "DELETE", "collections/meanwhile", None).await;
    assert_eq!(status, 200, "{answer}");
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("True", "Ready")).await;
}

async fn an_empty_disk_under_an_old_name_is_told(world: &World) {
    world.kubelet.as_ref().unwrap().pod(NAMESPACE, "demo-2").unwrap().wipe().unwrap();
    let twice =
        |cluster: &Value| members(cluster).filter(|member| member["name"] == "demo-2").count() == 2;
    world.wait(NAMESPACE, "vc/demo", twice).await;
    let told = |cluster: &Value| {
        let ready = condition(cluster, "Ready");
        let message = ready["message"].as_str().unwrap_or_default();
        ready["reason"] == "Degraded" && message.contains("demo-2 came with an empty disk")
    };
    world.wait(NAMESPACE, "vc/demo", told).await;
    for placement in world.list(NAMESPACE, "sp").await {
        let placement = format!("sp/{}", placement["metadata"]["name"].as_str().unwrap());
        let told = |placement: &Value| condition(placement, "Ready")["reason"].is_string();
        world.wait(NAMESPACE, &placement, told).await;
    }
}

async fn volumes_go_with_the_cluster(world: &World) {
    world.api.kubectl(&["-n", NAMESPACE, "delete", "vc", "demo", "--timeout=60s"]).await.unwrap();
    world.wait_gone(NAMESPACE, "pvc").await;
}
