//! A database's life: founded, filled, scaled out, with the operator killed at every step.

use serde_json::{Value, json};

use crate::process::Operator;
use crate::world::{World, cluster, condition};

const NAMESPACE: &str = "life";

fn collection() -> Value {
    json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection", "metadata": {"name": "docs"},
        "spec": {
            "clusterRef": {"name": "demo"}, "shards": 2, "replicationFactor": 3,
            "vectors": [{"size": 4, "distance": "Dot"}],
            "payloadIndexes": [{"field": "lang", "type": "Keyword"}], "aliases": ["latest"],
            "deletionPolicy": "Delete",
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_killed_at_every_step_finishes() {
    let mut world = World::with_kubelet().await;
    world.namespace(NAMESPACE).await;
    world.operator.kill();
    world.apply(NAMESPACE, &cluster(3)).await;
    for step in ["MakingToken", "CreatingPods", "Founding", "SettingZones"] {
        world.operator_ends_at(step).await;
    }
    world.apply(NAMESPACE, &collection()).await;
    for step in ["SettingFinalizer", "CreatingCollection", "SettingIndex", "AddingAlias"] {
        world.operator_ends_at(step).await;
    }
    world.operator = Operator::start(&world.api, world.dir.path());
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("True", "Ready")).await;
    world.wait_condition(NAMESPACE, "col/docs", "Ready", ("True", "Ready")).await;
    one_database_as_declared(&world).await;
    written(&world).await;

    world.operator.kill();
    world.apply(NAMESPACE, &cluster(4)).await;
    world.operator_ends_at("ScalingOut").await;
    world.operator = Operator::start(&world.api, world.dir.path());
    let grown = |cluster: &Value| {
        cluster["status"]["members"].as_array().is_some_and(|members| members.len() == 4)
    };
    world.wait(NAMESPACE, "vc/demo", grown).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("True", "Ready")).await;
    println!("{}", world.api.kubectl(&["-n", NAMESPACE, "get", "vc,col,sp"]).await.unwrap());
    lost_status_founds_nothing(&mut world).await;
    retained_volumes_are_taken_over(&world).await;

    world.operator.kill();
    world.api.kubectl(&["-n", NAMESPACE, "delete", "col", "docs", "--wait=false"]).await.unwrap();
    world.operator_ends_at("DeletingCollection").await;
    world.operator = Operator::start(&world.api, world.dir.path());
    world
        .api
        .kubectl(&["-n", NAMESPACE, "wait", "--for=delete", "col/docs", "--timeout=60s"])
        .await
        .unwrap();
    assert_eq!(rest(&world, "GET", "collections", None).await["result"]["collections"], json!([]));
}

async fn one_database_as_declared(world: &World) {
    let cluster = world.get(NAMESPACE, "vc/demo").await.unwrap();
    let status = &cluster["status"];
    assert_eq!(
        status["clusterId"], cluster["metadata"]["uid"],
        "the object's own UUID is the database's"
    );
    let mut zones: Vec<&str> = status["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["zone"].as_str().unwrap())
        .collect();
    zones.sort_unstable();
    assert_eq!(zones, ["a", "b", "c"]);
    let described = rest(world, "GET", "collections/docs", None).await;
    assert_eq!(described["result"]["payload_schema"]["lang"]["data_type"], "keyword");
    let aliases = rest(world, "GET", "aliases", None).await;
    assert_eq!(
        aliases["result"]["aliases"],
        json!([{"alias_name": "latest", "collection_name": "docs"}])
    );
    let placements = world.list(NAMESPACE, "sp").await;
    assert_eq!(placements.len(), 2);
    for placement in &placements {
        assert_eq!(placement["metadata"]["ownerReferences"][0]["kind"], "VectorCluster");
        assert_eq!(placement["status"]["replicas"].as_array().unwrap().len(), 3);
    }
    assert_eq!(condition(&placements[0], "Accepted")["status"], "True");
}

async fn written(world: &World) {
    let points: Vec<Value> = (1..=50)
        .map(|id| json!({"id": id, "vector": [id, 1, 0, 0], "payload": {"lang": "en"}}))
        .collect();
    rest(world, "PUT", "collections/latest/points?wait=true", Some(json!({ "points": points })))
        .await;
    let count = rest(world, "POST", "collections/docs/points/count", Some(json!({}))).await;
    assert_eq!(count["result"]["count"], 50);
}

/// Pods and status are lost together: the disks say what there is.
async fn lost_status_founds_nothing(world: &mut World) {
    let id = world.get(NAMESPACE, "vc/demo").await.unwrap()["status"]["clusterId"].clone();
    world.operator.kill();
    let patch = r#"{"status": null}"#;
    let arguments = [
        "-n",
        NAMESPACE,
        "patch",
        "vc",
        "demo",
        "--subresource=status",
        "--type=merge",
        "-p",
        patch,
    ];
    world.api.kubectl(&arguments).await.unwrap();
    world.api.kubectl(&["-n", NAMESPACE, "delete", "pods", "--all", "--wait=false"]).await.unwrap();
    world.operator = Operator::start(&world.api, world.dir.path());
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("True", "Ready")).await;
    assert_eq!(world.get(NAMESPACE, "vc/demo").await.unwrap()["status"]["clusterId"], id);
    let count = rest(world, "POST", "collections/docs/points/count", Some(json!({}))).await;
    assert_eq!(count["result"]["count"], 50, "nothing is lost");
}

/// The object goes, its volumes stay, and a new object of the same name has them again.
async fn retained_volumes_are_taken_over(world: &World) {
    let id = world.get(NAMESPACE, "vc/demo").await.unwrap()["status"]["clusterId"].clone();
    world.api.kubectl(&["-n", NAMESPACE, "delete", "vc", "demo", "--timeout=60s"]).await.unwrap();
    world.wait_gone(NAMESPACE, "pods").await;
    assert_eq!(world.list(NAMESPACE, "pvc").await.len(), 4);
    // Asks for three: the fourth volume may have what the others lack, and goes once it has not.
    world.apply(NAMESPACE, &cluster(3)).await;
    let smaller = |cluster: &Value| {
        let members = cluster["status"]["members"].as_array().map_or(0, Vec::len);
        (members, &cluster["status"]["nodes"]) == (3, &json!(3))
    };
    let cluster = world.wait(NAMESPACE, "vc/demo", smaller).await;
    assert_eq!(cluster["status"]["clusterId"], id);
    assert_ne!(cluster["metadata"]["uid"], id);
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("True", "Ready")).await;
    world.wait_condition(NAMESPACE, "col/docs", "Ready", ("True", "Ready")).await;
    let count = rest(world, "POST", "collections/docs/points/count", Some(json!({}))).await;
    assert_eq!(count["result"]["count"], 50, "nothing is lost");
}

/// A request that must succeed; the answer.
async fn rest(world: &World, method: &str, path: &str, body: Option<Value>) -> Value {
    let (status, answer) = crate::rest::rest(world, NAMESPACE, method, path, body).await;
    assert_eq!((status, &answer["status"]), (200, &json!("ok")), "{path}: {answer}");
    answer
}
