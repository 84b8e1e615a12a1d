//! Leases: followers answer reads without a question, and no acknowledged command is missing.

use std::sync::atomic::Ordering;

use raft::eraftpb::MessageType;

use super::*;

/// A cluster whose leader lends, and in which nothing happened for a while.
fn at_rest(nodes: u64) -> (TestCluster, u64, u64) {
    let mut cluster = TestCluster::of(nodes);
    for node in cluster.nodes.values() {
        node.core.may_lend().store(true, Ordering::Release);
    }
    let leader = cluster.leader();
    cluster.propose(leader, b"a").unwrap();
    cluster.ticks(5);
    let follower = (1..=nodes).find(|id| *id != leader).unwrap();
    (cluster, leader, follower)
}

type Answer<T> = Arc<Mutex<Option<T>>>;

/// Asks a node for a read, and lets nobody's clock tick.
fn ask(cluster: &mut TestCluster, id: u64) -> Answer<Result<ReadPoint, ReadError>> {
    let answer = Answer::default();
    let told = Arc::clone(&answer);
    let done = Box::new(move |point| *told.lock() = Some(point));
    cluster.nodes.get_mut(&id).unwrap().core.read(GROUP, Assurance::Leader, done);
    cluster.settle();
    answer
}

fn propose(cluster: &mut TestCluster, id: u64) -> Answer<Result<Applied, ProposeError>> {
    let answer = Answer::default();
    let told = Arc::clone(&answer);
    let done = Box::new(move |outcome| *told.lock() = Some(outcome));
    let node = cluster.nodes.get_mut(&id).unwrap();
    node.core.propose(GROUP, b"b".to_vec(), Ticket::new(1, Arc::default(), done));
    cluster.settle();
    answer
}

fn has_read(answer: &Answer<Result<ReadPoint, ReadError>>) -> bool {
    matches!(*answer.lock(), Some(Ok(_)))
}

#[test]
fn a_follower_with_a_lease_asks_nobody_until_it_ends() {
    let (mut cluster, leader, follower) = at_rest(3);
    assert!(has_read(&ask(&mut cluster, follower)));
    cluster.down.insert(leader);
    cluster.nodes[&follower].pass(99);
    assert!(has_read(&ask(&mut cluster, follower)));
    cluster.nodes[&follower].pass(1);
    assert!(!has_read(&ask(&mut cluster, follower)));
}

#[test]
fn the_next_lease_is_asked_for_before_the_last_one_ends() {
    let (mut cluster, _, follower) = at_rest(3);
    assert!(has_read(&ask(&mut cluster, follower)));
    for _ in 0..10 {
        cluster.nodes[&follower].pass(60);
        let node = cluster.nodes.get_mut(&follower).unwrap();
        let answer = Answer::default();
        let told = Arc::clone(&answer);
        let done = Box::new(move |point| *told.lock() = Some(point));
        node.core.read(GROUP, Assurance::Leader, done);
        assert!(has_read(&answer), "it waits for nobody");
        let sent = node.core.urgent();
        let kinds: Vec<_> = sent.iter().map(|it| it.message.get_msg_type()).collect();
        assert_eq!(kinds, [MessageType::MsgReadIndex]);
        for envelope in sent {
            let to = envelope.to().node().0;
            cluster.nodes.get_mut(&to).unwrap().core.step(envelope);
        }
        cluster.settle();
    }
}

#[test]
fn no_command_is_acknowledged_that_one_with_a_lease_may_not_have() {
    let (mut cluster, leader, follower) = at_rest(3);
    assert!(has_read(&ask(&mut cluster, follower)));
    cluster.down.insert(follower);
    let told = propose(&mut cluster, leader);
    assert!(told.lock().is_none(), "two of three have it, the third does not and reads");
    assert!(has_read(&ask(&mut cluster, follower)));
    cluster.ticks(2);
    assert!(!has_read(&ask(&mut cluster, follower)));
    assert!(matches!(*told.lock(), Some(Ok(_))), "the lease is over, and nobody waits for ever");
}

#[test]
fn a_command_that_all_have_waits_for_no_clock() {
    let (mut cluster, leader, follower) = at_rest(3);
    assert!(has_read(&ask(&mut cluster, follower)));
    let told = propose(&mut cluster, leader);
    let index = told.lock().take().unwrap().unwrap().index;
    let read = ask(&mut cluster, follower).lock().take().unwrap().unwrap();
    assert!(read.applied >= index);
}

#[test]
fn one_with_a_lease_answers_only_when_all_of_its_log_is_applied() {
    let (mut cluster, leader, follower) = at_rest(3);
    assert!(has_read(&ask(&mut cluster, follower)));
    cluster.nodes.get_mut(&follower).unwrap().stalled = true;
    let told = propose(&mut cluster, leader);
    assert!(matches!(*told.lock(), Some(Ok(_))));
    let read = ask(&mut cluster, follower);
    assert!(read.lock().is_none());
    cluster.nodes.get_mut(&follower).unwrap().stalled = false;
    cluster.ticks(3);
    let (index, point) = (told.lock().take().unwrap(), read.lock().take().unwrap());
    assert!(point.unwrap().applied >= index.unwrap().index);
}

#[test]
fn a_new_leader_waits_for_those_that_may_have_a_lease_but_not_for_the_leader_before() {
    let (mut cluster, first, follower) = at_rest(5);
    assert!(has_read(&ask(&mut cluster, follower)));
    cluster.down.extend([first, follower]);
    let mut ticks = 0;
    let is_led = |cluster: &TestCluster| {
        let up = cluster.nodes.values().filter(|node| !cluster.down.contains(&node.id));
        up.filter(|node| node.status().role == Role::Leader).map(|node| node.id).next()
    };
    let next = loop {
        if let Some(next) = is_led(&cluster) {
            break next;
        }
        ticks += 1;
        assert!(ticks < 100);
        cluster.ticks(1);
    };
    // It knows nothing of what the first one lent to whom.
    let node = &cluster.nodes[&next];
    assert!(!node.watch.is_serving() && node.status().committed > node.status().applied);
    cluster.down.remove(&follower);
    // The member heard of the new leader: its lease is void.
    cluster.ticks(2);
    assert!(cluster.nodes[&next].watch.is_serving());
}

#[test]
fn a_leader_that_is_handed_the_office_waits_for_no_clock() {
    let (mut cluster, first, next) = at_rest(3);
    cluster.nodes.get_mut(&first).unwrap().core.transfer(GROUP, peer(next)).unwrap();
    cluster.settle();
    // It does not wait for the one before, which may answer late.
    assert!(cluster.nodes[&next].watch.is_serving());
}

#[test]
fn behind_a_change_of_members_another_batch_begins() {
    // It may have made somebody a member for whom what follows has to wait.
    let mut cluster = TestCluster::of(1);
    let leader = cluster.leader();
    let node = cluster.nodes.get_mut(&leader).unwrap();
    let unheard = || Ticket::new(1, Arc::default(), Box::new(|_: Result<Applied, _>| {}));
    let change = MemberChange { learners: vec![peer(2)], ..MemberChange::default() };
    node.core.change_members(GROUP, &change, unheard());
    node.core.propose(GROUP, b"a".to_vec(), unheard());
    let mut batches = Vec::new();
    while node.core.is_dirty() {
        let out = node.core.ready();
        node.log.append(&out.appends, out.sync).unwrap();
        batches.extend(node.core.persisted().unwrap().committed);
    }
    let kinds = |batch: &Committed| {
        batch.entries.iter().map(|(entry, _)| entry.conf.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(batches.iter().map(kinds).collect::<Vec<_>>(), [[true], [false]]);
}
