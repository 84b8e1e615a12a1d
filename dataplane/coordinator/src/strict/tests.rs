//! Each limit with requests that it lets through and that it does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use vane_commands::{NewPoint, Selection, Write};
use vane_filter::Filter;
use vane_shard::{SearchParams, Want};
use vane_types::{
    CollectionConfig, Distance, FieldSchema, JsonPath, MultiVector, Payload, PointId, SparseVector,
    StrictMode, Vector, VectorParams,
};

use super::cost::cost_of_reads;
use super::limited::{Limited, User};
use super::rules::{Facts, Needs, Rules};
use super::{Requested, filters};
use crate::query::{
    By, ByExamples, Example, Expression, Formula, Grouping, Matrix, Pair, Query, Strategy,
};
use crate::watched::Figures;

fn strict(json: Value) -> StrictMode {
    serde_json::from_value(json).unwrap()
}

fn filter(json: Value) -> Filter {
    Filter::parse(json).unwrap()
}

fn city() -> Filter {
    filter(json!({"must": [{"key": "city", "match": {"value": "Berlin"}}]}))
}

fn key(path: &str) -> JsonPath {
    path.parse().unwrap()
}

fn query(by: By) -> Query {
    Query {
        by,
        using: String::new(),
        filter: None,
        params: SearchParams::default(),
        corpus: None,
        score_threshold: None,
        limit: 3,
        offset: 0,
        want: Want::default(),
        prefetch: Vec::new(),
        lookup: None,
    }
}

fn near() -> Query {
    query(By::Vector(Vector::Dense(vec![1.0, 2.0])))
}

fn fused(of: Query) -> Query {
    Query { prefetch: vec![of.into_stage()], ..query(By::Dbsf) }
}

fn config() -> CollectionConfig {
    let vector = VectorParams::new(2, Distance::Dot);
    let vectors = BTreeMap::from([(String::new(), vector), ("other".to_owned(), vector)]);
    CollectionConfig { vectors, ..CollectionConfig::default() }
}

fn figures(indexes: &[(&str, &str)]) -> Facts {
    let schema = indexes.iter().map(|(path, of)| (key(path), FieldSchema::of_name(of).unwrap()));
    let figures =
        Figures { schema: schema.collect(), points: 10, vector_bytes: 240, payload_bytes: 500 };
    Facts { figures: Some(Arc::new(figures)), resident_percent: Some(50) }
}

fn checked(
    limits: &Value,
    requested: &Requested<'_>,
    indexes: &[(&str, &str)],
) -> Result<(), Limited> {
    let (strict, config) = (strict(limits.clone()), config());
    Rules { strict: &strict, config: &config }.check(requested, &figures(indexes))
}

/// A limit under which a request passes, and one under which it does not, for this reason.
fn assert_limits(lets_through: Value, stops: Value, requested: &Requested<'_>, why: Limited) {
    assert_eq!(checked(&lets_through, requested, &[]), Ok(()), "{lets_through} {requested:?}");
    assert_eq!(checked(&stops, requested, &[]), Err(why), "{stops} {requested:?}");
    assert_eq!(checked(&json!({}), requested, &[]), Ok(()), "{requested:?}");
}

fn over(what: &'static str, value: f64, limit: f64) -> Limited {
    Limited::Over { what, value, limit }
}

#[test]
fn numbers_of_reads_are_bounded_wherever_they_stand() {
    let filter = city();
    let grouping = Grouping { by: key("city"), size: 4, lookup: None };
    let matrix = Matrix { filter: None, sample: 6, limit: 2, using: String::new() };
    let (wide, deep) = (near(), fused(fused(near())));
    for (requested, results) in [
        (Requested::Query(&wide), 3.0),
        (Requested::Query(&deep), 3.0),
        (Requested::Queries(vec![&wide]), 3.0),
        (Requested::Groups(&wide, &grouping), 12.0),
        (Requested::Scroll { filter: None, limit: 5 }, 5.0),
        (Requested::Facet { filter: Some(&filter), limit: 7, exact: false }, 7.0),
        (Requested::Matrix(&matrix), 12.0),
    ] {
        let limits = |limit: f64| json!({ "max_query_limit": limit as u64 });
        let why = over("limit", results, results - 1.0);
        assert_limits(limits(results), limits(results - 1.0), &requested, why);
    }
    let two = [near(), near()];
    let both = Requested::Queries(two.iter().collect());
    let size = |most| json!({ "search_max_batchsize": most });
    assert_limits(size(2), size(1), &both, over("search batch size", 2.0, 1.0));
}

