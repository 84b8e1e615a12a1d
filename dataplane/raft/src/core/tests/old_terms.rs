//! Entries of earlier terms, which other leaders may yet take the place of.

use std::collections::VecDeque;

use super::*;

/// Two nodes of a cluster whose third is away, and messages between them that arrive one by one.
struct Pair<'a> {
    cluster: &'a mut TestCluster,
    nodes: [u64; 2],
    waiting: VecDeque<Envelope>,
}

impl Pair<'_> {
    /// Delivers one message; time goes on where none is on its way.
    fn step(&mut self) {
        match self.waiting.pop_front() {
            Some(envelope) => {
                let to = envelope.to().node().0;
                if self.nodes.contains(&to) {
                    self.cluster.nodes.get_mut(&to).unwrap().core.step(envelope);
                }
            }
            None => {
                for id in self.nodes {
                    self.cluster.nodes.get_mut(&id).unwrap().tick();
                }
            }
        }
        for id in self.nodes {
            let node = self.cluster.nodes.get_mut(&id).unwrap();
            while node.core.is_dirty() {
                let messages = node.round();
                self.waiting.extend(messages);
            }
        }
    }
}

#[test]
fn an_entry_of_an_earlier_term_is_not_committed_by_its_copies() {
    let mut cluster = TestCluster::of(3);
    // One entry a message, so that copies of the old come before the first of the new term.
    for node in cluster.nodes.values_mut() {
        node.start_with(Bounds { message_bytes_max: 0, ..Bounds::default() });
    }
    let first = cluster.leader();
    let mut others = cluster.nodes.keys().copied().filter(|id| *id != first);
    let (second, third) = (others.next().unwrap(), others.next().unwrap());
    // An entry that one other node has, when its leader is gone.
    let unheard = Ticket::new(1, Arc::default(), Box::new(|_| {}));
    cluster.nodes.get_mut(&first).unwrap().core.propose(GROUP, b"x".to_vec(), unheard);
    let messages = cluster.nodes.get_mut(&first).unwrap().round();
    let node = cluster.nodes.get_mut(&second).unwrap();
    for envelope in messages.into_iter().filter(|it| it.to() == peer(second)) {
        node.core.step(envelope);
    }
    node.round();
    let old = node.status().last_index;
    assert!(old > node.status().committed && old > cluster.nodes[&third].status().last_index);

    let waiting = VecDeque::new();
    let mut pair = Pair { cluster: &mut cluster, nodes: [second, third], waiting };
    let mut had_copies_only = false;
    for _ in 0..1_000 {
        pair.step();
        let [leader, other] = [second, third].map(|id| pair.cluster.nodes[&id].status());
        had_copies_only |= leader.role == Role::Leader
            && leader.peer(other.peer).is_some_and(|seen| seen.matched == old);
        if leader.committed >= old {
            assert!(other.last_index > old, "committed by its copies: a later leader may lack it");
            assert!(had_copies_only, "the leader never knew of the copies alone");
            return;
        }
    }
    panic!("nothing was committed");
}
