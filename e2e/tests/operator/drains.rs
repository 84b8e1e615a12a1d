//! Machines that are drained: their nodes lead nothing before they go, and again where they stay.

use serde_json::{Value, json};
use vane_operator::database::{Admin, Channels};
use vane_proto::admin::{ListNodesRequest, Node};
use vane_testbed::wait_until_async;

use crate::guide::Guide;
use crate::process::Operator;
use crate::world::{World, cluster, collection, named};
use crate::writer::Writer;

const NAMESPACE: &str = "drains";
/// Where demo-1 runs, as in the guide.
const MACHINE: &str = "runner-b";

#[tokio::test(flavor = "multi_thread")]
async fn a_node_leads_nothing_before_its_machine_is_drained() {
    let mut world = World::with_kubelet().await;
    world.namespace(NAMESPACE).await;
    world.apply(NAMESPACE, &cluster(3)).await;
    for (name, copies) in [("docs", 3), ("pairs", 2)] {
        let mut collection = named(name, collection(name, copies));
        collection["spec"]["shards"] = 3.into();
        world.apply(NAMESPACE, &collection).await;
        world.wait_condition(NAMESPACE, &format!("col/{name}"), "Ready", ("True", "Ready")).await;
    }
    world.wait_condition(NAMESPACE, "vc/demo", "SafeToDisrupt", ("True", "Safe")).await;
    let writer = Writer::start(&world, NAMESPACE).await;

    a_cordon_that_is_taken_back_costs_no_pod(&mut world).await;

    let guide = Guide::read("drain.md");
    guide.follow(&world, NAMESPACE, "Take a machine out").await;
    let moved = |pod: &Value| {
        let machine = pod["spec"]["nodeName"].as_str();
        machine.is_some_and(|machine| machine != MACHINE)
    };
    world.wait(NAMESPACE, "pod/demo-1", moved).await;
    wait_node(&world, "its start ends it", |node| !node.follows_only).await;
    world.wait(NAMESPACE, "vc/demo", |cluster| cluster["status"]["draining"].is_null()).await;
    // Of two copies one is away meanwhile.
    let told = guide.follow(&world, NAMESPACE, "What stands still meanwhile").await;
    assert!(told[0].contains("of pairs") && !told[0].contains("of docs"), "{told:?}");
    guide.follow(&world, NAMESPACE, "The machine stays after all").await;
    writer.end(&world).await;
}

/// An operator ends right before and after each step.
async fn a_cordon_that_is_taken_back_costs_no_pod(world: &mut World) {
    let before = world.get(NAMESPACE, "pod/demo-1").await.unwrap();
    world.operator.kill();
    world.api.kubectl(&["cordon", MACHINE]).await.unwrap();
    world.operator_ends_at("HandingOver").await;
    wait_node(world, "it leads nothing", |node| node.follows_only && node.leaders == 0).await;
    world.operator = Operator::start(&world.api, world.dir.path());
    // One that ended before it could write it down leaves it to the while.
    let asked = json!([{
        "pod": "demo-1", "machine": MACHINE, "why": "is cordoned", "handsOver": false,
    }]);
    world.wait(NAMESPACE, "vc/demo", |cluster| cluster["status"]["draining"] == asked).await;
    let mut nodes = admin(world).await;
    let node = node(&mut nodes).await;
    let request = vane_proto::admin::SetNodeFollowsOnlyRequest { node_id: node.id, seconds: 0 };
    nodes.set_node_follows_only(request).await.unwrap();
    let asked = |cluster: &Value| cluster["status"]["draining"][0]["handsOver"] == true;
    world.wait(NAMESPACE, "vc/demo", asked).await;
    wait_node(world, "it is asked again", |node| node.follows_only && node.leaders == 0).await;

    world.operator.kill();
    world.api.kubectl(&["uncordon", MACHINE]).await.unwrap();
    world.operator_ends_at("LettingLead").await;
    world.operator = Operator::start(&world.api, world.dir.path());
    wait_node(world, "it leads again", |node| !node.follows_only).await;
    world.wait(NAMESPACE, "vc/demo", |cluster| cluster["status"]["draining"].is_null()).await;
    let after = world.get(NAMESPACE, "pod/demo-1").await.unwrap();
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
}

/// The database, as demo-0 tells it.
async fn admin(world: &World) -> Admin {
    let template = "go-template={{.data.token|base64decode}}";
    let args = ["-n", NAMESPACE, "get", "secret", "demo-token", "-o", template];
    let token = world.api.kubectl(&args).await.unwrap();
    let pod = world.get(NAMESPACE, "pod/demo-0").await.unwrap();
    let address = format!("{}:6335", pod["status"]["podIP"].as_str().unwrap());
    vane_operator::database::admin(&Channels::default(), &address, &token).unwrap()
}

/// The node of demo-1.
async fn node(nodes: &mut Admin) -> Node {
    let known = nodes.list_nodes(ListNodesRequest {}).await.unwrap().into_inner().nodes;
    known.into_iter().find(|node| node.name == "demo-1").unwrap()
}

async fn wait_node(world: &World, what: &str, is_so: impl Fn(&Node) -> bool) {
    let mut nodes = admin(world).await;
    let look = async || {
        let node = node(&mut nodes).await;
        Ok(if is_so(&node) { Ok(()) } else { Err(format!("{node:?}")) })
    };
    let soon = std::time::Duration::from_secs(60);
    let found = wait_until_async(what, soon, look).await;
    found.unwrap_or_else(|error| panic!("{error}\n{}", world.operator.log()));
}
