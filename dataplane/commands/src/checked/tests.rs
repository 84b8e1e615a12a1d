use std::collections::BTreeMap;

use serde_json::json;
use vane_types::{
    CollectionConfig, Distance, FeatureLevel, FieldSchema, HnswConfig, MultiVector, NamedVectors,
    OptimizerConfig, OwnId, Payload, SparseParams, SparseVector, Vector, VectorKind, VectorParams,
};

use super::*;
use crate::{NewPoint, Write, check};

fn config() -> CollectionConfig {
    let params = VectorParams::new(2, Distance::Cosine);
    CollectionConfig {
        vectors: BTreeMap::from([("a".to_owned(), params)]),
        hnsw: HnswConfig::default(),
        optimizer: OptimizerConfig::default(),
        payload_schema: BTreeMap::new(),
        metadata: Payload::new(),
        ..CollectionConfig::default()
    }
}

fn point(id: u64, values: &[f32]) -> NewPoint {
    let vectors = NamedVectors::from([("a".to_owned(), values.to_vec().into())]);
    NewPoint { id: id.into(), vectors, payload: Payload::new() }
}

fn payload(text: &str) -> Payload {
    json!({"a": text}).as_object().unwrap().clone()
}

/// Three shards, a point on that of its remainder.
fn commands(write: Write, resolved: Vec<Vec<PointId>>) -> Vec<(usize, Vec<Command>)> {
    let route = |id: PointId| if let OwnId::Num(n) = id.own { n as usize % 3 } else { 0 };
    let by_shard = check(&config(), write).unwrap().commands(3, route, resolved).unwrap();
    by_shard.into_iter().map(|(shard, commands)| (shard, commands.collect())).collect()
}

fn ids(change: &Change) -> Vec<PointId> {
    let keys: Vec<&Vec<u8>> = match change {
        Change::Upsert(upsert) | Change::UpdateVectors(upsert) => {
            upsert.points.iter().map(|point| &point.id).collect()
        }
        Change::Delete(targets) => targets.ids.iter().collect(),
        other => panic!("{other:?}"),
    };
    keys.into_iter().map(|key| PointId::from_key(key).unwrap()).collect()
}

fn by_shard(commands: &[(usize, Vec<Command>)]) -> Vec<(usize, Vec<Vec<PointId>>)> {
    let mut found = Vec::new();
    for (shard, commands) in commands {
        let changes = commands.iter().map(|command| command.change.as_ref().unwrap());
        found.push((*shard, changes.map(ids).collect()));
    }
    found
}

fn nums(ids: &[u64]) -> Vec<PointId> {
    ids.iter().map(|id| PointId::num(*id)).collect()
}

#[test]
fn each_shard_gets_its_own_points_once() {
    let points = vec![
        point(4, &[3.0, 4.0]),
        point(2, &[1.0, 0.0]),
        point(1, &[1.0, 0.0]),
        point(4, &[0.0, 5.0]),
    ];
    let found = commands(Write::Upsert(points), Vec::new());
    assert_eq!(by_shard(&found), [(1, vec![nums(&[4, 1])]), (2, vec![nums(&[2])])]);
    let Some(Change::Upsert(upsert)) = &found[0].1[0].change else { panic!("an upsert was made") };
    let (_, vector) = upsert.points[0].vectors[0].clone().into_parts().unwrap();
    assert_eq!(vector.values(), [0.0, 1.0], "the later one counts, at unit length");
    let found = commands(Write::Delete(Selection::Ids(nums(&[7, 3, 7, 6]))), Vec::new());
    assert_eq!(by_shard(&found), [(0, vec![nums(&[3, 6])]), (1, vec![nums(&[7])])]);
}

#[test]
fn nothing_to_do_is_an_entry_all_the_same() {
    assert_eq!(by_shard(&commands(Write::Upsert(Vec::new()), Vec::new())), [(0, vec![Vec::new()])]);
    let filter = Filter::parse(json!({"must": [{"key": "n", "match": {"value": 1}}]})).unwrap();
    let none = commands(Write::Delete(Selection::Filter(filter)), vec![Vec::new(); 3]);
    assert_eq!(by_shard(&none), [(0, vec![Vec::new()])]);
}

#[test]
fn what_a_filter_matches_is_split_into_entries_in_id_order() {
    let filter = Filter::parse(json!({})).unwrap();
    let most = ENTRY_POINTS_MAX as u64;
    let many: Vec<u64> = (0..=most).rev().map(|n| n * 3 + 2).collect();
    let found = commands(
        Write::Delete(Selection::Filter(filter)),
        vec![nums(&[3, 0]), Vec::new(), nums(&many)],
    );
    let found = by_shard(&found);
    assert_eq!(found[0], (0, vec![nums(&[0, 3])]));
    assert_eq!(
        (found[1].0, found[1].1[0].len(), found[1].1[0][0]),
        (2, most as usize, PointId::num(2))
    );
    assert_eq!(found[1].1[1], nums(&[most * 3 + 2]));
}

