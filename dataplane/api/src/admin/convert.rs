//! What the engine tells, as messages of the administration.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use vane_proto::admin::copy::Phase;
use vane_proto::admin::disk::State;
use vane_proto::admin::{
    Cluster, Collection, CollectionMemory, Copy, Disk, Group, MeasuredRecall, Node, NodeMemory,
    Replica, ReplicaTarget, Role, Safety, Shard,
};
use vane_types::{
    CollectionConfig, FieldSchema, FilterClass, GroupId, JsonPath, PeerId, Recall, Tally,
};

use super::balance::replica_move;
use crate::engine::{
    self, CollectionOverview, GroupReport, GroupStatus, Info, Layout, Marker, Memory,
    MemoryOverview, NodeOverview, Problem, ShardOverview, Summary, TransferPhase, TransferReport,
};
use crate::error::noun;
use crate::rest::index::text;
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
            node_id: member.node_id.0,
            ..disk
        },
    }
}

pub fn cluster(summary: Summary) -> Cluster {
    let meta = summary.meta.as_ref().map(|status| group(GroupId::META, Some(status), &[]));
    Cluster {
        cluster_id: summary.cluster_id.to_string(),
        // Of the node that answers; the others say theirs in their own entries.
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node_id: summary.node.0,
        meta,
        nodes: count(summary.nodes),
        nodes_alive: count(summary.nodes_alive),
        collections: count(summary.collections),
        shards: count(summary.shards),
        shards_without_leader: count(summary.shards_without_leader),
        shards_degraded: count(summary.shards_degraded),
        feature_level: summary.level.0,
        feature_level_spoken: summary.level_spoken.0,
        feature_level_held: summary.level_is_held,
        settings: summary.settings.into_iter().collect(),
        problems: summary.problems.iter().map(problem).collect(),
    }
}

pub fn node(overview: NodeOverview) -> Node {
    // No `..`: a figure that is added must reach the message.
    let NodeOverview {
        node,
        alive,
        silent,
        displaced,
        // What it comes to is said by the time for which it was silent.
        failed: _,
        meta_voter,
        replicas,
        leaders,
        disk_free,
        disk_total,
        scrubbed_ago,
        scrub_permille,
        meta_applied: _,
    } = overview;
    Node {
        id: node.id.0,
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
        leaving: node.leaving,
        follows_only: node.follows_only.is_some(),
        disk_id: node.entry.disk_id.to_string(),
        displaced: displaced.unwrap_or_default(),
        scrubbed_ms_ago: scrubbed_ago.map(millis),
        scrub_permille,
    }
}

/// Lines of a verdict that say why; each group of a large cluster may have one.
const REASONS_MAX: usize = 10;

pub fn safety(safety: engine::Safety) -> Safety {
    let why = safety.harmed.iter().take(REASONS_MAX);
    Safety {
        ok: safety.is_safe(),
        pauses: count(safety.pauses),
        harmed: count(safety.harmed.len()),
        why: why.map(|(subject, harm)| format!("{}: {harm}", noun(subject))).collect(),
        without: safety.without.iter().map(|node| node.0).collect(),
    }
}

/// A collection, but for its payload indexes, which its shards know.
pub fn collection(
    config: &CollectionConfig,
    layout: Layout,
    overview: CollectionOverview,
) -> Collection {
    Collection {
        name: overview.name,
        shards: layout.shards,
        replication_factor: layout.replication_factor,
        write_consistency_factor: layout.write_consistency_factor,
        // As text: the message need not know every parameter of REST.
        config: parameters(config, layout).to_string(),
        aliases: overview.aliases,
        points: overview.points,
        indexed_vectors: overview.indexed_vectors,
        unreached_nodes: overview.unreached_nodes,
        idempotency_key: overview.key,
        payload_indexes: Default::default(),
        text_indexes: Default::default(),
        recall: Vec::new(),
        min_recall: config.search.min_recall,
        tenant_field: config.tenant_field().map(ToString::to_string),
        shard_keys: overview.shard_keys,
        vectors_revision: Some(config.ids.revision()),
    }
}

/// What was measured, by how much a filter leaves.
pub fn memory(overview: MemoryOverview) -> NodeMemory {
    let MemoryOverview { node, name, memory } = overview;
    let answered = memory.is_some();
    // No `..`: a part that is added must reach the message.
    let engine::NodeMemory { resident, anonymous, pinned, memtables, block_cache, collections } =
        memory.unwrap_or_default();
    let of_collection = |(collection, memory): (String, Memory)| {
        let Memory { ids, places, rows, indexes, graphs } = memory;
        let [ids, places, rows, payload_indexes, graphs] =
            [ids, places, rows, indexes, graphs].map(|bytes| bytes as u64);
        CollectionMemory { collection, ids, places, rows, payload_indexes, graphs }
    };
    NodeMemory {
        node_id: node.0,
        name,
        answered,
        resident_bytes: resident,
        anonymous_bytes: anonymous,
        pinned_bytes: pinned,
        memtable_bytes: memtables,
        block_cache_bytes: block_cache,
        collections: collections.into_iter().map(of_collection).collect(),
    }
}

pub fn recall(recall: &Recall) -> Vec<MeasuredRecall> {
    let measured = |(class, tally): (&FilterClass, &Tally)| {
        let (low, high) = tally.interval()?;
        Some(MeasuredRecall {
            filter: class.name().to_owned(),
            searches: tally.searches,
            recall: tally.mean()?,
            low,
            high,
            ef_percent: tally.ef_percent,
        })
    };
    recall.0.iter().filter_map(measured).collect()
}

