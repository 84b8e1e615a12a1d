//! Nodes that are only to follow for a while.

use vane_proto::admin::{Cluster, Node};
use vane_testbed::{Admin, wait_until};

use crate::load::{Load, Plan};
use crate::world::{HEAL, World, check, create, start};

const SHARDS: u32 = 6;

/// The cluster with one of its nodes.
fn look(admin: &Admin, node_id: u64) -> Option<(Cluster, Node)> {
    let node = admin.nodes().ok()?.into_iter().find(|node| node.id == node_id)?;
    Some((admin.cluster().ok()?, node))
}

fn leads_meta(cluster: &Cluster, node_id: u64) -> bool {
    cluster.meta.as_ref().is_none_or(|meta| meta.leader_node == node_id)
}

/// Waits until a node follows and leads nothing, and all shards are led.
fn wait_led_by_others(admin: &Admin, node_id: u64) {
    let led = wait_until("the others to lead", HEAL, || {
        let (cluster, node) = look(admin, node_id)?;
        let by_others = node.leaders == 0 && !leads_meta(&cluster, node_id);
        (by_others && node.follows_only && cluster.shards_without_leader == 0).then_some(())
    });
    led.unwrap();
}

/// Hands a group to a node. In the moment in which another hands it over it has no leader, and who
/// asks is told to try again.
fn hand(admin: &Admin, group: u64, node_id: u64) {
    let handed =
        wait_until("the group to be handed over", HEAL, || admin.transfer(group, node_id).ok());
    handed.unwrap();
}

fn wait_may_lead(admin: &Admin, node_id: u64) {
    let over = wait_until("the while to be over", HEAL, || {
        look(admin, node_id).filter(|(_, node)| !node.follows_only).map(drop)
    });
    over.unwrap();
}

/// A node of three that leads the meta group and shards.
fn world() -> (World, u64) {
    let world = start(3, false, &[]);
    create(&world.cluster.nodes()[0].rest(), SHARDS, 3);
    let meta = world.cluster.any_admin().unwrap().cluster().unwrap().meta.unwrap();
    (world, meta.leader_node)
}

#[test]
fn a_node_that_only_follows_leads_nothing_until_it_is_started_again() {
    let (mut world, node_id) = world();
    let load = Load::start(&world.cluster, Plan { last: 4_000, ..Plan::default() });
    let number = world.cluster.number_of(node_id).unwrap();
    let other = world.cluster.admin(number % 3 + 1).unwrap();
    other.follow(node_id, 600).unwrap();
    wait_led_by_others(&other, node_id);
    // Whoever hands something to it gets nowhere for long.
    let group = other.shards("c").unwrap().remove(0).group.unwrap().id;
    hand(&other, group, node_id);
    wait_led_by_others(&other, node_id);
    world.cluster.node(number).kill();
    world.cluster.node(number).start().unwrap();
    wait_may_lead(&other, node_id);
    hand(&other, group, node_id);
    let written = load.wait();
    check(&world.cluster, &written);
}

#[test]
fn a_node_that_nobody_sends_back_leads_again_after_its_while() {
    let (world, node_id) = world();
    let admin = world.cluster.any_admin().unwrap();
    admin.follow(node_id, 2).unwrap();
    wait_may_lead(&admin, node_id);
    admin.follow(node_id, 600).unwrap();
    wait_led_by_others(&admin, node_id);
    admin.follow(node_id, 0).unwrap();
    wait_may_lead(&admin, node_id);
    assert!(admin.follow(node_id, 1_000_000).is_err());
    assert!(admin.follow(9, 1).is_err());
}

#[test]
fn a_group_that_nobody_else_votes_in_stays_with_a_node_that_follows() {
    let world = start(3, false, &[]);
    create(&world.cluster.nodes()[0].rest(), 3, 1);
    let admin = world.cluster.any_admin().unwrap();
    (1..=3).for_each(|node_id| admin.follow(node_id, 600).unwrap());
    let shards = admin.shards("c").unwrap();
    assert!(shards.iter().all(|shard| shard.group.as_ref().is_some_and(|it| it.leader_node > 0)));
    assert!(admin.cluster().unwrap().meta.is_some());
}
