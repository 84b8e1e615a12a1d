//! What does not stop the rest: objects that cannot be read, and an API server that is away.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vane_testbed::{Rest, wait_until_async};

use crate::process::Operator;
use crate::world::{World, cluster};

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_read_does_not_stop_the_others() {
    let world = World::start().await;
    world.namespace("strange").await;
    // As an older or a newer definition would let it in.
    let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/paused";
    let anything = json!({"x-kubernetes-preserve-unknown-fields": true});
    let anything = json!([{"op": "replace", "path": path, "value": anything}]);
    let arguments =
        ["patch", "crd", "vectorclusters.vanedb.io", "--type=json", "-p", &anything.to_string()];
    world.api.kubectl(&arguments).await.unwrap();
    let mut strange = cluster(3);
    strange["metadata"]["name"] = "strange".into();
    strange["spec"]["paused"] = "perhaps".into();
    let (object, args) =
        (strange.to_string(), ["-n", "strange", "apply", "--server-side", "-f", "-"]);
    let apply = async || {
        let applied = world.api.admin().kubectl_reading(&object, &args).await;
        Ok(applied.map_err(|error| error.to_string()))
    };
    let what = "the changed definition to be served";
    wait_until_async(what, Duration::from_secs(30), apply).await.unwrap();
    world.apply("strange", &cluster(3)).await;
    world.wait("strange", "statefulset/demo", |_| true).await;
    assert!(world.get("strange", "statefulset/strange").await.is_none());
    assert!(world.operator.log().contains("cannot be read"), "{}", world.operator.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_fails_is_counted_until_it_succeeds_or_goes() {
    const RETRYING: &str = "vane_operator_retrying{kind=\"VectorCluster\"}";
    const ERRORS: &str = "vane_operator_errors_total{kind=\"VectorCluster\",error=\"kubernetes\"}";
    let world = World::start().await;
    for namespace in ["first", "second"] {
        world.namespace(namespace).await;
        world.apply(namespace, &in_the_way()).await;
        world.apply(namespace, &cluster(1)).await;
    }
    world.wait_metric(&world.operator, RETRYING, 2.0).await;
    assert!(world.operator.metric(ERRORS).await.is_some_and(|errors| errors >= 2.0));
    world.api.kubectl(&["-n", "first", "delete", "service", "demo-nodes"]).await.unwrap();
    world.wait_metric(&world.operator, RETRYING, 1.0).await;
    world.wait("first", "statefulset/demo", |_| true).await;
    world.api.kubectl(&["-n", "second", "delete", "vc", "demo"]).await.unwrap();
    world.wait_metric(&world.operator, RETRYING, 0.0).await;
    let passes = "vane_operator_reconcile_seconds_count{kind=\"VectorCluster\"}";
    assert!(world.operator.metric(passes).await.is_some_and(|passes| passes >= 4.0));
    world
        .wait_metric(&world.operator, "vane_operator_reconciling{kind=\"VectorCluster\"}", 0.0)
        .await;
}

/// A Service that passes for ours under the name that the pods' addresses need: it has an address
/// of its own, which no Service can give up.
fn in_the_way() -> Value {
    let labels = json!({
        "app.kubernetes.io/name": "vane", "app.kubernetes.io/managed-by": "vane-operator",
        "app.kubernetes.io/part-of": "vane", "vanedb.io/cluster": "demo",
    });
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "demo-nodes", "labels": labels},
        "spec": {"ports": [{"port": 80}]},
    })
}

/// Three times as long as a Lease lasts.
const AWAY: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_goes_on_when_its_api_server_comes_back() {
    let mut world = World::with_kubelet().await;
    world.namespace("away").await;
    world.apply("away", &cluster(3)).await;
    world.wait_condition("away", "vc/demo", "Ready", ("True", "Ready")).await;
    let pod = world.get("away", "pod/demo-1").await.unwrap();
    let rest = Rest::new(&format!("http://{}:6333", pod["status"]["podIP"].as_str().unwrap()));
    world.api.stop_api();
    let (began, mut ended) = (Instant::now(), 0);
    while began.elapsed() < AWAY {
        let rest = rest.clone();
        let ready = tokio::task::spawn_blocking(move || rest.is_ready()).await.unwrap();
        assert!(ready, "the database serves without an API server");
        // One that lost its lease ends, and is started again as its Deployment does.
        if world.operator.ended().is_some() {
            ended += 1;
            world.operator = Operator::start(&world.api, world.dir.path());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    world.api.start_api().await.unwrap();
    if world.operator.ended().is_some() {
        world.operator = Operator::start(&world.api, world.dir.path());
    }
    println!("the API server was away for {AWAY:?}; the operator ended {ended} times");
    world.apply("away", &cluster(4)).await;
    let grown = |cluster: &Value| {
        cluster["status"]["members"].as_array().is_some_and(|members| members.len() == 4)
    };
    world.wait("away", "vc/demo", grown).await;
}
