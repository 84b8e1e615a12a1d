//! Whether Kubernetes may take a node away, and what no single node's word takes away.

use serde_json::{Value, json};

use crate::world::{World, cluster, collection};

const NAMESPACE: &str = "safety";

#[tokio::test(flavor = "multi_thread")]
async fn no_node_goes_that_would_take_a_majority_along() {
    let world = World::with_kubelet().await;
    world.namespace(NAMESPACE).await;
    world.apply(NAMESPACE, &cluster(3)).await;
    world.apply(NAMESPACE, &collection("docs", 3)).await;
    world.apply(NAMESPACE, &collection("single", 1)).await;
    for object in ["col/docs", "col/single"] {
        world.wait_condition(NAMESPACE, object, "Ready", ("True", "Ready")).await;
    }
    // Not at once: it was safe before there was a collection of one copy.
    let tells_of_single = |cluster: &Value| {
        let conditions = cluster["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| {
            let message = condition["message"].as_str().unwrap_or_default();
            (&condition["type"], &condition["status"]) == (&json!("SafeToDisrupt"), &json!("True"))
                && message.contains("up to 1 groups with one or two copies")
        })
    };
    world.wait(NAMESPACE, "vc/demo", tells_of_single).await;
    wait_budget(&world, 1).await;
    a_silent_node_keeps_the_others(&world).await;
    a_lost_disk_takes_no_pin_away(&world).await;
    without_a_majority_nothing_is_believed(&world).await;
}

async fn wait_budget(world: &World, nodes: i64) {
    let allows = |budget: &Value| budget["spec"]["maxUnavailable"] == nodes;
    world.wait(NAMESPACE, "pdb/demo", allows).await;
}

async fn a_silent_node_keeps_the_others(world: &World) {
    let pod = world.kubelet.as_ref().unwrap().pod(NAMESPACE, "demo-1").unwrap();
    pod.freeze();
    let reason = ("False", "CopiesMissing");
    let message = world.wait_condition(NAMESPACE, "vc/demo", "SafeToDisrupt", reason).await;
    assert!(message.contains("of its 3 voters would be up and caught up"), "{message}");
    wait_budget(world, 0).await;
    pod.thaw();
    world.wait_condition(NAMESPACE, "vc/demo", "SafeToDisrupt", ("True", "Safe")).await;
    wait_budget(world, 1).await;
}

/// The node that is asked first comes back knowing nothing.
async fn a_lost_disk_takes_no_pin_away(world: &World) {
    let docs = |placement: &Value| placement["spec"]["collection"] == "docs";
    let placement = world.list(NAMESPACE, "sp").await.into_iter().find(docs).unwrap();
    let name = format!("sp/{}", placement["metadata"]["name"].as_str().unwrap());
    let pinned = placement["status"]["replicas"].as_array().unwrap();
    let pinned: Vec<Value> =
        pinned.iter().map(|copy| json!({"node": copy["node"], "role": copy["role"]})).collect();
    let patch = json!({"spec": {"replicas": pinned}}).to_string();
    let args = ["-n", NAMESPACE, "patch", &name, "--type=merge", "-p", &patch];
    world.api.kubectl(&args).await.unwrap();
    world.kubelet.as_ref().unwrap().pod(NAMESPACE, "demo-0").unwrap().wipe().unwrap();
    let twice = |cluster: &Value| {
        let members = cluster["status"]["members"].as_array().cloned().unwrap_or_default();
        members.iter().filter(|member| member["name"] == "demo-0").count() == 2
    };
    world.wait(NAMESPACE, "vc/demo", twice).await;
    let reason = ("False", "CopiesMissing");
    world.wait_condition(NAMESPACE, "vc/demo", "SafeToDisrupt", reason).await;
    wait_budget(world, 0).await;
    let after = world.get(NAMESPACE, &name).await.unwrap();
    assert_eq!(after["metadata"]["uid"], placement["metadata"]["uid"]);
    assert_eq!(after["spec"]["replicas"], json!(pinned));
}

/// One of the two voters that are left goes: the last one's word is only shown.
async fn without_a_majority_nothing_is_believed(world: &World) {
    let before = world.list(NAMESPACE, "sp").await.len();
    let pod = world.kubelet.as_ref().unwrap().pod(NAMESPACE, "demo-1").unwrap();
    pod.freeze();
    world.wait_condition(NAMESPACE, "vc/demo", "Ready", ("False", "NoQuorum")).await;
    world.wait_condition(NAMESPACE, "vc/demo", "SafeToDisrupt", ("False", "Unknown")).await;
    world.wait_condition(NAMESPACE, "col/docs", "Progressing", ("True", "ClusterNotReady")).await;
    assert_eq!(world.list(NAMESPACE, "sp").await.len(), before);
    pod.thaw();
    world.wait_condition(NAMESPACE, "col/docs", "Ready", ("True", "Ready")).await;
}
