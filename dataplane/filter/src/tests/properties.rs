//! Properties over random payloads, filters and sets of indexes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use vane_types::FieldSchema;

use crate::Filter;
use crate::tests::fixture::{Shard, UNTOLD};
use crate::text::tests::{any_params, any_text};

const ID: &str = "550e8400-e29b-41d4-a716-446655440000";
const PATHS: [&str; 9] = ["a", "b", "n", "a[]", "a.b", "n[]", "n[].a", "n[].b", "n[0].a"];
const TYPES: [FieldSchema; 7] = [
    FieldSchema::Keyword,
    FieldSchema::Float,
    FieldSchema::Bool,
    FieldSchema::Geo,
    FieldSchema::Datetime,
    FieldSchema::Uuid,
    FieldSchema::Integer,
];

fn strings() -> BoxedStrategy<String> {
    let long = "l".repeat(257);
    let dates =
        ["2024-01-01", "2024-01-01T00:00:00Z", "2024-06-01T12:00:00+02:00"].map(str::to_owned);
    let mut all = vec![
        String::new(),
        "x".into(),
        "y".into(),
        ID.into(),
        // The same UUID to an index, another text to `match`.
        ID.to_uppercase(),
        // Longer than a key holds in full: told apart from the next by the hash alone.
        long.clone() + "1",
        long,
    ];
    all.extend(dates);
    prop_oneof![4 => select(all), 1 => any_text()].boxed()
}

fn coordinate() -> impl Strategy<Value = Value> {
    (
        // The antimeridian, the poles, the zeros, and what lies beside them.
        select(vec![-180.0, -179.9, -1.0, 0.0, 0.5, 1.0, 179.9, 180.0]),
        select(vec![-90.0, -1.0, 0.0, 0.5, 1.0, 90.0]),
    )
        .prop_map(|(lon, lat)| json!({"lon": lon, "lat": lat}))
}

fn leaf() -> BoxedStrategy<Value> {
    let number = prop_oneof![
        (0..4).prop_map(Value::from),
        // Beside the integers, and neighbours that share an f64.
        select(vec![
            json!(1.0),
            json!(1.5),
            json!(u64::MAX),
            json!(1_i64 << 53),
            json!((1_i64 << 53) + 1),
        ])
    ];
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        4 => number,
        4 => strings().prop_map(Value::from),
        2 => coordinate(),
    ]
    .boxed()
}

fn value() -> BoxedStrategy<Value> {
    let inner = prop_oneof![3 => leaf(), 1 => vec(leaf(), 0..3).prop_map(Value::from)];
    let object =
        prop::collection::btree_map(select(vec!["a".to_owned(), "b".into()]), inner.clone(), 0..3)
            .prop_map(|members| Value::Object(Map::from_iter(members)));
    let element = prop_oneof![inner.clone(), object.clone()];
    prop_oneof![2 => inner, 1 => object, 1 => vec(element, 0..4).prop_map(Value::from)].boxed()
}

fn payload() -> impl Strategy<Value = Value> {
    let members = prop::collection::btree_map(
        select(vec!["a".to_owned(), "b".into(), "n".into()]),
        value(),
        0..4,
    );
    let object = members.prop_map(|members| Value::Object(Map::from_iter(members)));
    // Now and then a point that was deleted.
    prop_oneof![9 => object, 1 => Just(Value::Null)]
}

/// A line that comes back to its first point.
fn ring() -> impl Strategy<Value = Value> {
    vec(coordinate(), 3..6).prop_map(|mut points| {
        points.extend(points.first().cloned());
        json!({ "points": points })
    })
}

