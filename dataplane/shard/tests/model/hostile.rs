//! Whatever is accepted can be applied, and what was applied can be read again: writes of shapes
//! that nobody in their right mind sends.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use vane_commands::{Bounds, Change, Command, CreateIndex, SetPayload, Targets};
use vane_filter::Filter;
use vane_shard::{NewPoint, Selection, Write, check};
use vane_storage::MemoryKv;
use vane_types::limits::{PATH_STEPS_MAX, PAYLOAD_DEPTH_MAX};
use vane_types::{FieldSchema, JsonPath, Payload, PointId};

use crate::world::{Replica, soon, upsert, vector};

/// Levels that the parser of a request's body reads.
const BODY_DEPTH_MAX: usize = 127;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[abn]".prop_map(String::from),
        1 => Just(String::new()),
        1 => Just("\0".into()),
        1 => Just("a.b[]\"c\\".into()),
        1 => any::<String>(),
        1 => Just("x".repeat(70_000)),
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    let numbers = [
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e308),
        json!(5e-324),
        json!(-0.0),
        json!(1_768_907_725_507_217_522_i64),
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(numbers.to_vec()),
        any::<f64>().prop_map(Value::from),
        name().prop_map(Value::from),
        Just(json!("2024-02-30T00:00:00Z")),
        Just(json!({"lon": 1e300, "lat": -91})),
        Just(json!(vec![0; 3000])),
    ]
}

/// A payload as a body may bring it, which is to say not deeper than its parser likes.
fn hostile() -> impl Strategy<Value = Payload> {
    let levels = prop::collection::vec((name(), any::<bool>()), 0..BODY_DEPTH_MAX - 2);
    let deep = (leaf(), levels).prop_map(|(leaf, levels)| {
        levels.into_iter().fold(leaf, |value, (name, is_list)| match is_list {
            true => json!([1, value]),
            false => json!({name: value, "n": 1}),
        })
    });
    prop::collection::btree_map(name(), prop_oneof![leaf(), deep], 0..4)
        .prop_map(|members| members.into_iter().collect())
}

fn path() -> impl Strategy<Value = JsonPath> {
    let step = prop_oneof![".a", ".n", "\\[\\]", "\\[0\\]", ".\"b.c\""];
    let steps = prop_oneof![
        3 => prop::collection::vec(step.clone(), 0..4),
        1 => prop::collection::vec(step, 0..300),
    ];
    let text = ("[abn]", steps).prop_map(|(first, steps)| first + &steps.concat());
    text.prop_filter_map("too long for a request", |text| text.parse().ok())
}

fn id() -> impl Strategy<Value = PointId> {
    let uuid = Uuid::from_u128(u128::MAX);
    let odd = [PointId::num(u64::MAX), PointId::uuid(uuid), PointId::uuid(Uuid::nil())];
    prop_oneof![(0_u64..4).prop_map(PointId::num), prop::sample::select(odd.to_vec())]
}

fn filter() -> impl Strategy<Value = Filter> {
    let condition = (path(), leaf()).prop_map(|(key, value)| {
        let key = key.to_string();
        match value {
            Value::Null => json!({"is_empty": {"key": key}}),
            Value::Number(bound) => json!({"key": key, "range": {"gte": bound}}),
            Value::String(text) if text.len() % 2 == 1 => {
                json!({"key": key, "match": {"text": text}})
            }
            value => json!({"key": key, "match": {"value": value}}),
        }
    });
    let nested =
        (condition, prop::collection::vec(any::<u8>(), 0..34)).prop_map(|(leaf, kinds)| {
            kinds.into_iter().fold(json!({"must": [leaf]}), |filter, kind| match kind % 4 {
                0 => json!({"must": filter}),
                1 => json!({"must_not": [filter]}),
                2 => json!({"should": [{"nested": {"key": "a", "filter": filter}}]}),
                _ => json!({"min_should": {"conditions": [filter], "min_count": 1}}),
            })
        });
    nested.prop_filter_map("refused", |json| Filter::parse(json).ok())
}

fn points() -> impl Strategy<Value = Selection> {
    prop_oneof![
        3 => prop::collection::vec(id(), 0..4).prop_map(Selection::Ids),
        1 => filter().prop_map(Selection::Filter),
    ]
}

/// Every kind of write.
fn write() -> impl Strategy<Value = Write> {
    let point = (id(), hostile(), any::<f32>()).prop_map(|(id, payload, x)| NewPoint {
        id,
        vectors: [(String::new(), vector(x))].into(),
        payload,
    });
    let schemas = [
        FieldSchema::Keyword,
        FieldSchema::Integer,
        FieldSchema::Float,
        FieldSchema::Bool,
        FieldSchema::Geo,
        FieldSchema::Datetime,
        FieldSchema::Uuid,
        FieldSchema::of_name("text").unwrap(),
    ];
    prop_oneof![
        4 => prop::collection::vec(point, 0..4).prop_map(Write::Upsert),
        1 => points().prop_map(Write::Delete),
        1 => (id(), any::<f32>()).prop_map(|(id, x)| {
            Write::UpdateVectors(vec![(id, [(String::new(), vector(x))].into())])
        }),
        1 => (points(), prop_oneof![Just(String::new()), name()])
            .prop_map(|(points, name)| Write::DeleteVectors { points, names: vec![name] }),
        4 => (points(), hostile(), prop::option::of(path()))
            .prop_map(|(points, payload, key)| Write::SetPayload { points, payload, key }),
        1 => (points(), hostile())
            .prop_map(|(points, payload)| Write::OverwritePayload { points, payload }),
        2 => (points(), prop::collection::vec(path(), 0..3))
            .prop_map(|(points, keys)| Write::DeletePayload { points, keys }),
        1 => points().prop_map(Write::ClearPayload),
        2 => (path(), prop::sample::select(schemas.to_vec()))
            .prop_map(|(field, field_type)| Write::CreateIndex { field, field_type }),
        1 => path().prop_map(|field| Write::DropIndex { field }),
    ]
}

