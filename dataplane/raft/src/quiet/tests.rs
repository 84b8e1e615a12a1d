use super::*;

const SILENCE: usize = 7;

fn peer(node: u64) -> PeerId {
    PeerId::new(NodeId(node), 1)
}

/// A replica on a node, of a group that another node leads, or that it leads with those members.
fn counts_on(me: u64, leader: u64, nodes: &[u64]) -> CountsOn {
    let nodes = nodes.iter().copied().map(NodeId).collect();
    let (peer, leader, without) = (peer(me), peer(leader), Vec::new());
    CountsOn { peer, leader, term: Term(4), nodes, without }
}

/// What node 1 says to node 2.
fn said(quiet: &mut Quiet) -> Option<Pulse> {
    quiet.pulses(1).iter().find(|pulse| pulse.to().node() == NodeId(2)).and_then(Pulse::of)
}

#[test]
fn a_silent_node_wakes_those_that_count_on_it() {
    let mut quiet = Quiet::default();
    quiet.insert(GroupId(1), counts_on(1, 1, &[2, 3]));
    quiet.insert(GroupId(2), counts_on(1, 3, &[3]));
    for _ in 1..SILENCE {
        assert_eq!(quiet.tick(SILENCE), Default::default());
        quiet.hear(NodeId(2), Pulse::default());
    }
    let (nodes, groups) = quiet.tick(SILENCE);
    assert_eq!(nodes, BTreeSet::from([NodeId(3)]));
    assert_eq!(groups, BTreeSet::from([GroupId(1), GroupId(2)]));
    quiet.remove(GroupId(1));
    quiet.remove(GroupId(2));
    assert_eq!(quiet.tick(SILENCE), Default::default(), "nobody is counted on");
    assert!(quiet.pulses(1).is_empty());
}

#[test]
fn nodes_that_agree_wake_nobody() {
    let (mut leader, mut follower) = (Quiet::default(), Quiet::default());
    for group in 1..50 {
        leader.insert(GroupId(group), counts_on(1, 1, &[2]));
        follower.insert(GroupId(group), counts_on(2, 1, &[1]));
    }
    for _ in 0..100 {
        let pulse = said(&mut leader).unwrap();
        assert!(follower.hear(NodeId(1), pulse).is_empty());
    }
}

#[test]
fn a_leader_that_is_gone_is_missed_and_one_that_is_there_speaks() {
    let (mut leader, mut follower) = (Quiet::default(), Quiet::default());
    for group in 1..50 {
        leader.insert(GroupId(group), counts_on(1, 1, &[2]));
        follower.insert(GroupId(group), counts_on(2, 1, &[1]));
    }
    leader.remove(GroupId(42));
    let mut woken = Vec::new();
    for _ in 0..DIFFERING_MAX {
        assert!(woken.is_empty(), "not at once: it may just be waking");
        woken = follower.hear(NodeId(1), said(&mut leader).unwrap());
    }
    assert!(woken.contains(&GroupId(42)) && woken.len() < 20, "{woken:?}");
    // The others of that part are led there: they are told to speak, and followers hear it.
    let back = follower.pulses(1).iter().find_map(Pulse::of).unwrap();
    let speaking = leader.hear(NodeId(2), back);
    let others: Vec<GroupId> = woken.into_iter().filter(|group| group.0 != 42).collect();
    assert_eq!(speaking, others);
    let again = follower.pulses(1).iter().find_map(Pulse::of).unwrap();
    assert!(leader.hear(NodeId(2), again).is_empty(), "it is said once");
}

#[test]
fn a_difference_that_passes_wakes_nobody() {
    let (mut leader, mut follower) = (Quiet::default(), Quiet::default());
    leader.insert(GroupId(1), counts_on(1, 1, &[2]));
    leader.insert(GroupId(2), counts_on(1, 1, &[2]));
    follower.insert(GroupId(1), counts_on(2, 1, &[1]));
    for round in 0..100 {
        if round % 2 == 0 {
            follower.insert(GroupId(2), counts_on(2, 1, &[1]));
        } else {
            follower.remove(GroupId(2));
        }
        assert!(follower.hear(NodeId(1), said(&mut leader).unwrap()).is_empty());
    }
}

#[test]
fn a_node_that_is_missed_is_asked_for_and_its_answer_wakes_the_leader() {
    let mut quiet = Quiet::default();
    let without = vec![NodeId(3)];
    quiet.insert(GroupId(1), CountsOn { without, ..counts_on(1, 1, &[2]) });
    quiet.insert(GroupId(2), counts_on(1, 1, &[2]));
    let asked: BTreeMap<u64, bool> = quiet
        .pulses(1)
        .iter()
        .map(|pulse| (pulse.to().node().0, Pulse::of(pulse).unwrap().asks))
        .collect();
    assert_eq!(asked, BTreeMap::from([(2, false), (3, true)]));
    assert_eq!(quiet.hear(NodeId(3), Pulse::default()), [GroupId(1)]);
    quiet.remove(GroupId(1));
    assert!(quiet.hear(NodeId(3), Pulse::default()).is_empty());
    assert_eq!(quiet.pulses(1).len(), 1);
}