fn operator() -> BoxedStrategy<(&'static str, Value)> {
    let bounds = |bound: BoxedStrategy<Value>| {
        prop::collection::btree_map(
            select(vec!["lt".to_owned(), "gt".into(), "gte".into(), "lte".into()]),
            bound,
            0..3,
        )
        .prop_map(|members| Value::Object(Map::from_iter(members)))
    };
    let numbers = bounds(
        prop_oneof![
            (0..4).prop_map(Value::from),
            select(vec![json!(1.5), json!(-0.0), json!(1_i64 << 53), json!((1_i64 << 53) + 1)])
        ]
        .boxed(),
    );
    let times = bounds(select(vec![json!("2024-01-01"), json!("2024-06-01T10:00Z")]).boxed());
    let ints = || vec(0..4, 0..3).prop_map(Value::from);
    let texts = || vec(strings(), 0..3).prop_map(Value::from);
    let matching = prop_oneof![
        prop_oneof![
            strings().prop_map(Value::from),
            (0..4).prop_map(Value::from),
            any::<bool>().prop_map(Value::from)
        ]
        .prop_map(|value| json!({ "value": value })),
        prop_oneof![ints(), texts()].prop_map(|list| json!({ "any": list })),
        prop_oneof![ints(), texts()].prop_map(|list| json!({ "except": list })),
    ];
    let texts = (select(vec!["text", "text_any", "phrase", "prefix", "substring"]), strings())
        .prop_map(|(kind, text)| json!({ kind: text }));
    let matching = prop_oneof![3 => matching, 2 => texts];
    let radius = (coordinate(), select(vec![0.0, 1.0, 60_000.0, 200_000.0, 1e7]))
        .prop_map(|(center, radius)| json!({"center": center, "radius": radius}));
    let corners =
        (coordinate(), coordinate()).prop_map(|(a, b)| json!({"top_left": a, "bottom_right": b}));
    prop_oneof![
        6 => matching.prop_map(|value| ("match", value)),
        4 => prop_oneof![numbers, times].prop_map(|value| ("range", value)),
        1 => radius.prop_map(|value| ("geo_radius", value)),
        1 => corners.prop_map(|value| ("geo_bounding_box", value)),
        1 => vec(ring(), 1..3).prop_map(|mut rings| {
            let exterior = rings.pop();
            ("geo_polygon", json!({"exterior": exterior, "interiors": rings}))
        }),
        1 => bounds((0..3).prop_map(Value::from).boxed()).prop_map(|value| ("values_count", value)),
        1 => any::<bool>().prop_map(|value| ("is_empty", value.into())),
        1 => any::<bool>().prop_map(|value| ("is_null", value.into())),
    ]
    .boxed()
}

fn field() -> BoxedStrategy<Value> {
    let path = || select(PATHS.to_vec());
    prop_oneof![
        8 => (path(), vec(operator(), 1..3)).prop_map(|(key, operators)| {
            let operators = operators.into_iter().map(|(name, value)| (name.to_owned(), value));
            let mut members = Map::from_iter(operators);
            members.insert("key".into(), key.into());
            Value::Object(members)
        }),
        1 => path().prop_map(|key| json!({"is_empty": {"key": key}})),
        1 => path().prop_map(|key| json!({"is_null": {"key": key}})),
    ]
    .boxed()
}

/// A filter of these conditions.
fn clauses(condition: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let list = || vec(condition.clone(), 0..3).prop_map(Value::from);
    let min_should = (vec(condition.clone(), 0..4), 0..3).prop_map(
        |(conditions, n)| json!({"min_should": {"conditions": conditions, "min_count": n}}),
    );
    prop_oneof![
        3 => (list(), list())
            .prop_map(|(must, must_not)| json!({"must": must, "must_not": must_not})),
        2 => (list(), condition.clone())
            .prop_map(|(should, must)| json!({"should": should, "must": must})),
        1 => min_should,
        1 => list().prop_map(|conditions| json!({"should": conditions})),
        // Few enough conditions that an index may answer alone.
        3 => condition.prop_map(|condition| json!({"must": condition})),
    ]
    .boxed()
}

fn filter() -> BoxedStrategy<Value> {
    let inner = || prop_oneof![5 => field(), 1 => clauses(field())].boxed();
    let nested = (select(vec!["n", "a", "n[]"]), clauses(inner()))
        .prop_map(|(key, filter)| json!({"nested": {"key": key, "filter": filter}}));
    let condition = prop_oneof![
        8 => inner(),
        2 => nested,
        1 => vec(prop_oneof![9 => 0..12_u64, 1 => Just(UNTOLD)], 0..6)
            .prop_map(|ids| json!({"has_id": ids})),
        1 => vec(1..5_u32, 0..3).prop_map(|tenants| json!({"of_tenants": tenants})),
        1 => (1..4_u32, 0..4_u32).prop_map(|(total, index)| {
            json!({"slice": {"total": total, "index": index % total}})
        }),
        1 => select(vec!["even", "unknown", "none"]).prop_map(|name| json!({"has_vector": name})),
    ];
    clauses(condition.boxed())
}

fn index_type() -> BoxedStrategy<FieldSchema> {
    prop_oneof![7 => select(TYPES.to_vec()), 4 => any_params().prop_map(FieldSchema::Text)].boxed()
}

fn shard() -> impl Strategy<Value = Shard> {
    (vec(payload(), 0..12), vec((select(PATHS.to_vec()), index_type()), 0..16))
        .prop_map(|(payloads, indexes)| Shard::new(&payloads, &indexes))
}

/// One operator on one field, with an index on it.
fn one_field() -> impl Strategy<Value = (Shard, Value)> {
    let payload = value().prop_map(|value| json!({"a": value}));
    (vec(payload, 0..12), index_type(), operator(), any::<bool>()).prop_map(
        |(payloads, ty, (name, operator), not)| {
            let condition = json!({"key": "a", name: operator});
            let filter =
                if not { json!({"must_not": condition}) } else { json!({"must": condition}) };
            (Shard::new(&payloads, &[("a", ty)]), filter)
        },
    )
}