/// The types of payload indexes, by field.
pub fn payload_indexes(info: &Info) -> HashMap<String, String> {
    let indexes = info.payload_index_points.iter();
    indexes.map(|(field, (schema, _))| (field.to_string(), schema.name().to_owned())).collect()
}

/// How text indexes take texts apart, by field, as JSON.
pub fn text_indexes(info: &Info) -> HashMap<String, String> {
    let text = |(field, (schema, _)): (&JsonPath, &(FieldSchema, _))| match schema {
        FieldSchema::Text(params) => {
            Some((field.to_string(), Value::from(text::shown(params, None)).to_string()))
        }
        _ => None,
    };
    info.payload_index_points.iter().filter_map(text).collect()
}

pub fn shard(overview: ShardOverview) -> Shard {
    // No `..`: a figure that is added must reach the message.
    let ShardOverview {
        collection,
        ordinal,
        group: id,
        report,
        conf,
        target,
        step,
        moves,
        is_rebalancing,
        pinned,
        revision,
    } = overview;
    let status = report.as_ref().map(|report| &report.status);
    let mut group = group(id, status, &conf.members());
    for transfer in report.iter().flat_map(|report| &report.transfers) {
        let mut replicas = group.replicas.iter_mut();
        let receiver = replicas.find(|replica| replica.peer_id == transfer.to.0);
        receiver.into_iter().for_each(|replica| replica.copy = Some(copy(transfer)));
    }
    // None on the wire: the replicas are where they should be.
    let target = target.unwrap_or_default().into_iter();
    let target = target
        .map(|replica| ReplicaTarget {
            node_id: replica.peer.node().0,
            role: role(replica.learner).into(),
        })
        .collect();
    // Without a leader nobody counted, and the group says that there is none.
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
        moves: moves.into_iter().map(replica_move).collect(),
        rebalancing: is_rebalancing,
        pinned,
    }
}

fn role(learner: bool) -> Role {
    if learner { Role::Learner } else { Role::Voter }
}

/// A group as its leader sees it; without one, its members only.
fn group(id: GroupId, status: Option<&GroupStatus>, peers: &[PeerId]) -> Group {
    let Some(status) = status else {
        let replicas = peers.iter().map(|peer| unknown_replica(*peer)).collect();
        return Group { id: id.0, replicas, ..Group::default() };
    };
    let members = status.conf.members().into_iter();
    Group {
        id: id.0,
        term: status.term.0,
        // 0 is the number of no node.
        leader_node: status.leader.map_or(0, |leader| leader.node().0),
        committed: status.committed.0,
        replicas: members.map(|peer| replica(status, peer)).collect(),
        joint: status.conf.is_joint(),
    }
}

fn unknown_replica(peer: PeerId) -> Replica {
    Replica { node_id: peer.node().0, peer_id: peer.0, ..Replica::default() }
}

/// A member as the leader sees it; the leader knows most of itself.
fn replica(status: &GroupStatus, peer: PeerId) -> Replica {
    let role = role(!status.conf.voters.contains(&peer)).into();
    let replica = Replica { role, known: true, ..unknown_replica(peer) };
    if peer == status.peer {
        let lag = status.last_index.saturating_since(status.applied);
        return Replica { applied: status.applied.0, lag, active: true, ..replica };
    }
    // Of a member that the leader has not heard of nothing is known but its place.
    let known = status.peer(peer).cloned().unwrap_or_default();
    Replica {
        applied: known.matched.0,
        lag: status.last_index.saturating_since(known.matched),
        active: known.active,
        snapshot: known.snapshot,
        installing: known.installing,
        ..replica
    }
}

fn copy(transfer: &TransferReport) -> Copy {
    let phase = match transfer.phase {
        TransferPhase::Preparing => Phase::Preparing,
        TransferPhase::Copying => Phase::Copying,
        TransferPhase::Verifying => Phase::Verifying,
    };
    Copy {
        phase: phase.into(),
        bytes_total: transfer.bytes_total,
        bytes_done: transfer.bytes_done,
        bytes_per_second: transfer.bytes_per_second,
        seconds_left: transfer.left().map(|left| left.as_secs()),
    }
}

/// A time as people say it, in its largest unit.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// What is not as it should be, in a line.
fn problem(problem: &Problem) -> String {
    match problem {
        Problem::NodeSilent { node, silent, displaced: None } => {
            format!("node {node} has not answered for {}", span(*silent))
        }
        Problem::NodeSilent { node, silent, displaced: Some(other) } => format!(
            "no process is node {node}, for {}: at its address another says `{other}`; \
             `vanectl nodes replace` moves what it had and removes it",
            span(*silent)
        ),
        Problem::MetaWithoutLeader => {
            "the meta group has no leader that answers: collections cannot be changed".into()
        }
        Problem::ShardWithoutLeader(subject) => {
            format!("{} has no leader that answers: it takes no writes", noun(subject))
        }
        Problem::VotersSilent(subject) => {
            format!("{} has voters that do not answer", noun(subject))
        }
        Problem::MoveWaits { subject, why } => {
            format!("{} does not get its replicas: {why}", noun(subject))
        }
        Problem::ReplicaBroken { subject, node, why } => {
            format!("{} is out of use on node {node}: {why}", noun(subject))
        }
        Problem::ReplicasDiffer(subject) => format!(
            "{} has replicas that differ, and each is what was written: compare the points of \
             both, and remove the replica that is wrong",
            noun(subject)
        ),
    }
}
