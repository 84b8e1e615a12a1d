//! The state machine against a map: whatever is written, however segments are sealed,
//! indexed, merged and reopened in between, the shard answers as the map does.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;
use vane_filter::Filter;
use vane_raft::{Entry, StateMachine};
use vane_shard::{
    JobKind, NewPoint, Scroll, Search, SearchParams, Selection, Shard, ShardSettings, Want, WantPayload, WantVectors,
    Write, check,
};
use vane_storage::{DataDb, ShardStore};
use vane_types::{
    CollectionConfig, Distance, FieldType, GroupId, HnswConfig, OptimizerConfig, Payload, PointId, VectorParams,
};

const DIM: usize = 4;
const IDS: u64 = 60;

#[derive(Debug, Clone)]
enum Step {
    Upsert(Vec<(u64, f32, i64, bool)>),
    Delete(Vec<u64>),
    DeleteWhere(i64),
    UpdateVector(u64, f32),
    DeleteVector(u64),
    SetPayload(Vec<u64>, i64),
    Clear(u64),
    Index,
    DropIndex,
    Jobs,
    Reopen,
}

/// What a point should be: second vector or none, and its number.
#[derive(Debug, Clone, PartialEq)]
struct Expected {
    vector: Option<f32>,
    n: Option<i64>,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..IDS;
    let point = (0..IDS, -9.0_f32..9.0, 0_i64..4, any::<bool>());
    prop_oneof![
        6 => prop::collection::vec(point, 1..40).prop_map(Step::Upsert),
        2 => prop::collection::vec(id.clone(), 1..10).prop_map(Step::Delete),
        1 => (0_i64..4).prop_map(Step::DeleteWhere),
        2 => (id.clone(), -9.0_f32..9.0).prop_map(|(id, x)| Step::UpdateVector(id, x)),
        1 => id.clone().prop_map(Step::DeleteVector),
        2 => (prop::collection::vec(id.clone(), 1..5), 0_i64..4).prop_map(|(ids, n)| Step::SetPayload(ids, n)),
        1 => id.prop_map(Step::Clear),
        1 => Just(Step::Index),
        1 => Just(Step::DropIndex),
        3 => Just(Step::Jobs),
        1 => Just(Step::Reopen),
    ]
}

fn config() -> CollectionConfig {
    let vector = VectorParams { size: DIM, distance: Distance::Euclid, hnsw: None, on_disk: None };
    CollectionConfig {
        vectors: BTreeMap::from([(String::new(), vector)]),
        hnsw: HnswConfig { m: 4, ef_construct: 16, full_scan_threshold: 0 },
        optimizer: OptimizerConfig { indexing_threshold: 1, vacuum_min_vector_number: 4, ..OptimizerConfig::default() },
        payload_schema: BTreeMap::new(),
        metadata: Payload::new(),
    }
}

fn vector(x: f32) -> Vec<f32> {
    vec![x, 1.0, -x, 0.5]
}

fn payload(n: i64) -> Payload {
    json!({"n": n}).as_object().unwrap().clone()
}

