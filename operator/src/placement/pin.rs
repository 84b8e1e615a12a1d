//! What `spec.replicas` of an object asks of the database. Pure.
//!
//! Present means pinned: the database moves the shard by itself no more, and copies that are
//! elsewhere are asked for where the spec has them. With the annotation `vanedb.io/once` they are
//! let go once they are there.

use vane_crds::ShardPlacement;
use vane_crds::placement::{Role, WantedReplica};
use vane_proto::admin;

use crate::database::Database;
use crate::names::ONCE;
use crate::status::Finding;

/// What to do about a shard.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wish {
    /// Nothing: all is as the object has it.
    Nothing,
    /// Pin it, or let it go.
    Pin(bool),
    /// Ask for other replicas; decided at this revision of the shard.
    Move {
        /// All that there should be.
        replicas: Vec<admin::ReplicaTarget>,
        /// Of the shard.
        revision: u64,
    },
    /// Take `spec.replicas` out of the object: it was for once, and is done.
    LetGo,
}

/// What the object of a shard asks for.
pub(super) fn wish(placement: &ShardPlacement, shard: &admin::Shard, database: &Database) -> Wish {
    let Some(wanted) = &placement.spec.replicas else {
        // Only what was pinned by this object: people may have pinned it at the database.
        let was_pinned = placement.status.as_ref().and_then(|status| status.pinned);
        let lets_go = was_pinned == Some(true) && shard.pinned;
        return if lets_go { Wish::Pin(false) } else { Wish::Nothing };
    };
    let Ok(replicas) = resolved(wanted, shard, database) else { return Wish::Nothing };
    let once = placement.metadata.annotations.as_ref().is_some_and(|it| it.contains_key(ONCE));
    let is_there = is_same(&replicas, &there(shard));
    let is_asked = !shard.target.is_empty() && is_same(&replicas, &shard.target);
    if once && is_there && shard.target.is_empty() {
        Wish::LetGo
    } else if !once && !shard.pinned {
        // First: a move that the database decided on just before does not come after it.
        Wish::Pin(true)
    } else if is_asked || (is_there && shard.target.is_empty()) {
        Wish::Nothing
    } else {
        Wish::Move { replicas, revision: shard.revision }
    }
}

/// Whether what the object asks for can be carried out.
pub(super) fn accepted(
    placement: &ShardPlacement,
    shard: &admin::Shard,
    database: &Database,
) -> Finding {
    match &placement.spec.replicas {
        None => Finding::yes("Accepted", "nothing is asked for"),
        Some(wanted) => match resolved(wanted, shard, database) {
            Ok(_) => {
                Finding::yes("Accepted", "the copies are, or will be, where the spec has them")
            }
            Err(refused) => refused,
        },
    }
}

/// The nodes that a spec names, by the database's numbers: of two with one name the newest.
fn resolved(
    wanted: &[WantedReplica],
    shard: &admin::Shard,
    database: &Database,
) -> Result<Vec<admin::ReplicaTarget>, Finding> {
    let newest = database.newest();
    let there = there(shard);
    let has_one = |node: u64| there.iter().any(|replica| replica.node_id == node);
    let mut replicas = Vec::new();
    for WantedReplica { node: name, role } in wanted {
        let Some(node) = newest.get(name.as_str()) else {
            let message = format!("the database has no node {name}; nothing is moved");
            return Err(Finding::no("NoSuchNode", message));
        };
        if node.leaving && !has_one(node.id) {
            let message = format!("{name} is to go, and gets no copies; nothing is moved");
            return Err(Finding::no("NodeLeaving", message));
        }
        let role = match role {
            Role::Voter => admin::Role::Voter,
            Role::Learner => admin::Role::Learner,
        };
        replicas.push(admin::ReplicaTarget { node_id: node.id, role: role.into() });
    }
    let [voters, are] = [&replicas, &there].map(|replicas| {
        replicas.iter().filter(|replica| replica.role() == admin::Role::Voter).count()
    });
    if voters != are && are > 0 {
        let message = format!(
            "the shard has {are} copies with a vote, and spec.replicas has {voters}: the \
             collection's replicationFactor says how many; nothing is moved"
        );
        return Err(Finding::no("WrongVoterCount", message));
    }
    Ok(replicas)
}

/// Where the copies are, by what is recorded: while they are moved, where they were.
fn there(shard: &admin::Shard) -> Vec<admin::ReplicaTarget> {
    let replicas = shard.group.iter().flat_map(|group| &group.replicas);
    // A learner that is on its way to a vote is none of them yet, and one that goes still is.
    let coming: Vec<u64> = shard.moves.iter().map(|of_move| of_move.to_node).collect();
    let settled = replicas.filter(|replica| !coming.contains(&replica.node_id));
    settled
        .map(|replica| admin::ReplicaTarget { node_id: replica.node_id, role: replica.role })
        .collect()
}

