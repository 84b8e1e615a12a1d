//! What platforms ask for of pods and Services.

use serde_json::{Value, json};

use crate::guide::Guide;
use crate::world::{World, cluster};

const NAMESPACE: &str = "deploy";

/// Waits until the pod is made from what the spec asks for, and returns it.
async fn wait_made(world: &World, is_made: impl Fn(&Value) -> bool) -> Value {
    let pod = world.wait(NAMESPACE, "pod/demo-0", is_made).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", ("True", "Updated")).await;
    pod
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_and_services_are_what_a_platform_asks_for() {
    let world = World::with_kubelet().await;
    world.namespace(NAMESPACE).await;
    let mut wanted = cluster(1);
    wanted["spec"].as_object_mut().unwrap().remove("resources");
    world.apply(NAMESPACE, &wanted).await;
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("True", "Ready")).await;
    let pod = world.get(NAMESPACE, "pod/demo-0").await.unwrap();
    let requests = &pod["spec"]["containers"][0]["resources"]["requests"];
    assert_eq!(*requests, json!({"cpu": "500m", "memory": "1Gi"}));

    let guide = Guide::read("deploy.md");
    guide.follow(&world, NAMESPACE, "Labels, annotations and priority of pods").await;
    guide.follow(&world, NAMESPACE, "Machines of its own").await;
    let pod = wait_made(&world, |pod| pod["spec"]["affinity"]["podAntiAffinity"].is_object()).await;
    assert_eq!(pod["metadata"]["labels"]["team"], "search");
    assert_eq!(pod["metadata"]["labels"]["vanedb.io/cluster"], "demo");
    assert_eq!(pod["metadata"]["annotations"]["sidecar.istio.io/inject"], "false");
    assert_eq!(pod["spec"]["priority"], 1_000_000);

    // A word that no Pod has would have no effect, and nobody would notice.
    let misspelt = json!({"spec": {"pod": {"affinity": {"podAntiAffinities": {}}}}}).to_string();
    let patch = ["-n", NAMESPACE, "patch", "vc", "demo", "--type", "merge", "-p", &misspelt];
    world.api.kubectl(&patch).await.unwrap();
    let refused = ("False", "InvalidPod");
    let message = world.wait_condition(NAMESPACE, "vc/demo", "Accepted", refused).await;
    assert!(message.contains("a Pod has no podAntiAffinities"), "{message}");
    world.wait_condition(NAMESPACE, "vc/demo", "Updated", refused).await;
    let same = world.get(NAMESPACE, "pod/demo-0").await.unwrap();
    assert_eq!(same["metadata"]["uid"], pod["metadata"]["uid"]);

    guide.follow(&world, NAMESPACE, "Answers from the same zone").await;
    guide.follow(&world, NAMESPACE, "Reach it from outside").await;
    let is_open = |service: &Value| service["spec"]["type"] == "LoadBalancer";
    let service = world.wait(NAMESPACE, "service/demo", is_open).await;
    assert_eq!(service["spec"]["loadBalancerSourceRanges"], json!(["10.0.0.0/8"]));
    guide.follow(&world, NAMESPACE, "Close it again").await;
    let is_closed = |service: &Value| service["spec"]["type"] == "ClusterIP";
    let service = world.wait(NAMESPACE, "service/demo", is_closed).await;
    assert_eq!(service["spec"]["trafficDistribution"], "PreferClose");
    assert!(service["spec"]["loadBalancerSourceRanges"].is_null(), "{service}");
}
