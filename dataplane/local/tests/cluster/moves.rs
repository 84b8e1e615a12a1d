//! Replicas and leaderships that move.

use std::time::{Duration, Instant};

use vane_local::{pause, wait_until};

use crate::load::{Load, Plan};
use crate::world::{HEAL, check, check_replicas, create, leader, start};

/// Times that the leadership is handed over.
const TRANSFERS: usize = 20;

#[test]
fn a_member_is_replaced_while_nodes_are_killed() {
    let mut world = start(4, false, &[]);
    create(&world.cluster.nodes()[0].rest(), 1, 3);
    let load = Load::start(&world.cluster, Plan { last: 6_000, ..Plan::default() });
    pause(Duration::from_secs(1));
    let admin = world.cluster.admin(1).unwrap();
    let shard = admin.shards("c").unwrap().remove(0).group.unwrap();
    let members: Vec<u64> = shard.replicas.iter().map(|it| it.node_id).collect();
    let newcomer = (1..=4).find(|it| !members.contains(it)).unwrap();
    let leaving = shard.leader_node;
    let wanted: Vec<u64> = members.iter().copied().filter(|it| *it != leaving).chain([newcomer]).collect();
    admin.reconfigure(shard.id, &wanted).unwrap();
    for victim in [newcomer, leaving, wanted[0]] {
        pause(Duration::from_millis(300));
        let number = world.cluster.number_of(victim).unwrap();
        world.cluster.node(number).kill();
        pause(Duration::from_millis(1500));
        world.cluster.node(number).start().unwrap();
        world.cluster.wait_ready().unwrap();
    }
    let moved = wait_until("the replicas to be where they should", HEAL, || {
        let shard = world.cluster.admin(1).ok()?.shards("c").ok()?.into_iter().next()?;
        let group = shard.group?;
        let mut now: Vec<u64> = group.replicas.iter().map(|it| it.node_id).collect();
        let mut wanted = wanted.clone();
        now.sort_unstable();
        wanted.sort_unstable();
        (now == wanted && shard.target.is_empty() && !group.joint).then_some(())
    });
    moved.unwrap();
    let written = load.wait();
    let count = written.acknowledged.len();
    assert!(count > 1000, "only {count} of {} were acknowledged", written.next);
    check(&world.cluster, &written);
}

#[test]
fn a_planned_transfer_loses_nothing() {
    let world = start(3, false, &[]);
    create(&world.cluster.nodes()[0].rest(), 1, 3);
    let load = Load::start(&world.cluster, Plan::default());
    let (mut gaps, mut retries) = (Vec::new(), 0);
    for _round in 0..TRANSFERS {
        let (group, old) = leader(&world.cluster);
        let heir = old % 3 + 1;
        let admin = world.cluster.admin(heir).unwrap();
        let id = admin.cluster().unwrap().node_id;
        load.wait_for(50);
        let began = Instant::now();
        if let Err(error) = admin.transfer(group, id) {
            println!("a transfer to node {heir} was refused: {error}");
            retries += 1;
            continue;
        }
        let handed_over = || (leader(&world.cluster).1 == heir).then_some(());
        wait_until("the leadership to be handed over", HEAL, handed_over).unwrap();
        load.wait_for(50);
        gaps.push(load.longest_gap(began));
    }
    let written = load.end();
    gaps.sort_unstable();
    assert!(gaps.len() > TRANSFERS / 2, "{retries} of {TRANSFERS} transfers were refused");
    let (median, longest) = (gaps[gaps.len() / 2], gaps[gaps.len() - 1]);
    println!(
        "leadership handed over {} times amid {} writes: gaps of {median:.2?} (median) to {longest:.2?}: {gaps:.2?}",
        gaps.len(),
        written.acknowledged.len()
    );
    written.refused_only_with(&[503, 408]);
    // A tenth of a second is the aim; machines that run tests are slow at times.
    assert!(longest < Duration::from_secs(5), "{gaps:?}");
    check(&world.cluster, &written);
    check_replicas(&world.cluster, &written);
}
