//! Roll-outs: under writes of which none is lost, given up where pods fail, and none for an
//! operator that is new.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use vane_operator::database::{Admin, Channels};
use vane_proto::admin::{GetClusterRequest, HoldFeatureLevelRequest, ListNodesRequest};
use vane_testbed::kubelet::Image;

use crate::process::Operator;
use crate::world::{World, cluster, collection};
use crate::writer::Writer;

const NAMESPACE: &str = "rolls";

/// Pods with their UUIDs, in order.
async fn pods(world: &World) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pods = world.list(NAMESPACE, "pods").await.into_iter().map(|pod| pod["metadata"].clone());
    pods.map(|of| (text(&of["name"]), text(&of["uid"]))).collect()
}

/// How many pods are the same ones.
fn same(before: &[(String, String)], now: &[(String, String)]) -> usize {
    before.iter().filter(|pod| now.contains(pod)).count()
}

/// A program that ends with this exit code.
fn ends_with(dir: &std::path::Path, code: i32) -> Image {
    let program = dir.join(format!("ends-{code}"));
    std::fs::write(&program, format!("#!/bin/sh\nexit {code}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    Image::Program(program)
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_replaced_under_writes_and_come_back_where_they_fail() {
    let programs = tempfile::tempdir().unwrap();
    let images = [("0.2.0", Image::Missing), ("0.3.0", ends_with(programs.path(), 78))];
    let world = World::with_images(&images).await;
    world.namespace(NAMESPACE).await;
    world.apply(NAMESPACE, &cluster(3)).await;
    world.apply(NAMESPACE, &collection("docs", 3)).await;
    world.wait_condition(NAMESPACE, "col/docs", "Ready", ("True", "Ready")).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("True", "Updated")).await;
    let writer = Writer::start(&world, NAMESPACE).await;

    let mut wanted = cluster(3);
    what_nodes_take_while_they_run_replaces_no_pod(&world, &mut wanted).await;
    pods_stay_until_a_window_opens(&world, &mut wanted).await;
    settings_reach_every_pod(&world, &mut wanted).await;
    a_version_that_fails_costs_one_pod(&world, &mut wanted, "0.2.0", "RolledBack").await;
    a_version_that_fails_costs_one_pod(&world, &mut wanted, "0.3.0", "FormatTooNew").await;
    wanted["spec"]["version"] = "0.1.0".into();
    world.apply(NAMESPACE, &wanted).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("True", "Updated")).await;

    writer.end(&world).await;
}

async fn what_nodes_take_while_they_run_replaces_no_pod(world: &World, wanted: &mut Value) {
    let before = pods(world).await;
    let given = async |level: &str, timeout: Option<&str>| {
        let is_given = |cluster: &Value| {
            let given = &cluster["status"]["settings"];
            given["LOG__LEVEL"] == level && given["REQUEST_TIMEOUT_S"].as_str() == timeout
        };
        world.wait(NAMESPACE, "vc/demo", is_given).await;
    };
    given("info", None).await;
    wanted["spec"]["settings"]["LOG__LEVEL"] = "debug".into();
    wanted["spec"]["settings"]["REQUEST_TIMEOUT_S"] = "30".into();
    world.apply(NAMESPACE, wanted).await;
    given("debug", Some("30")).await;
    wanted["spec"]["settings"] = json!({"LOG__LEVELS": "debug"});
    world.apply(NAMESPACE, wanted).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Accepted", ("False", "UnknownSetting")).await;
    // Not an empty one: of that the API server makes null, when all in it was this manager's.
    wanted["spec"].as_object_mut().unwrap().remove("settings");
    world.apply(NAMESPACE, wanted).await;
    // Pods were made with one, and have it back at each start: they are told the default.
    given("info", None).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Accepted", ("True", "Accepted")).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("True", "Updated")).await;
    assert_eq!(pods(world).await, before);
}

async fn pods_stay_until_a_window_opens(world: &World, wanted: &mut Value) {
    let before = pods(world).await;
    wanted["spec"]["settings"]["SEARCH__PENDING_MAX"] = "900".into();
    // A minute each leap year.
    let never = json!([{"schedule": "0 0 29 2 *", "durationMinutes": 1}]);
    wanted["spec"]["maintenance"] = json!({"windows": never});
    world.apply(NAMESPACE, wanted).await;
    let waits = ("False", "WaitingForWindow");
    let message = world.wait_condition(NAMESPACE, "vc/demo", "Updated", waits).await;
    assert!(message.contains("-02-29T00:00:00Z"), "{message}");
    assert_eq!(pods(world).await, before);
    wanted["spec"]["maintenance"] = json!({"windows": [{"schedule": "x", "durationMinutes": 1}]});
    world.apply(NAMESPACE, wanted).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Accepted", ("False", "BadSchedule")).await;
    wanted["spec"]["maintenance"] = json!({});
}

async fn settings_reach_every_pod(world: &World, wanted: &mut Value) {
    let before = pods(world).await;
    wanted["spec"]["settings"]["SEARCH__PENDING_MAX"] = "1000".into();
    world.apply(NAMESPACE, wanted).await;
    let asked = world.get(NAMESPACE, "vc/demo").await.unwrap();
    let generation = &asked["metadata"]["generation"];
    let done = |cluster: &Value| {
        let conditions = cluster["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|found| {
            found["type"] == "Updated"
                && found["status"] == "True"
                && &found["observedGeneration"] == generation
        })
    };
    let status = world.wait(NAMESPACE, "vc/demo", done).await["status"]["update"].clone();
    assert_eq!((&status["updatedNodes"], &status["nodes"]), (&json!(3), &json!(3)), "{status}");
    assert_eq!(same(&before, &pods(world).await), 0, "each was replaced");
    for pod in world.list(NAMESPACE, "pods").await {
        assert_eq!(pod["metadata"]["annotations"]["vanedb.io/recipe"], status["target"]);
    }
    let events = world.list(NAMESPACE, "events").await;
    let evicted = events.iter().filter(|event| event["reason"] == "EvictingPod");
    assert!(evicted.count() > 0, "{events:?}");
}

