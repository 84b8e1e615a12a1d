//! Sparse vectors and vectors of vectors against a map: found, returned and copied as they were
//! written, however their segments lie.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use vane_filter::Filter;
use vane_shard::{
    Alone, Frequencies, JobKind, NewPoint, Scored, Scrubbed, Search, Selection, Want, WantVectors,
    Write,
};
use vane_types::{
    CollectionConfig, Distance, MultiVector, NamedVectors, PointId, SparseParams, SparseVector,
    Vector, VectorParams,
};

use crate::world::{Replica, config, number_is, payload, search, soon};

const IDS: u64 = 40;
const DIM: usize = 2;

/// What a point has: its sparse vector, and the rows of the other.
type Vectors = (Option<BTreeMap<u32, i8>>, Option<Vec<[i8; DIM]>>);

#[derive(Debug, Clone)]
enum Step {
    Upsert(Vec<(u64, Vectors)>),
    Update(u64, Vectors),
    Drop(u64, &'static str),
    Delete(u64),
    Jobs,
    Reopen,
}

fn sparse() -> impl Strategy<Value = BTreeMap<u32, i8>> {
    prop::collection::btree_map(0_u32..9, -9_i8..9, 0..6)
}

fn rows() -> impl Strategy<Value = Vec<[i8; DIM]>> {
    prop::collection::vec([-9_i8..9, -9_i8..9], 1..4)
}

fn vectors() -> impl Strategy<Value = Vectors> {
    (prop::option::of(sparse()), prop::option::of(rows()))
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..IDS;
    prop_oneof![
        5 => prop::collection::vec((0..IDS, vectors()), 1..30).prop_map(Step::Upsert),
        2 => (id.clone(), vectors()).prop_map(|(id, vectors)| Step::Update(id, vectors)),
        1 => (id.clone(), prop::sample::select(vec!["m", "s"]))
            .prop_map(|(id, name)| Step::Drop(id, name)),
        1 => id.prop_map(Step::Delete),
        3 => Just(Step::Jobs),
        1 => Just(Step::Reopen),
    ]
}

fn of_kinds(distance: Distance) -> CollectionConfig {
    let params = VectorParams { multi: true, ..VectorParams::new(DIM, distance) };
    CollectionConfig {
        vectors: [("m".to_owned(), params)].into(),
        sparse: [("s".to_owned(), SparseParams::default())].into(),
        ..config()
    }
}

fn sparse_vector(map: &BTreeMap<u32, i8>) -> Vector {
    let (indices, values) = map.iter().map(|(index, value)| (*index, f32::from(*value))).unzip();
    SparseVector::new(indices, values).unwrap().into()
}

fn multi_vector(rows: &[[i8; DIM]]) -> Vector {
    let rows: Vec<_> = rows.iter().map(|row| row.map(f32::from)).collect();
    MultiVector::of_rows(&rows).unwrap().into()
}

fn named((sparse, rows): &Vectors) -> NamedVectors {
    let sparse = sparse.iter().map(|map| ("s".to_owned(), sparse_vector(map)));
    sparse.chain(rows.iter().map(|rows| ("m".to_owned(), multi_vector(rows)))).collect()
}

/// A shard and what should be in it.
struct World {
    replica: Replica,
    expected: BTreeMap<u64, Vectors>,
    distance: Distance,
}

impl World {
    fn take(&mut self, step: Step) {
        match step {
            Step::Upsert(points) => {
                let point = |(id, vectors): &(u64, Vectors)| NewPoint {
                    id: PointId::num(*id),
                    vectors: named(vectors),
                    payload: payload(*id as i64 % 4),
                };
                assert!(self.replica.write(Write::Upsert(points.iter().map(point).collect())));
                self.expected.extend(points);
            }
            Step::Update(id, vectors) => {
                let update = Write::UpdateVectors(vec![(PointId::num(id), named(&vectors))]);
                let Some(known) = self.expected.get_mut(&id) else {
                    assert!(!self.replica.write(update));
                    return;
                };
                assert!(self.replica.write(update));
                let (sparse, rows) = vectors;
                *known = (sparse.or(known.0.take()), rows.or(known.1.take()));
            }
            Step::Drop(id, name) => {
                let of = Selection::Ids(vec![PointId::num(id)]);
                self.replica
                    .write(Write::DeleteVectors { points: of, names: vec![name.to_owned()] });
                match (self.expected.get_mut(&id), name) {
                    (Some((sparse, _)), "s") => *sparse = None,
                    (Some((_, rows)), _) => *rows = None,
                    (None, _) => {}
                }
            }
            Step::Delete(id) => {
                self.replica.write(Write::Delete(Selection::Ids(vec![PointId::num(id)])));
                self.expected.remove(&id);
            }
            Step::Jobs => self.replica.run_jobs(),
            Step::Reopen => self.replica.reopen(),
        }
    }

