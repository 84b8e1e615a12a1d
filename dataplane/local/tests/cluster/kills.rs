//! Killed nodes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use vane_local::{pause, wait_until};

use crate::load::Load;
use crate::world::{HEAL, check, create, leader, start};

#[test]
fn no_acknowledged_write_is_lost_when_nodes_are_killed() {
    let mut world = start(5, false, &[]);
    create(&world.cluster.nodes()[0].rest(), 4, 3);
    let load = Load::start(&world.cluster, 6, 10_000);
    pause(Duration::from_secs(1));
    for victim in [3, 1, 5, 2, 4] {
        world.cluster.node(victim).kill();
        pause(Duration::from_millis(1200));
        world.cluster.node(victim).start().unwrap();
        pause(Duration::from_millis(1500));
    }
    let (acknowledged, sent) = load.wait();
    assert!(acknowledged.len() > 5000, "only {} of {sent} were acknowledged", acknowledged.len());
    println!("{} of {} inserts acknowledged while every node was killed once", acknowledged.len(), sent - 1);
    world.cluster.wait_ready().unwrap();
    check(&world.cluster, &acknowledged, sent);
}

#[test]
fn a_killed_leader_leaves_a_short_gap() {
    let mut world = start(3, false, &[]);
    create(&world.cluster.nodes()[0].rest(), 1, 3);
    let (mut gaps, mut all) = (Vec::new(), BTreeMap::new());
    let mut sent = 0;
    let load = Load::start(&world.cluster, 3, u64::MAX);
    for _round in 0..10 {
        let (_, victim) = leader(&world.cluster);
        pause(Duration::from_millis(300));
        let killed = Instant::now();
        world.cluster.node(victim).kill();
        let before = load.acknowledged();
        wait_until("writes to go on", HEAL, || (load.acknowledged() > before + 20).then_some(())).unwrap();
        let times: Vec<Instant> = load.acknowledged.lock().values().copied().collect();
        let mut times: Vec<Instant> = times.into_iter().filter(|it| *it + Duration::from_secs(5) > killed).collect();
        times.sort_unstable();
        gaps.push(times.windows(2).map(|it| it[1] - it[0]).max().unwrap_or_default());
        world.cluster.node(victim).start().unwrap();
        world.cluster.wait_ready().unwrap();
    }
    let (acknowledged, last) = load.end();
    all.extend(acknowledged);
    sent = last.max(sent);
    gaps.sort_unstable();
    println!("gaps in writes when the leader is killed: {gaps:.2?}");
    assert!(gaps.last().unwrap() < &Duration::from_secs(6), "{gaps:?}");
    assert!(all.len() > 500, "only {} writes", all.len());
    check(&world.cluster, &all, sent);
}
