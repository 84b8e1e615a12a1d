//! A leader whose process is gone, and what followers may take for that.

use super::*;

/// Refusals after which everyone had two turns.
const REFUSALS: usize = 12;

struct Orphans {
    cluster: TestCluster,
    leader: u64,
    followers: Vec<u64>,
}

impl Orphans {
    fn of(nodes: u64) -> Self {
        let mut cluster = TestCluster::of(nodes);
        let leader = cluster.leader();
        assert!(cluster.propose(leader, b"a").is_ok());
        let followers = (1..=nodes).filter(|id| *id != leader).collect();
        Self { cluster, leader, followers }
    }

    /// A follower tries to connect to the leader, and is refused.
    fn refuse(&mut self, follower: u64) {
        let node = NodeId(self.leader);
        let core = &mut self.cluster.nodes.get_mut(&follower).unwrap().core;
        let heard = core.contacts().of(node);
        core.refused(node, heard);
    }

    /// Who leads, without any time passing.
    fn leaders(&self) -> Vec<u64> {
        let is_up = |id: &u64| !self.cluster.down.contains(id);
        let nodes = self.cluster.nodes.iter().filter(|(id, _)| is_up(id));
        let leads = nodes.filter(|(_, node)| node.status().role == Role::Leader);
        leads.map(|(id, _)| *id).collect()
    }

    fn term(&self, node: u64) -> Term {
        self.cluster.nodes[&node].status().term
    }
}

#[test]
fn a_leader_that_is_gone_is_followed_without_an_election_timeout() {
    for nodes in [3, 5] {
        let mut orphans = Orphans::of(nodes);
        orphans.cluster.down.insert(orphans.leader);
        for _ in 0..REFUSALS {
            for follower in orphans.followers.clone() {
                orphans.refuse(follower);
                orphans.cluster.settle();
            }
        }
        let leaders = orphans.leaders();
        assert_eq!(leaders.len(), 1, "of {nodes} nodes");
        let watch = &orphans.cluster.nodes[&leaders[0]].watch;
        assert!(watch.is_serving(), "it waits for leases, though all that are left answered");
        assert!(orphans.cluster.propose(leaders[0], b"b").is_ok());
    }
}

#[test]
fn one_that_is_behind_passes_its_turn_on() {
    for behind in 0..2 {
        let mut orphans = Orphans::of(3);
        let behind = orphans.followers[behind];
        orphans.cluster.down.insert(behind);
        assert!(orphans.cluster.propose(orphans.leader, b"b").is_ok());
        orphans.cluster.down = BTreeSet::from([orphans.leader]);
        for _ in 0..REFUSALS {
            for follower in orphans.followers.clone() {
                orphans.refuse(follower);
                orphans.cluster.settle();
            }
        }
        let other = orphans.followers.iter().copied().filter(|id| *id != behind);
        assert_eq!(orphans.leaders(), other.collect::<Vec<_>>());
    }
}

#[test]
fn one_follower_that_is_refused_deposes_nobody() {
    let mut orphans = Orphans::of(3);
    let (leader, refused) = (orphans.leader, orphans.followers[0]);
    let term = orphans.term(leader);
    for _ in 0..10 {
        // It cannot reach the leader, which reaches it.
        for _ in 0..REFUSALS {
            orphans.refuse(refused);
            orphans.cluster.settle();
        }
        orphans.cluster.ticks(3);
        assert_eq!((orphans.leaders(), orphans.term(leader)), (vec![leader], term));
    }
    assert!(orphans.cluster.propose(leader, b"b").is_ok());
    assert_eq!(orphans.term(refused), term);
}

#[test]
fn an_old_refusal_means_nothing_to_a_leader_that_was_heard_since() {
    let mut orphans = Orphans::of(3);
    let (leader, node) = (orphans.leader, NodeId(orphans.leader));
    let heard = |orphans: &Orphans| {
        let core = |follower: &u64| &orphans.cluster.nodes[follower].core;
        let followers = orphans.followers.iter();
        followers.map(|it| core(it).contacts().of(node)).collect::<Vec<_>>()
    };
    let before = heard(&orphans);
    // It was started anew meanwhile, and leads again.
    orphans.cluster.ticks(5);
    let term = orphans.term(leader);
    for _ in 0..REFUSALS {
        for (follower, heard) in orphans.followers.clone().into_iter().zip(&before) {
            let follower = orphans.cluster.nodes.get_mut(&follower).unwrap();
            follower.core.refused(node, *heard);
            assert!(follower.status().leader.is_some(), "it still has a leader");
        }
        orphans.cluster.settle();
    }
    assert_eq!((orphans.leaders(), orphans.term(leader)), (vec![leader], term));
}

#[test]
fn a_node_lists_what_it_leads_and_where_the_leader_changed() {
    let mut cluster = TestCluster::of(3);
    let first = cluster.leader();
    let lists = |cluster: &TestCluster, id: u64| {
        let leaders = cluster.nodes[&id].core.leaders();
        (leaders.here(), leaders.take_changed())
    };
    for id in 1..=3 {
        let here = if id == first { vec![GROUP] } else { Vec::new() };
        assert_eq!(lists(&cluster, id), (here, [GROUP].into()), "node {id}");
    }
    cluster.ticks(20);
    assert!(lists(&cluster, first).1.is_empty(), "nothing changed");
    cluster.down.insert(first);
    let second = cluster.leader();
    assert_eq!(lists(&cluster, second), (vec![GROUP], [GROUP].into()));
    cluster.down.clear();
    cluster.ticks(20);
    assert_eq!(lists(&cluster, first), (Vec::new(), [GROUP].into()));
    cluster.nodes.get_mut(&second).unwrap().core.remove(GROUP);
    assert_eq!(lists(&cluster, second), (Vec::new(), [GROUP].into()));
}
