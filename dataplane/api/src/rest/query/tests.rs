use vane_filter::Number;
use vane_types::{PointId, VectorKind};

use super::super::fixture::{assert_refused, parse_text};
use super::super::text::text;
use super::{QueryBatch, QueryRequest};
use crate::engine::{By, Query, WantPayload, WantVectors};
use crate::error::{Error, Kind};

fn query(json: &str) -> Result<Query, Error> {
    parse_text::<QueryRequest>(json).and_then(QueryRequest::into_query)
}

#[test]
fn every_form_of_query_is_read() {
    let by = |json: &str| query(&format!(r#"{{"query": {json}}}"#)).unwrap().by;
    for json in ["[1, 2.5]", r#"{"nearest": [1, 2.5]}"#] {
        assert!(
            matches!(by(json), By::Vector(vector) if vector.dense() == Some(&[1.0, 2.5])),
            "{json}"
        );
    }
    for (json, kind) in [
        (r#"[[1], [2]]"#, VectorKind::Multi),
        (r#"{"nearest": [[1], [2]]}"#, VectorKind::Multi),
        (r#"{"indices": [1], "values": [2]}"#, VectorKind::Sparse),
        (r#"{"nearest": {"indices": [1], "values": [2]}}"#, VectorKind::Sparse),
    ] {
        assert!(matches!(by(json), By::Vector(vector) if vector.kind() == kind), "{json}");
    }
    for json in ["7", r#"{"nearest": 7}"#] {
        assert!(matches!(by(json), By::Point(id) if id == PointId::num(7)), "{json}");
    }
    let uuid = "936da01f-9abd-4d9d-80c7-02af85c822a8";
    for json in [format!("\"{uuid}\""), format!(r#"{{"nearest": "{uuid}"}}"#)] {
        assert!(matches!(by(&json), By::Point(id) if id.to_string() == uuid), "{json}");
    }
    assert!(matches!(by("null"), By::Id));
    for (json, expected) in
        [(r#"{"fusion": "rrf"}"#, 2), (r#"{"rrf": {}}"#, 2), (r#"{"rrf": {"k": 60}}"#, 60)]
    {
        let query =
            query(&format!(r#"{{"query": {json}, "prefetch": {{"query": [1]}}}}"#)).unwrap();
        assert!(matches!(query.by, By::Rrf { k, weights: None } if k == expected), "{json}");
    }
    let fused = |json: &str| {
        query(&format!(r#"{{"query": {json}, "prefetch": [{{"query": [1]}}, {{}}]}}"#))
    };
    assert!(matches!(fused(r#"{"fusion": "dbsf"}"#).unwrap().by, By::Dbsf));
    let by = fused(r#"{"rrf": {"weights": [3, 0.5]}}"#).unwrap().by;
    assert!(matches!(by, By::Rrf { k: 2, weights: Some(weights) } if weights == [3.0, 0.5]));
    assert_eq!(
        text(&fused(r#"{"rrf": {"weights": []}}"#).unwrap_err()),
        "Wrong input: Validation failed: Number of weights in RRF should match number of \
         pre-fetches: got 0, expected 2"
    );
    let beyond = fused(r#"{"rrf": {"weights": [1, 1e39]}}"#).unwrap_err();
    assert_refused("", &beyond, 400, "query.rrf.weights[1]: number out of range");
}

#[test]
fn orders_by_values_and_by_chance_are_read() {
    let by = |json: &str| query(&format!(r#"{{"query": {json}}}"#)).map(|query| query.by);
    let order = |json: &str| match by(&format!(r#"{{"order_by": {json}}}"#)).unwrap() {
        By::Order(order) => (order.by.to_string(), order.descending, order.from),
        other => panic!("{other:?}"),
    };
    assert_eq!(order("\"a.b\""), ("a.b".into(), false, None));
    for (start, from) in [
        ("-7", Number::Whole(-7)),
        ("0.5", Number::Float(0.5)),
        ("\"1970-01-01T00:00:01Z\"", Number::Whole(1_000_000)),
    ] {
        let json = format!(r#"{{"key": "a", "direction": "desc", "start_from": {start}}}"#);
        assert_eq!(order(&json), ("a".into(), true, Some(from)));
    }
    assert!(matches!(by(r#"{"sample": "random"}"#), Ok(By::Sample)));
    for (json, named) in [
        (r#"{"order_by": 7}"#, "a payload key"),
        (r#"{"order_by": "a..b"}"#, "a..b"),
        (r#"{"order_by": {"key": "a", "start_from": "soon"}}"#, "a number or a datetime"),
        (r#"{"order_by": {"key": "a", "direction": "up"}}"#, "direction"),
        (r#"{"order_by": {"direction": "asc"}}"#, "key"),
        (r#"{"sample": "first"}"#, "sample"),
        (r#"{"sample": "random", "order_by": "a"}"#, "exclude each other"),
    ] {
        assert_refused(json, &by(json).unwrap_err(), 400, named);
    }
}

#[test]
fn defaults_are_ten_points_without_payload_or_vector() {
    let query = query("{}").unwrap();
    assert_eq!((query.limit, query.offset, query.using.as_str()), (10, 0, ""));
    assert!(matches!(query.want.payload, WantPayload::Nothing));
    assert!(matches!(query.want.vectors, WantVectors::Nothing));
    assert!(query.prefetch.is_empty() && query.filter.is_none());
}

#[test]
fn parts_to_return_are_read_in_every_form() {
    let want = |json: &str| query(json).unwrap().want;
    assert!(matches!(want(r#"{"with_payload": true}"#).payload, WantPayload::All));
    assert!(matches!(
        want(r#"{"with_payload": ["a", "b.c"]}"#).payload,
        WantPayload::Include(keys) if keys.len() == 2
    ));
    assert!(matches!(
        want(r#"{"with_payload": {"include": ["a"]}}"#).payload,
        WantPayload::Include(_)
    ));
    assert!(matches!(
        want(r#"{"with_payload": {"exclude": ["a"]}}"#).payload,
        WantPayload::Exclude(_)
    ));
    assert!(matches!(want(r#"{"with_vector": true}"#).vectors, WantVectors::All));
    assert!(matches!(
        want(r#"{"with_vector": ["a"]}"#).vectors,
        WantVectors::Named(names) if names == ["a"]
    ));
}

#[test]
fn prefetches_nest_as_one_or_as_a_list() {
    let json = r#"{"query": [1], "prefetch": [{"query": 1, "limit": 5},
        {"query": {"fusion": "rrf"},
         "prefetch": {"query": [2], "using": "b", "filter": {"must": []}}}]}"#;
    let query = query(json).unwrap();
    assert_eq!(
        (query.prefetch.len(), query.prefetch[0].limit, query.prefetch[1].limit),
        (2, 5, 10)
    );
    assert_eq!(query.prefetch[1].prefetch[0].using, "b");
}

#[test]
fn mistakes_get_their_code_and_name_the_field() {
    let many =
        format!(r#"{{"query": [1], "prefetch": [{}]}}"#, vec![r#"{"query": [1]}"#; 65].join(","));
    let deep = format!("{}{{}}{}", r#"{"prefetch": "#.repeat(200), "}".repeat(200));
    let cases = [
        ("", 400, "empty"),
        ("{", 400, "EOF"),
        ("{} x", 400, "trailing"),
        ("[]", 400, "Format error"),
        (r#"{"query": [1, "x"]}"#, 400, "query"),
        (r#"{"query": [1e999]}"#, 400, "query"),
        (r#"{"query": [NaN]}"#, 400, "query"),
        (r#"{"query": -1}"#, 400, "query"),
        (r#"{"query": 1.5}"#, 400, "query"),
        (r#"{"query": "7"}"#, 400, "valid point ID"),
        (r#"{"query": true}"#, 400, "query"),
        (r#"{"query": {}}"#, 400, "nearest"),
        (r#"{"query": {"nearst": 1}}"#, 400, "one of `nearest`, "),
        (r#"{"query": {"nearest": 1, "fusion": "rrf"}}"#, 400, "exclude"),
        (r#"{"query": {"fusion": "rrf", "indices": [1], "values": [1]}}"#, 400, "exclude"),
        (r#"{"query": {"indices": [1]}}"#, 400, "`values`"),
        (r#"{"query": {"indices": [1, 1], "values": [1, 2]}}"#, 422, "must be unique"),
        (r#"{"query": [[1], [1, 2]]}"#, 422, "must have the same dimension"),
        (r#"{"query": {"fusion": "rrf"}}"#, 400, "prefetch"),
        (r#"{"query": {"fusion": "sum"}}"#, 400, "fusion"),
        (r#"{"prefetch": {"query": [1]}}"#, 400, "A query is needed to merge the prefetches"),
        (r#"{"query": {"rrf": {"k": 0}}, "prefetch": {}}"#, 422, "query.rrf.k"),
        (r#"{"limit": 0}"#, 422, "internal.limit"),
        (r#"{"limit": -1}"#, 400, "limit"),
        (r#"{"limit": "3"}"#, 400, "limit: invalid type: string \"3\", expected a whole number"),
        (
            r#"{"score_threshold": 0.5}"#,
            400,
            "Bad request: A query is needed to use the score_threshold. \
             Can't have score_threshold without defining a query.",
        ),
        (
            r#"{"query": {"fusion": "rrf"}, "using": "a"}"#,
            400,
            "Bad request: Fusion queries cannot be combined with the 'using' field.",
        ),
        (
            r#"{"query": [1], "prefetch": {"score_threshold": 1}}"#,
            400,
            "A query is needed to use the score_threshold",
        ),
        (r#"{"params": {"hnsw_ef": 0}}"#, 422, "params.hnsw_ef"),
        (r#"{"params": {"idf": {}}}"#, 400, "params.idf: missing field `corpus`"),
        (r#"{"params": {"idf": "local"}}"#, 400, "params.idf: unknown variant `local`"),
        (r#"{"params": {"idf": 7}}"#, 400, "`global`, or an object with `corpus`"),
        (r#"{"params": {"idf": {"corpus": {"mast": []}}}}"#, 400, "mast"),
        (r#"{"with_payload": 1}"#, 400, "with_payload"),
        (r#"{"with_payload": {"only": []}}"#, 400, "only"),
        (r#"{"with_payload": ["a["]}"#, 400, "with_payload"),
        (r#"{"filter": {"mast": []}}"#, 400, "mast"),
        (
            r#"{"filter": {"min_should": {"conditions": [], "min_count": -1}}}"#,
            400,
            "filter.min_should.min_count",
        ),
        (&many, 422, "prefetch"),
        (&deep, 400, "recursion"),
    ];
    for (json, code, named) in cases {
        let error = query(json).expect_err(json);
        assert_refused(json, &error, code, named);
    }
}

#[test]
fn a_fusion_of_stages_that_names_a_vector_is_told_apart() {
    let fused = r#"{"query": {"fusion": "rrf"}, "using": "a", "prefetch": {"query": [1]}}"#;
    let stage = r#"{"query": {"fusion": "dbsf"}, "using": "a", "prefetch": {"query": [1]}}"#;
    let below = format!(r#"{{"query": {{"fusion": "rrf"}}, "prefetch": {stage}}}"#);
    let without = r#"{"query": {"fusion": "rrf"}, "prefetch": {"query": [1], "using": "a"}}"#;
    for (json, expected) in [(fused, true), (&below, true), (without, false)] {
        assert_eq!(query(json).unwrap().fuses_a_vector(), expected, "{json}");
    }
}

#[test]
fn what_comes_later_is_refused_by_name() {
    let cases = [
        (r#"{"query": {"nearest": {"text": "x"}}}"#, "inference"),
        (r#"{"query": {"text": "x", "model": "m"}}"#, "the model `m`"),
        (r#"{"query": {"text": {"query": "x"}}}"#, "a text without its `model`"),
    ];
    for (json, named) in cases {
        let error = query(json).expect_err(json);
        assert_eq!(error.kind, Kind::Unsupported);
        let text = text(&error);
        assert!(text.starts_with("Bad request: ") && text.contains(named), "{json}: {text}");
        assert!(text.ends_with("is not supported by this version of Vane"), "{json}: {text}");
    }
    let nulls = r#"{"lookup_from": null, "shard_key": null, "prefetch": null,
        "params": {"quantization": null}}"#;
    assert!(query(nulls).is_ok());
}

#[test]
fn hints_change_nothing_and_limits_may_be_any_number() {
    let json = r#"{"params": {"quantization": {"rescore": true, "oversampling": 2.0},
        "acorn": {"enable": true}, "hnsw_ef": 99999}, "limit": 18446744073709551615,
        "offset": 4294967296, "prefetch": {"query": [1], "limit": 999999999}, "query": [1]}"#;
    let query = query(json).unwrap();
    assert_eq!((query.limit, query.offset), (u32::MAX as usize, u32::MAX as usize));
    assert_eq!((query.prefetch[0].limit, query.params.ef), (999_999_999, Some(99_999)));
    assert_eq!(
        (query.params.oversampling, query.prefetch[0].params.oversampling),
        (Some(2.0), None)
    );
    let codes = |said: &str| self::query(&format!(r#"{{"params": {{"quantization": {said}}}}}"#));
    assert!(codes(r#"{"rescore": 7}"#).is_err());
    assert!(codes(r#"{"ignore": true}"#).unwrap().params.ignore_codes);
    assert!(!codes(r#"{"ignore": null}"#).unwrap().params.ignore_codes);
    assert_eq!(codes(r#"{"oversampling": 0.5}"#).unwrap_err().kind, Kind::Invalid);
}

#[test]
fn batches_are_bounded() {
    let batch = |n: usize| {
        let json = format!(r#"{{"searches": [{}]}}"#, vec!["{}"; n].join(","));
        parse_text::<QueryBatch>(&json).and_then(QueryBatch::into_queries)
    };
    assert_eq!(batch(1024).unwrap().len(), 1024);
    assert_eq!(batch(1025).unwrap_err().kind, Kind::Invalid);
}

#[test]
fn the_points_by_which_an_index_is_rare_are_named() {
    let filter = r#"{"must": {"key": "a", "match": {"value": 1}}}"#;
    let json = format!(
        r#"{{"query": {{"indices": [1], "values": [1]}}, "params": {{"idf": {{"corpus": {filter}}}}},
            "prefetch": {{"query": 1, "params": {{"idf": "global"}}}}}}"#
    );
    let query = query(&json).unwrap();
    let named = vane_filter::Filter::parse(serde_json::from_str(filter).unwrap()).unwrap();
    assert_eq!((query.corpus, &query.prefetch[0].corpus), (Some(named), &None));
    assert!(self::query(r#"{"params": {"idf": null}}"#).unwrap().corpus.is_none());
}
