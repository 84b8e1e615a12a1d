//! Which replicas are on their way to where they should be, as people see and name them.

use vane_catalog::WantedReplica;
use vane_raft::Conf;
use vane_types::{NodeId, PeerId};

/// A replica that is on its way to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// The node whose replica goes once the new one is there; none where all of them stay.
    pub in_place_of: Option<NodeId>,
    /// The node that is to have a replica, or a vote for the one that it has.
    pub to: NodeId,
    /// It is to follow without a vote.
    pub learner: bool,
}

/// What is on its way from the members that a group has to those that are wanted. A replica that
/// goes is the counterpart of one of its role that comes: the first of the first.
pub fn transfers(conf: &Conf, wanted: &[WantedReplica]) -> Vec<Transfer> {
    let of_role = |learner: bool| {
        let there = nodes(if learner { &conf.learners } else { &conf.voters });
        let is_wanted = |node: &NodeId| wanted.iter().any(|replica| replica.node == *node);
        let mut going = there.clone().into_iter().filter(move |node| !is_wanted(node));
        let coming = wanted
            .iter()
            .filter(move |replica| replica.learner == learner && !there.contains(&replica.node))
            // One that gives its vote up is there.
            .filter(|replica| !learner || !nodes(&conf.voters).contains(&replica.node));
        coming
            .map(move |replica| Transfer { in_place_of: going.next(), to: replica.node, learner })
            .collect::<Vec<_>>()
    };
    of_role(false).into_iter().chain(of_role(true)).collect()
}

fn nodes(peers: &[PeerId]) -> Vec<NodeId> {
    peers.iter().map(|peer| peer.node()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::peers;

    fn wanted(nodes: &[u64]) -> Vec<WantedReplica> {
        nodes.iter().map(|node| WantedReplica { node: NodeId(*node), learner: false }).collect()
    }

    fn of(voters: &[u64], learners: &[u64], wanted: &[WantedReplica]) -> Vec<(u64, u64, bool)> {
        let (voters, learners) = (peers(voters), peers(learners));
        let found = transfers(&Conf { voters, learners, ..Conf::default() }, wanted).into_iter();
        let from = |transfer: &Transfer| transfer.in_place_of.map_or(0, |node| node.0);
        found.map(|transfer| (from(&transfer), transfer.to.0, transfer.learner)).collect()
    }

    #[test]
    fn what_comes_takes_the_place_of_what_goes() {
        assert_eq!(of(&[1, 2, 3], &[], &wanted(&[1, 2, 3])), []);
        assert_eq!(of(&[1, 2, 3], &[], &wanted(&[4, 2, 3])), [(1, 4, false)]);
        assert_eq!(of(&[1, 2, 3], &[4], &wanted(&[4, 2, 3])), [(1, 4, false)], "it copies");
        assert_eq!(of(&[1, 2], &[], &wanted(&[1, 2, 3])), [(0, 3, false)]);
        assert_eq!(of(&[1, 2, 3], &[], &wanted(&[1, 2])), [], "one goes and none comes");
        let two = [(1, 5, false), (2, 4, false), (0, 6, false)];
        assert_eq!(of(&[1, 2, 3], &[], &wanted(&[5, 4, 3, 6])), two);
    }

    #[test]
    fn a_learner_takes_the_place_of_a_learner() {
        let learner = |node| WantedReplica { node: NodeId(node), learner: true };
        let voter = |node| WantedReplica { node: NodeId(node), learner: false };
        assert_eq!(of(&[1], &[2], &[voter(1), learner(3)]), [(2, 3, true)]);
        assert_eq!(of(&[1, 2], &[], &[voter(1), learner(2)]), [], "it gives its vote up");
    }
}
