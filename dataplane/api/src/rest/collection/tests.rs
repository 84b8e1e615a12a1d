use serde_json::{Value, json};
use vane_types::{
    CollectionConfig, Datatype, Distance, HnswConfig, Residence, SparseParams, VectorParams,
    VectorSpec,
};

use super::super::fixture::{assert_refused, parse_text};
use super::super::parse::read_value;
use super::{CreateCollection, CreateVector, UpdateCollection, check_vector_name};
use crate::engine::{Layout, LayoutChange};
use crate::error::{Error, Kind};

fn create(json: &str) -> Result<CollectionConfig, Error> {
    parse_text::<CreateCollection>(json)
        .and_then(CreateCollection::into_parts)
        .map(|(config, _)| config)
}

#[test]
fn one_vector_and_named_vectors_are_told_apart() {
    let one = create(r#"{"vectors": {"size": 4, "distance": "Dot"}}"#).unwrap();
    assert_eq!((one.vectors[""].size, one.vectors[""].distance), (4, Distance::Dot));
    let json = r#"{"vectors": {"size": {"size": 4, "distance": "Cosine"},
        "b": {"size": 2, "distance": "Euclid"}}}"#;
    let named = create(json).unwrap();
    assert_eq!((named.vectors["size"].size, named.vectors["b"].distance), (4, Distance::Euclid));
}

#[test]
fn vector_parameters_build_on_the_collections() {
    let json = r#"{"vectors": {"size": 4, "distance": "Dot", "hnsw_config": {"m": 32}},
        "hnsw_config": {"ef_construct": 200}, "optimizers_config": {"indexing_threshold": 0}}"#;
    let config = create(json).unwrap();
    assert_eq!(
        config.vectors[""].hnsw,
        Some(HnswConfig { m: 32, ef_construct: 200, ..HnswConfig::default() })
    );
    assert_eq!(config.optimizer.indexing_threshold, 0);
    let warm = r#"{"vectors": {"size": 4, "distance": "Dot", "on_disk": true, "memory": "pinned"},
        "hnsw_config": {"on_disk": true}}"#;
    let warm = create(warm).unwrap();
    assert_eq!(warm.vectors[""].residence(), Residence::Pinned, "the newer word counts");
    assert_eq!(warm.hnsw_of("").residence(), Residence::Cold);
    assert_eq!(config.optimizer.max_segment_size, None);
    let update =
        r#"{"hnsw_config": {"m": 8}, "vectors": {"": {"hnsw_config": {"ef_construct": 50}}}}"#;
    let change = parse_text::<UpdateCollection>(update).unwrap().into_change(&config).unwrap();
    assert_eq!(change.hnsw, Some(HnswConfig { m: 8, ef_construct: 200, ..HnswConfig::default() }));
    assert_eq!(
        change.vectors[""].hnsw,
        Some(HnswConfig { m: 32, ef_construct: 50, ..HnswConfig::default() })
    );
}

#[test]
fn what_is_harmless_is_accepted() {
    let json = r#"{
        "vectors": {"size": 4, "distance": "Dot", "on_disk": true, "datatype": "float32",
            "memory": "cold", "quantization_config": null},
        "on_disk_payload": true, "shard_number": 1, "replication_factor": 1,
        "write_consistency_factor": 1,
        "wal_config": {"wal_capacity_mb": 1, "wal_segments_ahead": 0},
        "hnsw_config": {"m": 0, "max_indexing_threads": 2, "on_disk": false,
            "inline_storage": false},
        "optimizers_config": {"default_segment_number": 2, "memmap_threshold": 1,
            "flush_interval_sec": 5, "max_optimization_threads": "auto"},
        "sparse_vectors": {}, "sharding_method": "auto", "metadata": {"a": 1}}"#;
    let vector = create(json).unwrap().vectors[""];
    assert_eq!((vector.on_disk, vector.residence()), (Some(true), Residence::Cold));
}

