//! Groups in which nothing happens: they cost nothing, and are there when they are wanted.

use raft::eraftpb::{Message, MessageType};

use super::*;
use crate::pulse::Pulse;

/// Ticks in which a group that is left alone falls quiet.
const TO_REST: usize = 40;

/// A cluster of which every replica is quiet, and its leader.
fn quiet(nodes: u64) -> (TestCluster, u64) {
    let mut cluster = TestCluster::of(nodes);
    cluster.nodes.values_mut().for_each(|node| node.core.allow_quiet(true));
    let leader = cluster.leader();
    cluster.propose(leader, b"before").unwrap();
    cluster.ticks(TO_REST);
    assert_eq!(cluster.awake(), [0; 0]);
    (cluster, leader)
}

impl TestCluster {
    /// The nodes that are up and whose replica is awake.
    fn awake(&self) -> Vec<u64> {
        let up = self.nodes.values().filter(|node| !self.down.contains(&node.id));
        up.filter(|node| node.core.awake().contains(&GROUP)).map(|node| node.id).collect()
    }

    /// Ticks of all nodes that are up until `is_so`, `max` at most.
    fn ticks_until(&mut self, max: usize, is_so: impl Fn(&Self) -> bool) -> usize {
        for ticks in 0..max {
            if is_so(self) {
                return ticks;
            }
            self.ticks(1);
        }
        panic!("not within {max} ticks");
    }

    fn leads(&self, node: u64) -> bool {
        !self.down.contains(&node) && self.nodes[&node].watch.is_serving()
    }

    fn others(&self, than: u64) -> Vec<u64> {
        self.nodes.keys().copied().filter(|id| *id != than).collect()
    }
}

#[test]
fn a_quiet_group_says_nothing_and_takes_commands_at_once() {
    let (mut cluster, leader) = quiet(3);
    let term = cluster.nodes[&leader].status().term;
    let node = cluster.nodes.get_mut(&leader).unwrap();
    for _ in 0..4 {
        node.tick();
        let said = node.round();
        assert!(said.iter().all(Pulse::is), "{said:?}");
    }
    cluster.ticks(200);
    assert_eq!((cluster.awake(), cluster.nodes[&leader].status().term), (Vec::<u64>::new(), term));
    assert!(cluster.propose(leader, b"after").is_ok());
    for id in 1..=3 {
        assert_eq!(cluster.commands(id), [b"before".as_slice(), b"after"]);
    }
    cluster.ticks(TO_REST);
    assert_eq!(cluster.awake(), [0; 0]);
}

#[test]
fn without_leave_nobody_falls_quiet() {
    let mut cluster = TestCluster::of(3);
    cluster.leader();
    cluster.ticks(2 * TO_REST);
    assert_eq!(cluster.awake(), [1, 2, 3]);
    let (mut cluster, _) = quiet(3);
    cluster.nodes.values_mut().for_each(|node| node.core.allow_quiet(false));
    assert_eq!(cluster.awake(), [1, 2, 3]);
}

#[test]
fn a_replica_that_is_alone_falls_quiet_and_says_nothing_at_all() {
    let (mut cluster, leader) = quiet(1);
    let node = cluster.nodes.get_mut(&leader).unwrap();
    node.tick();
    assert!(!node.core.is_dirty());
    assert!(cluster.propose(leader, b"after").is_ok());
}

#[test]
fn a_lost_leader_is_followed_within_two_election_timeouts() {
    let (mut cluster, leader) = quiet(3);
    cluster.down.insert(leader);
    let others = cluster.others(leader);
    let longest = 2 * Config::default().election_ticks.end;
    cluster.ticks_until(longest, |cluster| others.iter().any(|node| cluster.leads(*node)));
    let next = cluster.leader();
    assert!(cluster.propose(next, b"after").is_ok());
}

#[test]
fn a_leader_that_is_cut_off_stops_giving_its_word() {
    let (mut cluster, leader) = quiet(3);
    cluster.down.extend(cluster.others(leader));
    // Silence of one election timeout, and the next tick counts who is there.
    let longest = Config::default().election_ticks.start + 2;
    cluster.ticks_until(longest, |cluster| !cluster.leads(leader));
}

#[test]
fn a_group_goes_on_in_quiet_without_a_member_and_takes_it_in_again() {
    let (mut cluster, leader) = quiet(3);
    let lost = cluster.others(leader)[0];
    cluster.down.insert(lost);
    cluster.ticks(3 * TO_REST);
    assert_eq!(cluster.awake(), [0; 0], "a member that is gone keeps nobody awake");
    let status = cluster.nodes[&leader].status();
    assert!(status.peers.iter().all(|it| it.active == (it.peer != peer(lost))), "{status:?}");
    assert!(cluster.propose(leader, b"without").is_ok());
    cluster.ticks(2 * TO_REST);
    cluster.down.clear();
    cluster.ticks(3 * TO_REST);
    assert_eq!(cluster.commands(lost), [b"before".as_slice(), b"without"]);
    assert_eq!(cluster.awake(), [0; 0]);
}

#[test]
fn without_a_majority_nobody_falls_quiet() {
    let (mut cluster, leader) = quiet(3);
    cluster.down.extend(cluster.others(leader));
    cluster.ticks(5 * TO_REST);
    assert_eq!(cluster.awake(), [leader]);
    assert!(!cluster.leads(leader));
}

