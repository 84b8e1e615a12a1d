use super::super::collection::{CreateCollection, UpdateCollection};
use vane_types::Residence;

use super::super::fixture::parse_text;
use super::*;

fn created(json: &str) -> (CollectionConfig, Layout) {
    parse_text::<CreateCollection>(json).and_then(CreateCollection::into_parts).unwrap()
}

fn messages(config: &CollectionConfig, layout: Layout) -> Vec<String> {
    let message = |warning: Value| warning["message"].as_str().unwrap().to_owned();
    warnings(config, layout).into_iter().map(message).collect()
}

const HINTS: &str = r#"{
    "vectors": {"size": 4, "distance": "Dot", "on_disk": true, "memory": "cold",
        "hnsw_config": {"m": 32, "payload_m": 8}, "quantization_config": {"binary": {}}},
    "on_disk_payload": true, "payload": {"memory": "cached"},
    "wal_config": {"wal_capacity_mb": 1},
    "hnsw_config": {"m": 0, "payload_m": 16, "inline_storage": false},
    "optimizers_config": {"memmap_threshold": 7, "max_optimization_threads": "auto"},
    "quantization_config": {"scalar": {"type": "int8", "always_ram": true}},
    "strict_mode_config": {"enabled": false}}"#;

#[test]
fn what_was_set_is_returned_also_where_it_has_no_effect() {
    let (config, layout) = created(HINTS);
    let shown = parameters(&config, layout);
    for (place, expected) in [
        ("/params/vectors/memory", json!("cold")),
        ("/params/vectors/hnsw_config/m", json!(32)),
        ("/params/vectors/hnsw_config/payload_m", json!(8)),
        ("/params/vectors/quantization_config", json!({"binary": {}})),
        ("/params/on_disk_payload", json!(true)),
        ("/params/payload/memory", json!("cached")),
        ("/wal_config/wal_capacity_mb", json!(1)),
        ("/wal_config/wal_retain_closed", json!(1)),
        ("/hnsw_config/m", json!(0)),
        ("/hnsw_config/payload_m", json!(16)),
        ("/optimizer_config/memmap_threshold", json!(7)),
        ("/optimizer_config/max_optimization_threads", Value::Null),
        ("/optimizer_config/max_segment_size", Value::Null),
        ("/quantization_config/scalar/type", json!("int8")),
        ("/strict_mode_config/enabled", json!(false)),
    ] {
        assert_eq!(shown.pointer(place), Some(&expected), "{place}");
    }
    let of_all = shown.pointer("/params/vectors/hnsw_config/ef_construct");
    assert_eq!(of_all, None, "a vector shows what it has of its own");
}

