//! Bulk upload by several clients at once: large requests are no reason to change leaders.

use std::time::{Duration, Instant};

use serde_json::json;
use vane_testbed::{Cluster, Rest};

use crate::load::{Load, Plan};
use crate::world::{HEAL, check, create, start};

const CLIENTS: u64 = 8;
/// Requests of each client.
const REQUESTS: u64 = 4;
/// Length of a vector, and vectors of a request: together about 11 MB of JSON.
const DIM: usize = 768;
const POINTS: u64 = 1200;

#[test]
fn a_bulk_upload_costs_no_leader_its_office_and_no_follower_a_snapshot() {
    let world = start(3, false, &[]);
    let rest = world.cluster.nodes()[0].rest();
    create(&rest, 1, 3);
    let bulk = json!({
        "vectors": {"size": DIM, "distance": "Dot"},
        "shard_number": 1,
        "replication_factor": 3,
    });
    rest.send("PUT", "/collections/bulk", &bulk).unwrap();
    world.cluster.wait_caught_up("bulk", 0).unwrap();
    let before = (offices(&world.cluster), installed(&world.cluster));
    // Small writes of another collection beside it.
    let small = Load::start(&world.cluster, Plan { writers: 1, ..Plan::default() });
    small.wait_for(20);
    let began = Instant::now();
    let bytes = upload(&world.cluster);
    let (took, gap) = (began.elapsed(), small.longest_gap(began));
    let written = small.end();
    written.refused_only_with(&[]);
    println!(
        "{} MB in {took:.1?}; the longest pause of small writes was {gap:.2?}, {} were acknowledged",
        bytes / 1_000_000,
        written.acknowledged.len()
    );
    let after = (offices(&world.cluster), installed(&world.cluster));
    assert_eq!(after, before, "leader and term of each shard, and snapshots that were needed");
    check(&world.cluster, &written);
}

/// Leader and term of both shards.
fn offices(cluster: &Cluster) -> Vec<(u64, u64)> {
    let shards = ["c", "bulk"].map(|name| cluster.any_admin().unwrap().shards(name).unwrap());
    let groups = shards.iter().flatten().filter_map(|shard| shard.group.as_ref());
    groups.map(|group| (group.leader_node, group.term)).collect()
}

fn installed(cluster: &Cluster) -> f64 {
    let nodes = cluster.nodes().iter();
    nodes.map(|node| node.rest().metric("vane_raft_snapshots_installed_total")).sum()
}

/// Bytes of what was uploaded, all of it acknowledged.
fn upload(cluster: &Cluster) -> usize {
    let nodes = cluster.nodes();
    let client = |client: u64| {
        let url = nodes[client as usize % nodes.len()].rest().url().to_owned();
        std::thread::spawn(move || {
            let rest = Rest::with_timeout(&url, 4 * HEAL);
            (0..REQUESTS).map(|request| put(&rest, client * REQUESTS + request)).sum::<usize>()
        })
    };
    let clients: Vec<_> = (0..CLIENTS).map(client).collect();
    clients.into_iter().map(|client| client.join().unwrap()).sum()
}

fn put(rest: &Rest, request: u64) -> usize {
    let ids = request * POINTS..(request + 1) * POINTS;
    let vector = |id: u64| -> Vec<f64> {
        (0..DIM as u64)
            .map(|at| ((id * 7919 + at * 104_729) % 999_983) as f64 / 999_983.0)
            .collect()
    };
    let points: Vec<_> = ids.map(|id| json!({"id": id, "vector": vector(id)})).collect();
    let body = serde_json::to_vec(&json!({ "points": points })).unwrap();
    let timeout = Duration::from_secs(60).as_secs();
    let path = format!("/collections/bulk/points?wait=true&timeout={timeout}");
    let answer = rest.call_raw("PUT", &path, &body).unwrap();
    assert_eq!(answer.status, 200, "request {request}");
    body.len()
}
