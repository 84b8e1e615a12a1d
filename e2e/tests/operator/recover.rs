//! Disks that are lost: told, and their copies made again where a person says so.

use std::time::Duration;

use serde_json::{Value, json};
use vane_testbed::wait_until_async;

use crate::guide::Guide;
use crate::process::Operator;
use crate::rest::rest;
use crate::world::{World, cluster, collection};
use crate::writer::Writer;

/// A cluster of so many nodes with a collection of three copies.
async fn filled(world: &World, namespace: &str, nodes: i32, shards: i32) {
    world.namespace(namespace).await;
    world.apply(namespace, &cluster(nodes)).await;
    let mut docs = collection("docs", 3);
    docs["spec"]["shards"] = shards.into();
    world.apply(namespace, &docs).await;
    world.wait_condition(namespace, "col/docs", "Ready", ("True", "Ready")).await;
    world.wait_condition(namespace, "vc/demo", "VolumesHealthy", ("True", "Healthy")).await;
}

fn wipe(world: &World, namespace: &str, pod: &str) {
    world.kubelet.as_ref().unwrap().pod(namespace, pod).unwrap().wipe().unwrap();
}

async fn wait_healed(world: &World, namespace: &str, nodes: usize) {
    world.wait_condition(namespace, "vc/demo", "VolumesHealthy", ("True", "Healthy")).await;
    world.wait_condition(namespace, "vc/demo", "Ready", ("True", "Ready")).await;
    world.wait_condition(namespace, "vc/demo", "SafeToDisrupt", ("True", "Safe")).await;
    let members = |cluster: &Value| cluster["status"]["members"].as_array().map_or(0, Vec::len);
    world.wait(namespace, "vc/demo", |cluster| members(cluster) == nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_disk_is_replaced_once_a_person_says_so() {
    const NAMESPACE: &str = "recover";
    let world = World::with_kubelet().await;
    filled(&world, NAMESPACE, 3, 3).await;
    let writer = Writer::start(&world, NAMESPACE).await;
    let guide = Guide::read("recover.md");

    wipe(&world, NAMESPACE, "demo-1");
    let lost = ("False", "VolumeLost");
    let message = world.wait_condition(NAMESPACE, "vc/demo", "VolumesHealthy", lost).await;
    let command = message.split("kubectl ").nth(1).unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[..4], ["-n", NAMESPACE, "annotate", "pod"], "{message}");
    world.api.kubectl(&words).await.unwrap();
    wait_healed(&world, NAMESPACE, 3).await;

    // Its claim is deleted: that is a word as well.
    guide.follow(&world, NAMESPACE, "A volume that is gone for good").await;
    let replaced = |cluster: &Value| {
        let members = cluster["status"]["members"].as_array().cloned().unwrap_or_default();
        members.len() == 3 && members.iter().any(|member| member["nodeId"] == 5)
    };
    world.wait(NAMESPACE, "vc/demo", replaced).await;
    wait_healed(&world, NAMESPACE, 3).await;
    writer.end(&world).await;
    let events = world.list(NAMESPACE, "events").await;
    let removed = events.iter().filter(|event| event["reason"] == "NodeRemoved");
    // Those that are alike are one, which counts.
    assert!(removed.count() > 0, "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_killed_at_every_step_of_a_replacement_finishes_it() {
    const NAMESPACE: &str = "recoverkills";
    let mut world = World::with_kubelet().await;
    filled(&world, NAMESPACE, 3, 1).await;
    wipe(&world, NAMESPACE, "demo-1");
    let lost = ("False", "VolumeLost");
    world.wait_condition(NAMESPACE, "vc/demo", "VolumesHealthy", lost).await;
    world.operator.kill();
    let annotate = ["-n", NAMESPACE, "annotate", "pod", "demo-1"];
    let cluster = world.get(NAMESPACE, "vc/demo").await.unwrap();
    let members = cluster["status"]["members"].as_array().unwrap().clone();
    let old = members.iter().find(|member| member["name"] == "demo-1").unwrap();
    let word = format!("vanedb.io/replace={}", old["nodeId"]);
    world.api.kubectl(&[&annotate[..], &[&word]].concat()).await.unwrap();
    for step in ["Leaving", "MovingCopies", "RemovingNode"] {
        world.operator_ends_at(step).await;
    }
    world.operator = Operator::start(&world.api, world.dir.path());
    wait_healed(&world, NAMESPACE, 3).await;
}

/// Two pods that some shard has two of its three copies on, and some shard fewer: where copies lie
/// depends on which nodes were there first.
async fn two_to_lose(world: &World, namespace: &str, shards: usize) -> [String; 2] {
    let look = async || {
        let placements = world.list(namespace, "sp").await;
        let nodes = placements.iter().filter_map(|shard| shard["status"]["nodes"].as_str());
        let nodes: Vec<Vec<String>> =
            nodes.map(|nodes| nodes.split(',').map(str::to_owned).collect()).collect();
        let are_shown = nodes.len() == shards && nodes.iter().all(|nodes| nodes.len() == 3);
        Ok(if are_shown { Ok(nodes) } else { Err(format!("{nodes:?}")) })
    };
    let nodes =
        wait_until_async("copies of all shards", Duration::from_secs(60), look).await.unwrap();
    let pods: Vec<String> = (1..5).map(|ordinal| format!("demo-{ordinal}")).collect();
    let mut pairs = pods.iter().flat_map(|a| pods.iter().map(move |b| [a.clone(), b.clone()]));
    let is_wanted = |[a, b]: &[String; 2]| {
        let lost = |nodes: &Vec<String>| nodes.iter().filter(|node| [a, b].contains(node)).count();
        a < b && nodes.iter().any(|nodes| lost(nodes) == 2) && nodes.iter().any(|it| lost(it) < 2)
    };
    pairs.find(is_wanted).unwrap_or_else(|| panic!("no two of {nodes:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_that_lost_their_majority_are_named_and_the_others_are_made_again() {
    const NAMESPACE: &str = "twolost";
    let world = World::with_kubelet().await;
    filled(&world, NAMESPACE, 5, 8).await;
    let pods = two_to_lose(&world, NAMESPACE, 8).await;
    for pod in &pods {
        wipe(&world, NAMESPACE, pod);
    }
    let lost = ("False", "MajorityLost");
    let message = world.wait_condition(NAMESPACE, "vc/demo", "VolumesHealthy", lost).await;
    assert!(message.contains("shard ") && message.contains("of docs"), "{message}");
    let twice = |cluster: &Value| {
        cluster["status"]["members"].as_array().is_some_and(|members| members.len() == 7)
    };
    let cluster = world.wait(NAMESPACE, "vc/demo", twice).await;
    for pod in &pods {
        let members = cluster["status"]["members"].as_array().unwrap();
        let old = members.iter().find(|member| member["name"] == *pod).unwrap();
        let word = format!("vanedb.io/replace={}", old["nodeId"]);
        world.api.kubectl(&["-n", NAMESPACE, "annotate", "pod", pod, &word]).await.unwrap();
    }
    // Those with a majority are made again; nothing is given up that has none.
    let healed = async || {
        let placements = world.list(NAMESPACE, "sp").await;
        let is_led = |placement: &&Value| placement["status"]["leader"].is_string();
        let is_whole = |placement: &Value| {
            !placement["status"]["nodes"].as_str().unwrap_or_default().contains("(node ")
        };
        placements.iter().filter(is_led).all(is_whole)
    };
    for placement in world.list(NAMESPACE, "sp").await {
        let name = format!("sp/{}", placement["metadata"]["name"].as_str().unwrap());
        let done = |placement: &Value| {
            let status = &placement["status"];
            let nodes = status["nodes"].as_str().unwrap_or_default();
            status["leader"].is_null() || !nodes.contains("(node ")
        };
        world.wait(NAMESPACE, &name, done).await;
    }
    assert!(healed().await);
    world.wait_condition(NAMESPACE, "vc/demo", "VolumesHealthy", lost).await;
    let (status, answer) =
        rest(&world, NAMESPACE, "DELETE", "collections/docs", Some(json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    wait_healed(&world, NAMESPACE, 5).await;
}