async fn a_version_that_fails_costs_one_pod(
    world: &World,
    wanted: &mut Value,
    version: &str,
    reason: &str,
) {
    let before = pods(world).await;
    wanted["spec"]["version"] = version.into();
    world.apply(NAMESPACE, wanted).await;
    let message = world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("False", reason)).await;
    assert!(message.contains("failed"), "{message}");
    let back = |cluster: &Value| {
        let update = &cluster["status"]["update"];
        update["updatedNodes"] == 3 && cluster["status"]["readyNodes"] == 3
    };
    world.wait(NAMESPACE, "vc/demo", back).await;
    assert_eq!(same(&before, &pods(world).await), 2, "one pod was replaced");
}

/// The database, as one of its nodes tells it.
async fn admin(world: &World) -> Admin {
    let template = "go-template={{.data.token|base64decode}}";
    let args = ["-n", NAMESPACE, "get", "secret", "demo-token", "-o", template];
    let token = world.api.kubectl(&args).await.unwrap();
    let pod = world.get(NAMESPACE, "pod/demo-0").await.unwrap();
    let address = format!("{}:6335", pod["status"]["podIP"].as_str().unwrap());
    vane_operator::database::admin(&Channels::default(), &address, &token).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_that_is_called_off_lets_its_node_lead_and_the_level_is_held() {
    let mut world = World::with_kubelet().await;
    world.namespace(NAMESPACE).await;
    let mut wanted = cluster(3);
    world.apply(NAMESPACE, &wanted).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("True", "Updated")).await;
    let is_known = |cluster: &Value| cluster["status"]["featureLevel"].is_number();
    world.wait(NAMESPACE, "vc/demo", is_known).await;
    world.operator.kill();
    let mut nodes = admin(&world).await;
    let told = nodes.get_cluster(GetClusterRequest {}).await.unwrap().into_inner();
    assert!(told.feature_level_held, "{told:?}");
    nodes.hold_feature_level(HoldFeatureLevelRequest { held: false }).await.unwrap();
    world.operator_ends_at("HoldingLevel").await;
    let told = nodes.get_cluster(GetClusterRequest {}).await.unwrap().into_inner();
    assert!(told.feature_level_held, "{told:?}");

    wanted["spec"]["settings"]["LOG__LEVEL"] = "warn".into();
    world.apply(NAMESPACE, &wanted).await;
    world.operator_ends_at("SettingSettings").await;
    let told = nodes.get_cluster(GetClusterRequest {}).await.unwrap().into_inner();
    assert_eq!(told.settings["LOG__LEVEL"], "warn");

    wanted["spec"]["settings"]["SEARCH__PENDING_MAX"] = "1000".into();
    world.apply(NAMESPACE, &wanted).await;
    let options = ["--exit-before", "EvictingPod"];
    world.operator = Operator::start_with(&world.api, world.dir.path(), &options);
    world.wait_operator_end("the operator to come to the eviction").await;
    let before = pods(&world).await;
    wanted["spec"]["settings"] = json!({"LOG__LEVEL": "info"});
    world.apply(NAMESPACE, &wanted).await;
    world.operator_ends_at("LettingLead").await;
    let known = nodes.list_nodes(ListNodesRequest {}).await.unwrap().into_inner().nodes;
    assert!(known.iter().all(|node| !node.follows_only), "{known:?}");
    world.operator = Operator::start(&world.api, world.dir.path());
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("True", "Updated")).await;
    assert_eq!(pods(&world).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_killed_at_every_step_of_a_roll_finishes_it() {
    let mut world = World::with_images(&[("0.2.0", Image::Missing)]).await;
    world.namespace(NAMESPACE).await;
    let mut wanted = cluster(3);
    world.apply(NAMESPACE, &wanted).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("True", "Updated")).await;
    let noted = |set: &Value| set["metadata"]["annotations"]["vanedb.io/last-good"].is_string();
    world.wait(NAMESPACE, "statefulset/demo", noted).await;
    world.operator.kill();

    wanted["spec"]["settings"]["SEARCH__PENDING_MAX"] = "1000".into();
    world.apply(NAMESPACE, &wanted).await;
    let steps =
        ["KeepingRecipe", "MakingSettings", "ChangingTemplate", "HandingOver", "EvictingPod"];
    for step in steps {
        world.operator_ends_at(step).await;
    }
    for step in ["NotingGood", "DroppingRecipe"] {
        world.operator_ends_at(step).await;
    }
    let target = world.list(NAMESPACE, "controllerrevision").await;
    let of_recipe = |kept: &&Value| kept["metadata"]["labels"]["vanedb.io/recipe"].is_string();
    assert_eq!(target.iter().filter(of_recipe).count(), 1, "{target:?}");

    wanted["spec"]["version"] = "0.2.0".into();
    world.apply(NAMESPACE, &wanted).await;
    for step in ["GivingUp", "DeletingPod"] {
        world.operator_ends_at(step).await;
    }
    world.operator = Operator::start(&world.api, world.dir.path());
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("False", "RolledBack")).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("True", "Ready")).await;
    world.operator.kill();
    wanted["spec"]["version"] = "0.1.0".into();
    world.apply(NAMESPACE, &wanted).await;
    world.operator_ends_at("ForgettingFailure").await;
    world.operator = Operator::start(&world.api, world.dir.path());
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("True", "Updated")).await;
}

