//! What the engine tells, as messages of the administration.

use std::collections::HashMap;
use std::time::Duration;

use vane_proto::admin::disk::State;
use vane_proto::admin::{
    Cluster, Collection, Disk, Group, Node, Replica, ReplicaTarget, Role, Shard,
};
use vane_types::{CollectionConfig, FieldType, GroupId};

use crate::engine::{
    CollectionOverview, GroupReport, GroupStatus, Info, Marker, NodeOverview, ShardOverview,
    Spread, Summary, node_of,
};
use crate::rest::info::parameters;

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Fits a count into a number of a message.
fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

pub fn disk(marker: &Marker) -> Disk {
    let disk =
        Disk { format: marker.format, disk_id: marker.disk_id.to_string(), ..Disk::default() };
    match marker.member {
        None => Disk { state: State::Empty.into(), ..disk },
        Some(member) => Disk {
            state: State::Member.into(),
            cluster_id: member.cluster_id.to_string(),
            node_id: member.node_id,
            ..disk
        },
    }
}

pub fn cluster(summary: Summary) -> Cluster {
    let meta = summary.meta.as_ref().map(|status| group(GroupId::META, Some(status), &[]));
    Cluster {
        cluster_id: summary.cluster_id.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node_id: summary.node,
        meta,
        nodes: count(summary.nodes),
        nodes_alive: count(summary.nodes_alive),
        collections: count(summary.collections),
        shards: count(summary.shards),
        shards_without_leader: count(summary.shards_without_leader),
        shards_degraded: count(summary.shards_degraded),
        problems: summary.problems,
    }
}

pub fn node(overview: NodeOverview) -> Node {
    let NodeOverview { node, alive, silent, meta_voter, replicas, leaders, disk_free, disk_total } =
        overview;
    Node {
        id: node.id,
        name: node.entry.name,
        address: node.entry.address,
        rest_address: node.entry.rest_address,
        zone: node.zone.unwrap_or_default(),
        version: node.entry.version,
        alive,
        silent_ms: millis(silent),
        meta_voter,
        replicas: u32::try_from(replicas).unwrap_or(u32::MAX),
        leaders: u32::try_from(leaders).unwrap_or(u32::MAX),
        disk_free_bytes: disk_free,
        disk_total_bytes: disk_total,
    }
}

/// A collection, but for its payload indexes, which its shards know.
pub fn collection(
    config: &CollectionConfig,
    spread: Spread,
    overview: CollectionOverview,
) -> Collection {
    Collection {
        name: overview.name,
        shards: spread.shards,
        replication_factor: spread.replication_factor,
        write_consistency_factor: spread.write_consistency_factor,
        config: parameters(config, spread).to_string(),
        aliases: overview.aliases,
        points: overview.points,
        indexed_vectors: overview.indexed_vectors,
        idempotency_key: overview.key,
        payload_indexes: Default::default(),
    }
}

/// The types of payload indexes, by field.
pub fn payload_indexes(info: &Info) -> HashMap<String, String> {
    let indexes = info.payload_index_points.iter();
    indexes.map(|(field, (field_type, _))| (field.to_string(), name_of(*field_type))).collect()
}

/// The name of a type, as bodies of requests have it.
fn name_of(field_type: FieldType) -> String {
    let name = serde_json::to_value(field_type).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

pub fn shard(overview: ShardOverview) -> Shard {
    let ShardOverview { collection, ordinal, group: id, report, peers, target, step, revision } =
        overview;
    let status = report.as_ref().map(|report| &report.status);
    let group = group(id, status, &peers);
    let target = target.unwrap_or_default().into_iter();
    let target = target
        .map(|replica| ReplicaTarget {
            node_id: node_of(replica.peer),
            role: role(replica.learner).into(),
        })
        .collect();
    let GroupReport { points, vector_bytes, .. } = report.unwrap_or_default();
    Shard {
        collection,
        ordinal: count(ordinal),
        group: Some(group),
        points,
        vector_bytes,
        target,
        step,
        revision,
    }
}

fn role(learner: bool) -> Role {
    if learner { Role::Learner } else { Role::Voter }
}

/// A group as its leader sees it; without one, its members only.
fn group(id: GroupId, status: Option<&GroupStatus>, peers: &[u64]) -> Group {
    let Some(status) = status else {
        let unknown =
            |peer: &u64| Replica { node_id: node_of(*peer), peer_id: *peer, ..Replica::default() };
        return Group {
            id: id.0,
            replicas: peers.iter().map(unknown).collect(),
            ..Group::default()
        };
    };
    let replica = |peer: u64| {
        let role = role(!status.conf.voters.contains(&peer)).into();
        let replica = Replica {
            node_id: node_of(peer),
            peer_id: peer,
            role,
            known: true,
            ..Replica::default()
        };
        if peer == status.peer {
            let lag = status.last_index.saturating_sub(status.applied);
            return Replica { applied: status.applied, lag, active: true, ..replica };
        }
        let known = status.peer(peer).cloned().unwrap_or_default();
        Replica {
            applied: known.matched,
            lag: status.last_index.saturating_sub(known.matched),
            active: known.active,
            snapshot: known.snapshot,
            ..replica
        }
    };
    Group {
        id: id.0,
        term: status.term,
        leader_node: node_of(status.leader),
        committed: status.committed,
        replicas: status.conf.members().into_iter().map(replica).collect(),
        joint: status.conf.is_joint(),
    }
}
