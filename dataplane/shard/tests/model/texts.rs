//! Text indexes: filters mean the same while an index is filled as when it is whole, on every
//! replica and after every restart.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use vane_commands::Command;
use vane_filter::Filter;
use vane_shard::{Selection, Write};
use vane_storage::MemoryKv;
use vane_types::schema::text::TextParams;
use vane_types::{FieldSchema, Payload, PointId};

use crate::world::{Replica, soon, upsert};

const POINTS: u64 = 24;

#[derive(Debug, Clone)]
enum Step {
    SetText { points: Vec<u64>, text: Value },
    Clear(Vec<u64>),
    Delete(Vec<u64>),
    Upsert(u64),
    MakeIndex(TextParams),
    DropIndex,
    DeleteMatching(Value),
    MarkMatching(Value),
    Fill,
    Reopen,
}

fn texts() -> impl Strategy<Value = Value> {
    let text = || "(The |the |a )?(robot|Robots|robotic|star|stars|café|CAFE|x)( (robot|Star|the|dreams)){0,3}";
    prop_oneof![
        4 => text().prop_map(Value::from),
        1 => prop::collection::vec(text(), 0..3).prop_map(Value::from),
        1 => Just(json!(7)),
    ]
}

fn params() -> impl Strategy<Value = TextParams> {
    let all = [
        json!({}),
        json!({"phrase_matching": true, "stopwords": {"languages": ["english"]}}),
        json!({"tokenizer": "prefix", "min_token_len": 2, "max_token_len": 4}),
        json!({"tokenizer": "whitespace", "lowercase": false, "phrase_matching": true}),
        json!({"tokenizer": "multilingual", "stemmer": "english"}),
        json!({"ascii_folding": true, "stemmer": "english", "stopwords": {"custom": ["the"]}}),
    ];
    select(all.map(|json| serde_json::from_value(json).expect("parameters")).to_vec())
}

fn condition() -> impl Strategy<Value = Value> {
    let kind = select(vec!["text", "text_any", "phrase"]);
    let text = "(the |Robo)?(robot|robots|star|cafe|café|x|unknown)( (robot|dreams))?";
    (kind, text, any::<bool>()).prop_map(|(kind, text, not)| {
        let clause = if not { "must_not" } else { "must" };
        json!({clause: {"key": "t", "match": {kind: text}}})
    })
}

fn step() -> impl Strategy<Value = Step> {
    let points = || prop::collection::vec(0..POINTS, 1..5);
    prop_oneof![
        6 => (points(), texts()).prop_map(|(points, text)| Step::SetText { points, text }),
        1 => points().prop_map(Step::Clear),
        1 => points().prop_map(Step::Delete),
        1 => (0..POINTS).prop_map(Step::Upsert),
        2 => params().prop_map(Step::MakeIndex),
        1 => Just(Step::DropIndex),
        1 => condition().prop_map(Step::DeleteMatching),
        2 => condition().prop_map(Step::MarkMatching),
        4 => Just(Step::Fill),
        1 => Just(Step::Reopen),
    ]
}

fn filter(json: &Value) -> Filter {
    Filter::parse(json.clone()).unwrap()
}

fn object(json: Value) -> Payload {
    json.as_object().unwrap().clone()
}

fn ids(replica: &Replica, points: &[u64]) -> Selection {
    let there = replica.shard.matching_ids(&Filter::default(), soon()).unwrap();
    let points = points.iter().map(|point| PointId::num(*point));
    Selection::Ids(points.filter(|point| there.contains(point)).collect())
}

