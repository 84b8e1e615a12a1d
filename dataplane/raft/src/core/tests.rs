//! Small clusters of cores over memory, with a network that delivers at once.

mod answers;
mod cluster;
mod lending;
mod log_budget;
mod memory_log;
mod old_terms;
mod quiet;
mod reading;
mod snapshots;
mod succession;
mod turns;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::Mutex;
use vane_types::{GroupId, LogIndex, NodeId, PeerId, Term};

use super::*;
use crate::log::LogEntry;
use crate::machine::{Applied, Conf, Exported};
use crate::{Assurance, Bounds, INITIAL_INDEX, ReadPoint, Role, Seen};

use cluster::{TestCluster, TestNode};
use memory_log::MemoryLog;

const GROUP: GroupId = GroupId(7);

/// The only replica that a node of these tests ever has.
fn peer(node: u64) -> PeerId {
    PeerId::new(NodeId(node), 1)
}

#[test]
fn a_command_is_applied_on_all_and_survives_its_leader() {
    let mut cluster = TestCluster::of(3);
    let first = cluster.leader();
    assert!(cluster.propose(first, b"a").is_ok());
    cluster.down.insert(first);
    let second = cluster.leader();
    assert_ne!(first, second);
    assert!(cluster.propose(second, b"b").is_ok());
    cluster.down.clear();
    cluster.ticks(20);
    for id in 1..=3 {
        assert_eq!(cluster.commands(id), [b"a", b"b"]);
    }
}

#[test]
fn a_minority_takes_nothing_and_a_cut_off_leader_confirms_no_read() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    assert!(cluster.propose(leader, b"a").is_ok());
    let read = cluster.read(leader, Assurance::Majority);
    assert!(matches!(read, Some(Ok(point)) if point.applied >= INITIAL_INDEX + 2));
    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    cluster.down.extend(&others);
    assert!(matches!(cluster.propose(leader, b"lost"), Err(ProposeError::Unknown(_))));
    assert!(matches!(
        cluster.read(leader, Assurance::Majority),
        Some(Err(ReadError::NotLeader { .. }))
    ));
    cluster.down.clear();
    cluster.down.insert(leader);
    let other = cluster.leader();
    assert!(cluster.propose(other, b"b").is_ok());
    cluster.down.clear();
    cluster.ticks(20);
    assert_eq!(cluster.commands(leader), [b"a", b"b"]);
}

#[test]
fn one_that_the_log_no_longer_reaches_gets_a_snapshot() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let away = (1..=3).find(|id| *id != leader).unwrap();
    cluster.down.insert(away);
    for n in 0..50_u8 {
        assert!(cluster.propose(leader, &[n]).is_ok());
    }
    let node = cluster.nodes.get_mut(&leader).unwrap();
    node.core.truncate(GROUP, node.applied).unwrap();
    assert_eq!(
        node.status().truncated_index,
        LogIndex(2),
        "the log is kept for one that is away for a moment"
    );
    // As a leader whose log had grown too long would.
    let through = node.applied - 2;
    node.core.force_truncate(GROUP, through);
    cluster.down.clear();
    cluster.ticks(20);
    assert_eq!(cluster.commands(away).len(), 50);
    assert!(cluster.propose(leader, b"after").is_ok());
    assert_eq!(cluster.commands(away).len(), 51);
    assert_eq!(cluster.nodes[&away].log.group(GROUP).unwrap().unwrap().installing, None);
}

#[test]
fn a_group_is_handed_over_by_who_leads_it_to_whom_it_names() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let next = (1..=3).find(|id| *id != leader).unwrap();
    let mut hand_over = |from: u64, to: Option<PeerId>| {
        let heir: Heir = Box::new(move |_| to);
        let groups = vec![GROUP, GroupId(99)];
        let given = cluster.nodes.get_mut(&from).unwrap().core.hand_over(groups, &heir);
        cluster.settle();
        given
    };
    assert!(hand_over(next, Some(peer(leader))).is_empty(), "it does not lead");
    assert!(hand_over(leader, None).is_empty(), "nobody may take it");
    assert_eq!(hand_over(leader, Some(peer(next))), [GROUP]);
    assert_eq!(cluster.leader(), next);
}

#[test]
fn restarts_go_on_where_disk_and_state_ended() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    for n in 0..9_u8 {
        assert!(cluster.propose(leader, &[n]).is_ok());
    }
    for node in cluster.nodes.values_mut() {
        // The state machine's own disk lost its last writes; the log has them.
        node.applied = node.applied - 3;
        node.commands.truncate(6);
        node.start();
    }
    let leader = cluster.leader();
    assert!(cluster.propose(leader, b"x").is_ok());
    for id in 1..=3 {
        assert_eq!(cluster.commands(id).len(), 10);
    }
}

