//! One good request for each operation of Qdrant's API that the node has.

use serde_json::{Value, json};

/// Method, path with `{c}` for a collection's name, and body; null for none.
pub(super) fn requests() -> Vec<(&'static str, &'static str, Value)> {
    let mut requests = collections();
    requests.extend(cluster());
    requests.extend(writes());
    requests.extend(reads());
    requests.extend(rankings());
    requests
}

/// A body that makes a collection of every kind of vector.
pub(super) fn collection() -> Value {
    json!({
        "vectors": {
            "": { "size": 2, "distance": "Dot" },
            "named": {
                "size": 3, "distance": "Cosine", "on_disk": true,
                "hnsw_config": { "m": 8, "ef_construct": 16 },
            },
        },
        "shard_number": 2,
        "replication_factor": 1,
        "write_consistency_factor": 1,
        "on_disk_payload": true,
        "hnsw_config": { "m": 16, "ef_construct": 32, "full_scan_threshold": 10 },
        "optimizers_config": { "indexing_threshold": 20, "default_segment_number": 2 },
        "quantization_config": null,
    })
}

fn collections() -> Vec<(&'static str, &'static str, Value)> {
    let patch = json!({
        "optimizers_config": { "indexing_threshold": 40 },
        "hnsw_config": { "m": 12, "ef_construct": 20 },
        "params": { "replication_factor": 1, "write_consistency_factor": 1 },
        "vectors": { "named": { "hnsw_config": { "m": 4 } } },
    });
    let aliases = json!({ "actions": [
        { "create_alias": { "collection_name": "a", "alias_name": "alias" } },
        { "rename_alias": { "old_alias_name": "alias", "new_alias_name": "other" } },
        { "delete_alias": { "alias_name": "other" } },
    ] });
    vec![
        ("GET", "/collections", Value::Null),
        ("GET", "/collections/{c}", Value::Null),
        ("GET", "/collections/{c}/exists", Value::Null),
        ("GET", "/collections/{c}/cluster", Value::Null),
        ("GET", "/collections/{c}/aliases", Value::Null),
        ("GET", "/aliases", Value::Null),
        ("GET", "/cluster", Value::Null),
        ("GET", "/metrics", Value::Null),
        ("DELETE", "/collections/{c}", Value::Null),
        ("PUT", "/collections/{c}", collection()),
        ("PUT", "/collections/{c}", collection()),
        ("PUT", "/collections/{c}", json!({ "vectors": { "size": 2, "distance": "Euclid" } })),
        ("PATCH", "/collections/{c}", patch),
        ("POST", "/collections/aliases", aliases),
        ("PUT", "/collections/{c}/index", json!({ "field_name": "n", "field_schema": "integer" })),
        (
            "PUT",
            "/collections/{c}/index",
            json!({
                "field_name": "a[].b",
                "field_schema": { "type": "keyword", "on_disk": true, "is_tenant": false },
            }),
        ),
        (
            "PUT",
            "/collections/{c}/index",
            json!({
                "field_name": "text",
                "field_schema": {
                    "type": "text", "tokenizer": "multilingual", "min_token_len": 1,
                    "max_token_len": 30, "lowercase": true, "ascii_folding": true,
                    "phrase_matching": true,
                    "stopwords": { "languages": ["english"], "custom": ["x"] },
                    "stemmer": { "type": "snowball", "language": "english" },
                },
            }),
        ),
        (
            "PUT",
            "/collections/{c}/index",
            json!({
                "field_name": "text",
                "field_schema": { "type": "text", "tokenizer": "prefix", "stopwords": "german" },
            }),
        ),
        ("DELETE", "/collections/{c}/index/n", Value::Null),
        ("DELETE", "/collections/{c}/index/a%5B%5D.b", Value::Null),
    ]
}

fn cluster() -> Vec<(&'static str, &'static str, Value)> {
    let way = json!({ "shard_id": 0, "from_peer_id": 1, "to_peer_id": 2, "method": "snapshot" });
    let replica = json!({ "shard_id": 0, "peer_id": 1 });
    vec![
        ("POST", "/collections/{c}/cluster", json!({ "move_shard": way })),
        ("POST", "/collections/{c}/cluster", json!({ "drop_replica": replica })),
        ("POST", "/cluster/recover", Value::Null),
        ("DELETE", "/cluster/peer/7", Value::Null),
        ("PUT", "/cluster/metadata/keys/a", json!({ "b": [null, 1.5] })),
        ("GET", "/cluster/metadata/keys/a", Value::Null),
    ]
}