/// A condition on texts, with a text index on them.
fn one_text() -> impl Strategy<Value = (Shard, Value)> {
    let text = || prop_oneof![3 => any_text(), 1 => Just("running the cafés".to_owned())];
    let texts = prop_oneof![
        2 => text().prop_map(Value::from),
        1 => vec(text(), 0..3).prop_map(Value::from),
    ];
    let payload = texts.prop_map(|texts| json!({"a": texts}));
    let kind = select(vec!["text", "text_any", "phrase"]);
    (vec(payload, 0..12), any_params(), kind, text(), any::<prop::sample::Index>(), any::<bool>())
        .prop_map(|(payloads, params, kind, text, part, not)| {
            // Mostly a part of what is there: two texts that are drawn have little in common.
            let stored = payloads.iter().find_map(|payload| payload["a"].as_str());
            let text = stored.filter(|_| part.index(4) > 0).map_or(text, |stored| {
                let words: Vec<&str> = stored.split(' ').collect();
                words[part.index(words.len())..].join(" ")
            });
            let clause = if not { "must_not" } else { "must" };
            let filter = json!({clause: {"key": "a", "match": {kind: text}}});
            (Shard::new(&payloads, &[("a", FieldSchema::Text(params))]), filter)
        })
}

/// Two operators on the members of nested elements, with an index on each.
fn one_nested() -> impl Strategy<Value = (Shard, Value)> {
    let element = (value(), value()).prop_map(|(a, b)| json!({"a": a, "b": b}));
    let payload = vec(element, 0..4).prop_map(|elements| json!({"n": elements}));
    let types = (index_type(), index_type());
    (vec(payload, 0..12), types, operator(), operator(), select(vec!["must", "should", "must_not"]))
        .prop_map(|(payloads, (a, b), (name, operator), (other_name, other), clause)| {
            let conditions = json!([{"key": "a", name: operator}, {"key": "b", other_name: other}]);
            let filter = json!({"must": {"nested": {"key": "n", "filter": {clause: conditions}}}});
            (Shard::new(&payloads, &[("n[].a", a), ("n[].b", b)]), filter)
        })
}

fn check_agreement(shard: &Shard, filter: Value) -> Result<(), TestCaseError> {
    // Not by a client's door, which lets no tenants pass.
    let filter: Filter =
        serde_json::from_value(filter).map_err(|e| TestCaseError::fail(e.to_string()))?;
    filter.validate().map_err(|e| TestCaseError::fail(e.to_string()))?;
    let plain = shard.plain(&filter);
    let resolved = shard.resolve(&filter);
    prop_assert!(
        // By itself first: a slot that the superset lacks is brought back by no check.
        plain.iter().all(|slot| resolved.slots.contains(*slot)),
        "missed: {:?} in {:?}",
        plain,
        resolved
    );
    prop_assert_eq!(shard.found(&filter), plain);
    Ok(())
}

/// JSON made of a filter's own words, mostly in the wrong places.
fn jumble() -> BoxedStrategy<Value> {
    let words = "must should must_not min_should conditions min_count key match value any \
                 except text text_any phrase prefix substring range lt gte geo_radius center lon lat radius \
                 geo_polygon exterior interiors points values_count is_empty is_null has_id \
                 of_tenants has_vector slice total index nested filter";
    let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    let leaf = prop_oneof![
        leaf(),
        select(vec![
            json!(i64::MIN),
            json!(-1),
            json!(1e300),
            json!("a[].b"),
            json!("a["),
            json!("2024-13-01")
        ]),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => prop::collection::btree_map(select(words.clone()), inner, 0..4)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn indexes_and_evaluator_agree(
        shard in shard(),
        filter in filter(),
    ) {
        check_agreement(&shard, filter)?;
    }

    #[test]
    fn one_indexed_field_agrees(
        (shard, filter) in one_field(),
    ) {
        check_agreement(&shard, filter)?;
    }

    #[test]
    fn one_text_index_agrees(
        (shard, filter) in one_text(),
    ) {
        check_agreement(&shard, filter)?;
    }

    #[test]
    fn nested_indexed_fields_agree(
        (shard, filter) in one_nested(),
    ) {
        check_agreement(&shard, filter)?;
    }

    #[test]
    fn filters_read_back_as_they_were_written(json in filter()) {
        let filter: Filter = serde_json::from_value(json).unwrap();
        let text = serde_json::to_string(&filter).unwrap();
        prop_assert_eq!(serde_json::from_str::<Filter>(&text).unwrap(), filter);
    }

    #[test]
    fn no_json_panics(json in jumble(), payload in jumble()) {
        if let Ok(filter) = Filter::parse(json) {
            let indexes = PATHS.into_iter().zip(TYPES).collect::<Vec<_>>();
            Shard::new(&[payload], &indexes).found(&filter);
        }
    }
}