#[test]
fn parameters_of_searches_are_bounded_at_every_stage() {
    let tuned = |ef, oversampling, exact| {
        let params = SearchParams { ef, exact, oversampling, ..SearchParams::default() };
        Query { params, ..near() }
    };
    for wrapped in [std::convert::identity::<Query>, fused] {
        let ef = wrapped(tuned(Some(5), None, false));
        let limits = |most| json!({ "search_max_hnsw_ef": most });
        assert_limits(limits(5), limits(4), &Requested::Query(&ef), over("hnsw_ef", 5.0, 4.0));
        let sampled = wrapped(tuned(None, Some(2.0), false));
        let limits = |most| json!({ "search_max_oversampling": most });
        let why = over("oversampling", 2.0, 1.9);
        assert_limits(limits(2.0), limits(1.9), &Requested::Query(&sampled), why);
        let exact = wrapped(tuned(None, None, true));
        let limits = |allowed| json!({ "search_allow_exact": allowed });
        assert_limits(limits(true), limits(false), &Requested::Query(&exact), Limited::Exact);
    }
    let forbidden = json!({ "search_allow_exact": false });
    let count = |exact| Requested::Count { filter: None, exact };
    assert_eq!(checked(&forbidden, &count(true), &[]), Err(Limited::Exact));
    assert_eq!(checked(&forbidden, &count(false), &[]), Ok(()));
    let facet = Requested::Facet { filter: None, limit: 1, exact: true };
    assert_eq!(checked(&forbidden, &facet, &[]), Err(Limited::Exact));
}

#[test]
fn vectors_without_graphs_are_searched_only_among_tenants_that_have_some() {
    let strict = strict(json!({ "search_allow_exact": false }));
    let mut config = config();
    let check = |config: &CollectionConfig, query: &Query| {
        let rules = Rules { strict: &strict, config };
        rules.check(&Requested::Query(query), &Facts::default())
    };
    let of_tenant = Query { filter: Some(city()), ..near() };
    assert_eq!(check(&config, &near()), Ok(()));
    config.hnsw.m = 0;
    let scan = |but_of_tenants| Err(Limited::Scan { vector: String::new(), but_of_tenants });
    assert_eq!(check(&config, &near()), scan(true));
    assert_eq!(check(&config, &query(By::Sample)), Ok(()));
    assert_eq!(check(&config, &fused(near())), scan(true));
    assert_eq!(check(&config, &of_tenant), scan(true), "no index of tenants");
    let options = json!({ "is_tenant": true }).as_object().unwrap().clone();
    config.hints.indexes.insert(key("city"), options);
    assert_eq!(check(&config, &of_tenant), scan(false), "no graphs of tenants");
    config.hints.config.insert("hnsw_config".into(), json!({ "payload_m": 16 }));
    assert_eq!(check(&config, &of_tenant), Ok(()));
    assert_eq!(check(&config, &near()), scan(true));
    let rescored = Query { prefetch: vec![of_tenant.into_stage()], ..near() };
    assert_eq!(check(&config, &rescored), Ok(()));
}

