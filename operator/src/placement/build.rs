//! The object and the status of one shard. Pure.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use vane_crds::ShardPlacement;
use vane_crds::collection::ClusterRef;
use vane_crds::conditions::{ACCEPTED, PROGRESSING, READY};
use vane_crds::placement::{
    Move, MovePhase, Replica, Role, ShardPlacementSpec, ShardPlacementStatus, WantedReplica,
};
use vane_proto::admin;
use vane_proto::admin::r#move::Phase;
use xxhash_rust::xxh3::xxh3_64;

use super::pin;
use crate::cluster::validate::ValidatedCluster;
use crate::database::Database;
use crate::status::{Finding, rounded};

/// Entries by which a copy may trail under load and still count as in sync.
const IN_SYNC_ENTRIES: u64 = 1000;

/// Names of the database's nodes, by its numbers.
pub(super) type Nodes = BTreeMap<u64, String>;

/// Names that tell nodes apart: that of the pod for the one that runs there, and with its
/// number for one whose disk the pod has lost.
pub(super) fn nodes(database: &Database) -> Nodes {
    let mut nodes: Nodes = database.nodes.iter().map(|node| (node.id, node.name.clone())).collect();
    for (old, _) in database.replaced() {
        nodes.insert(old.id, format!("{} (node {})", old.name, old.id));
    }
    nodes
}

/// Name of the object of a shard. A collection's name may have any characters and length; 64 bits
/// of its hash keep names apart, also where somebody looks for two that are alike.
pub(super) fn name(cluster: &str, collection: &str, shard: u32) -> String {
    format!("{cluster}-{:016x}-{shard}", xxh3_64(collection.as_bytes()))
}

/// The object, without what people may write into it.
pub(super) fn object(cluster: &ValidatedCluster, shard: &admin::Shard) -> ShardPlacement {
    let spec = ShardPlacementSpec {
        cluster_ref: ClusterRef { name: cluster.name.clone() },
        collection: shard.collection.clone(),
        shard: i32::try_from(shard.ordinal).unwrap_or(i32::MAX),
        replicas: None,
    };
    let name = name(&cluster.name, &shard.collection, shard.ordinal);
    let mut object = ShardPlacement::new(&name, spec);
    object.metadata = cluster.child(name);
    object
}

/// The status of a shard's object: what the database says, after what status said before.
pub(super) fn status(
    placement: &ShardPlacement,
    shard: &admin::Shard,
    database: &Database,
    nodes: &Nodes,
    now: &Time,
) -> ShardPlacementStatus {
    let group = shard.group.clone().unwrap_or_default();
    let generation = placement.metadata.generation;
    let mut status = placement.status.clone().unwrap_or_default();
    status.observed_generation = generation;
    status.leader = (group.leader_node != 0).then(|| node(nodes, group.leader_node));
    status.term = i64::try_from(group.term).ok();
    status.replicas = group.replicas.iter().map(|copy| replica(copy, nodes)).collect();
    // In one order, so that a status that says the same is the same.
    status.replicas.sort_by(|a, b| a.node.cmp(&b.node));
    let names: Vec<&str> = status.replicas.iter().map(|replica| replica.node.as_str()).collect();
    status.nodes = Some(names.join(","));
    status.points = Some(rounded(shard.points));
    status.bytes = Some(rounded(shard.vector_bytes));
    status.target = shard.target.iter().map(|target| wanted(target, nodes)).collect();
    status.of_move = of_move(shard, nodes);
    // Whoever else pins it lets it go.
    let by_this = placement.spec.replicas.is_some() || status.pinned == Some(true);
    status.pinned = (shard.pinned && by_this).then_some(true);
    for (kind, finding) in [
        (ACCEPTED, pin::accepted(placement, shard, database)),
        (PROGRESSING, progressing(&status)),
        (READY, ready(&status)),
    ] {
        finding.write(kind, &mut status.conditions, generation, now);
    }
    status
}

/// The status of an object whose shard is gone: what is known of it no more is taken away.
pub(super) fn gone(placement: &ShardPlacement, now: &Time) -> ShardPlacementStatus {
    let generation = placement.metadata.generation;
    let mut conditions = placement.status.clone().unwrap_or_default().conditions;
    conditions.retain(|condition| condition.type_ != PROGRESSING);
    let mut status = ShardPlacementStatus {
        observed_generation: generation,
        conditions,
        ..ShardPlacementStatus::default()
    };
    let why = "the shard is gone with its collection; spec.replicas keeps this object: delete it";
    for kind in [ACCEPTED, READY] {
        Finding::no("ShardGone", why).write(kind, &mut status.conditions, generation, now);
    }
    status
}

