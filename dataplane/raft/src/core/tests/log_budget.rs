//! How long a log may become before a follower that is away needs a snapshot.

use super::*;

const COMMAND_BYTES: usize = 1_000;

/// A cluster whose leader has written more than is kept for the one follower that is away.
fn with_a_long_log() -> (TestCluster, u64, u64) {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let away = (1..=3).find(|id| *id != leader).unwrap();
    cluster.down.insert(away);
    for _ in 0..10 {
        assert!(cluster.propose(leader, &[0; COMMAND_BYTES]).is_ok());
    }
    (cluster, leader, away)
}

/// Whether the log still has everything that the follower needs.
fn reaches_back(cluster: &mut TestCluster, leader: u64, away: u64) -> bool {
    let node = cluster.nodes.get_mut(&leader).unwrap();
    node.core.truncate(GROUP, node.applied).unwrap();
    let truncated = node.status().truncated_index;
    truncated <= cluster.nodes[&away].status().last_index
}

#[test]
fn a_restart_does_not_forget_how_long_the_log_is() {
    let (mut cluster, leader, away) = with_a_long_log();
    cluster.nodes.get_mut(&leader).unwrap().start();
    let leader = cluster.leader();
    assert!(!reaches_back(&mut cluster, leader, away));
}

#[test]
fn the_larger_the_data_the_longer_its_log_is_kept() {
    let (mut cluster, leader, away) = with_a_long_log();
    let core = &mut cluster.nodes.get_mut(&leader).unwrap().core;
    core.set_state_bytes(GROUP, 20 * 20 * COMMAND_BYTES as u64);
    assert!(reaches_back(&mut cluster, leader, away), "a snapshot costs twenty times as much");
    let core = &mut cluster.nodes.get_mut(&leader).unwrap().core;
    core.set_state_bytes(GROUP, 0);
    assert!(!reaches_back(&mut cluster, leader, away));
}

#[test]
fn a_follower_with_a_long_log_keeps_its_end() {
    let (mut cluster, leader, away) = with_a_long_log();
    let follower = (1..=3).find(|id| ![leader, away].contains(id)).unwrap();
    let node = cluster.nodes.get_mut(&follower).unwrap();
    node.core.truncate(GROUP, node.applied).unwrap();
    let status = node.status();
    assert!(status.truncated_index > INITIAL_INDEX, "it is shortened");
    assert!(status.truncated_index < status.applied - 2, "{status:?}");
}
