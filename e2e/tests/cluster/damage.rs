//! Bits that flip in what lies on a disk: noticed, never served afterwards, mended from the other
//! replicas.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use vane_testbed::{Cluster, Rest, wait_until};

use crate::load::{Load, Plan, Written};
use crate::world::{HEAL, check_replicas, create, leader, start};

/// Points in the collection: several segments.
const POINTS: u64 = 600;
/// Passes that follow each other, so that no test waits for one.
const SETTINGS: [(&str, &str); 5] = [
    ("storage.scrub_interval_s", "1"),
    ("storage.scrub_mb_per_s", "200"),
    ("storage.compare_interval_s", "1"),
    ("storage.growing_rows_max", "100"),
    ("storage.idle_seal_ms", "100"),
];

/// Time until everything was scrubbed and mended.
const MENDED: Duration = Duration::from_secs(60);

/// Files of rows of the only shard, on one node.
fn rows(cluster: &Cluster, number: usize, group: u64) -> Vec<PathBuf> {
    let shard = cluster.data_dir(number).join("shards").join(group.to_string());
    let segments = fs::read_dir(shard).into_iter().flatten().flatten();
    segments.map(|entry| entry.path().join("vec.f32")).filter(|path| path.exists()).collect()
}

/// In place, as a disk would give it back; the segment's first value changes.
fn flip(file: &Path) {
    let opened = fs::File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    opened.read_exact_at(&mut byte, 66).unwrap();
    opened.write_all_at(&[byte[0] ^ 0x40], 66).unwrap();
}

fn filled(cluster: &Cluster, replicas: u32) -> Written {
    create(&cluster.nodes()[0].rest(), 1, replicas);
    let load = Load::start(cluster, Plan { last: POINTS, ..Plan::default() });
    load.wait()
}

/// Peer that a node has of the only shard, by the leader's word.
fn peer_on(cluster: &Cluster, node: u64) -> Option<u64> {
    let shard = cluster.any_admin().ok()?.shards("c").ok()?.into_iter().next()?;
    let group = shard.group.filter(|group| !group.joint)?;
    let replica = group.replicas.iter().find(|replica| replica.node_id == node)?;
    (shard.target.is_empty() && replica.active && replica.lag == 0).then_some(replica.peer_id)
}

fn is_healthy(rest: &Rest) -> bool {
    rest.metric("vane_replicas_broken") == 0.0
}

/// Flips a bit of one node's replica, which must become another one that is whole.
fn mends(cluster: &Cluster, victim: usize, group: u64, written: &Written) {
    let node = cluster.admin(victim).unwrap().cluster().unwrap().node_id;
    // Just written: a follower may be an entry behind.
    let before =
        wait_until("the replica to have caught up", HEAL, || peer_on(cluster, node)).unwrap();
    let files = wait_until("rows to be sealed", HEAL, || rows(cluster, victim, group).pop());
    flip(&files.unwrap());
    wait_until("the damaged replica to be replaced", MENDED, || {
        peer_on(cluster, node).filter(|peer| *peer != before)
    })
    .unwrap();
    let rest = cluster.nodes()[victim - 1].rest();
    assert!(rest.metric("vane_scrub_damaged_replicas_total") >= 1.0);
    wait_until("nobody to tell of damage", HEAL, || {
        let problems = cluster.any_admin().ok()?.cluster().ok()?.problems;
        (problems.is_empty() && is_healthy(&rest)).then_some(())
    })
    .unwrap();
    check_replicas(cluster, written);
}

#[test]
fn a_flipped_bit_of_any_replica_is_mended_from_the_others() {
    let world = start(3, false, &SETTINGS);
    let written = filled(&world.cluster, 3);
    let (group, leads) = leader(&world.cluster);
    mends(&world.cluster, leads % 3 + 1, group, &written);
    // One that leads hands over first.
    let (group, leads) = leader(&world.cluster);
    mends(&world.cluster, leads, group, &written);
}

#[test]
fn what_a_crash_may_have_damaged_is_verified_soon_also_where_nothing_else_is() {
    let mut settings = SETTINGS;
    settings[1].1 = "0";
    let mut world = start(3, false, &settings);
    let written = filled(&world.cluster, 3);
    let (group, leads) = leader(&world.cluster);
    let victim = leads % 3 + 1;
    let node = world.cluster.admin(victim).unwrap().cluster().unwrap().node_id;
    let before =
        wait_until("the replica to have caught up", HEAL, || peer_on(&world.cluster, node))
            .unwrap();
    let files = wait_until("rows to be sealed", HEAL, || rows(&world.cluster, victim, group).pop());
    world.cluster.node(victim).kill();
    flip(&files.unwrap());
    world.cluster.node(victim).start().unwrap();
    wait_until("the damaged replica to be replaced", MENDED, || {
        peer_on(&world.cluster, node).filter(|peer| *peer != before)
    })
    .unwrap();
    check_replicas(&world.cluster, &written);
}

#[test]
fn of_two_replicas_the_damaged_one_is_mended_too() {
    let world = start(2, false, &SETTINGS);
    let written = filled(&world.cluster, 2);
    let (group, leads) = leader(&world.cluster);
    mends(&world.cluster, leads % 2 + 1, group, &written);
}

#[test]
fn the_only_copy_is_kept_and_told_of_by_every_node() {
    let world = start(2, false, &SETTINGS);
    let cluster = &world.cluster;
    let _written = filled(cluster, 1);
    let (group, holder) = leader(cluster);
    let files = wait_until("rows to be sealed", HEAL, || rows(cluster, holder, group).pop());
    flip(&files.unwrap());
    let told = |number: usize| {
        let problems = cluster.admin(number).ok()?.cluster().ok()?.problems;
        problems.into_iter().find(|it| it.contains("only copy") && it.contains("checksum"))
    };
    for number in [1, 2] {
        wait_until(&format!("node {number} to tell of it"), MENDED, || told(number)).unwrap();
    }
    let search = json!({"query": vec![0.5; 8], "limit": 3, "timeout": 2});
    for node in cluster.nodes() {
        let answer = node.rest().call("POST", "/collections/c/points/query?timeout=2", &search);
        assert!(!answer.unwrap().is_ok(), "it must not be served");
    }
    assert!(!rows(cluster, holder, group).is_empty(), "nothing was thrown away");
}