#[test]
fn a_large_filter_does_not_come_with_few_points() {
    let text = "x".repeat(100);
    let any: Vec<String> = (0..20_000).map(|n| format!("{text}{n}")).collect();
    let filter = Filter::parse(json!({"must": [{"key": "n", "match": {"any": any}}]})).unwrap();
    let ids: Vec<u64> = (0..100_000).collect();
    let found = commands(
        Write::Delete(Selection::Filter(filter)),
        vec![nums(&ids), Vec::new(), Vec::new()],
    );
    assert_eq!(found[0].1.len(), 1);
}

#[test]
fn many_points_and_large_ones_are_spread_over_entries() {
    let large = |id| NewPoint { payload: payload(&"x".repeat(300_000)), ..point(id, &[1.0, 0.0]) };
    let points: Vec<NewPoint> = (0..8).map(|n| large(n * 3)).collect();
    let found = by_shard(&commands(Write::Upsert(points), Vec::new()));
    let expected = [nums(&[0, 3, 6]), nums(&[9, 12, 15]), nums(&[18, 21])];
    assert_eq!(found, [(0, expected.to_vec())]);
    let alone = NewPoint { payload: payload(&"x".repeat(2 << 20)), ..point(3, &[1.0, 0.0]) };
    let points = vec![point(0, &[1.0, 0.0]), alone, point(6, &[1.0, 0.0])];
    let found = by_shard(&commands(Write::Upsert(points), Vec::new()));
    assert_eq!(found, [(0, vec![nums(&[0]), nums(&[3]), nums(&[6])])]);
    let many: Vec<u64> = (0..=ENTRY_POINTS_MAX as u64).map(|n| n * 3).collect();
    let points = many.iter().map(|id| point(*id, &[1.0, 0.0])).collect();
    let by_ids = Write::Delete(Selection::Ids(nums(&many)));
    for write in [Write::Upsert(points), by_ids] {
        let found = by_shard(&commands(write, Vec::new()));
        let lengths: Vec<usize> = found[0].1.iter().map(Vec::len).collect();
        assert_eq!(lengths, [ENTRY_POINTS_MAX, 1]);
    }
}

#[test]
fn a_payload_for_many_points_makes_entries_of_bounded_work() {
    let set = |bytes: usize| {
        let ids: Vec<u64> = (0..1000).collect();
        let (points, payload) = (Selection::Ids(nums(&ids)), payload(&"x".repeat(bytes)));
        let write = Write::SetPayload { points, payload, key: None };
        let mut made = check(&config(), write).unwrap().commands(1, |_| 0, Vec::new()).unwrap();
        made.remove(0).1.collect::<Vec<Command>>()
    };
    assert_eq!(set(100).len(), 1);
    let entries = set(100_000);
    let points = |command: &Command| command.change.as_ref().unwrap().keys().count();
    assert!(entries.iter().all(|command| points(command) * 100_000 <= ENTRY_WORK_BYTES_MAX));
    assert_eq!(entries.iter().map(points).sum::<usize>(), 1000);
}

#[test]
fn every_shard_has_every_payload_index() {
    let found = commands(
        Write::CreateIndex { field: "n".parse().unwrap(), field_type: FieldSchema::Integer },
        Vec::new(),
    );
    assert_eq!(
        found.iter().map(|(shard, commands)| (*shard, commands.len())).collect::<Vec<_>>(),
        [(0, 1), (1, 1), (2, 1)]
    );
}

#[test]
fn what_does_not_fit_the_collection_is_refused() {
    let mut other = point(1, &[1.0, 2.0]);
    other.vectors = NamedVectors::from([(String::new(), vec![1.0, 2.0].into())]);
    for bad in [point(1, &[1.0]), point(1, &[1.0, f32::NAN]), other] {
        assert!(check(&config(), Write::Upsert(vec![bad.clone(), point(1, &[1.0, 0.0])])).is_err());
        let update = vec![(bad.id, bad.vectors), (1.into(), point(1, &[1.0, 0.0]).vectors)];
        assert!(
            check(&config(), Write::UpdateVectors(update)).is_err(),
            "one that a later replaces counts too"
        );
    }
    let names = vec!["b".to_owned()];
    assert!(
        check(&config(), Write::DeleteVectors { points: Selection::Ids(nums(&[1])), names })
            .is_err()
    );
}

#[test]
fn of_two_updates_of_one_point_both_count_and_the_later_wins() {
    let mut config = config();
    let params = config.vectors["a"];
    config.vectors.insert("b".to_owned(), params);
    let named = |name: &str, x: f32| NamedVectors::from([(name.to_owned(), vec![x, 0.0].into())]);
    let update = [named("b", 2.0), named("a", 1.0), named("b", -3.0)];
    let write = Write::UpdateVectors(update.map(|vectors| (1.into(), vectors)).into());
    let mut made = check(&config, write).unwrap().commands(1, |_| 0, Vec::new()).unwrap();
    let made = made[0].1.next().unwrap();
    let Some(Change::UpdateVectors(update)) = &made.change else { panic!("{made:?}") };
    let vectors = update.points[0].vectors.iter().map(|vector| vector.clone().into_parts());
    let expected = [("a", [1.0, 0.0]), ("b", [-1.0, 0.0])];
    let expected = expected.map(|(name, values)| Ok((name.to_owned(), values.to_vec().into())));
    assert!(vectors.eq(expected), "{update:?}");
}