fn payload() -> Value {
    json!({
        "n": 7, "f": 0.5, "text": "word", "flag": true, "none": null,
        "place": { "lat": 52.5, "lon": 13.4 },
        "time": "2024-01-01T00:00:00Z",
        "a": [{ "b": "x", "c": [1, 2] }, { "b": "y" }],
    })
}

fn writes() -> Vec<(&'static str, &'static str, Value)> {
    let point = json!({
        "id": 3, "vector": { "": [0.5, 1], "named": [1, 2, 3] }, "payload": payload(),
    });
    let other = json!({
        "id": "00000000-0000-0000-0000-00000000000a", "vector": [1, 0], "payload": payload(),
    });
    let upsert = json!({ "points": [point, other] });
    let columns = json!({ "batch": {
        "ids": [1, 2], "vectors": [[1, 2], [3, 4]], "payloads": [payload(), null],
    } });
    let by_filter = json!({ "filter": filter() });
    let by_ids = json!({ "points": [1, 2] });
    let set = json!({ "payload": payload(), "points": [1, 3], "key": "a[0].c" });
    let set_by_filter = json!({ "payload": payload(), "filter": filter() });
    let keys = json!({ "keys": ["n", "a[].b"], "points": [1, 3] });
    let vectors = json!({ "points": [{ "id": 3, "vector": { "named": [3, 2, 1] } }] });
    let drop_vectors = json!({ "points": [3], "vector": ["named", ""] });
    let operations = json!({ "operations": [
        { "upsert": upsert }, { "set_payload": set }, { "delete_payload": keys },
        { "update_vectors": vectors }, { "delete_vectors": drop_vectors },
        { "clear_payload": by_ids }, { "delete": by_ids },
    ] });
    vec![
        ("PUT", "/collections/{c}/points", upsert.clone()),
        ("PUT", "/collections/{c}/points", upsert),
        ("PUT", "/collections/{c}/points", columns),
        ("POST", "/collections/{c}/points/delete", by_ids.clone()),
        ("POST", "/collections/{c}/points/delete", by_filter.clone()),
        ("PUT", "/collections/{c}/points/vectors", vectors),
        ("POST", "/collections/{c}/points/vectors/delete", drop_vectors),
        ("POST", "/collections/{c}/points/payload", set.clone()),
        ("POST", "/collections/{c}/points/payload", set_by_filter),
        ("PUT", "/collections/{c}/points/payload", set),
        ("POST", "/collections/{c}/points/payload/delete", keys),
        ("POST", "/collections/{c}/points/payload/clear", by_filter),
        ("POST", "/collections/{c}/points/payload/clear", by_ids),
        ("POST", "/collections/{c}/points/batch", operations),
    ]
}

/// A filter with every kind of condition.
pub(super) fn filter() -> Value {
    json!({
        "must": [
            { "key": "n", "range": { "gte": 1, "lt": 10 } },
            { "key": "time", "range": { "gt": "2023-01-01", "lte": "2025-01-01T00:00:00+02:00" } },
        ],
        "should": [
            { "key": "text", "match": { "value": "word" } },
            { "key": "n", "match": { "any": [1, 7] } },
            { "key": "text", "match": { "except": ["none"] } },
            { "key": "text", "match": { "text": "a word" } },
            { "key": "text", "match": { "text_any": "words" } },
            { "key": "text", "match": { "phrase": "a word" } },
            { "key": "text", "match": { "prefix": "wo" } },
            { "key": "a", "values_count": { "gte": 1 } },
            { "key": "place", "geo_radius": {
                "center": { "lat": 52.5, "lon": 13.4 }, "radius": 1000.0,
            } },
            { "key": "place", "geo_bounding_box": {
                "top_left": { "lat": 53, "lon": 13 }, "bottom_right": { "lat": 52, "lon": 14 },
            } },
            { "key": "place", "geo_polygon": {
                "exterior": { "points": [
                    { "lat": 52, "lon": 13 }, { "lat": 53, "lon": 13 }, { "lat": 53, "lon": 14 },
                    { "lat": 52, "lon": 13 },
                ] },
                "interiors": [],
            } },
            { "slice": { "total": 3, "index": 1 } },
            { "nested": { "key": "a", "filter": { "must": [
                { "key": "b", "match": { "value": "x" } },
            ] } } },
            { "has_vector": "named" },
        ],
        "min_should": { "conditions": [{ "is_empty": { "key": "none" } }], "min_count": 1 },
        "must_not": [{ "is_null": { "key": "f" } }, { "has_id": [99] }],
    })
}