#[test]
fn each_condition_wants_an_index_that_serves_it() {
    let any: [&str; 8] = ["bool", "datetime", "float", "geo", "integer", "keyword", "text", "uuid"];
    let uuid = "11111111-1111-1111-1111-111111111111";
    let cases: [(Value, &[&str], &str); 13] = [
        (json!({"match": {"value": "x"}}), &["keyword"], "keyword"),
        (json!({"match": {"value": uuid}}), &["keyword", "uuid"], "uuid"),
        (json!({"match": {"value": 7}}), &["integer"], "integer"),
        (json!({"match": {"value": true}}), &["bool"], "bool"),
        (json!({"match": {"any": ["x", uuid]}}), &["keyword"], "keyword"),
        (json!({"match": {"except": [1, 2]}}), &["integer"], "integer"),
        (json!({"match": {"text": "x"}}), &["text"], "text"),
        (json!({"range": {"gt": 1}}), &["float", "integer"], "float"),
        (json!({"range": {"gt": "2020-01-01T00:00:00Z"}}), &["datetime"], "datetime"),
        (json!({"geo_radius": {"center": {"lon": 1, "lat": 1}, "radius": 5}}), &["geo"], "geo"),
        (json!({"values_count": {"gt": 1}}), &any, "geo"),
        (json!({"is_empty": true}), &any, "keyword"),
        (json!({"is_null": true}), &any, "bool"),
    ];
    let limits = json!({ "unindexed_filtering_retrieve": false });
    for (mut condition, wanted, served) in cases {
        condition["key"] = "k".into();
        let filter = filter(json!({ "should": [condition.clone()] }));
        let requested = Requested::Count { filter: Some(&filter), exact: false };
        let why = Limited::Unindexed { key: key("k"), wanted: wanted.to_vec(), user: User::Filter };
        assert_limits(
            json!({ "unindexed_filtering_retrieve": true }),
            limits.clone(),
            &requested,
            why,
        );
        assert_eq!(checked(&limits, &requested, &[("k", served)]), Ok(()), "{condition}");
        let other = if served == "geo" { "geo" } else { "datetime" };
        let is_served = wanted.contains(&other);
        assert_eq!(checked(&limits, &requested, &[("k", other)]).is_ok(), is_served);
    }
    let phrase = filter(json!({"must": [{"key": "k", "match": {"phrase": "a b"}}]}));
    let requested = Requested::Scroll { filter: Some(&phrase), limit: 1 };
    assert!(checked(&limits, &requested, &[("k", "text")]).is_err(), "not one of phrases");
}

#[test]
fn an_index_serves_what_it_was_made_for() {
    let strict = strict(json!({ "unindexed_filtering_retrieve": false }));
    let check = |mut condition: Value, of: &str, options: Value| {
        let mut config = config();
        config.hints.indexes.insert(key("k"), options.as_object().unwrap().clone());
        condition["key"] = "k".into();
        let filter = filter(json!({ "must_not": [condition] }));
        let requested = Requested::Scroll { filter: Some(&filter), limit: 1 };
        Rules { strict: &strict, config: &config }.check(&requested, &figures(&[("k", of)]))
    };
    let lacks =
        |of| Err(Limited::Unindexed { key: key("k"), wanted: vec![of], user: User::Filter });
    let prefix = || json!({"match": {"prefix": "x"}});
    let substring = || json!({"match": {"substring": "x"}});
    for options in [json!({}), json!({"prefix": false}), json!({"is_tenant": true})] {
        assert_eq!(check(prefix(), "keyword", options.clone()), lacks("keyword"));
        assert_eq!(check(substring(), "keyword", options.clone()), lacks("keyword"));
        let value = json!({"match": {"value": "x"}});
        assert_eq!(check(value, "keyword", options), Ok(()));
    }
    assert_eq!(check(prefix(), "keyword", json!({"prefix": true})), Ok(()));
    assert_eq!(check(substring(), "keyword", json!({"prefix": true})), Ok(()));
    assert_eq!(check(prefix(), "uuid", json!({"prefix": true})), lacks("keyword"));
    let (value, range) = (json!({"match": {"value": 1}}), json!({"range": {"lt": 1}}));
    let (no_lookup, no_range) = (json!({"lookup": false}), json!({"range": false}));
    assert_eq!(check(value.clone(), "integer", no_lookup.clone()), lacks("integer"));
    assert_eq!(check(value, "integer", no_range.clone()), Ok(()));
    assert_eq!(check(range.clone(), "integer", no_lookup), Ok(()));
    assert!(check(range.clone(), "integer", no_range).is_err());
    assert_eq!(check(range, "float", json!({"range": false})), Ok(()), "of another type");
}

