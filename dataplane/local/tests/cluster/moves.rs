//! Replicas that move.

use std::time::Duration;

use vane_local::{pause, wait_until};

use crate::load::Load;
use crate::world::{HEAL, check, create, start};

#[test]
fn a_member_is_replaced_while_nodes_are_killed() {
    let mut world = start(4, false, &[]);
    create(&world.cluster.nodes()[0].rest(), 1, 3);
    let load = Load::start(&world.cluster, 3, 6_000);
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
    let (acknowledged, sent) = load.wait();
    assert!(acknowledged.len() > 1000, "only {} of {sent} were acknowledged", acknowledged.len());
    check(&world.cluster, &acknowledged, sent);
}