fn number_is(n: i64) -> Filter {
    Filter::parse(json!({"must": [{"key": "n", "match": {"value": n}}]})).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

struct World {
    db: DataDb,
    dir: tempfile::TempDir,
    shard: Shard,
    index: u64,
    expected: BTreeMap<u64, Expected>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = DataDb::open(&dir.path().join("data.db")).unwrap();
        let store = ShardStore::new(db.clone(), GroupId(1), dir.path().join("1"));
        Shard::create(&store, &config()).unwrap();
        let shard = open(&db, dir.path());
        Self { db, dir, shard, index: 0, expected: BTreeMap::new() }
    }

    /// Logs and applies a write; says whether it was taken.
    fn write(&mut self, write: Write) -> bool {
        let mut taken = true;
        for data in check(&self.shard, write, soon()).unwrap() {
            self.index += 1;
            taken &= self.shard.apply(&Entry { index: self.index, term: 1, data }).unwrap().is_ok();
        }
        taken
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Upsert(points) => {
                let point = |&(id, x, n, has): &(u64, f32, i64, bool)| NewPoint {
                    id: PointId::Num(id),
                    vectors: has.then(|| (String::new(), vector(x))).into_iter().collect(),
                    payload: payload(n),
                };
                assert!(self.write(Write::Upsert(points.iter().map(point).collect())));
                let expected =
                    |(id, x, n, has): (u64, f32, i64, bool)| (id, Expected { vector: has.then_some(x), n: Some(n) });
                self.expected.extend(points.into_iter().map(expected));
            }
            Step::Delete(ids) => {
                assert!(self.write(Write::Delete(selection(&ids))));
                self.expected.retain(|id, _| !ids.contains(id));
            }
            Step::DeleteWhere(n) => {
                assert!(self.write(Write::Delete(Selection::Filter(number_is(n)))));
                self.expected.retain(|_, it| it.n != Some(n));
            }
            Step::UpdateVector(id, x) => {
                let update = vec![(PointId::Num(id), BTreeMap::from([(String::new(), vector(x))]))];
                let taken = self.write(Write::UpdateVectors(update));
                assert_eq!(taken, self.expected.contains_key(&id));
                self.expected.entry(id).and_modify(|it| it.vector = Some(x));
            }
            Step::DeleteVector(id) => {
                assert!(self.write(Write::DeleteVectors { points: selection(&[id]), names: vec![String::new()] }));
                self.expected.entry(id).and_modify(|it| it.vector = None);
            }
            Step::SetPayload(ids, n) => {
                let set = Write::SetPayload { points: selection(&ids), payload: payload(n), key: None };
                let taken = self.write(set);
                // All of them or none.
                assert_eq!(taken, ids.iter().all(|id| self.expected.contains_key(id)));
                if taken {
                    ids.iter().for_each(|id| self.expected.get_mut(id).unwrap().n = Some(n));
                }
            }
            Step::Clear(id) => {
                assert!(self.write(Write::ClearPayload(selection(&[id]))));
                self.expected.entry(id).and_modify(|it| it.n = None);
            }
            Step::Index => {
                let field = "n".parse().unwrap();
                assert!(self.write(Write::CreateIndex { field, field_type: FieldType::Integer }));
            }
            Step::DropIndex => assert!(self.write(Write::DropIndex { field: "n".parse().unwrap() })),
            Step::Jobs => self.run_jobs(),
            Step::Reopen => self.shard = open(&self.db, self.dir.path()),
        }
    }

    fn run_jobs(&self) {
        let never = AtomicBool::new(false);
        for kind in [JobKind::Seal, JobKind::Seal, JobKind::Build] {
            self.shard.run_job(kind, &|_| true, &never).unwrap();
        }
    }

    fn check(&self) {
        let want = Want { payload: WantPayload::All, vectors: WantVectors::All };
        let page = self.shard.scroll(&Scroll { limit: 1000, want, ..Scroll::default() }, soon()).unwrap();
        let found = page.records.into_iter().map(|it| {
            let PointId::Num(id) = it.id else { panic!("only numbers were written") };
            let vector = it.vectors.unwrap().get("").map(|it| it[0]);
            (id, Expected { vector, n: it.payload.unwrap().get("n").and_then(serde_json::Value::as_i64) })
        });
        assert_eq!(found.collect::<BTreeMap<_, _>>(), self.expected);
        for n in 0..4 {
            let count = self.expected.values().filter(|it| it.n == Some(n)).count();
            assert_eq!(self.shard.count(Some(&number_is(n)), soon()).unwrap(), count);
            self.check_search(n);
        }
    }

    /// The nearest points with a number, by scan and by graph.
    fn check_search(&self, n: i64) {
        let matching = self.expected.values().filter(|it| it.n == Some(n));
        let mut distances: Vec<f32> =
            matching.filter_map(|it| it.vector).map(|x| (2.0 * (x - 1.0) * (x - 1.0)).sqrt()).collect();
        distances.sort_by(f32::total_cmp);
        distances.truncate(5);
        for exact in [true, false] {
            let search = Search {
                using: String::new(),
                vector: vector(1.0),
                filter: Some(number_is(n)),
                params: SearchParams { exact, ..SearchParams::default() },
                score_threshold: None,
                limit: 5,
                exclude: None,
                want: Want::default(),
            };
            let found = self.shard.search(&search, soon()).unwrap();
            for it in &found {
                let PointId::Num(id) = it.record.id else { panic!("only numbers were written") };
                assert_eq!(self.expected[&id].n, Some(n), "point {id}");
            }
            let found: Vec<f32> = found.iter().map(|it| it.score).collect();
            assert_eq!(found.len(), distances.len());
            for (a, b) in found.iter().zip(&distances) {
                assert!((a - b).abs() < 1e-4, "{found:?} instead of {distances:?}");
            }
        }
    }
}

fn open(db: &DataDb, dir: &std::path::Path) -> Shard {
    let settings = ShardSettings { growing_rows_max: 32, growing_bytes_max: 1 << 20, idle_after: Duration::ZERO };
    Shard::open(ShardStore::new(db.clone(), GroupId(1), dir.join("1")), settings, true).unwrap()
}

fn selection(ids: &[u64]) -> Selection {
    Selection::Ids(ids.iter().map(|id| PointId::Num(*id)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_shard_answers_as_a_map_does(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.check();
        world.take(Step::Reopen);
        world.check();
        (0..4).for_each(|_| world.run_jobs());
        world.check();
    }
}
