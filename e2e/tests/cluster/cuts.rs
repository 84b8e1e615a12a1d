//! Cut links.

use std::time::{Duration, Instant};

use vane_testbed::{pause, wait_until};

use crate::load::{Load, Plan};
use crate::world::{
    HEAL, World, agreed, check, check_replicas, create, leader, leader_seen_by, start,
    term_seen_by, upsert,
};

/// Time that a cut lasts beyond what it brings about: a few elections.
const CUT: Duration = Duration::from_secs(3);

#[test]
fn a_majority_writes_and_a_minority_refuses() {
    let mut world = start(5, true, &[]);
    create(&world.cluster.nodes()[0].rest(), 2, 5);
    for id in 1..=20 {
        assert!(upsert(&world.cluster.nodes()[0].rest(), id).unwrap().is_ok());
    }
    world.cluster.links().split(&[1, 2], &[3, 4, 5]);
    let majority = world.cluster.nodes()[3].rest();
    let mut id = 100;
    let first = wait_until("the majority to write", Duration::from_secs(10), || {
        id += 1;
        upsert(&majority, id).ok()?.is_ok().then_some(id)
    });
    let first = first.unwrap();
    for id in first..first + 50 {
        assert!(upsert(&majority, id).unwrap().is_ok());
    }
    for number in [1, 2] {
        let began = Instant::now();
        let answer = upsert(&world.cluster.node(number).rest(), 7000).unwrap();
        let took = began.elapsed();
        println!(
            "node {number} of the minority refused with {} after {took:.1?}: {}",
            answer.status, answer.body
        );
        assert!(matches!(answer.status, 503 | 408), "{} {}", answer.status, answer.body);
        // Five seconds are promised; machines that run tests are slow at times.
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
    world.cluster.links().heal();
    let began = Instant::now();
    let agreed = agreed(&world.cluster);
    println!("all nodes agreed {:.1?} after healing", began.elapsed());
    assert!((1..=20).chain(first..first + 50).all(|number| agreed.contains(&number)));
}

/// Three nodes under load, two writers to each, with the leader of the only shard and the
/// others.
fn loaded() -> (World, Load, usize, [usize; 2]) {
    let world = start(3, true, &[]);
    create(&world.cluster.nodes()[0].rest(), 1, 3);
    let (_, leader) = leader(&world.cluster);
    let load = Load::start(&world.cluster, Plan { writers: 6, pinned: true, ..Plan::default() });
    load.wait_for_through(&[1, 2, 3], 20);
    (world, load, leader, [leader % 3 + 1, (leader + 1) % 3 + 1])
}

/// Mends the wires; everybody writes, agrees and has everything.
fn heal_and_check(world: &World, load: Load) {
    world.cluster.links().heal();
    let began = Instant::now();
    load.wait_for_through(&[1, 2, 3], 20);
    println!("writes went on through all nodes {:.2?} after healing", began.elapsed());
    let written = load.end();
    written.refused_only_with(&[503, 408]);
    agreed(&world.cluster);
    check(&world.cluster, &written);
    check_replicas(&world.cluster, &written);
}

#[test]
fn a_leader_that_hears_nobody_steps_down() {
    let (world, load, old, others) = loaded();
    let began = Instant::now();
    others.iter().for_each(|other| world.cluster.links().cut(*other, old));
    let new = wait_until("another leader", HEAL, || {
        let seen = leader_seen_by(&world.cluster, others[0]).1;
        (seen != old).then_some(seen)
    });
    let new = new.unwrap();
    load.wait_for_through(&others, 20);
    println!("node {new} leads; gap of {:.2?} after the leader went deaf", load.longest_gap(began));
    let leads = || (leader_seen_by(&world.cluster, others[0]).1 == old).then_some(());
    let came_back = wait_until("the deaf node to lead again", CUT, leads);
    assert!(came_back.is_err(), "who hears nobody must not lead");
    heal_and_check(&world, load);
}

#[test]
fn a_leader_that_nobody_hears_is_replaced() {
    let (world, load, old, others) = loaded();
    let began = Instant::now();
    others.iter().for_each(|other| world.cluster.links().cut(old, *other));
    load.wait_for_through(&others, 20);
    println!("gap of {:.2?} after the leader went mute", load.longest_gap(began));
    assert_ne!(leader_seen_by(&world.cluster, others[0]).1, old);
    pause(CUT.saturating_sub(began.elapsed()));
    load.wait_for_through(&others, 20);
    heal_and_check(&world, load);
}

#[test]
fn a_follower_that_hears_nobody_disturbs_nobody() {
    let (world, load, leader, others) = loaded();
    let [deaf, other] = others;
    let term = term_seen_by(&world.cluster, other);
    [leader, other].iter().for_each(|node| world.cluster.links().cut(*node, deaf));
    let began = Instant::now();
    pause(CUT);
    load.wait_for_through(&[leader, other], 20);
    let gap = load.longest_gap(began);
    println!("longest gap while a follower is deaf: {gap:.2?}");
    assert_eq!(
        (leader_seen_by(&world.cluster, other).1, term_seen_by(&world.cluster, other)),
        (leader, term)
    );
    heal_and_check(&world, load);
}
