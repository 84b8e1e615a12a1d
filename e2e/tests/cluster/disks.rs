//! Disks that lose their power, and disks that are full.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Instant;

use parking_lot::MutexGuard;
use serde_json::json;
use vane_testbed::{Cluster, wait_until};

use crate::load::{Load, Plan, Written};
use crate::volume::{Volume, can_mount};
use crate::world::{
    HEAL, alone, check, check_replicas, create, create_with, lead_all, leader, options,
};

/// Power failures, unless `POWER_ROUNDS` says otherwise.
const POWER_ROUNDS: u64 = 20;
/// Room for three nodes.
const POWER_MB: u64 = 512;
/// Segments are sealed and indexed, and the applied state synced, all the time: there is
/// something of everything in the picture.
const POWER_SETTINGS: [(&str, &str); 5] = [
    ("STORAGE__MIN_FREE_MB", "8"),
    ("STORAGE__BALLAST_MB", "0"),
    ("STORAGE__IDLE_SEAL_MS", "5"),
    ("STORAGE__GROWING_ROWS_MAX", "200"),
    ("STORAGE__FLUSH_INTERVAL_MS", "100"),
];

/// All data directories lie on one image, so that a copy of it shows the disks of all nodes
/// at a single moment, as a failure of the power leaves them.
#[test]
fn no_acknowledged_write_is_lost_when_the_power_of_all_nodes_fails() {
    if !can_mount() {
        return;
    }
    let rounds = std::env::var("POWER_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(POWER_ROUNDS);
    let (_alone, dir) = (alone(), tempfile::tempdir().unwrap());
    let mut written = Written { next: 1, ..Written::default() };
    let mut image = dir.path().join("round-0.img");
    let mount = dir.path().join("disk");
    let began = Instant::now();
    for round in 1..=rounds {
        let volume = match round {
            1 => Volume::make(&image, &mount, POWER_MB),
            _ => Volume::mount(&image, &mount),
        };
        let photograph = dir.path().join(format!("round-{round}.img"));
        power_round(&volume, round, &photograph, &mut written);
        drop(volume);
        std::fs::remove_file(&image).unwrap();
        image = photograph;
    }
    let volume = Volume::mount(&image, &mount);
    let cluster = Cluster::start(&options(volume.path(), 3, false, &POWER_SETTINGS)).unwrap();
    check_replicas(&cluster, &written);
    let count = written.acknowledged.len();
    println!(
        "{rounds} power failures of all nodes amid {count} writes, in {:.1?}",
        began.elapsed()
    );
    drop(cluster);
}

/// Starts on a disk, checks it, writes, and takes the picture that the next round starts on.
fn power_round(volume: &Volume, round: u64, photograph: &Path, written: &mut Written) {
    let mut cluster = Cluster::start(&options(volume.path(), 3, false, &POWER_SETTINGS)).unwrap();
    if round == 1 {
        let optimizer = json!({"indexing_threshold": 50});
        create_with(&cluster.nodes()[0].rest(), 2, 3, &optimizer);
    }
    let found = check(&cluster, written);
    written.seen(found);
    let load = Load::start(&cluster, Plan { writers: 6, first: written.next, ..Plan::default() });
    // From a few writes to many, in an order without a pattern.
    load.wait_for(usize::try_from(5 + round * 7919 % 13 * 40).unwrap());
    // Frozen, the nodes acknowledge nothing: what they did must be in the picture.
    cluster.nodes().iter().for_each(|node| node.freeze().unwrap());
    volume.photograph(photograph);
    load.stop();
    (1..=3).for_each(|number| cluster.node(number).kill());
    written.add(load.end());
}

/// Size of the small disk, and the reserve that writes must leave there.
const SMALL_MB: u64 = 256;
const SMALL_SETTINGS: [(&str, &str); 2] =
    [("STORAGE__MIN_FREE_MB", "32"), ("STORAGE__BALLAST_MB", "8")];
/// Bytes left free by a foreign file: within the reserve, and next to none.
const LOW: u64 = 12 << 20;
const NONE: u64 = 1 << 20;
/// Ids of a delete that fills the log, and how many of them surely fill it.
const LARGE_DELETE: u64 = 50_000;
const DELETES_MAX: usize = 2000;
/// The node with the small disk.
const SMALL: usize = 2;
/// Entries that a replica trails by when it takes none any more, and at most under load
/// when it does.
const BEHIND: u64 = 200;
const LAG_MAX: u64 = 64;

const DELETE: &str = "/collections/c/points/delete?wait=true";

struct SmallDisk {
    cluster: Cluster,
    volume: Volume,
    _dir: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// Three nodes, one of them on a small disk of its own.
fn with_small_disk() -> SmallDisk {
    let (alone, dir) = (alone(), tempfile::tempdir().unwrap());
    let volume = Volume::make(&dir.path().join("disk.img"), &dir.path().join("disk"), SMALL_MB);
    let data = volume.path().join("data");
    std::fs::create_dir(&data).unwrap();
    symlink(&data, dir.path().join(format!("node-{SMALL}"))).unwrap();
    let cluster = Cluster::start(&options(dir.path(), 3, false, &SMALL_SETTINGS)).unwrap();
    create(&cluster.nodes()[0].rest(), 1, 3);
    SmallDisk { cluster, volume, _dir: dir, _alone: alone }
}

impl SmallDisk {
    /// Entries that the small node's replica trails by.
    fn lag(&self) -> u64 {
        let (_, leader) = leader(&self.cluster);
        let admin = self.cluster.admin(leader).unwrap();
        let id = self.cluster.admin(SMALL).unwrap().cluster().unwrap().node_id;
        let group = admin.shards("c").unwrap().remove(0).group.unwrap();
        group
            .replicas
            .iter()
            .find(|replica| replica.node_id == id && replica.known)
            .map_or(0, |it| it.lag)
    }

    /// Frees the disk under load; the small node catches up and nobody has lost anything.
    fn make_room_and_check(&mut self, load: Load, deleted: &[u64]) {
        self.volume.make_room();
        self.check_after_room(load, deleted);
    }

    fn check_after_room(&self, load: Load, deleted: &[u64]) {
        let began = Instant::now();
        load.wait_for_through(&[1, 2, 3], 50);
        self.cluster.wait_caught_up("c", LAG_MAX).unwrap();
        println!(
            "writes go on everywhere and all caught up {:.2?} after there was room",
            began.elapsed()
        );
        let mut written = load.end();
        written.acknowledged.retain(|id, _| !deleted.contains(id));
        written.refused_only_with(&[507, 503, 408]);
        let found = check(&self.cluster, &written);
        assert!(deleted.iter().all(|id| !found.contains(id)), "deleted points are back");
        check_replicas(&self.cluster, &written);
    }
}

#[test]
fn a_follower_with_a_full_disk_holds_nobody_up() {
    if !can_mount() {
        return;
    }
    let mut world = with_small_disk();
    lead_all(&world.cluster, 1);
    let load = Load::start(&world.cluster, Plan { writers: 6, pinned: true, ..Plan::default() });
    load.wait_for_through(&[1, 2, 3], 20);
    let began = Instant::now();
    world.volume.fill_up_to(NONE);
    wait_until("the full node to take no entries", HEAL, || (world.lag() > BEHIND).then_some(()))
        .unwrap();
    load.wait_for_through(&[1, 2, 3], 200);
    let gap = load.longest_gap(began);
    println!("longest gap with a full follower: {gap:.2?}; it trails by {} entries", world.lag());
    assert!(
        world.cluster.nodes()[SMALL - 1].rest().is_live(),
        "{}",
        world.cluster.nodes()[SMALL - 1].log_tail()
    );
    world.make_room_and_check(load, &[]);
}

#[test]
fn a_leader_with_a_full_disk_makes_way() {
    if !can_mount() {
        return;
    }
    let mut world = with_small_disk();
    lead_all(&world.cluster, SMALL);
    let load = Load::start(&world.cluster, Plan { writers: 6, pinned: true, ..Plan::default() });
    load.wait_for_through(&[1, 2, 3], 20);
    let mut deleted = Vec::new();
    for (left, first) in [(LOW, 1), (NONE, 4)] {
        world.volume.fill_up_to(left);
        let began = Instant::now();
        wait_until("another leader", HEAL, || (leader(&world.cluster).1 != SMALL).then_some(()))
            .unwrap();
        println!("{left} bytes left: another node leads after {:.1?}", began.elapsed());
        load.wait_for_through(&[1, 2, 3], 20);
        for (node, point) in world.cluster.nodes().iter().zip(first..) {
            let body = json!({"points": [point]});
            node.rest().send("POST", DELETE, &body).expect("deletes are still taken");
            let read = node.rest().send("POST", "/collections/c/points", &json!({"ids": [point]}));
            assert_eq!(read.expect("reads go on"), json!([]));
            deleted.push(point);
        }
    }
    for ((node, status), (answer, _)) in load.refused() {
        let text = answer.body["status"]["error"].as_str().unwrap_or_default();
        let helps =
            status != 507 || (text.contains("nothing was changed") && text.contains("make room"));
        assert!(helps, "node {node}: {status} {text}");
    }
    world.make_room_and_check(load, &deleted);
}

/// Deletes are taken beyond the reserve, until the log itself cannot be written.
#[test]
fn a_leader_that_cannot_write_its_log_makes_way() {
    if !can_mount() {
        return;
    }
    let mut world = with_small_disk();
    lead_all(&world.cluster, SMALL);
    let load = Load::start(&world.cluster, Plan { writers: 6, pinned: true, ..Plan::default() });
    load.wait_for_through(&[1, 2, 3], 20);
    world.volume.fill_up_to(0);
    let [healthy, small] = [1, SMALL].map(|number| world.cluster.nodes()[number - 1].rest());
    // Of points that are not there: only the log grows.
    let ids: Vec<u64> = (0..LARGE_DELETE).map(|number| u64::MAX - number).collect();
    let mut deletes = 0;
    while small.is_live() && leader(&world.cluster).1 == SMALL {
        assert!(deletes < DELETES_MAX, "{deletes} large deletes fit on a full disk");
        let answer = healthy.call("POST", DELETE, &json!({"points": ids})).unwrap();
        assert!(matches!(answer.status, 200 | 408 | 503), "{answer:?}");
        deletes += 1;
    }
    load.wait_for_through(&[1, 3], 50);
    let fate = if small.is_live() { "gave way" } else { "ended" };
    println!("the full node {fate} after {deletes} large deletes; others went on");
    world.volume.make_room();
    // As whoever keeps processes alive would.
    world.cluster.node(SMALL).kill();
    world.cluster.node(SMALL).start().unwrap();
    world.check_after_room(load, &[]);
}
