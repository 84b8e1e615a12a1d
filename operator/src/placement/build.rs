//! The object and the status of one shard. Pure.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use vane_crds::collection::ClusterRef;
use vane_crds::conditions::{ACCEPTED, READY, condition, set};
use vane_crds::placement::{
    Replica, Role, ShardPlacementSpec, ShardPlacementStatus, WantedReplica,
};
use vane_crds::{ShardPlacement, VectorCluster};
use vane_proto::admin;
use xxhash_rust::xxh3::xxh3_64;

use crate::collection::status::rounded;
use crate::database::Database;
use crate::names;

/// Entries by which a copy may trail under load and still count as in sync.
const IN_SYNC_ENTRIES: u64 = 1000;

/// Names of the database's nodes, by its numbers.
pub(super) type Nodes = BTreeMap<u64, String>;

/// Names that tell nodes apart: that of the pod for the one that runs there, and with its
/// number for one whose disk the pod does not have any more.
pub(super) fn nodes(database: &Database) -> Nodes {
    let mut nodes: Nodes = database.nodes.iter().map(|it| (it.id, it.name.clone())).collect();
    for (old, _) in database.replaced() {
        nodes.insert(old.id, format!("{} (node {})", old.name, old.id));
    }
    nodes
}

/// Name of the object of a shard. A collection's name may have any characters and length;
/// its hash has 32 bits of them, enough for the collections of one cluster.
pub(super) fn name(cluster: &str, collection: &str, shard: u32) -> String {
    format!("{cluster}-{:08x}-{shard}", xxh3_64(collection.as_bytes()) >> 32)
}

/// The object, without what people may write into it.
pub(super) fn object(cluster: &VectorCluster, shard: &admin::Shard) -> ShardPlacement {
    let own = cluster.name_any();
    let spec = ShardPlacementSpec {
        cluster_ref: ClusterRef { name: own.clone() },
        collection: shard.collection.clone(),
        shard: i32::try_from(shard.ordinal).unwrap_or(i32::MAX),
        replicas: None,
    };
    let mut it = ShardPlacement::new(&name(&own, &shard.collection, shard.ordinal), spec);
    it.metadata = names::metadata(cluster, it.name_any());
    it
}

/// What there is, after what there was.
pub(super) fn status(
    placement: &ShardPlacement,
    shard: &admin::Shard,
    nodes: &Nodes,
    now: &Time,
) -> ShardPlacementStatus {
    let group = shard.group.clone().unwrap_or_default();
    let node = |id: u64| nodes.get(&id).cloned().unwrap_or_else(|| format!("node {id}"));
    let mut status = placement.status.clone().unwrap_or_default();
    status.observed_generation = placement.metadata.generation;
    status.leader = (group.leader_node != 0).then(|| node(group.leader_node));
    status.term = i64::try_from(group.term).ok();
    let replica = |it: &admin::Replica| Replica {
        node: node(it.node_id),
        role: role(it.role()),
        in_sync: it.known && it.active && !it.snapshot && it.lag <= IN_SYNC_ENTRIES,
    };
    status.replicas = group.replicas.iter().map(replica).collect();
    status.replicas.sort_by(|a, b| a.node.cmp(&b.node));
    let nodes: Vec<&str> = status.replicas.iter().map(|it| it.node.as_str()).collect();
    status.nodes = Some(nodes.join(","));
    status.points = Some(rounded(shard.points));
    status.bytes = Some(rounded(shard.vector_bytes));
    let wanted =
        |it: &admin::ReplicaTarget| WantedReplica { node: node(it.node_id), role: role(it.role()) };
    status.target = shard.target.iter().map(wanted).collect();
    let said = [(ACCEPTED, accepted(placement, &status)), (READY, ready(&status))];
    for (kind, (holds, reason, message)) in said {
        let generation = placement.metadata.generation;
        set(
            &mut status.conditions,
            condition(kind, holds, reason, message, generation, now.clone()),
        );
    }
    status
}

fn role(it: admin::Role) -> Role {
    if it == admin::Role::Learner { Role::Learner } else { Role::Voter }
}

fn accepted(
    placement: &ShardPlacement,
    status: &ShardPlacementStatus,
) -> (bool, &'static str, String) {
    let is_so = |wanted: &Vec<WantedReplica>| {
        wanted.len() == status.replicas.len()
            && wanted.iter().all(|it| {
                status.replicas.iter().any(|there| (&there.node, there.role) == (&it.node, it.role))
            })
    };
    match &placement.spec.replicas {
        Some(wanted) if !is_so(wanted) => (
            false,
            "MovesNotSupported",
            "copies cannot be moved by hand yet: they stay where they are; take spec.replicas away"
                .into(),
        ),
        _ => (true, "Accepted", "the copies are where they should be".into()),
    }
}

fn ready(status: &ShardPlacementStatus) -> (bool, &'static str, String) {
    let behind: Vec<&str> =
        status.replicas.iter().filter(|it| !it.in_sync).map(|it| it.node.as_str()).collect();
    match (&status.leader, behind.as_slice()) {
        (None, _) => (false, "NoLeader", "it takes no writes: no copy leads".into()),
        (Some(_), []) => (true, "InSync", "all copies have what the leader has".into()),
        (Some(_), behind) => {
            (false, "CatchingUp", format!("behind or away: {}", behind.join(", ")))
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
    fn a_shard_is_described_by_the_pods_that_have_it() {
        let nodes: Nodes = [(1, "demo-0".to_owned()), (2, "demo-1".to_owned())].into();
        let spec = ShardPlacementSpec {
            cluster_ref: ClusterRef { name: "demo".into() },
            collection: "docs".into(),
            shard: 0,
            replicas: None,
        };
        let mut placement = ShardPlacement::new(&name("demo", "docs", 0), spec);
        let now = Time(jiff::Timestamp::UNIX_EPOCH);
        let reason = |placement: &ShardPlacement, shard: &admin::Shard, kind: &str| {
            let status = status(placement, shard, &nodes, &now);
            status
                .conditions
                .into_iter()
                .find(|it| it.type_ == kind)
                .map(|it| it.reason)
                .unwrap_or_default()
        };
        let there = status(&placement, &shard(0, 1), &nodes, &now);
        assert_eq!((there.leader.as_deref(), there.points), (Some("demo-0"), Some(63_000)));
        assert_eq!(
            there.replicas.iter().map(|it| it.node.as_str()).collect::<Vec<_>>(),
            ["demo-0", "demo-1"]
        );
        assert_eq!(there.nodes.as_deref(), Some("demo-0,demo-1"));
        assert_eq!(reason(&placement, &shard(0, 1), READY), "InSync");
        assert_eq!(reason(&placement, &shard(5000, 1), READY), "CatchingUp");
        assert_eq!(reason(&placement, &shard(0, 0), READY), "NoLeader");
        let wanted = |node: &str| WantedReplica { node: node.into(), role: Role::Voter };
        placement.spec.replicas = Some(vec![wanted("demo-1"), wanted("demo-0")]);
        assert_eq!(reason(&placement, &shard(0, 1), ACCEPTED), "Accepted");
        placement.spec.replicas = Some(vec![wanted("demo-1"), wanted("demo-2")]);
        assert_eq!(reason(&placement, &shard(0, 1), ACCEPTED), "MovesNotSupported");
    }
}
