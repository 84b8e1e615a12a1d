//! Reads of replicas that follow: they have all that their leader has acknowledged, or wait.

use raft::eraftpb::MessageType;

use super::*;

fn follower_of(leader: u64) -> u64 {
    (1..=3).find(|id| *id != leader).unwrap()
}

#[test]
fn a_follower_reads_what_its_leader_acknowledged() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let follower = follower_of(leader);
    for assurance in [Assurance::Leader, Assurance::Majority] {
        let index = cluster.propose(leader, b"a").unwrap().index;
        let point = cluster.read(follower, assurance).unwrap().unwrap();
        assert!(point.applied >= index, "{assurance:?}: {point:?}");
        let term = cluster.nodes[&leader].status().term;
        assert_eq!((point.leader, point.term), (peer(leader), term));
    }
}

#[test]
fn who_hears_that_a_command_is_applied_may_go_by_its_leaders_word() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let node = cluster.nodes.get_mut(&leader).unwrap();
    let (watch, shown) = (Arc::clone(&node.watch), Arc::new(Mutex::new(None)));
    let seen = Arc::clone(&shown);
    // What a question is answered with that comes at once.
    let done = Box::new(move |outcome: Result<Applied, _>| {
        *seen.lock() = Some((outcome.unwrap().index, watch.applied()));
    });
    node.core.propose(GROUP, b"a".to_vec(), Ticket::new(1, Arc::default(), done));
    cluster.ticks(15);
    let (index, applied) = shown.lock().unwrap();
    assert!(applied >= index, "{index} is acknowledged, and {applied} shown");
}

/// A leader that has just told another to lead, and neither has heard more.
fn handed_over(is_cut_off: bool) -> (TestCluster, u64, u64) {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let next = follower_of(leader);
    cluster.propose(leader, b"a").unwrap();
    if is_cut_off {
        cluster.down.insert(next);
    }
    let node = cluster.nodes.get_mut(&leader).unwrap();
    assert!(node.watch.is_serving());
    node.core.transfer(GROUP, peer(next)).unwrap();
    (cluster, leader, next)
}

#[test]
fn a_leader_gives_no_word_once_it_has_told_another_to_lead() {
    let (mut cluster, leader, next) = handed_over(false);
    // It has not heard of the next term: the other may lead in it already.
    let watch = &cluster.nodes[&leader].watch;
    assert!(!watch.is_serving() && watch.leader() == Some(peer(leader)));
    cluster.ticks(15);
    assert!(cluster.nodes[&next].watch.is_serving());
}

#[test]
fn a_leader_whose_successor_never_came_serves_again() {
    let (mut cluster, leader, _) = handed_over(true);
    assert!(!cluster.nodes[&leader].watch.is_serving());
    cluster.ticks(60);
    assert!(cluster.nodes[&leader].watch.is_serving());
}

#[test]
fn a_follower_that_is_cut_off_reads_nothing_and_one_that_lags_waits() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let follower = follower_of(leader);
    cluster.down.insert(follower);
    let index = cluster.propose(leader, b"a").unwrap().index;
    let early = cluster.read(follower, Assurance::Leader);
    assert!(early.is_none(), "nobody has told it anything: {early:?}");
    cluster.down.clear();
    let late = cluster.read(follower, Assurance::Leader).unwrap().unwrap();
    assert!(late.applied >= index);
}

#[test]
fn nobody_reads_where_nobody_leads() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let follower = follower_of(leader);
    cluster.down.extend((1..=3).filter(|id| *id != follower));
    cluster.ticks(60);
    let read = cluster.read(follower, Assurance::Leader);
    assert!(matches!(read, Some(Err(ReadError::NotLeader { .. }))), "{read:?}");
}

#[test]
fn a_leader_that_a_majority_left_confirms_no_read_of_its_followers() {
    let mut cluster = TestCluster::of(5);
    let leader = cluster.leader();
    let follower = follower_of(leader);
    cluster.down.extend((1..=5).filter(|id| ![leader, follower].contains(id)));
    let unsure = cluster.read(follower, Assurance::Majority);
    assert!(!matches!(unsure, Some(Ok(_))), "{unsure:?}");
}

#[test]
fn reads_that_come_while_a_question_is_on_its_way_are_asked_for_when_it_is_answered() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let follower = follower_of(leader);
    cluster.propose(leader, b"a").unwrap();
    for assurance in [Assurance::Leader, Assurance::Majority] {
        let answered = Arc::new(Mutex::new(0));
        for _ in 0..3 {
            let count = Arc::clone(&answered);
            let done = Box::new(move |told: Result<ReadPoint, ReadError>| {
                *count.lock() += usize::from(told.is_ok());
            });
            cluster.nodes.get_mut(&follower).unwrap().core.read(GROUP, assurance, done);
        }
        // No clock ticks: messages alone have to do.
        cluster.settle();
        assert_eq!(*answered.lock(), 3, "{assurance:?}");
    }
}

#[test]
fn a_question_and_its_answer_do_not_wait_for_a_disk() {
    let mut cluster = TestCluster::of(3);
    let leader = cluster.leader();
    let follower = follower_of(leader);
    cluster.propose(leader, b"a").unwrap();
    // Both write something.
    let node = cluster.nodes.get_mut(&leader).unwrap();
    node.core.propose(GROUP, b"b".to_vec(), unheard());
    for envelope in node.core.ready().messages {
        let to = envelope.to().node().0;
        cluster.nodes.get_mut(&to).unwrap().core.step(envelope);
    }
    assert!(!cluster.nodes.get_mut(&follower).unwrap().core.ready().appends.is_empty());
    let answer = Arc::new(Mutex::new(None));
    let told = Arc::clone(&answer);
    let node = cluster.nodes.get_mut(&follower).unwrap();
    node.core.read(GROUP, Assurance::Leader, Box::new(move |it| *told.lock() = Some(it)));
    for (from, kind) in
        [(follower, MessageType::MsgReadIndex), (leader, MessageType::MsgReadIndexResp)]
    {
        let sent = cluster.nodes.get_mut(&from).unwrap().core.urgent();
        let kinds: Vec<_> = sent.iter().map(|it| it.message.get_msg_type()).collect();
        assert_eq!(kinds, [kind]);
        for envelope in sent {
            assert!(!envelope.has_entries(), "a full disk takes it");
            let to = envelope.to().node().0;
            cluster.nodes.get_mut(&to).unwrap().core.step(envelope);
        }
    }
    assert!(matches!(*answer.lock(), Some(Ok(_))));
}