/// A node by its name; by its number where the database does not list it.
fn node(nodes: &Nodes, id: u64) -> String {
    nodes.get(&id).cloned().unwrap_or_else(|| format!("node {id}"))
}

fn replica(replica: &admin::Replica, nodes: &Nodes) -> Replica {
    let follows = replica.known && replica.active && !replica.snapshot;
    Replica {
        node: node(nodes, replica.node_id),
        role: role(replica.role()),
        in_sync: follows && replica.lag <= IN_SYNC_ENTRIES,
    }
}

fn wanted(target: &admin::ReplicaTarget, nodes: &Nodes) -> WantedReplica {
    WantedReplica { node: node(nodes, target.node_id), role: role(target.role()) }
}

fn role(role: admin::Role) -> Role {
    if role == admin::Role::Learner { Role::Learner } else { Role::Voter }
}

/// The first of the moves of a shard.
fn of_move(shard: &admin::Shard, nodes: &Nodes) -> Option<Move> {
    let of_move = shard.moves.first()?;
    let phase = match of_move.phase() {
        Phase::Copying => MovePhase::Copying,
        Phase::Verifying => MovePhase::Verifying,
        Phase::Switching => MovePhase::Switching,
        Phase::Failed => MovePhase::Failed,
        Phase::Preparing | Phase::Unspecified => MovePhase::Preparing,
    };
    let named = |id: u64| (id != 0).then(|| node(nodes, id));
    let known = |figure: u64| i64::try_from(figure).ok().filter(|figure| *figure > 0);
    let percent = (of_move.bytes_done.min(of_move.bytes_total) as u128 * 100)
        .checked_div(of_move.bytes_total.into());
    Some(Move {
        phase,
        from: named(of_move.from_node),
        to: named(of_move.to_node),
        percent: percent.and_then(|percent| i32::try_from(percent).ok()),
        bytes_done: known(of_move.bytes_done),
        bytes_total: known(of_move.bytes_total),
        bytes_per_second: known(of_move.bytes_per_second),
        eta_seconds: of_move.seconds_left.and_then(|left| i64::try_from(left).ok()),
        attempts: i32::try_from(of_move.attempts).ok().filter(|attempts| *attempts > 0),
        // Those of a move that goes on have figures, which change with each look.
        reason: (phase == MovePhase::Failed).then(|| of_move.reason.clone()),
    })
}

fn progressing(status: &ShardPlacementStatus) -> Finding {
    let Some(of_move) = &status.of_move else {
        return Finding::no("Settled", "nothing is under way");
    };
    let reason = match of_move.phase {
        MovePhase::Preparing => "Preparing",
        MovePhase::Copying => "Copying",
        MovePhase::Verifying => "Verifying",
        MovePhase::Switching => "Switching",
        MovePhase::Failed => "Failed",
    };
    let what = match (&of_move.from, &of_move.to) {
        (Some(from), Some(to)) => format!("the copy on {from} moves to {to}"),
        (None, Some(to)) => format!("{to} gets a copy"),
        (Some(from), None) => format!("the copy on {from} goes"),
        (None, None) => "copies change".to_owned(),
    };
    // In tens: each message that differs is a write.
    let percent = of_move.percent.map(|percent| format!(", {} %", percent / 10 * 10));
    let why = of_move.reason.as_ref().map(|why| format!(": {why}"));
    let [percent, why] = [percent, why].map(Option::unwrap_or_default);
    Finding::yes(reason, format!("{what}{percent}{why}"))
}

