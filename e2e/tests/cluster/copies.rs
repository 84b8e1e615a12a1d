//! A shard that moves under full writes: the move ends, writes go on, and nothing stays.

use std::time::{Duration, Instant};

use vane_testbed::{Rest, pause, wait_until};

use crate::load::{Load, Plan};
use crate::world::{World, amount, check, create, fill, leader, start};

/// Points that are there when the move begins; `MOVE_POINTS` in a long form.
const POINTS: u64 = 200_000;
/// Time for a move of so many: nobody waits for ever.
const MOVE: Duration = Duration::from_secs(180);
/// Time for received snapshots that were not needed to be removed.
const SWEEP: Duration = Duration::from_secs(120);

/// What lies below `snapshots/` of all nodes.
fn leftovers(world: &World) -> Vec<String> {
    let numbers = 1..=world.cluster.nodes().len();
    let dirs = numbers.map(|number| world.cluster.data_dir(number).join("snapshots"));
    let entries = dirs.filter_map(|dir| std::fs::read_dir(dir).ok()).flatten();
    entries.map(|entry| entry.unwrap().path().display().to_string()).collect()
}

/// Moves the only shard's leader to the node that has no replica, while three clients write as
/// fast as they can.
fn move_under_writes(replicas: u32) {
    let points = amount("MOVE_POINTS", POINTS);
    let world = start(replicas as usize + 1, false, &[]);
    create(&world.cluster.nodes()[0].rest(), 1, replicas);
    fill(&world.cluster.nodes()[0].rest(), points);
    let (_, leaving) = leader(&world.cluster);
    let admin = world.cluster.admin(leaving).unwrap();
    let load = Load::start(&world.cluster, Plan { first: points + 1, ..Plan::default() });
    load.wait_for(100);
    let shard = admin.shards("c").unwrap().remove(0).group.unwrap();
    let members: Vec<u64> = shard.replicas.iter().map(|it| it.node_id).collect();
    let all = (1..=world.cluster.nodes().len())
        .map(|number| world.cluster.admin(number).unwrap().cluster().unwrap().node_id);
    let newcomer = all.into_iter().find(|node| !members.contains(node)).unwrap();
    let staying = members.iter().copied().filter(|member| *member != shard.leader_node);
    let wanted: Vec<u64> = staying.chain([newcomer]).collect();
    let (began, mut steps) = (Instant::now(), Vec::new());
    admin.reconfigure(shard.id, &wanted).unwrap();
    wait_until("the move to end", MOVE * points.div_ceil(POINTS) as u32, || {
        let shard = admin.shards("c").ok()?.into_iter().next()?;
        // Without the figures, which change all the time.
        let step = shard.step.split([':', ';']).next().unwrap_or_default().to_owned();
        if steps.last().is_none_or(|(_, last)| *last != step) && !step.is_empty() {
            steps.push((began.elapsed(), step));
        }
        shard.target.is_empty().then_some(())
    })
    .unwrap();
    let took = began.elapsed();
    load.wait_for(100);
    let gaps = load.gaps(began);
    let mut written = load.end();
    let gap = gaps[0].1;
    println!(
        "RF {replicas}: moved {points} points in {took:.1?} amid {} writes, longest pause of \
         writes {gap:.0?}",
        written.acknowledged.len()
    );
    for (at, step) in steps {
        println!("  after {at:.2?}: {step}");
    }
    for (at, gap) in gaps.iter().take(3) {
        println!("  no write for {gap:.0?} after {:.2?}", at.saturating_duration_since(began));
    }
    written.refused_only_with(&[503, 408]);
    let made: f64 = world.cluster.nodes().iter().map(|node| made_by(&node.rest())).sum();
    println!("RF {replicas}: {made} snapshots were made");
    let clean = || leftovers(&world).is_empty().then_some(());
    wait_until("all files of snapshots to be gone", SWEEP, clean)
        .unwrap_or_else(|_| panic!("left: {:?}", leftovers(&world)));
    pause(Duration::from_secs(1));
    // The points of the beginning count as acknowledged, too.
    written.seen(1..=points);
    check(&world.cluster, &written);
}

fn made_by(rest: &Rest) -> f64 {
    rest.metric("vane_raft_snapshots_made_total")
}

#[test]
fn a_shard_of_one_replica_moves_under_full_writes() {
    move_under_writes(1);
}

#[test]
fn a_shard_of_two_replicas_moves_under_full_writes() {
    move_under_writes(2);
}

#[test]
fn a_shard_of_three_replicas_moves_under_full_writes() {
    move_under_writes(3);
}
