//! Nodes that are evened out by themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use vane_proto::admin::balance::Standing;
use vane_proto::admin::{Policy, Rebalance, Shard};
use vane_testbed::{Cluster, pause, wait_until};

use crate::load::{Load, Plan, Written};
use crate::world::{check, create, start};

/// Time for all moves; a machine that runs tests is slow at times.
const EVEN: Duration = Duration::from_secs(240);
const SHARDS: u32 = 8;

/// Replicas of each node, by its number in the database.
fn replicas(shards: &[Shard]) -> BTreeMap<u64, usize> {
    let groups = shards.iter().filter_map(|shard| shard.group.as_ref());
    let mut counts = BTreeMap::new();
    for replica in groups.flat_map(|group| &group.replicas) {
        *counts.entry(replica.node_id).or_default() += 1;
    }
    counts
}

/// Waits until no node is too far off the mean and nothing moves.
fn wait_even(cluster: &Cluster) -> Vec<Shard> {
    let even = wait_until("the nodes to carry alike", EVEN, || {
        let admin = cluster.admin(1).ok()?;
        let balance = admin.balance().ok()?;
        let shards = admin.shards("c").ok()?;
        let is_still = shards.iter().all(|shard| shard.target.is_empty());
        (is_still && balance.standing() == Standing::Balanced).then_some(shards)
    });
    even.unwrap()
}

#[test]
fn a_node_that_joins_is_filled_under_writes_and_what_is_pinned_stays() {
    // Calm for a second is enough.
    let mut world = start(4, false, &[("CLUSTER__LOST_AFTER_S", "10")]);
    world.cluster.node(4).kill();
    let admin = world.cluster.admin(1).unwrap();
    let alone = wait_until("node 4 to be away", EVEN, || {
        let nodes = admin.nodes().ok()?;
        (nodes.iter().filter(|node| node.alive).count() == 3).then_some(())
    });
    alone.unwrap();
    create(&world.cluster.nodes()[0].rest(), SHARDS, 3);
    let load = Load::start(&world.cluster, Plan::default());
    load.wait_for(500);
    world.cluster.node(4).start().unwrap();
    world.cluster.wait_ready().unwrap();
    load.wait_for(100);
    let before = admin.shards("c").unwrap();
    assert_eq!(replicas(&before).len(), 3, "nothing moves before it is asked for");
    assert_eq!(admin.balance().unwrap().standing(), Standing::OffByPolicy);
    let pinned = before[0].group.clone().unwrap();
    admin.pin(pinned.id, true).unwrap();
    let policy = Policy { rebalance: Some(Rebalance::Count.into()), ..Policy::default() };
    admin.set_policy(policy).unwrap();
    let after = wait_even(&world.cluster);
    let counts = replicas(&after);
    println!("replicas of each node: {counts:?}");
    // 24 replicas on four nodes; a fifth of six is one.
    assert!(
        counts.len() == 4 && counts.values().all(|count| (5..=7).contains(count)),
        "{counts:?}"
    );
    let nodes_of = |shard: &Shard| {
        let mut nodes: Vec<u64> = shard.group.as_ref().map_or_else(Vec::new, |group| {
            group.replicas.iter().map(|replica| replica.node_id).collect()
        });
        nodes.sort_unstable();
        nodes
    };
    assert_eq!(nodes_of(&after[0]), nodes_of(&before[0]), "it is pinned");
    // It is over: nothing goes to and fro.
    let where_all_are: Vec<Vec<u64>> = after.iter().map(nodes_of).collect();
    load.wait_for(200);
    pause(Duration::from_secs(3));
    let later: Vec<Vec<u64>> = admin.shards("c").unwrap().iter().map(nodes_of).collect();
    assert_eq!(later, where_all_are);
    let written = load.end();
    written.refused_only_with(&[503, 408]);
    assert!(written.acknowledged.len() > 800);
    check_every_copy(&world.cluster, &written);
}

/// Every acknowledged point is there in each of the copies: each leads its shard in turn.
fn check_every_copy(cluster: &Cluster, written: &Written) {
    let admin = cluster.admin(1).unwrap();
    admin.set_policy(Policy { leaders: Some(false), ..Policy::default() }).unwrap();
    for place in 0..3 {
        let led = wait_until("one copy of each shard to lead it", EVEN, || {
            let mut lead = true;
            for group in admin.shards("c").ok()?.into_iter().filter_map(|shard| shard.group) {
                let mut nodes: Vec<u64> =
                    group.replicas.iter().map(|replica| replica.node_id).collect();
                nodes.sort_unstable();
                if group.leader_node != nodes[place] {
                    lead = false;
                    // Refused while a replica is behind or an election runs: asked again.
                    drop(admin.transfer(group.id, nodes[place]));
                }
            }
            lead.then_some(())
        });
        led.unwrap();
        check(cluster, written);
    }
}

#[test]
fn leaderships_are_spread_again_after_restarts() {
    let mut world = start(3, false, &[("CLUSTER__LOST_AFTER_S", "10")]);
    create(&world.cluster.nodes()[0].rest(), 12, 3);
    for number in [2, 3] {
        world.cluster.node(number).kill();
        world.cluster.node(number).start().unwrap();
        world.cluster.wait_ready().unwrap();
    }
    let spread = wait_until("leaderships to be spread", EVEN, || {
        let shards = world.cluster.admin(1).ok()?.shards("c").ok()?;
        let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
        for group in shards.iter().filter_map(|shard| shard.group.as_ref()) {
            *counts.entry(group.leader_node).or_default() += 1;
        }
        // Four of twelve are the mean; a fifth of it and one more are let be.
        (counts.len() == 3 && counts.values().all(|count| *count <= 5)).then_some(())
    });
    spread.unwrap();
}
