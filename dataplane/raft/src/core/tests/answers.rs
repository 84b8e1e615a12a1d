//! Which members a leader says to be there.

use super::*;

/// Longer than a few election timeouts.
const TICKS: usize = 60;

fn active(cluster: &TestCluster, leader: u64) -> Vec<u64> {
    let peers = cluster.nodes[&leader].status().peers;
    peers.iter().filter(|known| known.active).map(|known| known.peer.node().0).collect()
}

#[test]
fn a_leader_that_counts_its_followers_calls_none_of_them_silent() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    cluster.ticks(TICKS);
    let followers: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    for tick in 0..TICKS {
        cluster.ticks(1);
        assert_eq!(active(&cluster, leader), followers, "at tick {tick}");
    }
}

#[test]
fn a_member_that_is_silent_is_called_so() {
    // Also where all others answer, and where it is the only one that could.
    for learners in [0, 2] {
        let mut cluster = TestCluster::of(3);
        let leader = cluster.leader();
        let mut others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
        if learners == 2 {
            let learners = others.iter().map(|id| peer(*id)).collect();
            let change = MemberChange { learners, ..MemberChange::default() };
            assert!(cluster.change(leader, &change).is_ok());
        }
        let silent = if learners == 2 { others.clone() } else { vec![others[0]] };
        others.retain(|id| !silent.contains(id));
        cluster.ticks(TICKS);
        cluster.down.extend(silent);
        cluster.ticks(TICKS);
        assert_eq!(active(&cluster, leader), others, "{learners} of them without a vote");
    }
}