#[test]
fn fields_are_looked_for_wherever_they_are_named() {
    let limits = json!({ "unindexed_filtering_retrieve": false });
    let nested = filter(json!({"must_not": [{"nested": {"key": "a[].b",
        "filter": {"must": [{"key": "c", "match": {"value": 1}}]}}}]}));
    let requested = Requested::Scroll { filter: Some(&nested), limit: 1 };
    let why = |path: &str, wanted: &[&'static str], user| {
        Err(Limited::Unindexed { key: key(path), wanted: wanted.to_vec(), user })
    };
    let integer = ["integer"];
    assert_eq!(checked(&limits, &requested, &[]), why("a[].b[].c", &integer, User::Filter));
    assert_eq!(checked(&limits, &requested, &[("a[].b[].c", "integer")]), Ok(()));
    let free = filter(json!({"must": [{"has_id": [1]}, {"has_vector": ""},
        {"key": "x", "match": {"any": []}}]}));
    let requested = Requested::Scroll { filter: Some(&free), limit: 1 };
    assert_eq!(checked(&limits, &requested, &[]), Ok(()));
    // Of a stage below, and of a formula.
    let below = fused(Query { filter: Some(city()), ..near() });
    let keyword = ["keyword"];
    let found = checked(&limits, &Requested::Query(&below), &[]);
    assert_eq!(found, why("city", &keyword, User::Filter));
    let formula = Formula {
        expression: Expression::Sum(vec![
            Expression::Score(0),
            Expression::Product(vec![Expression::Value(key("rank")), Expression::Condition(0)]),
        ]),
        conditions: vec![city()],
        default_scores: BTreeMap::new(),
        default_values: BTreeMap::new(),
    };
    let ranked = Query { by: By::Formula(Box::new(formula)), ..fused(near()) };
    let requested = Requested::Query(&ranked);
    let numbers = ["float", "integer"];
    assert_eq!(checked(&limits, &requested, &[]), why("rank", &numbers, User::Formula));
    let found = checked(&limits, &requested, &[("rank", "float")]);
    assert_eq!(found, why("city", &keyword, User::Formula));
    let indexes = [("rank", "integer"), ("city", "keyword")];
    assert_eq!(checked(&limits, &requested, &indexes), Ok(()));
}

#[test]
fn groups_are_of_values_that_can_be_looked_up() {
    let limits = json!({ "unindexed_filtering_retrieve": false });
    let (query, grouping) = (near(), Grouping { by: key("g"), size: 1, lookup: None });
    let requested = Requested::Groups(&query, &grouping);
    let why = |found| Err(Limited::Ungrouped { key: key("g"), found });
    assert_eq!(checked(&limits, &requested, &[]), why(None));
    assert_eq!(checked(&limits, &requested, &[("g", "float")]), why(Some("float")));
    for served in ["keyword", "integer", "bool", "uuid"] {
        assert_eq!(checked(&limits, &requested, &[("g", served)]), Ok(()), "{served}");
    }
}