/// What is accepted is applied or refused, the same way on each replica.
fn take(replicas: [&Replica; 2], write: Write) {
    let [replica, twin] = replicas;
    if check(&replica.shard.config(), write.clone()).is_err() {
        return;
    }
    for command in replica.commands(write) {
        let stored = Command { bounds: Some(Bounds::OWN), ..command }.encode_stored();
        Command::check_readable(&stored).unwrap();
        assert_eq!(replica.apply(stored.clone()), twin.apply(stored));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96, max_shrink_iters: 300, ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_accepted_is_applied_and_read_again(
        writes in prop::collection::vec(write(), 1..24), filter in filter()
    ) {
        let mut replica = Replica::founded(MemoryKv::default());
        let twin = Replica::founded(MemoryKv::default());
        for write in writes {
            take([&replica, &twin], write);
        }
        let contents = replica.contents();
        prop_assert_eq!(&contents, &twin.contents());
        let count = replica.shard.count(Some(&filter), soon()).unwrap();
        replica.reopen();
        prop_assert_eq!(&contents, &replica.contents());
        prop_assert_eq!(replica.shard.count(Some(&filter), soon()).unwrap(), count);
        take([&replica, &twin], Write::Delete(Selection::Filter(Filter::default())));
        prop_assert!(replica.contents().0.is_empty());
    }
}

/// A path of as many steps as a key had room for, and what a body could bring below it.
#[test]
fn what_older_versions_wrote_is_read_changed_and_deleted() {
    let mut replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..2)));
    let inner = (0..BODY_DEPTH_MAX).fold(json!(1), |value, _| json!({"x": [value]}));
    let deep: Map<String, Value> = json!({"d": inner}).as_object().unwrap().clone();
    let ids = vec![PointId::num(0).to_key()];
    let set = |payload: &Payload, key: String| {
        let targets = Some(Targets { ids: ids.clone(), ..Targets::default() });
        let payload = serde_json::to_vec(payload).unwrap();
        let set = SetPayload { targets, payload, key, ..SetPayload::default() };
        Command::new(Change::SetPayload(set)).encode_stored()
    };
    let long_path = vec!["a"; 512].join(".");
    replica.apply(set(&deep, long_path.clone())).unwrap();
    let index = CreateIndex { field: long_path, field_type: "keyword".into(), online: true };
    replica.apply(Command::new(Change::CreateIndex(index)).encode_stored()).unwrap();
    assert!(replica.contents().0[0].contains("\"d\""), "it is read");
    replica.reopen();
    let point = || Selection::Ids(vec![PointId::num(0)]);
    let few = json!({"n": 1}).as_object().unwrap().clone();
    let set = Write::SetPayload { points: point(), payload: few, key: "a.b".parse().ok() };
    assert!(replica.write(set));
    assert!(replica.contents().0[0].contains("\"d\""), "it is still there");
    let there: Filter =
        Filter::parse(json!({"must_not": [{"is_empty": {"key": "a.a.a"}}]})).unwrap();
    assert_eq!(replica.shard.count(Some(&there), soon()).unwrap(), 1);
    assert!(replica.write(Write::Delete(point())));
    assert_eq!(replica.contents().0.len(), 1);
}

#[test]
fn depth_is_bounded_with_the_path_that_leads_to_it() {
    let config = crate::world::config();
    let nested = |levels: usize| {
        let value = (1..levels).fold(json!(1), |value, _| json!([value]));
        json!({"a": value}).as_object().unwrap().clone()
    };
    let set = |steps: usize, levels: usize| {
        let key = (steps > 0).then(|| vec!["a"; steps].join(".").parse().unwrap());
        let points = Selection::Ids(vec![PointId::num(0)]);
        check(&config, Write::SetPayload { points, payload: nested(levels), key }).is_ok()
    };
    for steps in [0, 1, 20, PATH_STEPS_MAX - 1] {
        assert!(set(steps, PAYLOAD_DEPTH_MAX - steps), "{steps} steps");
        assert!(!set(steps, PAYLOAD_DEPTH_MAX - steps + 1), "{steps} steps");
    }
    assert!(!set(PATH_STEPS_MAX, 1) && !set(PATH_STEPS_MAX + 1, 1));
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..1)));
    let key = Some(vec!["a"; 20].join(".").parse().unwrap());
    let points = Selection::Ids(vec![PointId::num(0)]);
    let payload = nested(PAYLOAD_DEPTH_MAX - 20);
    assert!(replica.write(Write::SetPayload { points, payload, key }));
}
