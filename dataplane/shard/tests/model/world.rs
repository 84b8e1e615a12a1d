//! A shard and the map that it should be; beside it a twin that gets the same log and does
//! its jobs at other times.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;
use vane_filter::Filter;
use vane_raft::{Answer, Conf, Entry, INITIAL_INDEX, StateMachine};
use vane_shard::{
    Alone, BuildCores, Command, Error, JobKind, NewPoint, Scroll, Search, SearchParams, Selection,
    Shard, ShardSettings, SpareTime, Want, WantPayload, WantVectors, Write, check,
};
use vane_storage::{DataDb, Kv, MemoryKv, ShardStore};
use vane_types::{
    CollectionConfig, Distance, FieldSchema, GroupId, Hints, HnswConfig, LogIndex, NodeId,
    OptimizerConfig, OwnId, Payload, PeerId, PointId, TenantId, Term, Vector, VectorParams,
};

pub const DIM: usize = 4;
pub const IDS: u64 = 60;

#[derive(Debug, Clone)]
pub enum Step {
    Upsert(Vec<(u64, f32, i64, bool)>),
    Delete(Vec<u64>),
    DeleteWhere(i64),
    UpdateVector(u64, f32),
    DeleteVector(u64),
    SetPayload(Vec<u64>, i64),
    Clear(u64),
    Index,
    DropIndex,
    Fill,
    Jobs,
    TwinJobs,
    Reopen,
}

/// What a point should be: second vector or none, and its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    pub vector: Option<f32>,
    pub n: Option<i64>,
}

pub fn step() -> impl Strategy<Value = Step> {
    let id = 0..IDS;
    let point = (0..IDS, -9.0_f32..9.0, 0_i64..4, any::<bool>());
    prop_oneof![
        6 => prop::collection::vec(point, 1..40).prop_map(Step::Upsert),
        2 => prop::collection::vec(id.clone(), 1..10).prop_map(Step::Delete),
        1 => (0_i64..4).prop_map(Step::DeleteWhere),
        2 => (id.clone(), -9.0_f32..9.0).prop_map(|(id, x)| Step::UpdateVector(id, x)),
        1 => id.clone().prop_map(Step::DeleteVector),
        2 => (prop::collection::vec(id.clone(), 1..5), 0_i64..4)
            .prop_map(|(ids, n)| Step::SetPayload(ids, n)),
        1 => id.prop_map(Step::Clear),
        1 => Just(Step::Index),
        1 => Just(Step::DropIndex),
        3 => Just(Step::Fill),
        3 => Just(Step::Jobs),
        1 => Just(Step::TwinJobs),
        1 => Just(Step::Reopen),
    ]
}

fn hints_of_tenants() -> Hints {
    let mut hints = Hints::default();
    let options = [("is_tenant".to_owned(), true.into())].into_iter().collect();
    hints.indexes.insert("n".parse().unwrap(), options);
    hints
}

pub fn config() -> CollectionConfig {
    let vector = VectorParams::new(DIM, Distance::Euclid);
    CollectionConfig {
        vectors: BTreeMap::from([(String::new(), vector)]),
        hnsw: HnswConfig {
            m: 4,
            ef_construct: 16,
            full_scan_threshold: 0,
            ..HnswConfig::default()
        },
        optimizer: OptimizerConfig {
            indexing_threshold: 1,
            vacuum_min_vector_number: 4,
            ..OptimizerConfig::default()
        },
        payload_schema: BTreeMap::new(),
        metadata: Payload::new(),
        // Rows of merged segments lie in the order of their numbers, while there is an index.
        hints: hints_of_tenants(),
        ..CollectionConfig::default()
    }
}

/// The same with points that are of tenants.
pub fn by_tenant() -> CollectionConfig {
    CollectionConfig { by_tenant: true, ..config() }
}

pub fn tenant(number: u32) -> TenantId {
    TenantId::from_number(number).unwrap()
}

pub fn vector(x: f32) -> Vector {
    vec![x, 1.0, -x, 0.5].into()
}

pub fn payload(n: i64) -> Payload {
    json!({"n": n}).as_object().unwrap().clone()
}

pub fn number_is(n: i64) -> Filter {
    Filter::parse(json!({"must": [{"key": "n", "match": {"value": n}}]})).unwrap()
}

/// The points next to `vector(x)`.
pub fn search(x: f32, filter: Option<Filter>, limit: usize) -> Search {
    Search {
        using: String::new(),
        sought: vector(x).into(),
        filter,
        params: SearchParams::default(),
        score_threshold: None,
        limit,
        exclude: Vec::new(),
        want: Want::default(),
    }
}

/// Points whose numbers are their ids' remainders.
pub fn upsert(ids: std::ops::Range<u64>) -> Write {
    let point = |id| NewPoint {
        id: PointId::num(id),
        vectors: [(String::new(), vector(id as f32))].into(),
        payload: payload(id as i64 % 4),
    };
    Write::Upsert(ids.map(point).collect())
}

pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// A shard with what it lies in, so that it can be opened again.
pub struct Replica {
    kv: Arc<dyn Kv>,
    pub dir: tempfile::TempDir,
    pub shard: Arc<Shard>,
    /// Whether its graphs may get codes of few bits.
    pub may_have_few_bits: Arc<AtomicBool>,
}

impl Replica {
    /// The first of its group.
    pub fn founded(kv: impl Into<Arc<dyn Kv>>) -> Self {
        Self::begin(kv.into(), &config(), INITIAL_INDEX, &members())
    }

    /// The first of a group whose points have other vectors.
    pub fn of(config: &CollectionConfig) -> Self {
        Self::begin(MemoryKv::default().into(), config, INITIAL_INDEX, &members())
    }

    /// One whose points are of tenants.
    pub fn of_tenants(kv: impl Into<Arc<dyn Kv>>) -> Self {
        Self::begin(kv.into(), &by_tenant(), INITIAL_INDEX, &members())
    }

    /// One that joins later.
    pub fn joining() -> Self {
        Self::begin(MemoryKv::default().into(), &config(), LogIndex::ZERO, &Conf::default())
    }

    fn begin(kv: Arc<dyn Kv>, config: &CollectionConfig, applied: LogIndex, conf: &Conf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let may_have_few_bits = Arc::new(AtomicBool::new(true));
        Shard::create(&store(&kv, dir.path()), config, applied, conf).unwrap();
        let shard = open(&kv, dir.path(), &may_have_few_bits);
        Self { kv, dir, shard, may_have_few_bits }
    }

    pub fn reopen(&mut self) {
        self.shard = open(&self.kv, self.dir.path(), &self.may_have_few_bits);
    }

    /// What becomes of an attempt to open it once more.
    pub fn try_reopen(&self) -> Result<Shard, Error> {
        try_open(&self.kv, self.dir.path(), &self.may_have_few_bits)
    }

    /// The same on another store, beside the files that are there.
    pub fn try_reopen_on(&self, kv: impl Into<Arc<dyn Kv>>) -> Result<Shard, Error> {
        try_open(&kv.into(), self.dir.path(), &self.may_have_few_bits)
    }

    /// Lets go of its store, so that another process could open it.
    pub fn close(&mut self) {
        let (kv, elsewhere): (Arc<dyn Kv>, _) =
            (MemoryKv::default().into(), tempfile::tempdir().unwrap());
        self.shard = open(&kv, elsewhere.path(), &self.may_have_few_bits);
        self.kv = kv;
    }

    /// Takes up its files with a store of another process.
    pub fn try_open_on(&mut self, kv: impl Into<Arc<dyn Kv>>) -> Result<(), Error> {
        let kv = kv.into();
        self.shard = Arc::new(try_open(&kv, self.dir.path(), &self.may_have_few_bits)?);
        self.kv = kv;
        Ok(())
    }

    /// Takes a snapshot of another replica over.
    pub fn install(&mut self, from: &Self) {
        let dir = tempfile::tempdir().unwrap();
        from.shard.snapshot(dir.path()).unwrap();
        self.shard.install(dir.path()).unwrap();
    }

    /// Applies the next entry.
    pub fn apply(&self, data: Vec<u8>) -> Answer {
        self.shard
            .apply(&Entry { index: self.shard.applied().next(), term: Term(1), data, conf: None })
            .unwrap()
    }

    /// Applies a write; says whether all its commands were taken.
    pub fn write(&self, write: Write) -> bool {
        self.commands(write)
            .iter()
            .fold(true, |taken, command| taken & self.apply(command.encode_stored()).is_ok())
    }

    pub fn commands(&self, write: Write) -> Vec<Command> {
        let checked = check(&self.shard.config(), write).unwrap();
        let resolved =
            checked.filter().map(|filter| self.shard.matching_ids(filter, soon()).unwrap());
        let commands = checked.commands(1, |_| 0, resolved.into_iter().collect()).unwrap();
        commands.into_iter().flat_map(|(_, commands)| commands).collect()
    }

    pub fn run_jobs(&self) {
        let never = AtomicBool::new(false);
        for kind in [JobKind::Seal, JobKind::Seal, JobKind::Build] {
            self.shard.run_job(kind, &|_| true, &never).unwrap();
        }
    }

    /// Puts the next points into a payload index; says whether one lacked some.
    pub fn fill(&self) -> bool {
        self.shard.run_job(JobKind::Fill, &|_| true, &AtomicBool::new(false)).unwrap()
    }

