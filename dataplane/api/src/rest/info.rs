//! What a collection says about itself.

use serde_json::{Map, Value, json};
use vane_types::hints::{QUANTIZATION, merge_deep};
use vane_types::schema::text::TextParams;
use vane_types::{
    CollectionConfig, Datatype, FieldSchema, HnswConfig, OptimizerConfig, SparseParams,
    VectorParams, VectorSpec,
};

use super::index::text;
use crate::engine::{Info, Layout};

/// A parameter of the optimizer that may be set to a word: as many as there is work for.
const THREADS: &str = "max_optimization_threads";
const AUTO: &str = "auto";

/// The `CollectionInfo` of the API. Parameters that have no effect here show what was set, or the
/// API's defaults.
pub fn collection_info(config: &CollectionConfig, layout: Layout, info: &Info) -> Value {
    let schema: Map<String, Value> = info
        .payload_index_points
        .iter()
        .map(|(path, (field_type, points))| {
            let mut index = json!({ "data_type": field_type.name(), "points": points });
            if let Some(options) = options(field_type, config.hints.indexes.get(path)) {
                index["params"] = Value::Object(options);
                index["params"]["type"] = json!(field_type.name());
            }
            (path.to_string(), index)
        })
        .collect();
    json!({
        "status": status(info),
        "optimizer_status": optimizer_status(info),
        "warnings": warnings(config, layout),
        "indexed_vectors_count": info.indexed_vectors,
        "points_count": info.points,
        "segments_count": info.segments,
        "config": parameters(config, layout),
        "payload_schema": schema,
        "update_queue": { "length": info.waiting },
    })
}

/// How a collection, or a shard of one, does.
pub(super) fn status(info: &Info) -> &'static str {
    // Also while a graph is built that no search waits for.
    let busy = info.optimizing || info.indexes_building > 0;
    match &info.job_failure {
        Some(_) => "red",
        // As in Qdrant: all is there, and will be faster. Grey, which waits for somebody to begin,
        // does not come up: jobs begin by themselves.
        None if busy => "yellow",
        None => "green",
    }
}

/// What became of the last background jobs.
pub(super) fn optimizer_status(info: &Info) -> Value {
    match &info.job_failure {
        Some(error) => json!({ "error": error }),
        None => json!("ok"),
    }
}

/// What is said of a payload index beside its type; `None` where it was made by that alone.
fn options(schema: &FieldSchema, given: Option<&Map<String, Value>>) -> Option<Map<String, Value>> {
    match schema {
        FieldSchema::Text(params) if given.is_some() || *params != TextParams::default() => {
            Some(text::shown(params, given))
        }
        _ => given.cloned(),
    }
}

/// The `config` of the API: what a collection was made with, and changed to since.
pub fn parameters(config: &CollectionConfig, layout: Layout) -> Value {
    let mut parameters = effective(config, layout);
    merge_deep(&mut parameters, config.hints.config.clone());
    if let Some(optimizer) = parameters.get_mut("optimizer_config")
        && optimizer[THREADS] == AUTO
    {
        // Clients write the word and cannot read it.
        optimizer[THREADS] = Value::Null;
    }
    Value::Object(parameters)
}

/// One for each parameter that was set to something else than it shows by itself.
fn warnings(config: &CollectionConfig, layout: Layout) -> Vec<Value> {
    let shown = effective(config, layout);
    let mut places = Vec::new();
    for (section, hint) in &config.hints.config {
        if section == QUANTIZATION && !config.vectors.keys().any(|name| has_codes(config, name)) {
            places.push(section.clone());
            continue;
        }
        differences(section, hint, shown.get(section), &mut places);
    }
    for (name, hints) in &config.hints.vectors {
        for (field, hint) in hints {
            if field == QUANTIZATION && !has_codes(config, name) {
                places.push(format!("vectors.{name}.{field}"));
                continue;
            }
            differences(&format!("vectors.{name}.{field}"), hint, None, &mut places);
        }
    }
    for (path, options) in &config.hints.indexes {
        let without = options.iter().filter(|(option, value)| is_without_effect(option, value));
        places.extend(without.map(|(option, _)| format!("payload_schema.{path}.{option}")));
    }
    let warning = |place| {
        let message = format!("`{place}` is kept and returned; it has no effect in this version");
        json!({ "message": message })
    };
    places.into_iter().map(warning).collect()
}

/// Whether a vector has graphs, and codes in them.
fn has_codes(config: &CollectionConfig, name: &str) -> bool {
    config.vector(name).is_some_and(VectorSpec::has_graph) && config.hnsw_of(name).m > 0
}

/// Whether an option of a payload index asks for something else than is done anyway.
fn is_without_effect(option: &str, value: &Value) -> bool {
    match (option, value) {
        // It has an effect, and any index of keywords does what the other asks for.
        ("is_tenant" | "prefix", _) => false,
        // An index answers whatever its type can, and filters are planned with it.
        ("lookup" | "range" | "enable_hnsw", value) => *value == Value::Bool(false),
        ("is_principal" | "principal" | "on_disk", value) => *value == Value::Bool(true),
        // It is in memory.
        ("memory", value) => *value == "cold",
        // Those of the index itself.
        _ => false,
    }
}

/// What of a way to quantise has no effect: codes lie with their graphs, have the range that suits
/// them, and are compared with queries of a byte per dimension.
const OF_NO_METHOD: [&str; 4] = ["quantile", "query_encoding", "always_ram", "memory"];

