//! Codes have as many bits as the configuration asks for, by and by, and change no answer.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use vane_commands::{Change, Command, Configure};
use vane_filter::Filter;
use vane_shard::{Alone, NewPoint, Search, SearchParams, Selection, Write};
use vane_types::{CollectionConfig, Distance, Hints, PointId, Vector, VectorParams};

use crate::world::{Replica, config, number_is, payload, search, soon};

const WIDE: usize = 600;
const POINTS: u64 = 400;

fn values(seed: u64) -> Vec<f32> {
    let value = |place| ((seed * 31 + place * 17 + 5) as f32 * 0.7311).sin();
    (0..WIDE as u64).map(value).collect()
}

fn of_wide() -> CollectionConfig {
    let vector = VectorParams::new(WIDE, Distance::Euclid);
    CollectionConfig { vectors: BTreeMap::from([(String::new(), vector)]), ..config() }
}

/// Has a way to quantise for all vectors, and another for this one.
fn configure(replica: &Replica, of_all: Option<Value>, own: Option<Value>) {
    let name = || "quantization_config".to_owned();
    let mut hints = Hints::default();
    hints.config.extend(of_all.map(|method| (name(), method)));
    if let Some(method) = own {
        hints.vectors.insert(String::new(), [(name(), method)].into_iter().collect());
    }
    let config = serde_json::to_string(&CollectionConfig { hints, ..of_wide() }).unwrap();
    let change = Some(Change::Configure(Configure { config }));
    let command = Command { change, request: None, routed_by: None, bounds: None };
    assert!(replica.apply(command.encode_stored()).is_ok());
}

fn upsert(ids: std::ops::Range<u64>) -> Write {
    let point = |id| NewPoint {
        id: PointId::num(id),
        vectors: [(String::new(), values(id).into())].into(),
        payload: payload(id as i64 % 4),
    };
    Write::Upsert(ids.map(point).collect())
}

fn settle(replica: &Replica) {
    for _ in 0..60 {
        if !replica.shard.info().optimizing {
            return;
        }
        replica.run_jobs();
    }
    panic!("jobs go on: {:?}", replica.shard.info());
}

fn found(replica: &Replica, params: SearchParams, filter: Option<Filter>) -> Vec<String> {
    let sought = Vector::from(values(1_000)).into();
    let search = Search { sought, params, ..search(0.0, filter, 10) };
    let found = replica.shard.search(&search, soon(), &Alone).unwrap();
    found.iter().map(|scored| format!("{:?} {}", scored.record.id, scored.score)).collect()
}

/// Whatever walks compare, they come to what a look at all vectors finds: of as many candidates as
/// there are rows none is left out.
fn assert_right(replica: &Replica) {
    let all = SearchParams { ef: Some(1_000), ..SearchParams::default() };
    for filter in [None, Some(number_is(1))] {
        let exact = SearchParams { exact: true, ..SearchParams::default() };
        let expected = found(replica, exact, filter.clone());
        assert_eq!(expected.len(), 10);
        let ignore = SearchParams { ignore_codes: true, ..all };
        let sampled = SearchParams { oversampling: Some(50.0), ..SearchParams::default() };
        for params in [all, ignore, sampled] {
            assert_eq!(found(replica, params, filter.clone()), expected, "{params:?}");
        }
    }
}

#[test]
fn other_codes_are_asked_for_and_made_while_answers_stay_right() {
    let mut replica = Replica::of(&of_wide());
    let twin = Replica::of(&of_wide());
    let mut joining = Replica::joining();
    for replica in [&replica, &twin] {
        assert!(replica.write(upsert(0..POINTS)));
        settle(replica);
        assert_eq!(replica.shard.info().indexed_vectors, POINTS as usize);
        assert_right(replica);
    }
    let bytes = |replica: &Replica| replica.shard.info().graph_bytes;
    let whole = bytes(&replica);
    let mut sizes = BTreeMap::new();
    for (of_all, own, bits) in [
        (Some(json!({ "binary": {} })), None, 1),
        (Some(json!({ "binary": {} })), Some(json!({ "turbo": { "bits": "bits4" } })), 4),
        (Some(json!({ "product": { "compression": "x16" } })), None, 2),
        (None, Some(json!({ "turbo": { "bits": "bits1" } })), 1),
        (Some(json!({ "scalar": { "type": "int8" } })), None, 8),
        (Some(json!({ "binary": { "encoding": "two_bits" } })), None, 2),
        (None, None, 8),
    ] {
        configure(&replica, of_all, own);
        assert!(replica.shard.info().optimizing, "{bits} bits are asked for");
        assert_right(&replica);
        settle(&replica);
        assert_right(&replica);
        assert_eq!(replica.shard.info().unreached_nodes, 0);
        let expected = *sizes.entry(bits).or_insert(bytes(&replica));
        assert_eq!(bytes(&replica), expected, "{bits} bits");
        // Opened again and elsewhere they are the same.
        replica.reopen();
        assert!(!replica.shard.info().optimizing);
        joining.install(&replica);
        assert_eq!((bytes(&replica), bytes(&joining)), (expected, expected));
        assert_right(&replica);
        assert_right(&joining);
    }
    let sizes: Vec<u64> = sizes.into_values().collect();
    assert!(sizes.is_sorted() && sizes.windows(2).all(|two| two[0] < two[1]), "{sizes:?}");
    assert_eq!(sizes[3], whole);
    assert_eq!(replica.contents().0, twin.contents().0, "no point has changed");
}

#[test]
fn rows_that_come_and_go_while_codes_change_are_found_and_gone() {
    let replica = Replica::of(&of_wide());
    let binary = || Some(json!({ "binary": {} }));
    for round in 0..6_u64 {
        let first = round * 60;
        assert!(replica.write(upsert(first..first + 120)));
        configure(&replica, if round % 2 == 0 { binary() } else { None }, None);
        // Not until all are done: segments of both kinds lie side by side.
        (0..3).for_each(|_| replica.run_jobs());
        assert_right(&replica);
        let gone = (first + 3..first + 120).step_by(10).map(PointId::num).collect();
        assert!(replica.write(Write::Delete(Selection::Ids(gone))));
        replica.run_jobs();
        assert_right(&replica);
    }
    configure(&replica, binary(), None);
    settle(&replica);
    assert_right(&replica);
}

#[test]
fn codes_of_few_bits_wait_until_all_members_can_read_them() {
    let mut replica = Replica::of(&of_wide());
    let allow = |replica: &Replica, is| replica.may_have_few_bits.store(is, Ordering::Relaxed);
    let bytes = |replica: &Replica| replica.shard.info().graph_bytes;
    allow(&replica, false);
    configure(&replica, Some(json!({ "binary": {} })), None);
    assert!(replica.write(upsert(0..POINTS)));
    settle(&replica);
    let whole = bytes(&replica);
    assert_right(&replica);
    replica.reopen();
    assert!(!replica.shard.info().optimizing, "nothing that could be done");
    assert_eq!(bytes(&replica), whole);

    allow(&replica, true);
    assert!(replica.shard.info().optimizing);
    settle(&replica);
    let few = bytes(&replica);
    assert!(few < whole, "{few} of {whole}");
    assert_right(&replica);

    // A node that was started again does not know at first what it may write.
    allow(&replica, false);
    replica.reopen();
    assert!(!replica.shard.info().optimizing, "what is there is left as it is");
    assert_eq!(bytes(&replica), few);
    assert_right(&replica);
    // What is made meanwhile is what all can read.
    assert!(replica.write(upsert(0..POINTS)));
    settle(&replica);
    assert!(bytes(&replica) > few);
    assert_right(&replica);
}