fn is_same(some: &[admin::ReplicaTarget], others: &[admin::ReplicaTarget]) -> bool {
    some.len() == others.len() && some.iter().all(|replica| others.contains(replica))
}

#[cfg(test)]
mod tests {
    use vane_crds::collection::ClusterRef;
    use vane_crds::placement::{ShardPlacementSpec, ShardPlacementStatus};

    use super::*;

    fn target(node_id: u64) -> admin::ReplicaTarget {
        admin::ReplicaTarget { node_id, role: admin::Role::Voter.into() }
    }

    /// Nodes 1 to 4, called `demo-0` to `demo-3`, and a shard on the first three.
    fn database() -> (Database, admin::Shard) {
        let node =
            |id: u64| admin::Node { id, name: format!("demo-{}", id - 1), ..Default::default() };
        let replica = |node_id: u64| admin::Replica {
            node_id,
            role: admin::Role::Voter.into(),
            ..admin::Replica::default()
        };
        let replicas = vec![replica(1), replica(2), replica(3)];
        let group = Some(admin::Group { id: 7, replicas, ..admin::Group::default() });
        let shard = admin::Shard { group, revision: 5, ..admin::Shard::default() };
        let nodes = (1..=4).map(node).collect();
        (Database { nodes, ..Database::default() }, shard)
    }

    fn placement(nodes: &[&str]) -> ShardPlacement {
        let voter = |node: &&str| WantedReplica { node: (*node).to_owned(), role: Role::Voter };
        let spec = ShardPlacementSpec {
            cluster_ref: ClusterRef { name: "demo".into() },
            collection: "docs".into(),
            shard: 0,
            replicas: (!nodes.is_empty()).then(|| nodes.iter().map(voter).collect()),
        };
        ShardPlacement::new("demo-0", spec)
    }

    #[test]
    fn a_pin_is_pinned_first_and_moved_then_and_let_go_when_it_is_removed() {
        let (database, mut shard) = database();
        let mut pin = placement(&["demo-3", "demo-1", "demo-2"]);
        assert_eq!(wish(&pin, &shard, &database), Wish::Pin(true));
        shard.pinned = true;
        let replicas = vec![target(4), target(2), target(3)];
        let moved = Wish::Move { replicas: replicas.clone(), revision: 5 };
        assert_eq!(wish(&pin, &shard, &database), moved);
        shard.target = replicas;
        shard.moves = vec![admin::Move { from_node: 1, to_node: 4, ..admin::Move::default() }];
        assert_eq!(wish(&pin, &shard, &database), Wish::Nothing, "it is on its way");
        // Another wish while it copies; and the one that it was before.
        let other = placement(&["demo-0", "demo-1", "demo-2"]);
        let back = vec![target(1), target(2), target(3)];
        assert_eq!(wish(&other, &shard, &database), Wish::Move { replicas: back, revision: 5 });
        pin.spec.replicas = None;
        assert_eq!(wish(&pin, &shard, &database), Wish::Nothing, "somebody else pinned it");
        let pinned = Some(true);
        pin.status = Some(ShardPlacementStatus { pinned, ..ShardPlacementStatus::default() });
        assert_eq!(wish(&pin, &shard, &database), Wish::Pin(false));
    }

    #[test]
    fn what_is_moved_once_is_not_pinned_and_let_go() {
        let (database, mut shard) = database();
        let mut once = placement(&["demo-3", "demo-1", "demo-2"]);
        once.metadata.annotations = Some([(ONCE.to_owned(), String::new())].into());
        assert!(matches!(wish(&once, &shard, &database), Wish::Move { .. }));
        let replicas = &mut shard.group.as_mut().unwrap().replicas;
        replicas[0].node_id = 4;
        assert_eq!(wish(&once, &shard, &database), Wish::LetGo);
    }

    #[test]
    fn what_cannot_be_says_so_and_moves_nothing() {
        let (mut database, mut shard) = database();
        shard.pinned = true;
        let reason = |placement: &ShardPlacement, database: &Database| {
            assert_eq!(wish(placement, &shard, database), Wish::Nothing);
            accepted(placement, &shard, database).reason
        };
        assert_eq!(reason(&placement(&["demo-9", "demo-1", "demo-2"]), &database), "NoSuchNode");
        assert_eq!(reason(&placement(&["demo-0", "demo-1"]), &database), "WrongVoterCount");
        database.nodes[3].leaving = true;
        let leaving = placement(&["demo-3", "demo-1", "demo-2"]);
        assert_eq!(reason(&leaving, &database), "NodeLeaving");
        // Who has one may keep it: the drain is what moves it.
        database.nodes[0].leaving = true;
        assert_eq!(reason(&placement(&["demo-0", "demo-1", "demo-2"]), &database), "Accepted");
    }
}
