//! Segments one by one. One here holds rows of a single vector, and payloads and their indexes lie
//! beside all of them.

use serde_json::{Map, Value, json};
use vane_types::{GroupId, VectorParams, VectorSpec};

use super::super::info::hnsw;
use super::super::optimizations::segment_uuid;
use super::Wanted;
use crate::engine::{CollectionHere, SegmentFigures};

/// A segment of a replica here.
pub(super) fn segment(
    here: &CollectionHere,
    group: GroupId,
    figures: &SegmentFigures,
    wanted: Wanted,
) -> Value {
    json!({
        "info": info(group, figures, wanted),
        "config": config(here, figures, wanted),
        // Neither is counted by segment.
        "vector_index_searches": [],
        "payload_field_indices": [],
    })
}

fn info(group: GroupId, figures: &SegmentFigures, wanted: Wanted) -> Value {
    let SegmentFigures { of, dead, row_bytes, index_bytes, in_memory, .. } = figures;
    let bytes = row_bytes + index_bytes;
    let indexed = if figures.is_indexed { of.points } else { 0 };
    let name = wanted.name(&figures.vector);
    json!({
        "uuid": segment_uuid(group, of),
        "segment_type": if figures.is_indexed { "indexed" } else { "plain" },
        "num_vectors": of.points,
        "num_points": of.points,
        "num_indexed_vectors": indexed,
        "num_deleted_vectors": dead,
        "vectors_size_bytes": row_bytes,
        "payloads_size_bytes": 0,
        "ram_usage_bytes": if *in_memory { bytes } else { 0 },
        "disk_usage_bytes": if *in_memory { 0 } else { bytes },
        "is_appendable": figures.takes_rows,
        "index_schema": {},
        "vector_data": { name: {
            "num_vectors": of.points,
            "num_indexed_vectors": indexed,
            "num_deleted_vectors": dead,
        } },
    })
}

fn config(here: &CollectionHere, figures: &SegmentFigures, wanted: Wanted) -> Value {
    let name = wanted.name(&figures.vector);
    let mut config = json!({ "vector_data": {}, "payload_storage_type": { "type": "mmap" } });
    match figures.spec {
        VectorSpec::Dense(params) | VectorSpec::Multi(params) => {
            config["vector_data"] = json!({ name: dense(here, params, figures) });
        }
        VectorSpec::Sparse(params) => {
            let index = if figures.in_memory { "MutableRam" } else { "Mmap" };
            let mut of_vector = json!({ "index": { "index_type": index } });
            if params.idf {
                of_vector["modifier"] = json!("idf");
            }
            config["sparse_vector_data"] = json!({ name: of_vector });
        }
    }
    config
}

fn dense(here: &CollectionHere, params: VectorParams, figures: &SegmentFigures) -> Value {
    let index = match figures.is_indexed {
        true => json!({ "type": "hnsw", "options": hnsw(here.config.hnsw_of(&figures.vector)) }),
        false => json!({ "type": "plain", "options": {} }),
    };
    let mut told = Map::from_iter([
        ("size".to_owned(), json!(params.size)),
        ("distance".to_owned(), json!(params.distance)),
        ("storage_type".to_owned(), json!(if figures.in_memory { "Memory" } else { "Mmap" })),
        ("index".to_owned(), index),
        ("datatype".to_owned(), json!(params.datatype)),
    ]);
    if params.multi {
        told.insert("multivector_config".to_owned(), json!({ "comparator": "max_sim" }));
    }
    told.into()
}