/// Adds the places where a hint is not what is shown without it.
fn differences(place: &str, hint: &Value, shown: Option<&Value>, places: &mut Vec<String>) {
    match hint {
        Value::Object(fields) => {
            for (field, hint) in fields {
                let is_of_method = place.contains(QUANTIZATION) && !hint.is_object();
                if is_of_method && !OF_NO_METHOD.contains(&field.as_str()) {
                    continue;
                }
                let shown = shown.and_then(|shown| shown.get(field));
                differences(&format!("{place}.{field}"), hint, shown, places);
            }
        }
        // It asks for what is done.
        Value::Bool(false) => {}
        hint if *hint == "default" && place.ends_with(".query_encoding") => {}
        hint if *hint == AUTO && place.ends_with(THREADS) => {}
        hint if shown == Some(hint) || place.ends_with(".datatype") => {}
        _ => places.push(place.to_owned()),
    }
}

/// The same without what has no effect: that shows the API's defaults.
fn effective(config: &CollectionConfig, layout: Layout) -> Map<String, Value> {
    let metadata: Map<String, Value> = config
        .metadata
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut result = Map::from_iter([
        (
            "params".to_owned(),
            json!({
                "vectors": vectors(config),
                "shard_number": layout.shards,
                "replication_factor": layout.replication_factor,
                "write_consistency_factor": layout.write_consistency_factor,
                "on_disk_payload": true,
            }),
        ),
        ("hnsw_config".to_owned(), hnsw(config.hnsw)),
        ("optimizer_config".to_owned(), optimizer(config.optimizer)),
        (
            "wal_config".to_owned(),
            json!({ "wal_capacity_mb": 32, "wal_segments_ahead": 0, "wal_retain_closed": 1 }),
        ),
        ("quantization_config".to_owned(), Value::Null),
    ]);
    if !config.sparse.is_empty() {
        result["params"]["sparse_vectors"] = sparse_vectors(config);
    }
    if config.by_tenant {
        result["params"]["sharding_method"] = json!("custom");
    }
    if !config.search.is_unset() {
        result.insert("search".to_owned(), json!(config.search));
    }
    if !config.strict.is_unset() {
        result.insert("strict_mode_config".to_owned(), json!(config.strict));
    }
    if !metadata.is_empty() {
        result.insert("metadata".to_owned(), Value::Object(metadata));
    }
    result
}

fn optimizer(config: OptimizerConfig) -> Value {
    json!({
        "deleted_threshold": config.deleted_threshold,
        "vacuum_min_vector_number": config.vacuum_min_vector_number,
        "default_segment_number": 0,
        "max_segment_size": config.max_segment_size,
        "memmap_threshold": null,
        "indexing_threshold": config.indexing_threshold,
        "flush_interval_sec": 1,
        THREADS: null,
    })
}

/// The unnamed vector alone by itself, else all by name.
fn vectors(config: &CollectionConfig) -> Value {
    let shown = |(name, params): (&String, &VectorParams)| {
        let mut shown = vector(params, config.hnsw);
        merge_deep(&mut shown, config.hints.vectors.get(name).cloned().unwrap_or_default());
        (name.clone(), Value::Object(shown))
    };
    let mut all: Map<String, Value> = config.vectors.iter().map(shown).collect();
    match all.remove("") {
        Some(unnamed) if all.is_empty() => unnamed,
        Some(unnamed) => {
            all.insert(String::new(), unnamed);
            all.into()
        }
        None => all.into(),
    }
}

/// By name.
fn sparse_vectors(config: &CollectionConfig) -> Value {
    let shown = |(name, params): (&String, &SparseParams)| {
        let mut index = Map::new();
        index.extend(params.on_disk.map(|on_disk| ("on_disk".to_owned(), on_disk.into())));
        index.extend(params.memory.map(|memory| ("memory".to_owned(), json!(memory))));
        let mut shown = Map::new();
        if !index.is_empty() {
            shown.insert("index".to_owned(), index.into());
        }
        if params.idf {
            shown.insert("modifier".to_owned(), json!("idf"));
        }
        merge_deep(&mut shown, config.hints.vectors.get(name).cloned().unwrap_or_default());
        (name.clone(), Value::Object(shown))
    };
    config.sparse.iter().map(shown).collect::<Map<_, _>>().into()
}

fn vector(params: &VectorParams, of_all: HnswConfig) -> Map<String, Value> {
    let mut result = Map::from_iter([
        ("size".to_owned(), json!(params.size)),
        ("distance".to_owned(), json!(params.distance)),
    ]);
    // Only what was given for it: the rest it has from the collection.
    result.extend(params.on_disk.map(|on_disk| ("on_disk".to_owned(), on_disk.into())));
    result.extend(params.memory.map(|memory| ("memory".to_owned(), json!(memory))));
    result.extend(params.hnsw.map(|own| ("hnsw_config".to_owned(), own_hnsw(own, of_all))));
    if params.datatype != Datatype::Float32 {
        result.insert("datatype".to_owned(), json!(params.datatype));
    }
    if params.multi {
        result.insert("multivector_config".to_owned(), json!({ "comparator": "max_sim" }));
    }
    result
}

pub(super) fn hnsw(config: HnswConfig) -> Value {
    let mut shown = json!({
        "m": config.m,
        "ef_construct": config.ef_construct,
        "full_scan_threshold": config.full_scan_threshold,
        "max_indexing_threads": 0,
        "on_disk": config.on_disk.unwrap_or_default(),
    });
    if let Some(memory) = config.memory {
        shown["memory"] = json!(memory);
    }
    shown
}

/// What a vector has otherwise than the collection: clients read what was given for it.
fn own_hnsw(own: HnswConfig, of_all: HnswConfig) -> Value {
    let (mut own, of_all) = (hnsw(own), hnsw(of_all));
    if let Some(fields) = own.as_object_mut() {
        fields.retain(|name, value| of_all.get(name) != Some(value));
    }
    own
}

#[cfg(test)]
mod tests;
