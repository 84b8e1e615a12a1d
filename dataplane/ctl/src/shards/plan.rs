//! Which replicas a shard should have, computed from what a person asked for.

use std::collections::BTreeSet;

use vane_proto::admin::{Replica, ReplicaTarget, Role, Shard};

/// What a move comes to.
#[derive(Debug, PartialEq)]
pub(super) enum Move {
    /// The replicas are, or are about to be, as asked.
    AlreadySo,
    /// These should be the replicas.
    To(Vec<ReplicaTarget>),
}

/// The replicas of `shard` with that on node `from` on node `to` instead. A change that is
/// under way already counts as made: what should be is changed, not what is.
///
/// # Errors
/// Why it cannot be, for a person.
pub(super) fn moved(shard: &Shard, from: u64, to: u64) -> Result<Move, String> {
    if from == to {
        return Err(format!("node {from} is both ends of the move"));
    }
    let mut wanted = wanted(shard);
    let has = |node| wanted.iter().position(|it| it.node_id == node);
    match (has(from), has(to)) {
        (Some(place), None) => {
            wanted[place].node_id = to;
            Ok(Move::To(wanted))
        }
        (None, Some(_)) => Ok(Move::AlreadySo),
        (None, None) => Err(format!("there is no replica on node {from} to move")),
        (Some(_), Some(_)) => {
            Err(format!("node {to} has a replica already; to have fewer replicas use reconfigure"))
        }
    }
}

/// Where the replicas should be: where they are, unless a change is under way.
fn wanted(shard: &Shard) -> Vec<ReplicaTarget> {
    if !shard.target.is_empty() {
        return shard.target.clone();
    }
    let target = |it: &Replica| ReplicaTarget { node_id: it.node_id, role: it.role };
    shard.group.iter().flat_map(|it| &it.replicas).map(target).collect()
}

/// Checks a list of replicas that a person wrote.
///
/// # Errors
/// What is wrong with it, for a person.
pub(super) fn check(replicas: &[ReplicaTarget]) -> Result<(), String> {
    let mut nodes = BTreeSet::new();
    if let Some(twice) = replicas.iter().find(|it| !nodes.insert(it.node_id)) {
        return Err(format!("node {} stands in --replicas twice", twice.node_id));
    }
    match replicas.iter().any(|it| it.role() == Role::Voter) {
        true => Ok(()),
        false => Err("--replicas names no voter: without one nobody could lead".into()),
    }
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
        assert_eq!(moved(&shard(vec![target(3, Role::Voter)]), 1, 3), Ok(Move::AlreadySo));
        assert_eq!(moved(&shard(Vec::new()), 9, 2), Ok(Move::AlreadySo));
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
        assert!(moved(&shard, 1, 1).unwrap_err().contains("both ends"));
        assert!(moved(&shard, 1, 2).unwrap_err().contains("reconfigure"));
        assert!(moved(&shard, 8, 9).unwrap_err().contains("no replica on node 8"));
    }

    #[test]
    fn a_shard_needs_a_voter_and_each_node_once() {
        assert!(check(&[target(1, Role::Voter), target(2, Role::Learner)]).is_ok());
        assert!(check(&[target(1, Role::Learner)]).is_err());
        assert!(check(&[target(1, Role::Voter), target(1, Role::Learner)]).is_err());
    }
}