#[test]
fn a_follower_reads_by_its_leaders_word_and_both_stay_quiet() {
    let (mut cluster, leader) = quiet(3);
    let follower = cluster.others(leader)[0];
    let term = cluster.nodes[&leader].status().term;
    let point = cluster.read(follower, Assurance::Leader).unwrap().unwrap();
    assert_eq!((point.leader, point.term), (peer(leader), term));
    assert_eq!(cluster.awake(), [0; 0]);
    assert!(cluster.read(follower, Assurance::Majority).unwrap().is_ok());
    assert_ne!(cluster.awake(), [0; 0], "a majority is asked by heartbeats");
}

#[test]
fn a_question_that_is_lost_is_asked_again_in_quiet() {
    let (mut cluster, leader) = quiet(3);
    let follower = cluster.others(leader)[0];
    let answer = Arc::new(Mutex::new(None));
    let told = Arc::clone(&answer);
    let node = cluster.nodes.get_mut(&follower).unwrap();
    let question =
        node.watch.ask(GROUP, Box::new(move |outcome| *told.lock() = Some(outcome.is_ok())));
    // It is never handed in.
    assert!(question.is_some());
    cluster.ticks(10);
    assert_eq!(*answer.lock(), Some(true));
    assert_eq!(cluster.awake(), [0; 0]);
}

#[test]
fn a_leader_whose_replica_is_gone_is_missed_though_its_node_lives() {
    let (mut cluster, leader) = quiet(3);
    // Another group keeps the two nodes' pulses going.
    let other = GroupId(8);
    for id in 1..=3 {
        let counts_on = crate::quiet::CountsOn {
            peer: peer(id),
            leader: peer(leader),
            term: Term(1),
            nodes: if id == leader {
                cluster.others(id).into_iter().map(NodeId).collect()
            } else {
                vec![NodeId(leader)]
            },
            without: Vec::new(),
        };
        cluster.nodes.get_mut(&id).unwrap().core.quiet.insert(other, counts_on);
    }
    cluster.nodes.get_mut(&leader).unwrap().core.remove(GROUP);
    let others = cluster.others(leader);
    cluster.ticks_until(TO_REST, |cluster| others.iter().any(|node| cluster.leads(*node)));
}

#[test]
fn a_follower_that_missed_the_last_heartbeat_deposes_nobody() {
    let mut cluster = TestCluster::of(3);
    cluster.nodes.values_mut().for_each(|node| node.core.allow_quiet(true));
    let leader = cluster.leader();
    cluster.propose(leader, b"before").unwrap();
    let term = cluster.nodes[&leader].status().term;
    let deaf = cluster.others(leader)[0];
    // As long as it takes for the heartbeat that is the last one to be lost, and no longer.
    while cluster.nodes[&leader].core.awake().contains(&GROUP) {
        for node in cluster.nodes.values_mut() {
            node.tick();
        }
        let last = cluster.nodes.get_mut(&leader).unwrap();
        if !last.core.awake().contains(&GROUP) {
            cluster.down.insert(deaf);
        }
        cluster.settle();
    }
    cluster.down.clear();
    assert_eq!(cluster.awake(), [deaf]);
    cluster.ticks(TO_REST * 2);
    assert_eq!(cluster.nodes[&leader].status().term, term);
    assert_eq!(cluster.awake(), [0; 0]);
}

#[test]
fn a_leader_that_stood_still_hears_at_once_that_another_leads() {
    let (mut cluster, leader) = quiet(3);
    cluster.down.insert(leader);
    let next = cluster.leader();
    cluster.propose(next, b"meanwhile").unwrap();
    cluster.ticks(TO_REST);
    assert_eq!(cluster.awake(), [0; 0]);
    cluster.down.clear();
    // It did not tick meanwhile, and goes by what it knew.
    assert!(cluster.leads(leader) && cluster.leads(next));
    cluster.nodes.get_mut(&leader).unwrap().core.stood_still();
    cluster.settle();
    assert!(!cluster.leads(leader), "no tick went by");
}

#[test]
fn a_follower_that_another_leader_keeps_quiet_counts_on_that_one() {
    let (mut cluster, leader) = quiet(3);
    let follower = cluster.others(leader)[0];
    let next = cluster.others(leader)[1];
    let node = cluster.nodes.get_mut(&follower).unwrap();
    let (term, end) = (node.status().term, node.status().last_index);
    let mut last = Message { to: peer(follower).0, from: peer(next).0, ..Message::default() };
    last.set_msg_type(MessageType::MsgHeartbeat);
    (last.term, last.commit) = (term.0 + 1, end.0);
    last.context = [[b'q'].as_slice(), &end.0.to_be_bytes()].concat();
    node.core.step(Envelope { group: GROUP, message: last });
    let counts_on = node.core.quiet.of(GROUP).unwrap();
    assert_eq!((counts_on.leader, counts_on.nodes.as_slice()), (peer(next), &[NodeId(next)][..]));
}

#[test]
fn a_refused_connection_wakes_the_followers_of_that_node() {
    let (mut cluster, leader) = quiet(3);
    cluster.down.insert(leader);
    let others = cluster.others(leader);
    for _ in 0..8 {
        for id in &others {
            let node = cluster.nodes.get_mut(id).unwrap();
            let heard = node.core.contacts().of(NodeId(leader));
            node.core.refused(NodeId(leader), heard);
        }
        cluster.settle();
    }
    assert!(others.iter().any(|node| cluster.leads(*node)), "no tick went by");
}
