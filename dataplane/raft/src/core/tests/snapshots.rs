//! Snapshots on their way: what of the log stays meanwhile, who votes, and what ends.

use raft::eraftpb::{ConfState, Message, MessageType};

use super::*;

fn learner(node: u64) -> MemberChange {
    MemberChange { learners: vec![peer(node)], ..MemberChange::default() }
}

/// A leader of so many voters, and node 9 that has just become a learner.
fn with_newcomer(voters: u64, prepare: impl FnOnce(&mut TestCluster)) -> (TestCluster, u64) {
    let mut cluster = TestCluster::of(voters);
    let leader = cluster.leader();
    assert!(cluster.propose(leader, b"before").is_ok());
    cluster.truncate(leader);
    prepare(&mut cluster);
    cluster.nodes.insert(9, TestNode::new(9, &[], false));
    assert!(cluster.change(leader, &learner(9)).is_ok());
    cluster.ticks(5);
    (cluster, leader)
}

fn live_files(cluster: &TestCluster) -> usize {
    cluster.files.iter().filter(|files| files.strong_count() > 0).count()
}

#[test]
fn a_log_stays_behind_a_snapshot_that_is_being_made_and_one_is_enough() {
    for voters in [1, 2, 3, 5] {
        let (mut cluster, leader) = with_newcomer(voters, |cluster| cluster.slow_to_make = true);
        assert_eq!(cluster.making.len(), 1, "RF {voters}");
        for n in 0..20_u8 {
            assert!(cluster.propose(leader, &[n; 1000]).is_ok());
            cluster.truncate(leader);
        }
        cluster.finish_snapshots();
        cluster.ticks(10);
        assert_eq!(cluster.commands(9).len(), 21, "RF {voters}");
        assert_eq!(cluster.files.len(), 1, "RF {voters}: it was of use");
        assert_eq!(live_files(&cluster), 0, "RF {voters}: its files are gone");
        cluster.truncate(leader);
        let status = cluster.nodes[&leader].status();
        assert_eq!(status.truncated_index, status.last_index, "RF {voters}: nobody needs it");
    }
}

#[test]
fn a_log_stays_behind_a_snapshot_for_as_long_as_it_is_installed() {
    for voters in [1, 2, 3, 5] {
        let (mut cluster, leader) = with_newcomer(voters, |cluster| cluster.slow_to_install = true);
        assert_eq!(cluster.installing.len(), 1, "RF {voters}");
        // Far longer than a snapshot is kept for one that does not answer.
        for n in 0..40_u8 {
            assert!(cluster.propose(leader, &[n; 1000]).is_ok());
            cluster.truncate(leader);
        }
        let status = cluster.nodes[&leader].status();
        let seen = status.peer(peer(9)).unwrap();
        assert!(seen.snapshot && seen.installing && seen.active, "RF {voters}: {seen:?}");
        assert_eq!(seen.applied, LogIndex::ZERO);
        assert!(cluster.nodes[&9].status().installing);
        cluster.finish_snapshots();
        cluster.ticks(10);
        let status = cluster.nodes[&leader].status();
        let seen = status.peer(peer(9)).unwrap();
        assert!(!seen.snapshot && !seen.installing && seen.matched == status.last_index);
        assert_eq!(seen.applied, status.last_index, "it says so itself");
        assert_eq!(cluster.commands(9).len(), 41);
        assert_eq!(cluster.files.len(), 1, "RF {voters}: no second one was needed");
        assert_eq!(live_files(&cluster), 0);
    }
}

#[test]
fn a_replica_that_installs_votes_and_stands_for_no_election() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let away = (1..=3).find(|id| *id != leader).unwrap();
    cluster.down.insert(away);
    assert!(cluster.propose(leader, b"a").is_ok());
    let node = cluster.nodes.get_mut(&leader).unwrap();
    let through = node.applied;
    node.core.force_truncate(GROUP, through);
    (cluster.slow_to_install, _) = (true, cluster.down.clear());
    cluster.ticks(20);
    assert_eq!(cluster.installing.len(), 1);
    // Only the one that installs and one other are left: without its vote nobody would lead.
    cluster.down.insert(leader);
    let next = cluster.leader();
    assert!(next != leader && next != away);
    cluster.ticks(100);
    assert_eq!(cluster.nodes[&away].status().role, Role::Follower);
    // The new leader has heard of it, too.
    let status = cluster.nodes[&next].status();
    assert!(status.peer(peer(away)).is_some_and(|seen| seen.installing && seen.snapshot));
    cluster.finish_snapshots();
    assert!(cluster.propose(next, b"b").is_ok());
    assert_eq!(cluster.commands(away), [b"a", b"b"]);
}

#[test]
fn a_receiver_that_began_anew_is_asked_where_it_is() {
    let (mut cluster, leader) = with_newcomer(1, |cluster| cluster.slow_to_install = true);
    // It ended while it installed, and does so at its next start: nobody tells the leader.
    let (id, install) = cluster.installing.pop().unwrap();
    let (conf, commands) = cluster.snapshots[&install.index].clone();
    let node = cluster.nodes.get_mut(&id).unwrap();
    (node.applied, node.conf, node.commands) = (install.index, conf, commands);
    node.start();
    assert!(cluster.propose(leader, b"after").is_ok());
    cluster.ticks(20);
    assert_eq!(cluster.commands(9), [&b"before"[..], b"after"]);
    assert_eq!(cluster.files.len(), 1);
}