    /// The best by a score of each point's vectors, larger first.
    fn best(
        &self,
        keep: impl Fn(u64) -> bool,
        score: impl Fn(&Vectors) -> Option<f32>,
    ) -> Vec<(u64, f32)> {
        let scored = self.expected.iter().filter(|(id, _)| keep(**id));
        let mut all: Vec<_> = scored.filter_map(|(id, it)| Some((*id, score(it)?))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all
    }

    fn found(&self, using: &str, vector: Vector, filter: Option<Filter>) -> Vec<(u64, f32)> {
        let search =
            Search { using: using.to_owned(), sought: vector.into(), ..search(0.0, filter, 7) };
        let found = self.replica.shard.search(&search, soon(), &Alone).unwrap();
        found.iter().map(|Scored { record, score }| (number(record.id), *score)).collect()
    }

    fn check(&self, query: &BTreeMap<u32, i8>, rows: &[[i8; DIM]]) {
        for filter in [None, Some(1)] {
            let keep = |id: u64| filter.is_none_or(|n| id as i64 % 4 == n);
            let mut expected = self.best(keep, |(sparse, _)| product(query, sparse.as_ref()?));
            expected.truncate(7);
            let found = self.found("s", sparse_vector(query), filter.map(number_is));
            assert_eq!(found, expected, "{query:?}");
            let mut expected =
                self.best(keep, |(_, stored)| Some(max_sim(self.distance, rows, stored.as_ref()?)));
            expected.truncate(7);
            // A distance is the root of what orders, and there the smaller is the better.
            expected.iter_mut().for_each(|(_, score)| match self.distance {
                Distance::Euclid => *score = (-*score).sqrt(),
                Distance::Manhattan => *score = -*score,
                Distance::Dot | Distance::Cosine => {}
            });
            let found = self.found("m", multi_vector(rows), filter.map(number_is));
            assert_eq!(found, expected, "{rows:?}");
        }
        self.check_frequencies(query);
        let ids: Vec<PointId> = (0..IDS).map(PointId::num).collect();
        let want = Want { vectors: WantVectors::All, ..Want::default() };
        let records = self.replica.shard.retrieve(&ids, &want).unwrap();
        let got: Vec<_> =
            records.into_iter().map(|it| (number(it.id), it.vectors.unwrap_or_default())).collect();
        let all: Vec<_> = self.expected.iter().map(|(id, it)| (*id, named(it))).collect();
        assert_eq!(got, all);
        let vectors = all.iter().map(|(_, vectors)| vectors.len()).sum::<usize>();
        assert_eq!(self.replica.shard.info().vectors, vectors);
        self.replica.contents();
    }

    /// What rows have at the indices of a query, counted in both ways.
    fn check_frequencies(&self, query: &BTreeMap<u32, i8>) {
        let indices: Vec<u32> = query.keys().copied().collect();
        let shard = &self.replica.shard;
        for filter in [None, Some(number_is(1))] {
            let keep = |id: u64| filter.is_none() || id % 4 == 1;
            let kept = self.expected.iter().filter(|(id, _)| keep(**id));
            let sparse: Vec<_> = kept.filter_map(|(_, (sparse, _))| sparse.as_ref()).collect();
            let with = indices
                .iter()
                .map(|at| sparse.iter().filter(|sparse| sparse.contains_key(at)).count() as u64);
            let points = sparse.iter().filter(|sparse| !sparse.is_empty()).count() as u64;
            let expected = Frequencies { points, with: with.collect() };
            assert_eq!(
                shard.frequencies("s", &indices, filter.as_ref(), soon()).unwrap(),
                expected
            );
            if filter.is_none() {
                let quick = shard.frequencies_quick("s", &indices, soon()).unwrap();
                assert_eq!(quick, Some(expected));
            }
        }
        assert!(shard.frequencies_quick("m", &indices, soon()).is_err(), "not a sparse vector");
    }
}

fn number(id: PointId) -> u64 {
    (0..IDS).find(|n| PointId::num(*n) == id).unwrap()
}

/// `None` where nothing is in common, or all of it comes to nothing.
fn product(query: &BTreeMap<u32, i8>, stored: &BTreeMap<u32, i8>) -> Option<f32> {
    let common =
        query.iter().filter_map(|(at, x)| Some(i32::from(*x) * i32::from(*stored.get(at)?)));
    Some(common.sum::<i32>()).filter(|sum| *sum != 0).map(|sum| sum as f32)
}

fn max_sim(distance: Distance, query: &[[i8; DIM]], stored: &[[i8; DIM]]) -> f32 {
    let similarity = |a: &[i8; DIM], b: &[i8; DIM]| -> i32 {
        let pairs = a.iter().zip(b).map(|(a, b)| (i32::from(*a), i32::from(*b)));
        match distance {
            Distance::Euclid => pairs.map(|(a, b)| -(a - b).pow(2)).sum(),
            Distance::Manhattan => pairs.map(|(a, b)| -(a - b).abs()).sum(),
            Distance::Dot | Distance::Cosine => pairs.map(|(a, b)| a * b).sum(),
        }
    };
    let best = |row| stored.iter().map(|other| similarity(row, other)).max().unwrap();
    query.iter().map(best).sum::<i32>() as f32
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn other_kinds_are_found_and_kept_as_the_map_has_them(
        steps in prop::collection::vec(step(), 1..40),
        query in sparse(),
        rows in rows(),
        distance in prop::sample::select(vec![
            Distance::Dot, Distance::Euclid, Distance::Manhattan,
        ]),
    ) {
        let replica = Replica::of(&of_kinds(distance));
        let mut world = World { replica, expected: BTreeMap::new(), distance };
        for step in steps {
            world.take(step);
        }
        world.check(&query, &rows);
        let mut joined = Replica::joining();
        joined.install(&world.replica);
        world.replica = joined;
        world.check(&query, &rows);
    }
}

/// Points with many sparse vectors, sealed, with postings.
fn sealed() -> World {
    let replica = Replica::of(&of_kinds(Distance::Dot));
    let mut world = World { replica, expected: BTreeMap::new(), distance: Distance::Dot };
    let of = |id: u64| {
        // Enough of them for a segment.
        let map = (0..9).map(|at| (at, (id as i8 * 3 + at as i8) % 7 - 3)).collect();
        (id, (Some(map), Some(vec![[id as i8, 1]])))
    };
    world.take(Step::Upsert((0..IDS).map(of).collect()));
    let never = AtomicBool::new(false);
    for kind in [JobKind::Seal, JobKind::Build] {
        while world.replica.shard.run_job(kind, &|_| true, &never).unwrap() {}
    }
    world
}

#[test]
fn sparse_rows_have_postings_once_they_are_sealed() {
    let world = sealed();
    let info = world.replica.shard.info();
    assert_eq!((info.indexed_vectors as u64, info.growing_rows as u64), (IDS, IDS));
    let sparse = Search {
        using: "s".to_owned(),
        sought: sparse_vector(&BTreeMap::from([(3, 1)])).into(),
        ..search(0.0, None, 2)
    };
    let parts = world.replica.shard.explain(&sparse, soon()).unwrap();
    assert!(parts.iter().any(|part| part.way == vane_shard::SearchWay::Postings), "{parts:?}");
}

#[test]
fn damaged_postings_are_made_again_from_the_rows() {
    let mut world = sealed();
    let (query, rows) = (BTreeMap::from([(8, 2), (3, 1)]), [[1, 1]]);
    world.check(&query, &rows);
    let segments = fs::read_dir(world.replica.shard.store().dir()).unwrap();
    let files = segments.map(|entry| entry.unwrap().path().join("post.bin"));
    let file = files.into_iter().find(|path| path.exists()).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x40;
    // In place, as a mapped file shows what its disk gives back.
    use std::os::unix::fs::FileExt;
    let opened = fs::File::options().write(true).open(&file).unwrap();
    opened.write_all_at(&bytes, 0).unwrap();
    assert_eq!(world.replica.shard.scrub(&mut |_| true).unwrap(), Scrubbed::Whole);
    world.check(&query, &rows);
    let never = AtomicBool::new(false);
    while world.replica.shard.run_job(JobKind::Build, &|_| true, &never).unwrap() {}
    world.replica.reopen();
    world.check(&query, &rows);
    assert_eq!(world.replica.shard.info().indexed_vectors as u64, IDS);
}
