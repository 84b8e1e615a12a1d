use serde_json::{Value, json};
use vane_types::FieldSchema;

use crate::Filter;
use crate::tests::fixture::Shard;

fn shard(values: &[Value], ty: FieldSchema) -> Shard {
    let payloads: Vec<_> = values.iter().map(|value| json!({"f": value, "g": "x"})).collect();
    Shard::new(&payloads, &[("f", ty)])
}

fn must(operator: Value) -> Filter {
    let mut condition = operator.as_object().expect("an object").clone();
    condition.insert("key".into(), json!("f"));
    Filter::parse(json!({ "must": condition })).unwrap()
}

/// The index alone answers, and with these slots.
fn exact(shard: &Shard, operator: Value, expected: &[u32]) {
    let resolved = shard.resolve(&must(operator.clone()));
    assert!(resolved.exact, "{operator}");
    assert_eq!(resolved.slots.iter().collect::<Vec<_>>(), expected, "{operator}");
}

/// The index narrows to `candidates`, and the evaluator leaves `expected`.
fn narrowed(shard: &Shard, filter: &Filter, candidates: &[u32], expected: &[u32]) {
    let resolved = shard.resolve(filter);
    assert!(!resolved.exact, "{filter:?}");
    assert_eq!(resolved.slots.iter().collect::<Vec<_>>(), candidates, "{filter:?}");
    assert_eq!(shard.found(filter), expected, "{filter:?}");
    assert_eq!(shard.plain(filter), expected, "{filter:?}");
}

#[test]
fn an_integer_index_tells_integers_from_other_values() {
    let shard = shard(
        &[json!(1), json!(1.0), json!(1.5), json!([1, 2]), json!("1"), json!(null), json!(7)],
        FieldSchema::Integer,
    );
    exact(&shard, json!({"match": {"value": 1}}), &[0, 3]);
    exact(&shard, json!({"match": {"any": [2, 1]}}), &[0, 3]);
    exact(&shard, json!({"match": {"except": [1]}}), &[1, 2, 3, 4, 6]);
    let low = must(json!({"range": {"gte": 1, "lt": 5}}));
    narrowed(&shard, &low, &[0, 1, 2, 3], &[0, 1, 2, 3]);
    narrowed(&shard, &must(json!({"range": {"gt": 1, "lt": 5}})), &[1, 2, 3], &[2, 3]);
    let none = must(json!({"match": {"except": []}}));
    assert_eq!(shard.found(&none), [0, 1, 2, 3, 4, 6], "an empty list is of no type");
}

#[test]
fn a_field_of_integers_alone_is_answered_by_its_index_alone() {
    let shard = shard(
        &[json!(1), json!(2), json!("x"), json!([1, 2]), json!(null), json!({})],
        FieldSchema::Integer,
    );
    exact(&shard, json!({"range": {}}), &[0, 1, 3]);
    exact(&shard, json!({"range": {"gt": 1.5}}), &[1, 3]);
    exact(&shard, json!({"match": {"except": [1]}}), &[1, 2, 3, 5]);
    exact(&shard, json!({"match": {"except": [1, 1, 2]}}), &[2, 5]);
}