#[test]
fn mistakes_get_their_code_and_name_the_field() {
    let vector =
        |fields: &str| format!(r#"{{"vectors": {{"size": 4, "distance": "Dot", {fields}}}}}"#);
    let cases = [
        (
            r#"{"vectors": {"size": 0, "distance": "Dot"}}"#.to_owned(),
            422,
            "[vectors.size: value 0 invalid",
        ),
        (
            r#"{"vectors": {"size": 65537, "distance": "Dot"}}"#.to_owned(),
            422,
            "Validation error in JSON body: [vectors.size: value 65537 invalid, \
             must be from 1 to 65536]",
        ),
        (r#"{"vectors": {"a": {"size": 0, "distance": "Dot"}}}"#.to_owned(), 422, "vectors.a.size"),
        (r#"{"vectors": {"size": -1, "distance": "Dot"}}"#.to_owned(), 400, "size"),
        (r#"{"vectors": {"size": 4}}"#.to_owned(), 400, "distance"),
        (r#"{"vectors": {"distance": "Dot"}}"#.to_owned(), 400, "size"),
        (
            r#"{"vectors": {"a": {"size": 4}}}"#.to_owned(),
            400,
            "vectors.a: missing field `distance`",
        ),
        (r#"{"vectors": {"size": 4, "distance": "Cosin"}}"#.to_owned(), 400, "Cosin"),
        (r#"{"vectors": 4}"#.to_owned(), 400, "vectors"),
        (vector(r#""sise": 1"#), 400, "sise"),
        (vector(r#""hnsw_config": {"m": 1}"#), 422, "vectors.hnsw_config.m"),
        (vector(r#""datatype": "turbo4""#), 400, "vectors.datatype"),
        (vector(r#""multivector_config": {}"#), 400, "multivector_config"),
        (vector(r#""multivector_config": {"comparator": "x"}"#), 400, "comparator"),
        (r#"{"sparse_vectors": {"a": {"modifier": "x"}}}"#.to_owned(), 400, "modifier"),
        (r#"{"sparse_vectors": {"a": {"size": 4}}}"#.to_owned(), 400, "size"),
        (r#"{"sparse_vectors": {"a": {"index": {"datatype": "x"}}}}"#.to_owned(), 400, "datatype"),
        (vector(r#""quantization_config": {}"#), 400, "quantization_config"),
        (vector(r#""quantization_config": {"scalar": {"a": {}}}"#), 400, "quantization_config"),
        (r#"{"vektors": {}}"#.to_owned(), 400, "vektors"),
        (r#"{"shard_number": 2000}"#.to_owned(), 422, "shard_number"),
        (r#"{"shard_number": 0}"#.to_owned(), 422, "shard_number"),
        (r#"{"replication_factor": 30}"#.to_owned(), 422, "replication_factor"),
        (r#"{"init_from": {"collection": "a"}}"#.to_owned(), 400, "init_from"),
        (r#"{"hnsw_config": {"payload_m": -1}}"#.to_owned(), 400, "hnsw_config.payload_m"),
        (r#"{"hnsw_config": {"ef_construct": 3}}"#.to_owned(), 422, "hnsw_config.ef_construct"),
        (r#"{"optimizers_config": {"deleted_threshold": 2}}"#.to_owned(), 422, "deleted_threshold"),
        (
            r#"{"optimizers_config": {"vacuum_min_vector_number": 1}}"#.to_owned(),
            422,
            "vacuum_min_vector_number",
        ),
        (
            r#"{"optimizers_config": {"max_optimization_threads": "x"}}"#.to_owned(),
            400,
            "max_optimization_threads",
        ),
        (
            r#"{"optimizers_config": {"prevent_unoptimized": true}}"#.to_owned(),
            400,
            "prevent_unoptimized",
        ),
        (r#"{"wal_config": {"wal_capacity_mb": 0}}"#.to_owned(), 422, "wal_capacity_mb"),
    ];
    for (json, code, named) in cases {
        let error = create(&json).expect_err(&json);
        assert_refused(&json, &error, code, named);
    }
}

#[test]
fn numbers_of_replicas_change_within_their_range() {
    let layout = Layout { shards: 1, replication_factor: 3, write_consistency_factor: 1 };
    let change = |params: &str| {
        let body = format!(r#"{{"params": {params}}}"#);
        parse_text::<UpdateCollection>(&body).and_then(|body| body.layout_change(layout))
    };
    let of = |replicas, writes| LayoutChange {
        replication_factor: replicas,
        write_consistency_factor: writes,
    };
    for (params, expected) in [
        (r#"{"replication_factor": 5, "write_consistency_factor": 5}"#, of(Some(5), Some(5))),
        (r#"{"replication_factor": 3, "write_consistency_factor": 2}"#, of(None, Some(2))),
        (r#"{"read_fan_out_factor": 2}"#, of(None, None)),
    ] {
        assert_eq!(change(params), Ok(expected), "{params}");
    }
    for wrong in [
        r#"{"replication_factor": 0}"#,
        r#"{"replication_factor": 10}"#,
        r#"{"replication_factor": 2, "write_consistency_factor": 3}"#,
    ] {
        let refused = change(wrong).unwrap_err();
        assert_eq!(refused.kind, Kind::Invalid, "{wrong}");
    }
}

#[test]
fn payloads_are_not_pinned() {
    let pinned = r#"{"payload": {"memory": "pinned"}}"#;
    assert_refused(pinned, &create(pinned).expect_err(pinned), 422, "payload.memory: `pinned`");
    let change = format!(r#"{{"params": {pinned}}}"#);
    let config = create(r#"{"payload": {"memory": "cold"}}"#).unwrap();
    let update = parse_text::<UpdateCollection>(&change).unwrap();
    let refused = update.into_change(&config).expect_err(&change);
    assert_refused(&change, &refused, 422, "params.payload.memory: `pinned`");
}

#[test]
fn limits_are_named_and_more_than_nothing() {
    for (limits, code, named) in [
        (r#"{"max_queries": 1}"#, 400, "max_queries"),
        (r#"{"max_timeout": "2"}"#, 400, "max_timeout"),
        (r#"{"max_points_count": 0}"#, 422, "max_points_count"),
        (r#"{"max_resident_memory_percent": 101}"#, 422, "max_resident_memory_percent"),
        (r#"{"sparse_config": {"a": {"max_length": 0}}}"#, 422, "a.max_length"),
        (r#"{"multivector_config": {"a": {"max_length": 1}}}"#, 400, "max_length"),
    ] {
        let json = format!(r#"{{"strict_mode_config": {limits}}}"#);
        assert_refused(&json, &create(&json).expect_err(&json), code, named);
    }
}

#[test]
fn a_vector_that_comes_later_is_of_one_kind() {
    let read = |body: Value| {
        let body: Result<CreateVector, _> = read_value(body, "");
        body.and_then(CreateVector::into_vector).map(|new| (new.spec, new.hints))
    };
    let (spec, hints) = read(json!({"dense": {"size": 4, "distance": "Dot"}})).unwrap();
    let params = VectorParams::new(4, Distance::Dot);
    assert_eq!((spec, hints.len()), (VectorSpec::Dense(params), 0));
    let multi = json!({"dense": {
        "size": 4, "distance": "Cosine", "datatype": "float16",
        "multivector_config": {"comparator": "max_sim"},
    }});
    let VectorSpec::Multi(params) = read(multi).unwrap().0 else { panic!("several in one") };
    assert_eq!((params.datatype, params.distance), (Datatype::Float16, Distance::Cosine));
    let (spec, hints) = read(json!({"sparse": {"modifier": "idf", "datatype": "uint8"}})).unwrap();
    assert_eq!(spec, VectorSpec::Sparse(SparseParams { idf: true, ..SparseParams::default() }));
    assert_eq!(hints["index"], json!({"datatype": "uint8"}));
    assert!(read(json!({"sparse": {}})).is_ok());
    for (wrong, kind) in [
        (json!({}), Kind::Malformed),
        (json!({"dense": {"size": 4, "distance": "Dot"}, "sparse": {}}), Kind::Malformed),
        (json!({"dense": {"size": 0, "distance": "Dot"}}), Kind::Invalid),
        (json!({"dense": {"size": 65537, "distance": "Dot"}}), Kind::Invalid),
    ] {
        assert_eq!(read(wrong.clone()).unwrap_err().kind, kind, "{wrong}");
    }
    for (name, is_good) in
        [("a", true), (&*"x".repeat(200), true), (&*"ü".repeat(101), false), ("a|b", false)]
    {
        assert_eq!(check_vector_name(name).is_ok(), is_good, "{name}");
    }
}
