//! What happens while a round is being written, and where a state machine falls behind.

use raft::eraftpb::MessageType;

use super::*;

/// Ticks until nobody is in office who heard of nobody.
const LONG: usize = 40;

/// Kinds of the messages that a node may send while its disk is busy.
fn urgent(node: &mut TestNode) -> Vec<(MessageType, Envelope)> {
    let urgent = node.core.urgent();
    urgent.into_iter().map(|envelope| (envelope.message.get_msg_type(), envelope)).collect()
}

/// Hands messages on to those they are for, and gives back who has something to say.
fn deliver(cluster: &mut TestCluster, messages: Vec<Envelope>) {
    for envelope in messages {
        let to = envelope.to().node().0;
        cluster.nodes.get_mut(&to).unwrap().core.step(envelope);
    }
}

#[test]
fn a_leader_whose_disk_stalls_stays_in_office() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let term = cluster.nodes[&leader].status().term;
    let node = cluster.nodes.get_mut(&leader).unwrap();
    node.core.propose(GROUP, b"a".to_vec(), unheard());
    let out = node.core.ready();
    assert!(!out.appends.is_empty());
    deliver(&mut cluster, out.messages);
    for _ in 0..LONG {
        let node = cluster.nodes.get_mut(&leader).unwrap();
        node.tick();
        let sent = urgent(node).into_iter().map(|(kind, envelope)| {
            assert_eq!(kind, MessageType::MsgHeartbeat);
            envelope
        });
        deliver(&mut cluster, sent.collect());
        // The others' disks are well, and so is the time.
        for id in (1..=3).filter(|id| *id != leader) {
            let node = cluster.nodes.get_mut(&id).unwrap();
            node.tick();
            let answers = node.round();
            let to_leader = |envelope: &Envelope| envelope.to() == peer(leader);
            assert!(answers.iter().all(to_leader), "nobody stands for election: {answers:?}");
            deliver(&mut cluster, answers);
        }
    }
    let node = cluster.nodes.get_mut(&leader).unwrap();
    assert_eq!((node.status().role, node.status().term), (Role::Leader, term));
    assert_eq!(node.status().applied, node.applied, "nothing is applied that it has not written");
    assert!(node.core.persisted().unwrap().committed.is_empty());
    node.log.append(&out.appends, true).unwrap();
    cluster.settle();
    assert_eq!(cluster.commands(leader), [b"a"], "a majority had it all the time");
}

#[test]
fn a_follower_whose_disk_stalls_answers_heartbeats_and_acknowledges_nothing() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let follower = (1..=3).find(|id| *id != leader).unwrap();
    let node = cluster.nodes.get_mut(&leader).unwrap();
    node.core.propose(GROUP, b"a".to_vec(), unheard());
    let entries = node.round().into_iter().filter(|envelope| envelope.to() == peer(follower));
    deliver(&mut cluster, entries.collect());
    let node = cluster.nodes.get_mut(&follower).unwrap();
    let out = node.core.ready();
    assert!(!out.appends.is_empty() && out.messages.is_empty());
    let node = cluster.nodes.get_mut(&leader).unwrap();
    let heartbeats = std::iter::repeat_with(|| {
        node.tick();
        node.round()
    });
    let mut heartbeats = heartbeats.take(2).flatten().collect::<Vec<_>>();
    heartbeats.retain(|envelope| envelope.to() == peer(follower));
    assert!(!heartbeats.is_empty());
    deliver(&mut cluster, heartbeats);
    let node = cluster.nodes.get_mut(&follower).unwrap();
    let kinds: Vec<_> = urgent(node).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [MessageType::MsgHeartbeatResponse]);
    node.log.append(&out.appends, true).unwrap();
    let acknowledged = node.core.persisted().unwrap().messages;
    assert!(
        acknowledged.iter().any(|it| it.message.get_msg_type() == MessageType::MsgAppendResponse)
    );
}

#[test]
fn a_term_that_is_not_written_is_not_answered_in() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let follower = (1..=3).find(|id| *id != leader).unwrap();
    let mut heartbeat = raft::eraftpb::Message {
        from: peer(leader).0,
        to: peer(follower).0,
        term: cluster.nodes[&leader].status().term.0 + 1,
        ..Default::default()
    };
    heartbeat.set_msg_type(MessageType::MsgHeartbeat);
    let node = cluster.nodes.get_mut(&follower).unwrap();
    node.core.step(Envelope { group: GROUP, message: heartbeat.clone() });
    assert!(urgent(node).is_empty(), "it has not been handed out yet");
    let out = node.core.ready();
    assert!(!out.appends.is_empty());
    node.core.step(Envelope { group: GROUP, message: heartbeat.clone() });
    assert!(urgent(node).is_empty(), "it is being written");
    node.log.append(&out.appends, true).unwrap();
    assert_eq!(node.core.persisted().unwrap().messages.len(), 1);
    let out = node.core.ready();
    assert!(out.appends.is_empty());
    assert_eq!(node.core.persisted().unwrap().messages.len(), 1);
    node.core.step(Envelope { group: GROUP, message: heartbeat });
    assert_eq!(urgent(node).len(), 1);
}

#[test]
fn a_follower_that_does_not_get_on_applying_takes_no_more_entries() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let slow = (1..=3).find(|id| *id != leader).unwrap();
    cluster.nodes.get_mut(&slow).unwrap().stalled = true;
    let last = |cluster: &TestCluster, id: u64| cluster.nodes[&id].status().last_index;
    for _ in 0..20 {
        assert!(cluster.propose(leader, &[0; 500]).is_ok(), "two of three are well");
    }
    assert!(last(&cluster, slow) < last(&cluster, leader) - 5);
    cluster.nodes.get_mut(&slow).unwrap().stalled = false;
    cluster.ticks(40);
    assert_eq!(cluster.commands(slow).len(), 20);
    assert_eq!(last(&cluster, slow), last(&cluster, leader));
}
