//! Killed nodes.

use std::time::{Duration, Instant};

use vane_testbed::pause;

use crate::load::{Load, Plan};
use crate::world::{amount, check, check_replicas, create, leader, start};

/// Times that a leader is killed.
/// Leaders killed, unless `KILL_ROUNDS` says otherwise.
const KILL_ROUNDS: u64 = 30;
/// Entries that a replica may trail by under load and still be called caught up.
const LAG_MAX: u64 = 64;

#[test]
fn no_acknowledged_write_is_lost_when_nodes_are_killed() {
    let mut world = start(5, false, &[]);
    create(&world.cluster.nodes()[0].rest(), 4, 3);
    let load = Load::start(&world.cluster, Plan { writers: 6, last: 10_000, ..Plan::default() });
    pause(Duration::from_secs(1));
    for victim in [3, 1, 5, 2, 4] {
        world.cluster.node(victim).kill();
        pause(Duration::from_millis(1200));
        world.cluster.node(victim).start().unwrap();
        pause(Duration::from_millis(1500));
    }
    let written = load.wait();
    let count = written.acknowledged.len();
    println!(
        "{count} of {} inserts acknowledged while every node was killed once",
        written.next - 1
    );
    assert!(count > 5000, "only {count} of {} were acknowledged", written.next);
    world.cluster.wait_ready().unwrap();
    check(&world.cluster, &written);
}

#[test]
fn a_killed_leader_leaves_a_short_gap() {
    let mut world = start(3, false, &[]);
    create(&world.cluster.nodes()[0].rest(), 1, 3);
    let rounds = amount("KILL_ROUNDS", KILL_ROUNDS);
    let mut gaps = Vec::new();
    let load = Load::start(&world.cluster, Plan::default());
    for _round in 0..rounds {
        let (_, victim) = leader(&world.cluster);
        load.wait_for(20);
        let killed = Instant::now();
        world.cluster.node(victim).kill();
        load.wait_for(20);
        gaps.push(load.longest_gap(killed));
        world.cluster.node(victim).start().unwrap();
        world.cluster.wait_ready().unwrap();
        world.cluster.wait_caught_up("c", LAG_MAX).unwrap();
    }
    let written = load.end();
    gaps.sort_unstable();
    let (median, longest) = (gaps[gaps.len() / 2], gaps[gaps.len() - 1]);
    println!(
        "leader killed {rounds} times amid {} writes: gaps of {median:.2?} (median) to {longest:.2?}: {gaps:.2?}",
        written.acknowledged.len()
    );
    // Two seconds are the aim; machines that run tests are slow at times.
    assert!(longest < Duration::from_secs(10), "{gaps:?}");
    check(&world.cluster, &written);
    check_replicas(&world.cluster, &written);
}