#[test]
fn a_member_is_replaced_and_the_joint_membership_is_left() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    assert!(cluster.propose(leader, b"a").is_ok());
    cluster.nodes.insert(4, TestNode::new(4, &[], false));
    let new = peer(4);
    let leaving = (1..=3).find(|id| *id != leader).map(peer).unwrap();
    let learner = MemberChange { learners: vec![new], ..MemberChange::default() };
    assert!(cluster.change(leader, &learner).is_ok());
    cluster.ticks(10);
    assert_eq!(cluster.commands(4), [b"a"], "it got a snapshot");
    let swap =
        MemberChange { voters: vec![new], removed: vec![leaving], ..MemberChange::default() };
    assert!(cluster.change(leader, &swap).is_ok());
    cluster.ticks(10);
    let conf = cluster.nodes[&leader].status().conf;
    assert!(
        !conf.is_joint() && conf.voters.contains(&new) && !conf.members().contains(&leaving),
        "{conf:?}"
    );
    let itself = MemberChange { removed: vec![peer(leader)], ..MemberChange::default() };
    assert!(matches!(cluster.change(leader, &itself), Err(ProposeError::Refused { .. })));
}

#[test]
fn a_step_that_was_decided_before_the_last_change_is_refused() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    assert!(cluster.propose(leader, b"a").is_ok());
    let seen = cluster.nodes[&leader].status().seen();
    let follower = MemberChange::follower(peer(4)).seen_at(seen);
    assert!(cluster.change(leader, &follower).is_ok());
    let gone = MemberChange { removed: vec![peer(4)], ..MemberChange::default() };
    // Decided on the same view, and late.
    let late = cluster.change(leader, &gone.clone().seen_at(seen));
    assert!(matches!(late, Err(ProposeError::Refused { .. })), "{late:?}");
    let seen = cluster.nodes[&leader].status().seen();
    let earlier = Seen { term: Term(seen.term.0 - 1), ..seen };
    let late = cluster.change(leader, &gone.clone().seen_at(earlier));
    assert!(matches!(late, Err(ProposeError::Refused { .. })), "{late:?}");
    assert!(cluster.change(leader, &gone.seen_at(seen)).is_ok());
    // Its id has left: a vote that was to be given to it does not bring it back.
    let vote = MemberChange { voters: vec![peer(4)], ..MemberChange::default() };
    let refused = cluster.change(leader, &vote);
    assert!(matches!(refused, Err(ProposeError::Refused { .. })), "{refused:?}");
    assert!(!cluster.nodes[&leader].status().conf.members().contains(&peer(4)));
}

#[test]
fn behind_a_barrier_nothing_that_was_decided_before_is_done() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    assert!(cluster.propose(leader, b"a").is_ok());
    let seen = cluster.nodes[&leader].status().seen();
    let conf = cluster.nodes[&leader].status().conf;
    assert!(cluster.change(leader, &MemberChange::barrier(seen)).is_ok());
    assert_eq!(cluster.nodes[&leader].status().conf, conf, "it changes nothing");
    let follower = MemberChange::follower(peer(4));
    let late = cluster.change(leader, &follower.clone().seen_at(seen));
    assert!(matches!(late, Err(ProposeError::Refused { .. })), "{late:?}");
    let now = cluster.nodes[&leader].status().seen();
    assert!(cluster.change(leader, &follower.seen_at(now)).is_ok(), "what is decided anew is");
}

#[test]
fn one_that_joins_is_not_sent_a_snapshot_from_before() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let away = (1..=3).find(|id| *id != leader).unwrap();
    cluster.down.insert(away);
    assert!(cluster.propose(leader, b"a").is_ok());
    let node = cluster.nodes.get_mut(&leader).unwrap();
    let through = node.applied;
    node.core.force_truncate(GROUP, through);
    // A snapshot is made for the one that was away, and kept for the next.
    cluster.down.clear();
    cluster.ticks(20);
    assert_eq!(cluster.commands(away), [b"a"]);
    let leader = cluster.leader();
    cluster.nodes.insert(4, TestNode::new(4, &[], false));
    let learner = MemberChange { learners: vec![peer(4)], ..MemberChange::default() };
    assert!(cluster.change(leader, &learner).is_ok());
    cluster.ticks(20);
    assert_eq!(cluster.commands(4), [b"a"]);
}

/// For whom nobody waits.
fn unheard() -> Ticket {
    Ticket::new(0, Arc::new(AtomicUsize::new(0)), Box::new(|_| ()))
}

#[test]
fn what_is_logged_when_a_node_stops_may_still_be_applied() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let ticket = || {
        let outcomes = Arc::clone(&outcomes);
        Ticket::new(0, Arc::default(), Box::new(move |outcome| outcomes.lock().push(outcome)))
    };
    let node = cluster.nodes.get_mut(&leader).unwrap();
    node.core.propose(GROUP, b"closed".to_vec(), ticket());
    node.core.close();
    node.start();
    let leader = cluster.leader();
    let node = cluster.nodes.get_mut(&leader).unwrap();
    node.core.propose(GROUP, b"removed".to_vec(), ticket());
    node.core.remove(GROUP);
    drop(ticket());
    assert_eq!(
        *outcomes.lock(),
        [
            Err(ProposeError::Unknown(GROUP)),
            Err(ProposeError::Unknown(GROUP)),
            Err(ProposeError::Stopping)
        ]
    );
}

