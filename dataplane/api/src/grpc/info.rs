//! What a collection says about itself. It is what REST answers, put into a message: nothing is
//! decided here.

use serde_json::Value;
use vane_types::CollectionConfig;
use vane_wire::qdrant as wire;
use vane_wire::qdrant::{
    CollectionInfo, CollectionParams, CollectionStatus, CollectionWarning, Distance,
    HnswConfigDiff, MaxOptimizationThreads, MultiVectorComparator, MultiVectorConfig,
    OptimizerStatus, OptimizersConfigDiff, PayloadSchemaInfo, PayloadSchemaType, ShardingMethod,
    SparseVectorConfig, SparseVectorParams, StrictModeConfig, StrictModeMultivector,
    StrictModeMultivectorConfig, StrictModeSparse, StrictModeSparseConfig, UpdateQueueInfo,
    VectorParams, VectorParamsMap, VectorsConfig, max_optimization_threads::Variant,
    vectors_config,
};

use super::collection::quantization_of;
use super::config::{Flat, in_message};
use super::index::params_of;
use super::value::fields;
use crate::engine::{Info, Layout};
use crate::rest::info;

/// The answer to `Collections/Get`.
pub fn collection_info(config: &CollectionConfig, layout: Layout, info: &Info) -> CollectionInfo {
    of(&info::collection_info(config, layout, info))
}

/// The message that says what this answer of REST does.
fn of(json: &Value) -> CollectionInfo {
    let error = json["optimizer_status"]["error"].as_str();
    CollectionInfo {
        status: name(&json["status"], CollectionStatus::from_str_name),
        optimizer_status: Some(OptimizerStatus {
            ok: error.is_none(),
            error: error.unwrap_or_default().to_owned(),
        }),
        segments_count: json["segments_count"].as_u64().unwrap_or_default(),
        config: Some(config(&json["config"])),
        payload_schema: members(&json["payload_schema"], schema),
        points_count: json["points_count"].as_u64(),
        indexed_vectors_count: json["indexed_vectors_count"].as_u64(),
        warnings: json["warnings"].as_array().into_iter().flatten().map(warning).collect(),
        update_queue: Some(UpdateQueueInfo {
            length: json["update_queue"]["length"].as_u64().unwrap_or_default(),
            deferred_points: None,
        }),
        created_at: None,
    }
}

fn warning(json: &Value) -> CollectionWarning {
    CollectionWarning { message: json["message"].as_str().unwrap_or_default().to_owned() }
}

/// The members of an object, each as a message.
fn members<T, C: FromIterator<(String, T)>>(json: &Value, read: impl Fn(&Value) -> T) -> C {
    let members = json.as_object().into_iter().flatten();
    members.map(|(name, member)| (name.clone(), read(member))).collect()
}

/// A word as the number of the enumeration that has it; the first where none does.
fn name<E: Into<i32> + Default>(json: &Value, known: impl Fn(&str) -> Option<E>) -> i32 {
    let word = json.as_str().map(in_message).unwrap_or_default();
    known(&word).unwrap_or_default().into()
}

fn schema(json: &Value) -> PayloadSchemaInfo {
    let kind = json["data_type"].as_str().unwrap_or_default();
    PayloadSchemaInfo {
        data_type: name(&json["data_type"], PayloadSchemaType::from_str_name),
        params: json.get("params").and_then(|params| params_of(kind, params)),
        points: json["points"].as_u64(),
    }
}

fn config(json: &Value) -> wire::CollectionConfig {
    wire::CollectionConfig {
        params: Some(params(&json["params"])),
        hnsw_config: Some(HnswConfigDiff::of(&json["hnsw_config"])),
        optimizer_config: Some(optimizer(&json["optimizer_config"])),
        wal_config: Some(Flat::of(&json["wal_config"])),
        quantization_config: quantization_of(&json["quantization_config"]),
        strict_mode_config: json.get("strict_mode_config").map(strict),
        metadata: json["metadata"].as_object().map(fields).unwrap_or_default(),
    }
}

