//! Which replicas a shard should have, computed from what a person asked for.

use std::collections::BTreeSet;

use thiserror::Error;
use vane_proto::admin::{ReplicaTarget, Role, Shard};

/// Why replicas cannot be as a person wants them.
#[derive(Debug, PartialEq, Error)]
pub(crate) enum Impossible {
    #[error("node {0} is both ends of the move")]
    SameNode(u64),
    #[error("there is no replica on node {0} to move")]
    NoReplica(u64),
    #[error("node {0} has a replica already; to have fewer replicas use reconfigure")]
    Occupied(u64),
    #[error("node {0} stands in --replicas twice")]
    Twice(u64),
    #[error("--replicas names no voter: without one nobody could lead")]
    NoVoter,
}

/// The outcome of planning a move.
#[derive(Debug, PartialEq)]
pub(crate) enum Move {
    /// The replicas are, or are about to be, as asked.
    AlreadyThere,
    /// These should be the replicas.
    To(Vec<ReplicaTarget>),
}

/// The replicas of `shard` with that on node `from` on node `to` instead. A change that is
/// under way already counts as made: what should be is changed, not what is.
///
/// # Errors
/// When there is nothing on `from` to move, or `to` has a replica already.
pub(crate) fn moved(shard: &Shard, from: u64, to: u64) -> Result<Move, Impossible> {
    if from == to {
        return Err(Impossible::SameNode(from));
    }
    let mut wanted = wanted(shard);
    match (place_of(&wanted, from), place_of(&wanted, to)) {
        (Some(place), None) => {
            // Its role goes along: only the node is another.
            wanted[place].node_id = to;
            Ok(Move::To(wanted))
        }
        // As this very move leaves it: a script may repeat itself.
        (None, Some(_)) => Ok(Move::AlreadyThere),
        (None, None) => Err(Impossible::NoReplica(from)),
        (Some(_), Some(_)) => Err(Impossible::Occupied(to)),
    }
}

/// Whether a shard has a replica on a node, or is to have one.
pub(crate) fn names(shard: &Shard, node: u64) -> bool {
    let there = shard.group.iter().flat_map(|group| &group.replicas);
    let mut nodes = there.map(|replica| replica.node_id);
    nodes.any(|there| there == node) || place_of(&shard.target, node).is_some()
}

fn place_of(replicas: &[ReplicaTarget], node: u64) -> Option<usize> {
    replicas.iter().position(|replica| replica.node_id == node)
}

/// Where the replicas should be: where they are, unless a change is under way.
fn wanted(shard: &Shard) -> Vec<ReplicaTarget> {
    if !shard.target.is_empty() {
        return shard.target.clone();
    }
    let replicas = shard.group.iter().flat_map(|group| &group.replicas);
    replicas.map(|replica| ReplicaTarget { node_id: replica.node_id, role: replica.role }).collect()
}

/// Checks a list of replicas that a person wrote.
///
/// # Errors
/// When a node is in it twice, or nobody votes.
pub(super) fn check(replicas: &[ReplicaTarget]) -> Result<(), Impossible> {
    let mut nodes = BTreeSet::new();
    if let Some(twice) = replicas.iter().find(|replica| !nodes.insert(replica.node_id)) {
        return Err(Impossible::Twice(twice.node_id));
    }
    let has_voter = replicas.iter().any(|replica| replica.role() == Role::Voter);
    if has_voter { Ok(()) } else { Err(Impossible::NoVoter) }
}

#[cfg(test)]
mod tests {
    use super::{Move, check, moved};
    use vane_proto::admin::{Group, Replica, ReplicaTarget, Role, Shard};

    fn target(node_id: u64, role: Role) -> ReplicaTarget {
        ReplicaTarget { node_id, role: role.into() }
    }

    fn shard(target: Vec<ReplicaTarget>) -> Shard {
        let replica =
            |node_id, role: Role| Replica { node_id, role: role.into(), ..Replica::default() };
        let replicas = vec![replica(1, Role::Voter), replica(2, Role::Learner)];
        Shard { group: Some(Group { replicas, ..Group::default() }), target, ..Shard::default() }
    }

    #[test]
    fn a_moved_replica_keeps_its_role() {
        let expected = Move::To(vec![target(1, Role::Voter), target(3, Role::Learner)]);
        assert_eq!(moved(&shard(Vec::new()), 2, 3), Ok(expected));
    }

    #[test]
    fn a_repeated_move_is_no_change() {
        assert_eq!(moved(&shard(vec![target(3, Role::Voter)]), 1, 3), Ok(Move::AlreadyThere));
        assert_eq!(moved(&shard(Vec::new()), 9, 2), Ok(Move::AlreadyThere));
    }

    #[test]
    fn a_move_adds_to_the_change_under_way() {
        let under_way = vec![target(3, Role::Voter), target(2, Role::Learner)];
        let expected = Move::To(vec![target(3, Role::Voter), target(4, Role::Learner)]);
        assert_eq!(moved(&shard(under_way), 2, 4), Ok(expected));
    }

    #[test]
    fn impossible_moves_say_why() {
        let shard = shard(Vec::new());
        let why = |from, to| moved(&shard, from, to).unwrap_err().to_string();
        assert!(why(1, 1).contains("both ends"));
        assert!(why(1, 2).contains("reconfigure"));
        assert!(why(8, 9).contains("no replica on node 8"));
    }

    #[test]
    fn a_shard_needs_a_voter_and_each_node_once() {
        assert!(check(&[target(1, Role::Voter), target(2, Role::Learner)]).is_ok());
        assert!(check(&[target(1, Role::Learner)]).is_err());
        assert!(check(&[target(1, Role::Voter), target(1, Role::Learner)]).is_err());
    }
}