#[test]
fn ranges_of_large_numbers_are_exact_with_every_index_and_with_none() {
    const STAMP: i64 = 1_768_907_725_507_217_522;
    let values = [
        json!(i64::MIN),
        json!(-1),
        json!(0),
        json!(STAMP - 1),
        json!(STAMP),
        json!(STAMP + 1),
        json!(i64::MAX - 1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(0.5),
    ];
    let plain = shard(&values, FieldSchema::Keyword);
    let indexed = [FieldSchema::Integer, FieldSchema::Float].map(|schema| shard(&values, schema));
    for (range, expected) in [
        (json!({"gte": STAMP, "lte": STAMP}), &[4][..]),
        (json!({"gt": STAMP - 1, "lt": STAMP + 1}), &[4]),
        (json!({"gt": STAMP}), &[5, 6, 7, 8]),
        (json!({"gt": i64::MAX}), &[8]),
        (json!({"gte": 9.3e18}), &[8]),
        (json!({"lt": -9.3e18}), &[]),
        (json!({"lte": i64::MIN}), &[0]),
        (json!({"gt": -1, "lt": 1}), &[2, 9]),
        (json!({"gt": 5, "lt": -5}), &[]),
        (json!({"gt": STAMP, "gte": STAMP + 1, "lt": i64::MAX}), &[5, 6]),
    ] {
        let filter = must(json!({ "range": range }));
        assert_eq!(plain.plain(&filter), expected, "{range}");
        for shard in &indexed {
            assert_eq!(shard.found(&filter), expected, "{range}");
        }
    }
}

#[test]
fn keyword_indexes_answer_match_and_leave_except_to_the_evaluator() {
    let shard =
        shard(&[json!("a"), json!(["a", "b"]), json!(1), json!("ab")], FieldSchema::Keyword);
    exact(&shard, json!({"match": {"value": "a"}}), &[0, 1]);
    exact(&shard, json!({"match": {"any": ["b", "ab"]}}), &[1, 3]);
    exact(&shard, json!({"match": {"any": []}}), &[]);
    narrowed(&shard, &must(json!({"match": {"except": ["a"]}})), &[0, 1, 2, 3], &[1, 2, 3]);
    narrowed(&shard, &must(json!({"match": {"value": 1}})), &[0, 1, 2, 3], &[2]);
}

#[test]
fn cut_keywords_are_checked() {
    let long = "a".repeat(300);
    let shard = shard(&[json!(long), json!(long.clone() + "b"), json!("a")], FieldSchema::Keyword);
    narrowed(&shard, &must(json!({"match": {"value": long}})), &[0], &[0]);
}

#[test]
fn spellings_of_a_uuid_are_told_apart_by_the_evaluator() {
    let id = "550e8400-e29b-41d4-a716-446655440000";
    let shard = shard(&[json!(id), json!(id.to_uppercase()), json!("x")], FieldSchema::Uuid);
    narrowed(&shard, &must(json!({"match": {"value": id}})), &[0, 1], &[0]);
    narrowed(&shard, &must(json!({"match": {"value": "x"}})), &[0, 1, 2], &[2]);
    narrowed(&shard, &must(json!({"match": {"any": [id, "x"]}})), &[0, 1, 2], &[0, 2]);
    let not = Filter::parse(json!({"must_not": {"key": "f", "match": {"value": id}}})).unwrap();
    narrowed(&shard, &not, &[0, 1, 2], &[1, 2]);
}

#[test]
fn float_bool_and_datetime_indexes_answer_alone() {
    let floats = shard(
        &[json!(1), json!(-0.0), json!(2.5), json!(u64::MAX), json!("1")],
        FieldSchema::Float,
    );
    exact(&floats, json!({"range": {"gte": 0, "lt": 2.5}}), &[0, 1]);
    exact(&floats, json!({"range": {"gt": 0, "gte": 0}}), &[0, 2, 3]);
    exact(&floats, json!({"range": {"lt": 2.5, "lte": 2.5}}), &[0, 1]);
    exact(&floats, json!({"range": {}}), &[0, 1, 2, 3]);
    let bools = shard(&[json!(true), json!([false, true]), json!(1)], FieldSchema::Bool);
    exact(&bools, json!({"match": {"value": true}}), &[0, 1]);
    let times = shard(
        &[json!("2024-01-01"), json!("2024-01-01T01:00:00+01:00"), json!("soon")],
        FieldSchema::Datetime,
    );
    exact(&times, json!({"range": {"gte": "2024-01-01T00:00:00Z"}}), &[0, 1]);
    exact(&times, json!({"range": {"gt": "2024-01-01T00:00:00Z"}}), &[]);
}

#[test]
fn geo_indexes_narrow_to_the_neighbourhood() {
    let at = |lon: f64, lat: f64| json!({"lon": lon, "lat": lat});
    let shard = shard(
        &[at(13.4, 52.5), at(13.5, 52.6), at(179.99, 0.0), at(-179.99, 0.0)],
        FieldSchema::Geo,
    );
    let circle = |center: Value, radius: f64| {
        must(json!({"geo_radius": {"center": center, "radius": radius}}))
    };
    narrowed(&shard, &circle(at(13.4, 52.5), 1000.0), &[0], &[0]);
    narrowed(&shard, &circle(at(180.0, 0.0), 5000.0), &[2, 3], &[2, 3]);
    narrowed(&shard, &circle(at(0.0, 90.0), 4.3e6), &[0, 1], &[0, 1]);
    let across = json!({"top_left": at(179.0, 1.0), "bottom_right": at(-179.0, -1.0)});
    narrowed(&shard, &must(json!({"geo_bounding_box": across})), &[2, 3], &[2, 3]);
}

#[test]
fn clauses_combine_what_is_known() {
    let shard =
        shard(&[json!("a"), json!("b"), json!(["a", "b"]), json!(null)], FieldSchema::Keyword);
    let a = json!({"key": "f", "match": {"value": "a"}});
    let b = json!({"key": "f", "match": {"value": "b"}});
    let unknown = json!({"key": "g", "match": {"value": "x"}});
    let check = |filter: Value, exact: bool, slots: &[u32]| {
        let resolved = shard.resolve(&Filter::parse(filter.clone()).unwrap());
        assert_eq!(
            (resolved.exact, resolved.slots.iter().collect::<Vec<_>>()),
            (exact, slots.to_vec()),
            "{filter}"
        );
    };
    check(json!({}), true, &[0, 1, 2, 3]);
    check(json!({"must": [a, b]}), true, &[2]);
    check(json!({"must": [a, unknown]}), false, &[0, 2]);
    check(json!({"should": [a, b]}), true, &[0, 1, 2]);
    check(json!({"should": [a, unknown]}), false, &[0, 1, 2, 3]);
    check(json!({"must_not": a}), true, &[1, 3]);
    check(json!({"must_not": [a, unknown]}), false, &[1, 3]);
    check(json!({"min_should": {"conditions": [a, b], "min_count": 2}}), true, &[2]);
    check(json!({"min_should": {"conditions": [a, b], "min_count": 0}}), true, &[0, 1, 2, 3]);
    check(
        json!({"min_should": {"conditions": [a, unknown], "min_count": 2}}),
        false,
        &[0, 1, 2, 3],
    );
    check(json!({"must": {"must_not": {"must": a}}, "should": b}), true, &[1]);
    check(json!({"must": {"is_empty": {"key": "f"}}}), false, &[3]);
    check(json!({"must": [{"has_id": [1, 2, 77]}, {"has_vector": "even"}]}), true, &[2]);
    check(json!({"must_not": {"has_vector": "unknown"}}), false, &[0, 1, 2, 3]);
}

#[test]
fn nested_conditions_narrow_by_the_flat_index() {
    let shard = Shard::new(
        &[
            json!({"n": [{"a": "x", "b": 1}, {"a": "y", "b": 2}]}),
            json!({"n": [{"a": "x", "b": 2}]}),
            json!({"n": [{"a": "z", "b": 2}]}),
        ],
        &[("n[].a", FieldSchema::Keyword)],
    );
    let nested = |filter: Value| {
        Filter::parse(json!({"must": {"nested": {"key": "n", "filter": filter}}})).unwrap()
    };
    let (x, two) =
        (json!({"key": "a", "match": {"value": "x"}}), json!({"key": "b", "match": {"value": 2}}));
    narrowed(&shard, &nested(json!({"must": [x, two]})), &[0, 1], &[1]);
    narrowed(&shard, &nested(json!({"must_not": [x]})), &[0, 1, 2], &[0, 2]);
    narrowed(&shard, &nested(json!({"should": []})), &[], &[]);
}

#[test]
fn dead_slots_of_an_index_are_left_out() {
    let shard = Shard::new(
        &[json!({"f": "a"}), json!({"f": "a"}), json!(null)],
        &[("f", FieldSchema::Keyword)],
    );
    exact(&shard, json!({"match": {"value": "a"}}), &[0, 1]);
    let none = Filter::parse(json!({"must_not": {"key": "f", "match": {"value": "a"}}})).unwrap();
    assert!(shard.resolve(&none).slots.is_empty());
}

#[test]
fn slots_are_counted_across_all_parts() {
    let sets: [&[u32]; 3] =
        [&[1, 70_000, 5_000_000, u32::MAX], &[1, 70_000, u32::MAX], &[2, 70_000, u32::MAX - 1]];
    let sets = sets.map(|slots| slots.iter().copied().collect());
    for (min_count, expected) in [
        (1, &[1, 2, 70_000, 5_000_000, u32::MAX - 1, u32::MAX][..]),
        (2, &[1, 70_000, u32::MAX]),
        (3, &[70_000]),
        (4, &[]),
    ] {
        let found = super::in_at_least(min_count, &sets);
        assert!(found.iter().eq(expected.iter().copied()), "{min_count}: {found:?}");
    }
}