#[test]
fn a_leader_that_its_group_removes_steps_down() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let leaving = (1..=3).find(|id| *id != leader).unwrap();
    let change = MemberChange { removed: vec![peer(leaving)], ..MemberChange::default() };
    let node = cluster.nodes.get_mut(&leader).unwrap();
    node.core.change_members(GROUP, &change, unheard());
    let messages = node.round();
    // It gets the entry and becomes the leader that commits it.
    cluster.down.insert(leader);
    let node = cluster.nodes.get_mut(&leaving).unwrap();
    for message in messages.into_iter().filter(|envelope| envelope.to() == peer(leaving)) {
        assert!(node.core.step(message), "its group is there");
    }
    let is_member = |cluster: &TestCluster| {
        cluster.nodes[&leaving].status().conf.voters.contains(&peer(leaving))
    };
    for _ in 0..60 {
        cluster.ticks(1);
        assert!(is_member(&cluster) || cluster.nodes[&leaving].status().role != Role::Leader);
    }
    assert!(!is_member(&cluster));
    cluster.down.clear();
    let other = cluster.leader();
    assert!(other != leaving && cluster.propose(other, b"a").is_ok());
}

/// What a follower answers to an append.
fn append_response(
    (from, to): (PeerId, PeerId),
    term: Term,
    index: LogIndex,
    reject: bool,
) -> Envelope {
    let mut message = raft::eraftpb::Message {
        from: from.0,
        to: to.0,
        term: term.0,
        index: index.0,
        reject,
        ..Default::default()
    };
    message.set_msg_type(raft::eraftpb::MessageType::MsgAppendResponse);
    if reject {
        (message.reject_hint, message.log_term) = (index.0 - 1, term.0);
    }
    Envelope { group: GROUP, message }
}

#[test]
fn entries_are_sent_behind_the_index_that_they_follow() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let followers: Vec<PeerId> = (1..=3).filter(|id| *id != leader).map(peer).collect();
    let node = cluster.nodes.get_mut(&leader).unwrap();
    let (term, last, me) = (node.status().term, node.status().last_index, peer(leader));
    node.core.propose(GROUP, b"a".to_vec(), unheard());
    node.round();
    // One follower makes the entry committed, which the other is told of; and the other has
    // not got the entry, which has to be sent again. All of it before the next round.
    node.core.step(append_response((followers[0], me), term, last.next(), false));
    node.core.step(append_response((followers[1], me), term, last.next(), true));
    for envelope in node.round() {
        let entries = envelope.message.entries.iter().map(|entry| entry.index);
        assert!(
            entries.eq((envelope.message.index + 1..).take(envelope.message.entries.len())),
            "{envelope:?}"
        );
    }
}

/// After a recovery the only voter may have less than one that follows it.
#[test]
fn what_is_committed_is_taken_back_by_no_append() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    for n in 0..3_u8 {
        assert!(cluster.propose(leader, &[n]).is_ok());
    }
    cluster.ticks(5);
    let follower = (1..=3).find(|id| *id != leader).unwrap();
    let node = cluster.nodes.get_mut(&follower).unwrap();
    let (term, committed) = (node.status().term, node.applied);
    let append = |entry_term: Term| {
        let data = b"another".to_vec();
        let (index, term_of) = (committed.0, entry_term.0);
        let entry = LogEntry { index, term: term_of, data, ..LogEntry::default() };
        let mut message = raft::eraftpb::Message {
            from: peer(leader).0,
            to: peer(follower).0,
            term: term.0 + 1,
            index: committed.0 - 1,
            log_term: term.0,
            commit: committed.0,
            entries: vec![entry],
            ..Default::default()
        };
        message.set_msg_type(raft::eraftpb::MessageType::MsgAppend);
        Envelope { group: GROUP, message }
    };
    node.core.step(append(Term(term.0 + 1)));
    assert!(node.round().is_empty(), "what it acknowledges counts as there");
    node.core.step(append(term));
    let answers = node.round();
    assert!(answers.iter().any(|it| it.message.index == committed.0 && !it.message.reject));
}

#[test]
fn leadership_is_handed_over_without_an_election_timeout() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let to = (1..=3).find(|id| *id != leader).unwrap();
    cluster.nodes.get_mut(&leader).unwrap().core.transfer(GROUP, peer(to)).unwrap();
    cluster.settle();
    assert_eq!(cluster.nodes[&to].status().role, Role::Leader);
}