#[test]
fn a_log_that_a_snapshot_keeps_slows_writes_down_and_is_cut_at_its_end() {
    let (mut cluster, leader) = with_newcomer(1, |cluster| cluster.slow_to_install = true);
    assert!(!cluster.nodes[&leader].watch.is_slowed_down());
    for _ in 0..3 {
        assert!(cluster.propose(leader, &[0; 7000]).is_ok(), "slower, but never refused");
    }
    cluster.truncate(leader);
    assert!(cluster.nodes[&leader].watch.is_slowed_down());
    cluster.finish_snapshots();
    cluster.ticks(10);
    cluster.truncate(leader);
    assert!(!cluster.nodes[&leader].watch.is_slowed_down());
}

#[test]
fn a_snapshot_that_its_receiver_never_takes_is_let_go() {
    let (mut cluster, leader) = with_newcomer(1, |cluster| cluster.slow_to_make = true);
    cluster.down.insert(9);
    cluster.finish_snapshots();
    cluster.ticks(10);
    assert_eq!(live_files(&cluster), 1, "it may come back");
    cluster.ticks(400);
    assert_eq!(live_files(&cluster), 0);
    let status = cluster.nodes[&leader].status();
    let log = cluster.nodes.get_mut(&leader).unwrap();
    log.core.force_truncate(GROUP, status.last_index);
    cluster.down.clear();
    cluster.ticks(20);
    assert_eq!(cluster.commands(9), [b"before"], "the next one was made");
    cluster.nodes.get_mut(&leader).unwrap().core.remove(GROUP);
    assert_eq!(live_files(&cluster), 0);
}

#[test]
fn a_snapshot_that_cannot_be_made_is_tried_again_after_a_while() {
    let (mut cluster, leader) = with_newcomer(1, |cluster| cluster.failing = 2);
    assert_eq!(cluster.orders, 1, "not at every heartbeat");
    assert!(cluster.propose(leader, b"after").is_ok());
    cluster.ticks(60);
    assert_eq!(cluster.orders, 3);
    assert_eq!(cluster.commands(9), [&b"before"[..], b"after"]);
}

#[test]
fn a_replica_answers_while_a_snapshot_is_written_and_acknowledges_it_once_installed() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let away = (1..=3).find(|id| *id != leader).unwrap();
    cluster.down.insert(away);
    assert!(cluster.propose(leader, b"a").is_ok());
    let GroupStatus { term, applied, conf, .. } = cluster.nodes[&leader].status();
    let message = |kind: MessageType| {
        let (from, to) = (peer(leader).0, peer(away).0);
        let mut message = Message { from, to, term: term.0, ..Message::default() };
        message.set_msg_type(kind);
        message
    };
    let mut announcement = message(MessageType::MsgSnapshot);
    let meta = announcement.mut_snapshot().mut_metadata();
    (meta.index, meta.term) = (applied.0, term.0);
    meta.set_conf_state(ConfState::from(&conf));
    let node = cluster.nodes.get_mut(&away).unwrap();
    node.core.step(Envelope { group: GROUP, message: announcement });
    let out = node.core.ready();
    assert!(!out.appends.is_empty());

    let heartbeat = message(MessageType::MsgHeartbeat);
    node.core.step(Envelope { group: GROUP, message: heartbeat });
    let answers = node.core.urgent();
    assert_eq!(answers.len(), 1, "a busy disk is no reason to be silent");
    let answer = &answers[0].message;
    assert!(answer.reject && answer.reject_hint == applied.0, "it says what it is at: {answer:?}");
    assert!(answer.index < applied.0, "and what it has");

    let acknowledges = |done: &Persisted| {
        let mut messages = done.messages.iter().map(|envelope| &envelope.message);
        messages.any(|it| it.get_msg_type() == MessageType::MsgAppendResponse && !it.reject)
    };
    node.log.append(&out.appends, true).unwrap();
    let done = node.core.persisted().unwrap();
    assert_eq!(done.installs.len(), 1);
    assert!(!acknowledges(&done), "the state machine does not have it");
    node.core.installed(GROUP, done.installs[0].peer, applied);
    let out = node.core.ready();
    node.log.append(&out.appends, true).unwrap();
    assert!(acknowledges(&node.core.persisted().unwrap()));
}

#[test]
fn a_refusal_that_was_overtaken_takes_nothing_back() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let away = (1..=3).find(|id| *id != leader).unwrap();
    assert!(cluster.propose(leader, b"a").is_ok());
    // What it has is known, and what is sent next is a question where it is.
    cluster.down.insert(away);
    let through = cluster.truncate(leader);
    let node = cluster.nodes.get_mut(&leader).unwrap();
    node.core.unreachable(NodeId(away));
    let status = node.status();
    assert_eq!((through, status.peer(peer(away)).unwrap().matched), (status.last_index, through));
    // It said so of an append that came before those that it took.
    let mut refusal = Message {
        from: peer(away).0,
        to: peer(leader).0,
        term: status.term.0,
        index: through.0,
        reject: true,
        reject_hint: through.0 - 1,
        log_term: status.term.0,
        ..Message::default()
    };
    refusal.set_msg_type(MessageType::MsgAppendResponse);
    node.core.step(Envelope { group: GROUP, message: refusal });
    cluster.down.clear();
    assert!(cluster.propose(leader, b"b").is_ok());
    assert_eq!(cluster.commands(away), [b"a", b"b"]);
    assert_eq!(cluster.orders, 0, "a snapshot of what it has");
}