fn ready(status: &ShardPlacementStatus) -> Finding {
    let behind = status.replicas.iter().filter(|replica| !replica.in_sync);
    let behind: Vec<&str> = behind.map(|replica| replica.node.as_str()).collect();
    match (&status.leader, behind.as_slice()) {
        (None, _) => Finding::no("NoLeader", "it takes no writes: no copy leads"),
        (Some(_), []) => Finding::yes("InSync", "all copies have what the leader has"),
        (Some(_), behind) => {
            Finding::no("CatchingUp", format!("behind or away: {}", behind.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::nodes as nodes_of;
    use super::*;

    fn shard(lag: u64, leader_node: u64) -> admin::Shard {
        let replica = |node_id, lag| admin::Replica {
            node_id,
            role: admin::Role::Voter.into(),
            lag,
            active: true,
            known: true,
            ..admin::Replica::default()
        };
        let replicas = vec![replica(2, lag), replica(1, 0)];
        let group = admin::Group { leader_node, replicas, ..admin::Group::default() };
        admin::Shard {
            collection: "docs".into(),
            points: 63_436,
            group: Some(group),
            ..admin::Shard::default()
        }
    }

    #[test]
    fn copies_on_a_lost_disk_and_on_the_new_one_of_a_pod_are_two() {
        let node =
            |id: u64, name: &str| admin::Node { id, name: name.into(), ..admin::Node::default() };
        let nodes = vec![node(1, "demo-0"), node(2, "demo-1"), node(3, "demo-1")];
        let nodes = nodes_of(&Database { nodes, ..Database::default() });
        assert_eq!(
            nodes.into_values().collect::<Vec<_>>(),
            ["demo-0", "demo-1 (node 2)", "demo-1"]
        );
    }

    #[test]
    fn a_pin_without_its_shard_says_so() {
        let spec = ShardPlacementSpec {
            cluster_ref: ClusterRef { name: "demo".into() },
            collection: "docs".into(),
            shard: 1000,
            replicas: Some(vec![WantedReplica { node: "demo-1".into(), role: Role::Voter }]),
        };
        let mut placement = ShardPlacement::new(&name("demo", "docs", 1000), spec);
        assert!(placement.metadata.name.as_ref().is_some_and(|name| name.len() <= 63));
        let leader = Some("demo-0".to_owned());
        placement.status = Some(ShardPlacementStatus { leader, ..Default::default() });
        let status = gone(&placement, &Time(jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(status.leader, None);
        let reasons = status.conditions.iter().map(|condition| condition.reason.as_str());
        assert_eq!(reasons.collect::<Vec<_>>(), ["ShardGone", "ShardGone"]);
    }

    #[test]
    fn a_shard_is_described_by_the_pods_that_have_it() {
        let nodes: Nodes = [(1, "demo-0".to_owned()), (2, "demo-1".to_owned())].into();
        let spec = ShardPlacementSpec {
            cluster_ref: ClusterRef { name: "demo".into() },
            collection: "docs".into(),
            shard: 0,
            replicas: None,
        };
        let placement = ShardPlacement::new(&name("demo", "docs", 0), spec);
        let (now, database) = (Time(jiff::Timestamp::UNIX_EPOCH), Database::default());
        let reason = |placement: &ShardPlacement, shard: &admin::Shard, kind: &str| {
            let status = status(placement, shard, &database, &nodes, &now);
            let mut conditions = status.conditions.into_iter();
            let condition = conditions.find(|condition| condition.type_ == kind);
            condition.map(|condition| condition.reason).unwrap_or_default()
        };
        let there = status(&placement, &shard(0, 1), &database, &nodes, &now);
        assert_eq!((there.leader.as_deref(), there.points), (Some("demo-0"), Some(63_000)));
        assert_eq!(
            there.replicas.iter().map(|replica| replica.node.as_str()).collect::<Vec<_>>(),
            ["demo-0", "demo-1"]
        );
        assert_eq!(there.nodes.as_deref(), Some("demo-0,demo-1"));
        assert_eq!(reason(&placement, &shard(0, 1), READY), "InSync");
        assert_eq!(reason(&placement, &shard(5000, 1), READY), "CatchingUp");
        assert_eq!(reason(&placement, &shard(0, 0), READY), "NoLeader");
        let mut moving = shard(0, 1);
        moving.moves = vec![admin::Move {
            phase: Phase::Copying.into(),
            from_node: 1,
            to_node: 3,
            bytes_done: 47,
            bytes_total: 100,
            ..admin::Move::default()
        }];
        assert_eq!(reason(&placement, &moving, PROGRESSING), "Copying");
        assert_eq!(reason(&placement, &shard(0, 1), PROGRESSING), "Settled");
        let status = status(&placement, &moving, &database, &nodes, &now);
        let of_move = status.of_move.as_ref().expect("it moves");
        assert_eq!((of_move.from.as_deref(), of_move.percent), (Some("demo-0"), Some(47)));
        assert_eq!(progressing(&status).message, "the copy on demo-0 moves to node 3, 40 %");
    }
}