    /// What a scroll over everything shows, and the hash.
    pub fn contents(&self) -> (Vec<String>, u64) {
        let want = Want { payload: WantPayload::All, vectors: WantVectors::All };
        let page = self
            .shard
            .scroll(&Scroll { limit: 1_000_000, want, ..Scroll::default() }, soon())
            .unwrap();
        let (_, digest) = self.shard.digest();
        assert_eq!(self.shard.recompute_digest().unwrap(), self.shard.digest());
        (page.records.iter().map(|record| format!("{record:?}")).collect(), digest)
    }
}

pub struct World {
    /// Points are of three tenants by turns, and each tenant's are numbered by themselves.
    of_tenants: bool,
    pub replica: Replica,
    twin: Replica,
    pub expected: BTreeMap<u64, Expected>,
    /// Outlives the database in it.
    _db: tempfile::TempDir,
}

impl World {
    pub fn new(of_tenants: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = DataDb::open(dir.path()).unwrap();
        let (replica, twin) = match of_tenants {
            true => (Replica::of_tenants(db), Replica::of_tenants(MemoryKv::default())),
            false => (Replica::founded(db), Replica::founded(MemoryKv::default())),
        };
        Self { of_tenants, replica, twin, expected: BTreeMap::new(), _db: dir }
    }

    /// What a point of the map is called.
    pub fn id(&self, n: u64) -> PointId {
        match self.of_tenants {
            true => PointId::num(n / 3).of(tenant(n as u32 % 3 + 1)),
            false => PointId::num(n),
        }
    }

    /// Which point of the map it is.
    fn number(&self, id: PointId) -> u64 {
        let OwnId::Num(number) = id.own else { panic!("only numbers were written") };
        assert_eq!(id.tenant.is_some(), self.of_tenants);
        id.tenant.map_or(number, |tenant| number * 3 + u64::from(tenant.number() - 1))
    }

    fn selection(&self, ids: &[u64]) -> Selection {
        Selection::Ids(ids.iter().map(|id| self.id(*id)).collect())
    }

    /// Logs and applies a write; says whether it was taken.
    fn write(&mut self, write: Write) -> bool {
        let mut taken = true;
        for command in self.replica.commands(write) {
            let answer = self.replica.apply(command.encode_stored());
            assert_eq!(self.twin.apply(command.encode_stored()), answer);
            assert_eq!(self.twin.shard.digest(), self.replica.shard.digest());
            taken &= answer.is_ok();
        }
        taken
    }

    pub fn take(&mut self, step: Step) {
        match step {
            Step::Upsert(points) => {
                let point = |&(id, x, n, has): &(u64, f32, i64, bool)| NewPoint {
                    id: self.id(id),
                    vectors: has.then(|| (String::new(), vector(x))).into_iter().collect(),
                    payload: payload(n),
                };
                let points_of = points.iter().map(point).collect();
                assert!(self.write(Write::Upsert(points_of)));
                let expected = |(id, x, n, has): (u64, f32, i64, bool)| {
                    (id, Expected { vector: has.then_some(x), n: Some(n) })
                };
                self.expected.extend(points.into_iter().map(expected));
            }
            Step::Delete(ids) => {
                let points = self.selection(&ids);
                assert!(self.write(Write::Delete(points)));
                self.expected.retain(|id, _| !ids.contains(id));
            }
            Step::DeleteWhere(n) => {
                assert!(self.write(Write::Delete(Selection::Filter(number_is(n)))));
                self.expected.retain(|_, point| point.n != Some(n));
            }
            Step::UpdateVector(id, x) => {
                let update = vec![(self.id(id), BTreeMap::from([(String::new(), vector(x))]))];
                let taken = self.write(Write::UpdateVectors(update));
                assert_eq!(taken, self.expected.contains_key(&id));
                self.expected.entry(id).and_modify(|point| point.vector = Some(x));
            }
            Step::DeleteVector(id) => {
                let points = self.selection(&[id]);
                assert!(self.write(Write::DeleteVectors { points, names: vec![String::new()] }));
                self.expected.entry(id).and_modify(|point| point.vector = None);
            }
            Step::SetPayload(ids, n) => {
                let set = Write::SetPayload {
                    points: self.selection(&ids),
                    payload: payload(n),
                    key: None,
                };
                let taken = self.write(set);
                // All of them or none.
                assert_eq!(taken, ids.iter().all(|id| self.expected.contains_key(id)));
                if taken {
                    ids.iter().for_each(|id| self.expected.get_mut(id).unwrap().n = Some(n));
                }
            }
            Step::Clear(id) => {
                let points = self.selection(&[id]);
                assert!(self.write(Write::ClearPayload(points)));
                self.expected.entry(id).and_modify(|point| point.n = None);
            }
            Step::Index => {
                let field = "n".parse().unwrap();
                assert!(self.write(Write::CreateIndex { field, field_type: FieldSchema::Integer }));
            }
            Step::DropIndex => {
                assert!(self.write(Write::DropIndex { field: "n".parse().unwrap() }))
            }
            Step::Jobs => self.replica.run_jobs(),
            Step::Fill => drop(self.replica.fill()),
            Step::TwinJobs => {
                self.twin.run_jobs();
                self.twin.fill();
            }
            Step::Reopen => self.replica.reopen(),
        }
    }