#[test]
fn filters_are_counted_at_all_levels() {
    let nested = json!({"nested": {"key": "city", "filter": {"must": [
        {"key": "a", "match": {"any": [1, 2, 3]}}, {"key": "b", "match": {"value": 1}}]}}});
    let filter = filter(json!({"must": [nested, {"should": [{"has_id": [1, 2]}]}]}));
    assert_eq!((filters::count(&filter), filters::largest(&filter)), (3, 3));
    let requested = Requested::Count { filter: Some(&filter), exact: false };
    let limits = |most| json!({ "filter_max_conditions": most });
    assert_limits(limits(3), limits(2), &requested, Limited::Conditions { found: 3, limit: 2 });
    let limits = |most| json!({ "condition_max_size": most });
    let why = Limited::ConditionSize { found: 3, limit: 2 };
    assert_limits(limits(3), limits(2), &requested, why);
    // Those of writes too.
    let delete = Write::Delete(Selection::Filter(filter.clone()));
    let why = Limited::ConditionSize { found: 3, limit: 1 };
    assert_limits(limits(3), limits(1), &Requested::Writes(vec![&delete]), why);
}

fn points(vectors: Vec<Vector>) -> Write {
    let point = |(id, vector)| NewPoint {
        id: PointId::num(id),
        vectors: BTreeMap::from([("v".to_owned(), vector)]),
        payload: Payload::new(),
    };
    Write::Upsert((1..).zip(vectors).map(point).collect())
}

#[test]
fn writes_are_bounded_by_what_they_bring_and_what_is_there() {
    let dense = || Vector::Dense(vec![1.0, 2.0]);
    let upsert = points(vec![dense(), dense()]);
    let update = Write::UpdateVectors(vec![(PointId::num(1), BTreeMap::new()); 3]);
    let payload = Write::SetPayload {
        points: Selection::Ids(vec![PointId::num(1)]),
        payload: Payload::new(),
        key: None,
    };
    let index = Write::CreateIndex { field: key("k"), field_type: FieldSchema::Keyword };
    let cases = [
        (&upsert, "upsert_max_batchsize", 2, 1, over("upsert limit", 2.0, 1.0)),
        (&update, "upsert_max_batchsize", 3, 2, over("update limit", 3.0, 2.0)),
        (&upsert, "max_points_count", 11, 10, Limited::Points(10)),
        (&update, "max_points_count", 11, 10, Limited::Points(10)),
        (&upsert, "max_collection_vector_size_bytes", 241, 240, Limited::VectorBytes(240)),
        (&upsert, "max_collection_payload_size_bytes", 501, 500, Limited::PayloadBytes(500)),
        (&payload, "max_collection_payload_size_bytes", 501, 500, Limited::PayloadBytes(500)),
        (&index, "max_payload_index_count", 1, 0, Limited::Indexes(0)),
        (&upsert, "max_resident_memory_percent", 51, 50, Limited::Memory { used: 50, limit: 50 }),
    ];
    for (write, limit, lets_through, stops, why) in cases {
        let limits = |most: u64| json!({ limit: most });
        let requested = Requested::Writes(vec![write]);
        assert_limits(limits(lets_through), limits(stops), &requested, why);
        // Deletes make room.
        let delete = Write::Delete(Selection::Ids(vec![PointId::num(1)]));
        assert_eq!(checked(&limits(1), &Requested::Writes(vec![&delete]), &[]), Ok(()));
    }
    let multi = Vector::Multi(Box::new(MultiVector::of_rows(&[[1.0], [2.0], [3.0]]).unwrap()));
    let rows = Limited::Rows { vector: "v".into(), found: 3, limit: 2 };
    let limits = |most| json!({ "multivector_config": { "v": { "max_vectors": most } } });
    assert_limits(limits(3), limits(2), &Requested::Writes(vec![&points(vec![multi])]), rows);
    let sparse = SparseVector::new(vec![1, 5], vec![0.5, 1.0]).unwrap();
    let numbers = Limited::Numbers { vector: "v".into(), found: 2, limit: 1 };
    let limits = |most| json!({ "sparse_config": { "v": { "max_length": most } } });
    let write = points(vec![Vector::Sparse(Box::new(sparse))]);
    assert_limits(limits(2), limits(1), &Requested::Writes(vec![&write]), numbers);
}

