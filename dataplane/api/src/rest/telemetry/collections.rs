//! Collections as a node knows them by itself.

use serde_json::{Map, Value, json};
use vane_types::Durations;

use super::super::info::{optimizer_status, parameters, status};
use super::super::optimizations::{segment_uuid, status_of_job, uuid_of_job};
use super::super::time::time_text;
use super::requests::durations;
use super::segments::segment;
use super::{CollectionTelemetry, Telemetry, Wanted};
use crate::engine::{CollectionHere, Info, Job, JobsHere, ReplicaHere, ShardHere};

pub(super) fn collections(of: &Telemetry<'_>, wanted: Wanted) -> Value {
    let mut told = json!({ "number_of_collections": of.collections.len() });
    match wanted.level {
        0 => {}
        1 => {
            let all = of.collections.iter().map(|it| aggregated(&it.here, wanted));
            told["collections"] = all.collect();
        }
        _ => {
            let all = of.collections.iter().map(|it| collection(it, wanted));
            told["collections"] = all.collect();
        }
    }
    if wanted.level > 0 {
        let all = of.collections.iter().map(|it| snapshots(&it.here, wanted));
        told["snapshots"] = all.collect();
    }
    told
}

/// There are no snapshots that a client could ask for, so none was made.
fn snapshots(here: &CollectionHere, wanted: Wanted) -> Value {
    json!({
        "id": wanted.name(&here.name),
        "running_snapshots": 0,
        "running_snapshot_recovery": 0,
        "total_snapshot_creations": 0,
    })
}

fn aggregated(here: &CollectionHere, wanted: Wanted) -> Value {
    let info = sum(here);
    json!({
        "vectors": info.vectors,
        "optimizers_status": optimizer_status(&info),
        "params": config(here, wanted)["params"],
    })
}

fn collection(of: &CollectionTelemetry, wanted: Wanted) -> Value {
    let here = &of.here;
    let mut told = json!({
        "id": wanted.name(&here.name),
        // Replicas are opened side by side, and nobody takes the time.
        "init_time_ms": null,
        "config": config(here, wanted),
    });
    if wanted.level > 2 {
        told["shards"] = here.shards.iter().map(|shard| replica_set(of, shard, wanted)).collect();
        told["transfers"] = here.shards.iter().flat_map(transfers).collect();
        told["resharding"] = json!([]);
    }
    told
}

/// What the replicas here hold together.
fn sum(here: &CollectionHere) -> Info {
    let mut sum = Info::default();
    here.shards.iter().filter_map(|shard| shard.info.clone()).for_each(|info| sum.add(info));
    sum
}

fn config(here: &CollectionHere, wanted: Wanted) -> Value {
    let mut config = parameters(&here.config, here.layout);
    if wanted.anonymize {
        if let Some(config) = config.as_object_mut() {
            config.remove("metadata");
        }
        for vectors in ["vectors", "sparse_vectors"] {
            if let Some(named) = config["params"].get_mut(vectors).and_then(Value::as_object_mut)
                // The one without a name stands there by itself.
                && !named.contains_key("size")
            {
                *named = std::mem::take(named)
                    .into_iter()
                    .map(|(name, params)| (wanted.name(&name), params))
                    .collect();
            }
        }
    }
    config
}

fn replica_set(of: &CollectionTelemetry, shard: &ShardHere, wanted: Wanted) -> Value {
    let states = shard.replicas.iter().map(|it| (it.node.to_string(), json!(state_of(it))));
    let states: Map<String, Value> = states.collect();
    // Of others a node knows no more than that they are there.
    let has_one_here = shard.info.is_some();
    let remote: Vec<Value> = shard
        .replicas
        .iter()
        .filter(|replica| !(has_one_here && replica.is_here))
        .map(|replica| json!({ "shard_id": shard.ordinal, "peer_id": replica.node }))
        .collect();
    json!({
        "id": shard.ordinal,
        "key": null,
        "local": shard.info.as_ref().map(|info| local(of, shard, info, wanted)),
        "remote": remote,
        "replicate_states": states,
        "partial_snapshot": {
            "ongoing_create_snapshot_requests": 0,
            "is_recovering": false,
            "recovery_timestamp": 0,
        },
    })
}

