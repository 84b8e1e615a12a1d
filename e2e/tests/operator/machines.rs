//! Machines that are gone with the volumes of their pods: told, and given up where the spec says
//! so.

use serde_json::{Value, json};

use crate::process::Operator;
use crate::world::{World, cluster, collection};
use crate::writer::Writer;

const NAMESPACE: &str = "machines";
/// Where demo-1 runs.
const MACHINE: &str = "runner-b";

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_machine_is_gone_is_made_anew_where_the_spec_says_so() {
    let mut world = World::with_local_volumes().await;
    world.namespace(NAMESPACE).await;
    let mut wanted = cluster(3);
    world.apply(NAMESPACE, &wanted).await;
    let mut docs = collection("docs", 3);
    docs["spec"]["shards"] = 2.into();
    world.apply(NAMESPACE, &docs).await;
    world.wait_condition(NAMESPACE, "col/docs", "Ready", ("True", "Ready")).await;
    world.wait_condition(NAMESPACE, "vc/demo", "SafeToDisrupt", ("True", "Safe")).await;
    let known = |cluster: &Value| {
        let members = cluster["status"]["members"].as_array().cloned().unwrap_or_default();
        members.iter().filter(|member| member["volume"].is_string()).count() == 3
    };
    world.wait(NAMESPACE, "vc/demo", known).await;
    let claim = world.get(NAMESPACE, "pvc/data-demo-1").await.unwrap();
    let writer = Writer::start(&world, NAMESPACE).await;
    world.kubelet.as_ref().unwrap().lose_machine(MACHINE).await.unwrap();

    without_leave_it_is_only_told(&world, &claim).await;
    wanted["spec"]["storage"]["recovery"] = json!({"mode": "Automatic", "afterMinutes": 1});
    world.apply(NAMESPACE, &wanted).await;
    let due = |cluster: &Value| {
        let waits = cluster["status"]["stranded"][0]["waitsFor"].as_str().unwrap_or_default();
        waits.contains("gives its volume up at")
    };
    world.wait(NAMESPACE, "vc/demo", due).await;
    world.operator.kill();
    // The pod is deleted by the operator after its claim, or by Kubernetes before.
    for step in ["GivingVolumeUp", "Leaving", "MovingCopies", "RemovingNode"] {
        world.operator_ends_at(step).await;
    }
    world.operator = Operator::start(&world.api, world.dir.path());
    world.wait_condition(NAMESPACE, "vc/demo", "VolumesHealthy", ("True", "Healthy")).await;
    world.wait_condition(NAMESPACE, "vc/demo", "SafeToDisrupt", ("True", "Safe")).await;
    let healed = |cluster: &Value| {
        let members = cluster["status"]["members"].as_array().map_or(0, Vec::len);
        members == 3 && cluster["status"]["stranded"].is_null()
    };
    world.wait(NAMESPACE, "vc/demo", healed).await;
    let now = world.get(NAMESPACE, "pvc/data-demo-1").await.unwrap();
    assert_ne!(now["metadata"]["uid"], claim["metadata"]["uid"]);
    writer.end(&world).await;
}

async fn without_leave_it_is_only_told(world: &World, claim: &Value) {
    let gone = ("False", "MachineGone");
    let message = world.wait_condition(NAMESPACE, "vc/demo", "VolumesHealthy", gone).await;
    assert!(message.contains(&format!("machine {MACHINE}, which is not there")), "{message}");
    let command = format!("kubectl -n {NAMESPACE} delete pvc data-demo-1 --wait=false");
    assert!(message.contains(&command), "{message}");
    let there = world.get(NAMESPACE, "pvc/data-demo-1").await.unwrap();
    assert_eq!(there["metadata"]["uid"], claim["metadata"]["uid"]);
    assert!(there["metadata"]["deletionTimestamp"].is_null(), "{there}");
}