#[test]
fn filters_of_writes_have_a_limit_of_their_own() {
    let clear = Write::ClearPayload(Selection::Filter(city()));
    let requested = Requested::Writes(vec![&clear]);
    let (key, wanted) = (key("city"), vec!["keyword"]);
    let why = Limited::Unindexed { key, wanted, user: User::Filter };
    let reads = json!({ "unindexed_filtering_retrieve": false });
    assert_limits(reads, json!({ "unindexed_filtering_update": false }), &requested, why);
}

#[test]
fn figures_are_asked_for_where_a_limit_needs_them() {
    let needs = |limits: Value, requested: &Requested<'_>| Needs::of(&strict(limits), requested);
    let nothing = Needs { figures: false, fresh: false, memory: false };
    let unindexed = json!({ "unindexed_filtering_retrieve": false, "max_points_count": 1 });
    let (query, upsert) = (near(), points(Vec::new()));
    let delete = Write::Delete(Selection::Ids(Vec::new()));
    assert_eq!(needs(json!({ "max_query_limit": 1 }), &Requested::Query(&query)), nothing);
    assert!(needs(unindexed.clone(), &Requested::Query(&query)).figures);
    assert_eq!(needs(unindexed.clone(), &Requested::Retrieve(1)), nothing);
    assert!(needs(unindexed.clone(), &Requested::Writes(vec![&delete, &upsert])).figures);
    assert_eq!(needs(unindexed, &Requested::Writes(vec![&delete])), nothing);
    let index = Write::CreateIndex { field: key("k"), field_type: FieldSchema::Keyword };
    let made = needs(json!({ "max_payload_index_count": 1 }), &Requested::Writes(vec![&index]));
    assert!(made.figures && made.fresh);
    let memory = json!({ "max_resident_memory_percent": 1 });
    assert!(needs(memory.clone(), &Requested::Writes(vec![&upsert])).memory);
    assert_eq!(needs(memory, &Requested::Writes(vec![&delete])), nothing);
}

#[test]
fn a_timeout_is_one_that_the_client_gives() {
    let (strict, config) = (strict(json!({ "max_timeout": 2 })), config());
    let rules = Rules { strict: &strict, config: &config };
    assert_eq!(rules.check_timeout(None), Ok(()));
    assert_eq!(rules.check_timeout(Some(2)), Ok(()));
    assert_eq!(rules.check_timeout(Some(3)), Err(over("timeout", 3.0, 2.0)));
}

#[test]
fn reads_cost_what_they_compare_and_hold_against() {
    let city = city();
    let multi = MultiVector::of_rows(&[[1.0], [2.0]]).unwrap();
    let wide = query(By::Vector(Vector::Multi(Box::new(multi))));
    let filtered = Query { filter: Some(city.clone()), ..near() };
    let example = || Example::Point(PointId::num(1));
    let pair = Pair { positive: example(), negative: example() };
    let discover = ByExamples::Discover { target: example(), context: vec![pair] };
    let recommend = |strategy| {
        let (positive, negative) = (vec![example(), example()], vec![example()]);
        query(By::Examples(ByExamples::Recommend { strategy, positive, negative }))
    };
    for (query, cost) in [
        (near(), 1),
        (wide, 2),
        (filtered.clone(), 2),
        (fused(filtered.clone()), 2),
        (query(By::Sample), 1),
        (query(By::Examples(discover)), 3),
        (recommend(Strategy::BestScore), 3),
        (recommend(Strategy::Average), 1),
    ] {
        assert_eq!(cost_of_reads(&Requested::Query(&query)), cost, "{:?}", query.by);
    }
    let batch = Requested::Queries(vec![&filtered, &filtered]);
    assert_eq!(cost_of_reads(&batch), 4);
    assert_eq!(cost_of_reads(&Requested::Retrieve(7)), 7);
    assert_eq!(cost_of_reads(&Requested::Count { filter: Some(&city), exact: true }), 2);
    let matrix = Matrix { filter: None, sample: 5, limit: 1, using: String::new() };
    assert_eq!(cost_of_reads(&Requested::Matrix(&matrix)), 6);
}