fn local(of: &CollectionTelemetry, shard: &ShardHere, info: &Info, wanted: Wanted) -> Value {
    let by_name = info.by_vector.iter();
    let by_name: Map<String, Value> =
        by_name.map(|(name, of_vector)| (wanted.name(name), json!(of_vector.vectors))).collect();
    let jobs = of.jobs.get(&shard.ordinal);
    let done = jobs.map(|jobs| jobs.durations).unwrap_or_default();
    let mut told = json!({
        "variant_name": "local",
        "status": status(info),
        "total_optimized_points": info.optimized,
        "vectors_size_bytes": info.vector_bytes,
        "payloads_size_bytes": info.payload_bytes,
        "num_points": info.points,
        "num_vectors": info.vectors,
        "num_vectors_by_name": by_name,
        "optimizations": optimizations(shard, info, &done, jobs, wanted),
        "async_scorer": false,
        "update_queue": { "length": info.waiting },
    });
    if wanted.level > 3 {
        let left_out = info.by_vector.iter();
        let left_out: Map<String, Value> = left_out
            .map(|(name, of_vector)| (wanted.name(name), json!(of_vector.left_out)))
            .collect();
        told["indexed_only_excluded_vectors"] = left_out.into();
        let segments = of.segments.get(&shard.ordinal).into_iter().flatten();
        let segments = segments.map(|figures| segment(&of.here, shard.group, figures, wanted));
        told["segments"] = segments.collect();
    }
    told
}

fn optimizations(
    shard: &ShardHere,
    info: &Info,
    done: &Durations,
    jobs: Option<&JobsHere>,
    wanted: Wanted,
) -> Value {
    let log: Option<Vec<Value>> = jobs.map(|jobs| {
        let all = jobs.outlook.running.iter().chain(&jobs.outlook.ended);
        // Of one whose begin is not known nothing can be said there.
        all.filter(|job| job.started_ms > 0).map(|job| tracked(shard, job)).collect()
    });
    json!({
        "status": optimizer_status(info),
        "optimizations": durations(done, wanted.level),
        "log": log,
    })
}

/// `TrackerTelemetry` of the API.
fn tracked(shard: &ShardHere, job: &Job) -> Value {
    let ids: Vec<u32> = job.segments.iter().map(|segment| segment.segment).collect();
    let uuids: Vec<String> =
        job.segments.iter().map(|segment| segment_uuid(shard.group, segment)).collect();
    let ended = job.ended.then(|| time_text(job.started_ms + job.took_us / 1000));
    json!({
        "name": job.optimizer.name(),
        "uuid": uuid_of_job(shard.group, job),
        "segment_ids": ids,
        "segment_uuids": uuids,
        "status": status_of_job(job),
        "start_at": time_text(job.started_ms),
        "end_at": ended,
    })
}

/// Replicas that are on their way, as far as this node knows from where.
pub(super) fn transfers(shard: &ShardHere) -> Vec<Value> {
    let Some(from) = shard.leader else { return Vec::new() };
    let transfer =
        |to| json!({ "shard_id": shard.ordinal, "from": from, "to": to, "sync": !shard.is_move });
    shard.incoming.iter().map(transfer).collect()
}

/// What a replica is, in Qdrant's words.
pub fn state_of(replica: &ReplicaHere) -> &'static str {
    match replica {
        ReplicaHere { answers: false, .. } => "Dead",
        ReplicaHere { votes: true, .. } => "Active",
        ReplicaHere { will_vote: true, .. } => "Partial",
        _ => "Listener",
    }
}
