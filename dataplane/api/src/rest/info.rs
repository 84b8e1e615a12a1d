//! What a collection says about itself.

use serde_json::{Map, Value, json};
use vane_types::{CollectionConfig, HnswConfig, VectorParams};

use crate::engine::{Info, Layout};

/// The `CollectionInfo` of the API. Parameters that have no effect here show the API's
/// defaults.
pub fn collection_info(config: &CollectionConfig, layout: Layout, info: &Info) -> Value {
    // Also while a graph is built that no search waits for.
    let busy = info.optimizing || info.indexes_building > 0;
    let schema: Map<String, Value> = info
        .payload_index_points
        .iter()
        .map(|(path, (field_type, points))| {
            (path.to_string(), json!({ "data_type": field_type, "points": points }))
        })
        .collect();
    json!({
        // Yellow as in Qdrant: all is there, and will be faster.
        "status": if busy { "yellow" } else { "green" },
        "optimizer_status": "ok",
        "indexed_vectors_count": info.indexed_vectors,
        "points_count": info.points,
        "segments_count": info.segments,
        "config": parameters(config, layout),
        "payload_schema": schema,
        // A write is applied before it is answered, so that none waits here.
        "update_queue": { "length": 0 },
    })
}

/// The `config` of the API: what a collection was made with, and changed to since.
pub fn parameters(config: &CollectionConfig, layout: Layout) -> Value {
    let metadata: Map<String, Value> = config
        .metadata
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut result = json!({
        "params": {
            "vectors": vectors(config),
            "shard_number": layout.shards,
            "replication_factor": layout.replication_factor,
            "write_consistency_factor": layout.write_consistency_factor,
            "on_disk_payload": true,
        },
        "hnsw_config": hnsw(config.hnsw),
        "optimizer_config": {
            "deleted_threshold": config.optimizer.deleted_threshold,
            "vacuum_min_vector_number": config.optimizer.vacuum_min_vector_number,
            "default_segment_number": 0,
            "max_segment_size": config.optimizer.max_segment_size,
            "memmap_threshold": null,
            "indexing_threshold": config.optimizer.indexing_threshold,
            "flush_interval_sec": 1,
            "max_optimization_threads": null,
        },
        "wal_config": { "wal_capacity_mb": 32, "wal_segments_ahead": 0, "wal_retain_closed": 1 },
        "quantization_config": null,
    });
    if !metadata.is_empty() {
        result["metadata"] = Value::Object(metadata);
    }
    result
}

/// The unnamed vector alone by itself, else all by name.
fn vectors(config: &CollectionConfig) -> Value {
    match config.vectors.get("") {
        Some(unnamed) if config.vectors.len() == 1 => vector(unnamed),
        _ => config
            .vectors
            .iter()
            .map(|(name, params)| (name.clone(), vector(params)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

fn vector(params: &VectorParams) -> Value {
    let mut result = json!({ "size": params.size, "distance": params.distance });
    // Only what was given for it: the rest it has from the collection.
    if let Some(on_disk) = params.on_disk {
        result["on_disk"] = on_disk.into();
    }
    if let Some(own) = params.hnsw {
        result["hnsw_config"] = hnsw(own);
    }
    result
}

fn hnsw(config: HnswConfig) -> Value {
    json!({
        "m": config.m,
        "ef_construct": config.ef_construct,
        "full_scan_threshold": config.full_scan_threshold,
        "max_indexing_threads": 0,
        "on_disk": false,
    })
}
