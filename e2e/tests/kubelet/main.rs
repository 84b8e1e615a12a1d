//! Pods of a real StatefulSet, run as real nodes by the kubelet of the tests.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod world;

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod};
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt};
use vane_testbed::kubelet::ZONE_LABEL;

use world::{World, disk_of, is_ready, restarts};

/// Time for what takes a moment.
const SOON: Duration = Duration::from_secs(60);
/// Where the first node answers.
const FIRST: &str = "127.0.0.11";
/// The kubelet's own looks, several times over.
const A_WHILE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn pods_run_fail_and_come_back() {
    let world = World::start().await;
    let pods: Api<Pod> = Api::namespaced(world.client.clone(), "one");
    let all_ready = async || {
        let list = pods.list(&ListParams::default()).await.unwrap();
        (list.items.len() == 3 && list.iter().all(is_ready)).then_some(())
    };

    // Nodes without a database are not ready, and say whose disk they have.
    let addresses = [FIRST, "127.0.0.12", "127.0.0.13"];
    for address in addresses {
        world
            .until("an empty disk", SOON, async || disk_of(address).await.filter(String::is_empty))
            .await;
    }
    assert!(!pods.list(&ListParams::default()).await.unwrap().iter().any(is_ready));
    world::bootstrap(addresses[0]).await;
    world.until("three ready pods", SOON, all_ready).await;
    let database = disk_of(addresses[0]).await.unwrap();

    // Status is what a kubelet says; machines are in different zones.
    let nodes: Api<Node> = Api::all(world.client.clone());
    let mut zones = Vec::new();
    for (ordinal, address) in addresses.iter().enumerate() {
        let pod = pods.get(&format!("demo-{ordinal}")).await.unwrap();
        assert_eq!(pod.status.as_ref().unwrap().pod_ip.as_deref(), Some(*address));
        let machine = nodes.get(&pod.spec.unwrap().node_name.unwrap()).await.unwrap();
        zones.push(machine.labels()[ZONE_LABEL].clone());
    }
    assert_eq!(zones, ["a", "b", "c"]);

    // What goes on as it is changes no object.
    let versions = async || {
        let list = pods.list(&ListParams::default()).await.unwrap();
        list.iter().map(|item| item.resource_version().unwrap()).collect::<Vec<_>>()
    };
    let before = versions().await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(versions().await, before);

    // Killed: not ready, started again, the same member.
    world.kubelet.pod("one", "demo-1").unwrap().kill();
    world
        .until("the kill to be seen", SOON, async || {
            restarts(&pods, "demo-1").await.filter(|count| *count == 1)
        })
        .await;
    world.until("three ready pods", SOON, all_ready).await;

    // Frozen: not ready, and ready again.
    let frozen = world.kubelet.pod("one", "demo-2").unwrap();
    frozen.freeze();
    world
        .until("a frozen pod not to be ready", SOON, async || not_ready(&pods, "demo-2").await)
        .await;
    frozen.thaw();
    world.until("three ready pods", SOON, all_ready).await;

    replaced_pods_keep_or_lose_their_disks(&world, &pods, &database).await;
}

/// A deleted pod finds its disk again; without its claim it joins as a new node.
async fn replaced_pods_keep_or_lose_their_disks(world: &World, pods: &Api<Pod>, database: &str) {
    // Deleted: made again by the controller, on the disk that it had.
    let old = pods.get("demo-0").await.unwrap().uid();
    let begin = Instant::now();
    pods.delete("demo-0", &DeleteParams::default()).await.unwrap();
    let replaced =
        async || pods.get("demo-0").await.ok().filter(|pod| pod.uid() != old && is_ready(pod));
    world.until("a pod in place of the deleted one", SOON, replaced).await;
    eprintln!("deleted and ready again after {:?}", begin.elapsed());
    assert_eq!(disk_of(FIRST).await.unwrap(), database);

    // Without its claim, the next pod has an empty disk, and joins as a new node.
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(world.client.clone(), "one");
    claims.delete("data-demo-2", &DeleteParams::default()).await.unwrap();
    pods.delete("demo-2", &DeleteParams::default()).await.unwrap();
    world
        .until("a node with a new number", SOON, async || {
            let nodes = world::nodes(FIRST).await?;
            Some(()).filter(|()| nodes.iter().any(|node| node.name == "demo-2" && node.id > 3))
        })
        .await;
}

async fn not_ready(pods: &Api<Pod>, name: &str) -> Option<()> {
    pods.get(name).await.ok().filter(|pod| !is_ready(pod)).map(drop)
}