/// What older members cannot read waits for its level, and what says nothing new is as it was.
#[test]
fn entries_name_vectors_that_came_later_by_their_ids() {
    let mut config = config();
    let made = |config: &CollectionConfig, write: Write| {
        let mut made = check(config, write).unwrap().commands(1, |_| 0, Vec::new()).unwrap();
        made[0].1.next().unwrap()
    };
    let writes = || {
        let names = vec!["a".to_owned()];
        let vectors = NamedVectors::from([("a".to_owned(), vec![1.0, 0.0].into())]);
        [
            Write::Upsert(vec![point(1, &[1.0, 0.0])]),
            Write::UpdateVectors(vec![(1.into(), vectors)]),
            Write::DeleteVectors { points: Selection::Ids(nums(&[1])), names },
        ]
    };
    let before = writes().map(|write| made(&config, write));
    assert!(before.iter().all(|command| command.level() == FeatureLevel::FIRST));
    let of_config = |config: &CollectionConfig| {
        let config = serde_json::to_string(config).unwrap();
        Command::new(Change::Configure(crate::Configure { config })).level()
    };
    assert_eq!(of_config(&config), FeatureLevel::FIRST);
    // One that the collection was made with stays what it was when another comes.
    let spec = config.vector("a").unwrap();
    config.add_vector("b", spec).unwrap();
    assert_eq!(of_config(&config), FeatureLevel::CHANGING);
    assert_eq!(writes().map(|write| made(&config, write)), before);
    config.remove_vector("a");
    config.add_vector("a", spec).unwrap();
    for command in writes().map(|write| made(&config, write)) {
        assert_eq!(command.level(), FeatureLevel::CHANGING);
        match command.change.unwrap() {
            Change::Upsert(upsert) | Change::UpdateVectors(upsert) => {
                assert_eq!(upsert.points[0].vectors[0].id, 2);
            }
            Change::DeleteVectors(delete) => {
                assert_eq!(delete.vectors().collect::<Vec<_>>(), [("a", 2)]);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_vector_has_to_be_of_the_kind_and_size_of_its_name() {
    let mut config = config();
    let multi = VectorParams { multi: true, ..config.vectors["a"] };
    config.vectors.insert("m".to_owned(), multi);
    config.sparse.insert("s".to_owned(), SparseParams::default());
    let sparse = || Vector::from(SparseVector::new(vec![0, 1], vec![1.0, 2.0]).unwrap());
    let rows = |row: &[f32]| Vector::from(MultiVector::of_rows(&[row, row]).unwrap());
    let dense = || Vector::from(vec![1.0, 0.0]);
    let checked = |name: &str, vector: Vector| {
        let vectors = NamedVectors::from([(name.to_owned(), vector)]);
        check(&config, Write::UpdateVectors(vec![(1.into(), vectors)])).map(drop)
    };
    for (name, vector) in [
        ("a", dense()),
        ("s", sparse()),
        ("m", rows(&[1.0, 2.0])),
        // One vector is a vector of one, too.
        ("m", dense()),
    ] {
        assert_eq!(checked(name, vector), Ok(()), "{name}");
    }
    let wrong =
        |name: &str, expected, got| Err(Error::WrongKind { name: name.to_owned(), expected, got });
    let (d, s, m) = (VectorKind::Dense, VectorKind::Sparse, VectorKind::Multi);
    assert_eq!(checked("a", sparse()), wrong("a", d, s));
    assert_eq!(checked("a", rows(&[1.0, 2.0])), wrong("a", d, m));
    assert_eq!(checked("s", dense()), wrong("s", s, d));
    assert_eq!(checked("m", sparse()), wrong("m", m, s));
    let short = Error::Dimension { expected: 2, got: 3, point: Some(1.into()) };
    assert_eq!(checked("m", rows(&[1.0, 2.0, 3.0])), Err(short));
    let unknown = checked("other", sparse()).unwrap_err().to_string();
    assert_eq!(unknown, "Not existing vector name error: other");
}

#[test]
fn a_key_makes_arrays_from_its_level_on() {
    let set = |key: &str| {
        let (points, payload) = (Selection::Ids(nums(&[3])), payload("x"));
        let write = Write::SetPayload { points, payload, key: key.parse().ok() };
        commands(write, Vec::new()).remove(0).1.remove(0)
    };
    for level in (1..=FeatureLevel::SPOKEN.0).map(FeatureLevel) {
        for (key, enters) in [("o[].a", true), ("o[0]", true), ("o.a", false)] {
            let (command, is_new) = (set(key), level >= FeatureLevel::CHANGING);
            assert_eq!(command.encode(level).is_ok(), is_new || !enters, "{key} {level:?}");
            let stored = command.at(level).encode(level).unwrap();
            let change = Command::decode_stored(&stored).unwrap().change;
            let Change::SetPayload(set) = change else { panic!("another change: {change:?}") };
            assert_eq!(set.makes_arrays, enters && is_new, "{key} {level:?}");
        }
    }
}
