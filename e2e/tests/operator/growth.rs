//! Volumes that grow while they are in use. The test is what a storage driver is: it says what
//! claims have.

use serde_json::{Value, json};

use crate::guide::Guide;
use crate::process::Operator;
use crate::world::{World, cluster};

const NAMESPACE: &str = "growth";

/// What the driver says of a claim.
async fn says(world: &World, ordinal: usize, size: &str, conditions: Value) {
    let status = json!({"status": {
        "phase": "Bound", "capacity": {"storage": size}, "conditions": conditions,
    }});
    let claim = format!("data-demo-{ordinal}");
    let patch = ["-n", NAMESPACE, "patch", "pvc", &claim, "--subresource=status", "--type=merge"];
    world.api.kubectl(&[&patch[..], &["-p", &status.to_string()]].concat()).await.unwrap();
}

async fn set_size(world: &World, size: &str) -> Result<String, String> {
    let spec = json!({"spec": {"storage": {"size": size}}}).to_string();
    let patch = ["-n", NAMESPACE, "patch", "vc", "demo", "--type=merge", "-p", &spec];
    world.api.kubectl(&patch).await.map_err(|error| error.to_string())
}

fn asks(claim: &Value) -> &Value {
    &claim["spec"]["resources"]["requests"]["storage"]
}

async fn wait_asked(world: &World, ordinal: usize, size: &str) {
    let claim = format!("pvc/data-demo-{ordinal}");
    world.wait(NAMESPACE, &claim, |claim| asks(claim) == size).await;
}

async fn wait_volumes(world: &World, status: &str, reason: &str) -> String {
    world.wait_condition(NAMESPACE, "vc/demo", "VolumesHealthy", (status, reason)).await
}

async fn uids(world: &World) -> Vec<Value> {
    let mut uids = Vec::new();
    for object in ["sts/demo", "pod/demo-0", "pod/demo-1", "pod/demo-2", "pvc/data-demo-1"] {
        uids.push(world.get(NAMESPACE, object).await.unwrap()["metadata"]["uid"].clone());
    }
    uids
}

async fn founded(world: &World) {
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "grows"},
        "provisioner": "storage.test", "allowVolumeExpansion": true,
    });
    world.namespace(NAMESPACE).await;
    world.apply(NAMESPACE, &class).await;
    let mut wanted = cluster(3);
    wanted["spec"]["storage"]["className"] = "grows".into();
    world.apply(NAMESPACE, &wanted).await;
    wait_volumes(world, "True", "Healthy").await;
    for ordinal in 0..3 {
        says(world, ordinal, "1Gi", json!([])).await;
    }
    let is_known = |cluster: &Value| cluster["status"]["volumeSize"] == "1Gi";
    world.wait(NAMESPACE, "vc/demo", is_known).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_grow_one_by_one_and_a_mistake_is_taken_back() {
    let mut world = World::with_kubelet().await;
    founded(&world).await;
    let before = uids(&world).await;
    let guide = Guide::read("scale.md");

    guide.follow(&world, NAMESPACE, "Larger volumes").await;
    wait_asked(&world, 0, "2Gi").await;
    let message = wait_volumes(&world, "False", "Resizing").await;
    assert_eq!(message, "data-demo-0 has 1Gi and is to have 2Gi");
    set_size(&world, "1536Mi").await.unwrap();
    wait_asked(&world, 0, "1536Mi").await;
    // Kubernetes takes nothing back down to what there is: it grows alone.
    guide.follow(&world, NAMESPACE, "A size that was a mistake").await;
    let is_seen = |cluster: &Value| {
        cluster["status"]["observedGeneration"] == cluster["metadata"]["generation"]
    };
    world.wait(NAMESPACE, "vc/demo", is_seen).await;
    says(&world, 0, "1536Mi", json!([])).await;
    wait_volumes(&world, "True", "Healthy").await;
    wait_asked(&world, 0, "1536Mi").await;
    wait_asked(&world, 1, "1Gi").await;

    world.operator.kill();
    guide.follow(&world, NAMESPACE, "Larger volumes").await;
    world.operator_ends_at("ResizingVolume").await;
    world.operator = Operator::start(&world.api, world.dir.path());
    wait_asked(&world, 0, "2Gi").await;
    let failed = json!([{"type": "ControllerResizeError", "status": "True", "message": "no room"}]);
    says(&world, 0, "1536Mi", failed).await;
    let message = wait_volumes(&world, "False", "ResizeFailed").await;
    assert!(message.ends_with("no room"), "{message}");
    let pending = json!([{"type": "FileSystemResizePending", "status": "True"}]);
    says(&world, 0, "1536Mi", pending).await;
    let message = wait_volumes(&world, "False", "NeedsRestart").await;
    assert!(message.contains("vanedb.io/restart"), "{message}");
    for ordinal in 0..3 {
        wait_asked(&world, ordinal, "2Gi").await;
        if let Some(next) = world.get(NAMESPACE, &format!("pvc/data-demo-{}", ordinal + 1)).await {
            assert_eq!(asks(&next), "1Gi", "one after the other");
        }
        says(&world, ordinal, "2Gi", json!([])).await;
    }
    wait_volumes(&world, "True", "Healthy").await;
    assert_eq!(uids(&world).await, before, "nothing is made anew for it");

    let has = |cluster: &Value| cluster["status"]["volumeSize"] == "2Gi";
    world.wait(NAMESPACE, "vc/demo", has).await;
    let refused = set_size(&world, "1Gi").await.unwrap_err();
    assert!(refused.contains("no volume becomes smaller"), "{refused}");
    // The volume of a new pod is made with the first size, and grows at once.
    world.api.kubectl(&["-n", NAMESPACE, "scale", "vc/demo", "--replicas=4"]).await.unwrap();
    world.wait(NAMESPACE, "pvc/data-demo-3", |claim| claim["metadata"]["uid"].is_string()).await;
    says(&world, 3, "1Gi", json!([])).await;
    wait_asked(&world, 3, "2Gi").await;
}