fn reads() -> Vec<(&'static str, &'static str, Value)> {
    let query = json!({
        "query": [1, 0], "filter": filter(), "limit": 5, "offset": 1, "score_threshold": 0.1,
        "params": { "hnsw_ef": 16, "exact": false, "indexed_only": false },
        "with_payload": ["n"], "with_vector": true,
    });
    let by_id = json!({ "query": 3, "using": "named", "limit": 3, "with_payload": true });
    let nearest = json!({ "query": { "nearest": [0, 1] }, "with_vector": ["named"] });
    let fused = json!({
        "prefetch": [
            { "query": [1, 2, 3], "using": "named", "limit": 20 },
            { "query": [1, 0], "filter": filter(), "limit": 7 },
        ],
        "query": { "rrf": { "k": 3, "weights": [1.5, 0] } }, "limit": 4,
    });
    let search = json!({
        "vector": { "name": "named", "vector": [1, 2, 3] }, "limit": 2, "filter": filter(),
    });
    let groups = json!({
        "query": [1, 0], "limit": 2, "filter": filter(), "group_by": "a[].b", "group_size": 2,
        "with_lookup": { "collection": "a", "with_payload": true },
    });
    let scroll = json!({
        "filter": filter(), "limit": 3, "offset": 1, "with_vector": true,
        "with_payload": { "exclude": ["a[].b"] },
    });
    let retrieve = json!({
        "ids": [1, 3], "with_payload": { "include": ["a[].c"] }, "with_vector": true,
    });
    vec![
        ("GET", "/collections/{c}/points/3", Value::Null),
        ("POST", "/collections/{c}/points", retrieve),
        ("POST", "/collections/{c}/points/scroll", scroll),
        ("POST", "/collections/{c}/points/count", json!({ "filter": filter(), "exact": true })),
        ("POST", "/collections/{c}/points/query", query.clone()),
        ("POST", "/collections/{c}/points/query", by_id),
        ("POST", "/collections/{c}/points/query", nearest.clone()),
        ("POST", "/collections/{c}/points/query", fused),
        ("POST", "/collections/{c}/points/query/batch", json!({ "searches": [query, nearest] })),
        ("POST", "/collections/{c}/points/query/groups", groups),
        ("POST", "/collections/{c}/points/search", search.clone()),
        ("POST", "/collections/{c}/points/search/batch", json!({ "searches": [search] })),
    ]
}

/// What ranks by values, formulas and chance, and what counts values.
fn rankings() -> Vec<(&'static str, &'static str, Value)> {
    let by_order = json!({
        "prefetch": { "query": { "sample": "random" }, "limit": 9 },
        "query": { "order_by": { "key": "n", "direction": "desc", "start_from": 100 } },
    });
    let by_scores = json!({
        "prefetch": [
            { "query": [1, 0], "limit": 5 }, { "query": { "order_by": "n" }, "limit": 5 },
        ],
        "query": { "fusion": "dbsf" },
    });
    let by_formula = json!({
        "prefetch": [{ "query": [1, 0], "limit": 5 }, { "limit": 5 }],
        "query": {
            "formula": { "sum": [
                "$score", { "mult": [0.5, "$score[1]", filter()] },
                { "div": { "left": "n", "right": { "abs": "f" }, "by_zero_default": 1 } },
                { "gauss_decay": {
                    "x": { "geo_distance": {
                        "origin": { "lon": 13.4, "lat": 52.5 }, "to": "place",
                    } },
                    "target": { "neg": 3 }, "scale": 1000, "midpoint": 0.25,
                } },
                { "pow": { "base": { "datetime_key": "time" }, "exponent": 0.5 } },
                { "max": [{ "datetime": "2024-01-01" }, { "sqrt": 4 }] },
            ] },
            "defaults": {
                "n": 1, "f": 2, "$score[1]": 0.5, "time": "2024-01-01T00:00:00Z",
                "place": { "lon": 13, "lat": 52 },
            },
        },
    });
    let page = json!({ "order_by": { "key": "n", "start_from": 3.5 }, "filter": filter() });
    let facet = json!({ "key": "n", "limit": 3, "exact": true, "filter": filter() });
    let matrix = json!({ "sample": 5, "limit": 2, "using": "named", "filter": filter() });
    vec![
        ("POST", "/collections/{c}/points/query", by_order),
        ("POST", "/collections/{c}/points/query", by_scores),
        ("POST", "/collections/{c}/points/query", by_formula),
        ("POST", "/collections/{c}/points/scroll", page),
        ("POST", "/collections/{c}/facet", facet),
        ("POST", "/collections/{c}/points/search/matrix/pairs", matrix.clone()),
        ("POST", "/collections/{c}/points/search/matrix/offsets", matrix),
    ]
}