/// What an operator made that knew no recipes, of the spec that the tests have.
const BEFORE_RECIPES: &str = "2b4cac1d2d0ddbc3";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_operator_restarts_no_pod_of_an_older_one() {
    let mut world = World::with_kubelet().await;
    world.namespace(NAMESPACE).await;
    world.apply(NAMESPACE, &cluster(1)).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("True", "Updated")).await;
    world.operator.kill();
    as_before_recipes(&world).await;
    let before = pods(&world).await;

    world.operator = Operator::start(&world.api, world.dir.path());
    let noted = |set: &Value| set["metadata"]["annotations"]["vanedb.io/last-good"].is_string();
    let set = world.wait(NAMESPACE, "statefulset/demo", noted).await;
    assert_eq!(set["metadata"]["annotations"]["vanedb.io/last-good"], BEFORE_RECIPES);
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("True", "Updated")).await;
    assert_eq!(pods(&world).await, before);

    // Only another spec does.
    let mut other = cluster(1);
    other["spec"]["settings"]["SEARCH__PENDING_MAX"] = "1000".into();
    world.apply(NAMESPACE, &other).await;
    let is_new = |pod: &Value| pod["metadata"]["annotations"]["vanedb.io/recipe"].is_string();
    world.wait(NAMESPACE, "pod/demo-0", is_new).await;
    assert_eq!(same(&before, &pods(&world).await), 0);
}

/// Makes of what there is what an operator left behind that knew no recipes.
async fn as_before_recipes(world: &World) {
    let set = world.get(NAMESPACE, "statefulset/demo").await.unwrap();
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {
            "name": "demo", "labels": set["metadata"]["labels"],
            "ownerReferences": set["metadata"]["ownerReferences"],
            "annotations": {"vanedb.io/template": BEFORE_RECIPES},
        },
        "spec": set["spec"],
    });
    let template = &mut set["spec"]["template"];
    template["metadata"]["annotations"] = json!({});
    let env_from = &mut template["spec"]["containers"][0]["envFrom"][0];
    env_from["configMapRef"]["name"] = "demo-settings".into();
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "demo-settings", "labels": set["metadata"]["labels"],
            "ownerReferences": set["metadata"]["ownerReferences"],
        },
        "data": {"VANE_LOG__FORMAT": "json", "VANE_LOG__LEVEL": "info"},
    });
    for kind in ["statefulset", "configmap", "controllerrevision"] {
        let of = "vanedb.io/cluster=demo";
        let args = ["-n", NAMESPACE, "delete", kind, "-l", of, "--timeout=60s"];
        world.api.kubectl(&args).await.unwrap();
    }
    world.wait_gone(NAMESPACE, "pods").await;
    world.apply(NAMESPACE, &settings).await;
    world.apply(NAMESPACE, &set).await;
    let is_ready = |set: &Value| set["status"]["readyReplicas"] == 1;
    world.wait(NAMESPACE, "statefulset/demo", is_ready).await;
}