/// The write of a step; `None` for what a replica does by itself.
fn write(replica: &Replica, step: Step) -> Option<Write> {
    let field = || "t".parse().unwrap();
    Some(match step {
        Step::SetText { points, text } => Write::SetPayload {
            points: ids(replica, &points),
            payload: object(json!({ "t": text })),
            key: None,
        },
        Step::Clear(points) => Write::ClearPayload(ids(replica, &points)),
        Step::Delete(points) => Write::Delete(ids(replica, &points)),
        Step::Upsert(point) => upsert(point..point + 1),
        Step::MakeIndex(params) => {
            Write::CreateIndex { field: field(), field_type: FieldSchema::Text(params) }
        }
        Step::DropIndex => Write::DropIndex { field: field() },
        Step::DeleteMatching(json) => Write::Delete(Selection::Filter(filter(&json))),
        Step::MarkMatching(json) => Write::SetPayload {
            points: Selection::Filter(filter(&json)),
            payload: object(json!({"t": ["marked", "robot"]})),
            key: None,
        },
        Step::Fill | Step::Reopen => return None,
    })
}

/// Both apply the commands that one of them made.
fn both(replicas: [&Replica; 2], commands: Vec<Command>) {
    for command in commands {
        let stored = command.encode_stored();
        Command::check_readable(&stored).unwrap();
        let [one, other] = replicas.map(|replica| replica.apply(stored.clone()));
        assert_eq!(one, other);
    }
}

fn matching(replica: &Replica, filter: &Filter) -> Vec<PointId> {
    let mut found = replica.shard.matching_ids(filter, soon()).unwrap();
    found.sort_unstable();
    assert_eq!(found.len(), replica.shard.count(Some(filter), soon()).unwrap());
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_index_that_is_filled_and_one_that_is_not_answer_alike(
        steps in prop::collection::vec(step(), 1..40),
        asked in prop::collection::vec(condition(), 4),
    ) {
        let (mut filled, lazy) =
            (Replica::founded(MemoryKv::default()), Replica::founded(MemoryKv::default()));
        both([&filled, &lazy], filled.commands(upsert(0..POINTS)));
        for step in steps {
            match step {
                Step::Fill => drop(filled.fill()),
                Step::Reopen => filled.reopen(),
                step => {
                    // One looks the filter up in the index, the other checks points.
                    if let Some(write) = write(&filled, step) {
                        both([&filled, &lazy], filled.commands(write));
                    }
                }
            }
            for json in &asked {
                let filter = filter(json);
                prop_assert_eq!(matching(&filled, &filter), matching(&lazy, &filter), "{}", json);
            }
        }
        while filled.fill() {}
        for json in &asked {
            let filter = filter(json);
            prop_assert_eq!(matching(&filled, &filter), matching(&lazy, &filter), "{}", json);
        }
        prop_assert_eq!(filled.contents(), lazy.contents());
    }
}

#[test]
fn a_filter_changes_its_meaning_with_the_index_and_back() {
    let mut replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..8)));
    let set = |points: &[u64], text: &str| Write::SetPayload {
        points: Selection::Ids(points.iter().map(|point| PointId::num(*point)).collect()),
        payload: object(json!({ "t": text })),
        key: None,
    };
    assert!(replica.write(set(&[1, 2], "The Robots")));
    assert!(replica.write(set(&[3], "a robot dreams")));
    let robots = filter(&json!({"must": {"key": "t", "match": {"text": "robot"}}}));
    let found = |replica: &Replica| replica.shard.count(Some(&robots), soon()).unwrap();
    assert_eq!(found(&replica), 1, "as a part of the text");
    let field = || "t".parse().unwrap();
    let make = |params: Value| {
        let params = serde_json::from_value(params).unwrap();
        Write::CreateIndex { field: field(), field_type: FieldSchema::Text(params) }
    };
    assert!(replica.write(make(json!({"stemmer": "english"}))));
    assert_eq!(found(&replica), 3, "before a point is in it");
    while replica.fill() {}
    assert_eq!(found(&replica), 3);
    replica.reopen();
    assert_eq!(found(&replica), 3);
    assert!(replica.write(make(json!({}))));
    assert_eq!(found(&replica), 1, "other parameters make another index");
    while replica.fill() {}
    assert_eq!(found(&replica), 1);
    assert_eq!(replica.shard.info().payload_index_points[&field()].1, 3);
    assert!(replica.write(Write::DropIndex { field: field() }));
    assert_eq!(found(&replica), 1);
}