fn strict(json: &Value) -> StrictModeConfig {
    let named = |field: &str| json.get(field).filter(|value| value.is_object());
    let multi = |json: &Value| {
        let one =
            |json: &Value| StrictModeMultivector { max_vectors: json["max_vectors"].as_u64() };
        StrictModeMultivectorConfig { multivector_config: members(json, one) }
    };
    let sparse = |json: &Value| {
        let one = |json: &Value| StrictModeSparse { max_length: json["max_length"].as_u64() };
        StrictModeSparseConfig { sparse_config: members(json, one) }
    };
    StrictModeConfig {
        multivector_config: named("multivector_config").map(multi),
        sparse_config: named("sparse_config").map(sparse),
        ..Flat::of(json)
    }
}

fn params(json: &Value) -> CollectionParams {
    let small = |field: &str| json[field].as_u64().and_then(|number| u32::try_from(number).ok());
    let sharding = json.get("sharding_method");
    #[expect(deprecated, reason = "clients still read part")]
    CollectionParams {
        shard_number: small("shard_number").unwrap_or_default(),
        on_disk_payload: json["on_disk_payload"].as_bool().unwrap_or_default(),
        vectors_config: Some(vectors(&json["vectors"])),
        replication_factor: small("replication_factor"),
        write_consistency_factor: small("write_consistency_factor"),
        read_fan_out_factor: small("read_fan_out_factor"),
        sharding_method: sharding.map(|word| name(word, ShardingMethod::from_str_name)),
        sparse_vectors_config: json.get("sparse_vectors").map(sparse),
        read_fan_out_delay_ms: json["read_fan_out_delay_ms"].as_u64(),
        payload: json.get("payload").map(Flat::of),
        id_tracker: json.get("id_tracker").map(Flat::of),
    }
}

fn sparse(json: &Value) -> SparseVectorConfig {
    let one = |json: &Value| SparseVectorParams {
        index: json.get("index").map(Flat::of),
        ..Flat::of(json)
    };
    SparseVectorConfig { map: members(json, one) }
}

fn multi(json: &Value) -> MultiVectorConfig {
    let comparator = name(&json["comparator"], MultiVectorComparator::from_str_name);
    MultiVectorConfig { comparator }
}

fn optimizer(json: &Value) -> OptimizersConfigDiff {
    let threads = json["max_optimization_threads"].as_u64().map(Variant::Value);
    let threads = threads.map(|variant| MaxOptimizationThreads { variant: Some(variant) });
    OptimizersConfigDiff { max_optimization_threads: threads, ..Flat::of(json) }
}

/// The unnamed vector alone is an object with a size, and those by name are objects of such.
fn vectors(json: &Value) -> VectorsConfig {
    let config = match json.get("size").and_then(Value::as_u64) {
        Some(_) => vectors_config::Config::Params(vector(json)),
        None => vectors_config::Config::ParamsMap(VectorParamsMap { map: members(json, vector) }),
    };
    VectorsConfig { config: Some(config) }
}

fn vector(json: &Value) -> VectorParams {
    let word = |field: &str| json.get(field).filter(|value| value.is_string());
    #[expect(deprecated, reason = "clients still read part")]
    VectorParams {
        size: json["size"].as_u64().unwrap_or_default(),
        distance: name(&json["distance"], Distance::from_str_name),
        hnsw_config: json.get("hnsw_config").map(Flat::of),
        quantization_config: quantization_of(&json["quantization_config"]),
        on_disk: json["on_disk"].as_bool(),
        datatype: word("datatype").map(|word| name(word, wire::Datatype::from_str_name)),
        multivector_config: json.get("multivector_config").map(multi),
        memory: word("memory").map(|word| name(word, wire::Memory::from_str_name)),
    }
}