#[test]
fn ways_to_quantise_do_nothing_without_codes() {
    let said = |vectors: &str, rest: &str| {
        let method = r#""quantization_config": {"binary": {}}"#;
        let json = format!(r#"{{"vectors": {vectors}, {method}{rest}}}"#);
        let (config, layout) = created(&json);
        messages(&config, layout)
    };
    let euclid = r#"{"size": 4, "distance": "Euclid"}"#;
    assert_eq!(said(euclid, ""), Vec::<String>::new());
    let without = [
        said(r#"{"size": 4, "distance": "Manhattan"}"#, ""),
        said(euclid, r#", "hnsw_config": {"m": 0}"#),
    ];
    for messages in without {
        let [message] = messages.as_slice() else { panic!("{messages:?}") };
        assert!(message.starts_with("`quantization_config` "), "{message}");
    }
    let mixed = format!(r#"{{"a": {euclid}, "b": {{"size": 4, "distance": "Manhattan"}}}}"#);
    assert_eq!(said(&mixed, ""), Vec::<String>::new(), "one of them has codes");
}

#[test]
fn a_warning_names_each_parameter_that_does_nothing() {
    let (config, layout) = created(HINTS);
    let messages = messages(&config, layout);
    for place in [
        "hnsw_config.payload_m",
        "optimizer_config.memmap_threshold",
        "quantization_config.scalar.always_ram",
        "params.payload.memory",
        "vectors..hnsw_config.payload_m",
    ] {
        assert!(
            messages.iter().any(|message| message.starts_with(&format!("`{place}` "))),
            "{place}"
        );
    }
    for place in [
        "on_disk_payload",
        "inline_storage",
        "enabled",
        "max_optimization_threads",
        "binary",
        "type",
    ] {
        assert!(!messages.iter().any(|message| message.contains(place)), "{place}: {messages:?}");
    }
    let plain = created(r#"{"vectors": {"size": 4, "distance": "Dot"}, "on_disk_payload": true}"#);
    assert_eq!(self::messages(&plain.0, plain.1), [] as [String; 0]);
}

#[test]
fn options_of_payload_indexes_that_do_nothing_are_named_too() {
    let (mut config, layout) = created(r#"{"vectors": {"size": 4, "distance": "Dot"}}"#);
    let options = json!({"is_tenant": true, "on_disk": true, "lookup": true, "range": false});
    let Value::Object(options) = options else { unreachable!() };
    config.hints.indexes.insert("a.b".parse().unwrap(), options);
    let messages = messages(&config, layout);
    let named = messages.iter().map(|message| message.split('`').nth(1).unwrap());
    assert_eq!(
        named.collect::<Vec<_>>(),
        ["payload_schema.a.b.on_disk", "payload_schema.a.b.range"]
    );
}

#[test]
fn a_change_joins_what_was_set_before() {
    let (mut config, layout) = created(HINTS);
    let json = r#"{"quantization_config": "Disabled",
        "optimizers_config": {"max_optimization_threads": 3}, "hnsw_config": {"on_disk": true},
        "params": {"read_fan_out_factor": 2}, "vectors": {"": {"memory": "pinned"}}}"#;
    let change = parse_text::<UpdateCollection>(json).unwrap().into_change(&config).unwrap();
    assert_eq!(change.hnsw.and_then(|hnsw| hnsw.on_disk), Some(true));
    assert_eq!(change.vectors[""].memory, Some(Residence::Pinned));
    (config.hnsw, config.vectors.get_mut("").unwrap().memory) =
        (change.hnsw.unwrap(), change.vectors[""].memory);
    config.hints.merge(change.hints);
    let shown = parameters(&config, layout);
    for (place, expected) in [
        ("/quantization_config", Value::Null),
        ("/optimizer_config/max_optimization_threads", json!(3)),
        ("/hnsw_config/on_disk", json!(true)),
        ("/hnsw_config/payload_m", json!(16)),
        ("/params/read_fan_out_factor", json!(2)),
        ("/params/vectors/memory", json!("pinned")),
        ("/params/vectors/quantization_config", json!({"binary": {}})),
    ] {
        assert_eq!(shown.pointer(place), Some(&expected), "{place}");
    }
}

#[test]
fn another_way_to_quantise_takes_the_place_of_the_one_before() {
    let (mut config, layout) = created(HINTS);
    let mut change = |method: Value| {
        let of_vector = json!({"": {"quantization_config": method}});
        let json = json!({"quantization_config": method, "vectors": of_vector}).to_string();
        let change = parse_text::<UpdateCollection>(&json).unwrap().into_change(&config).unwrap();
        config.hints.merge(change.hints);
        let shown = parameters(&config, layout);
        for place in ["/quantization_config", "/params/vectors/quantization_config"] {
            assert_eq!(shown.pointer(place), Some(&method), "{place}");
        }
    };
    change(json!({"product": {"compression": "x32", "always_ram": true}}));
    change(json!({"product": {"compression": "x16"}}));
    change(json!({"binary": {}}));
    change(json!({"scalar": {"type": "int8", "quantile": 0.5}}));
    change(json!({"scalar": {"type": "int8"}}));
}

#[test]
fn status_and_queue_are_those_of_the_shards() {
    let (config, layout) = created(r#"{"vectors": {"size": 4, "distance": "Dot"}}"#);
    let info = |info: Info| collection_info(&config, layout, &info);
    assert_eq!(info(Info::default())["status"], "green");
    assert_eq!(info(Info { optimizing: true, ..Info::default() })["status"], "yellow");
    let failed = info(Info { job_failure: Some("no room".into()), ..Info::default() });
    assert_eq!(
        (&failed["status"], &failed["optimizer_status"]["error"]),
        (&json!("red"), &json!("no room"))
    );
    assert_eq!(info(Info { waiting: 3, ..Info::default() })["update_queue"]["length"], 3);
}