    pub fn check(&self) {
        assert_eq!(self.replica.shard.recompute_digest().unwrap(), self.replica.shard.digest());
        assert_eq!(self.replica.contents(), self.twin.contents());
        let want = Want { payload: WantPayload::All, vectors: WantVectors::All };
        let page = self
            .replica
            .shard
            .scroll(&Scroll { limit: 1000, want, ..Scroll::default() }, soon())
            .unwrap();
        let payloads = page.records.iter().filter_map(|record| record.payload.as_ref());
        let bytes = payloads.filter(|payload| !payload.is_empty());
        let bytes: usize = bytes.map(|payload| vane_types::payload::encode(payload).len()).sum();
        let info = self.replica.shard.info();
        assert_eq!(info.payload_bytes, bytes as u64);
        assert_eq!(info.live_vector_bytes as usize, info.vectors * DIM * 4);
        let found = page.records.into_iter().map(|record| {
            let id = self.number(record.id);
            let vector = record.vectors.unwrap().get("").map(|vector| vector.values()[0]);
            (
                id,
                Expected {
                    vector,
                    n: record.payload.unwrap().get("n").and_then(serde_json::Value::as_i64),
                },
            )
        });
        assert_eq!(found.collect::<BTreeMap<_, _>>(), self.expected);
        self.check_index();
        for n in 0..4 {
            let count = self.expected.values().filter(|point| point.n == Some(n)).count();
            assert_eq!(self.replica.shard.count(Some(&number_is(n)), soon()).unwrap(), count);
            self.check_search(n);
        }
    }

    /// A whole index has all points that have a number, and no other.
    fn check_index(&self) {
        let info = self.replica.shard.info();
        let with_number = self.expected.values().filter(|point| point.n.is_some()).count();
        for (path, (_, points)) in info.payload_index_points {
            match info.filling_indexes.contains(&path) {
                true => assert!(points <= with_number),
                false => assert_eq!(points, with_number),
            }
        }
    }

    /// The nearest points with a number, by scan and by graph.
    fn check_search(&self, n: i64) {
        let matching = self.expected.values().filter(|point| point.n == Some(n));
        let mut distances: Vec<f32> = matching
            .filter_map(|point| point.vector)
            .map(|x| (2.0 * (x - 1.0) * (x - 1.0)).sqrt())
            .collect();
        distances.sort_by(f32::total_cmp);
        distances.truncate(5);
        for exact in [true, false] {
            let search = Search {
                params: SearchParams { exact, ..SearchParams::default() },
                ..search(1.0, Some(number_is(n)), 5)
            };
            let found = self.replica.shard.search(&search, soon(), &Alone).unwrap();
            for hit in &found {
                let id = self.number(hit.record.id);
                assert_eq!(self.expected[&id].n, Some(n), "point {id}");
            }
            let found: Vec<f32> = found.iter().map(|hit| hit.score).collect();
            assert_eq!(found.len(), distances.len());
            for (a, b) in found.iter().zip(&distances) {
                assert!((a - b).abs() < 1e-4, "{found:?} instead of {distances:?}");
            }
        }
    }
}

fn store(kv: &Arc<dyn Kv>, dir: &Path) -> ShardStore {
    ShardStore::new(kv.clone(), GroupId(1), dir.join("1"))
}

fn open(kv: &Arc<dyn Kv>, dir: &Path, few_bits: &Arc<AtomicBool>) -> Arc<Shard> {
    Arc::new(try_open(kv, dir, few_bits).unwrap())
}

fn try_open(kv: &Arc<dyn Kv>, dir: &Path, few_bits: &Arc<AtomicBool>) -> Result<Shard, Error> {
    let settings = ShardSettings {
        growing_rows_max: 32,
        growing_bytes_max: 1 << 20,
        idle_after: Duration::ZERO,
        fill_points: 7,
        build_cores: Arc::new(BuildCores::new(2)),
        build_bytes_max: 1 << 30,
        spare_time: Arc::new(SpareTime::default()),
        stirred: Arc::default(),
        may_have_few_bits: Arc::clone(few_bits),
    };
    Shard::open(store(kv, dir), settings)
}

/// Who the first replicas of the group are.
pub fn members() -> Conf {
    Conf::of_voters([1, 2].map(|node| PeerId::new(NodeId(node), 1)).to_vec())
}

pub fn selection(ids: &[u64]) -> Selection {
    Selection::Ids(ids.iter().map(|id| PointId::num(*id)).collect())
}
