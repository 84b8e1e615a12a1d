//! Vectors that a collection gets and loses while points are written, jobs run, replicas start
//! anew and take snapshots over: a name never shows what was written under another vector of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use serde_json::json;
use vane_commands::{Change, Command, Configure};
use vane_filter::Filter;
use vane_shard::{
    Alone, JobKind, NewPoint, Scroll, Search, SearchParams, Want, WantVectors, Write, check,
};
use vane_storage::MemoryKv;
use vane_types::{
    CollectionConfig, Distance, MultiVector, NamedVectors, Payload, PointId, Refusal, SparseParams,
    SparseVector, Vector, VectorParams, VectorSpec,
};

use crate::world::{Replica, config, search, selection, soon};

const NAMES: [&str; 3] = ["", "a", "b"];
const IDS: u64 = 40;

#[derive(Debug, Clone)]
enum Step {
    Add(usize, usize),
    Remove(usize),
    /// Parameters by an earlier configuration.
    Configure(usize),
    /// Points with some of the vectors, by the configuration of so many changes ago.
    Upsert(BTreeSet<u64>, [bool; 3], usize),
    Update(u64, usize, usize),
    DeleteVector(u64, usize, usize),
    Jobs(bool),
    Fill(bool),
    Reopen,
    Snapshot,
}

fn step() -> impl Strategy<Value = Step> {
    let ids = prop::collection::btree_set(0..IDS, 1..40);
    // Mostly the newest.
    let ago = || prop_oneof![3 => Just(0_usize), 1 => 1..4_usize];
    prop_oneof![
        3 => (0..3_usize, 0..4_usize).prop_map(|(name, spec)| Step::Add(name, spec)),
        2 => (0..3_usize).prop_map(Step::Remove),
        1 => (1..4_usize).prop_map(Step::Configure),
        6 => (ids, any::<[bool; 3]>(), ago())
            .prop_map(|(ids, has, ago)| Step::Upsert(ids, has, ago)),
        2 => (0..IDS, 0..3_usize, ago()).prop_map(|(id, name, ago)| Step::Update(id, name, ago)),
        2 => (0..IDS, 0..3_usize, ago())
            .prop_map(|(id, name, ago)| Step::DeleteVector(id, name, ago)),
        3 => any::<bool>().prop_map(Step::Jobs),
        2 => any::<bool>().prop_map(Step::Fill),
        2 => Just(Step::Reopen),
        1 => Just(Step::Snapshot),
    ]
}

fn spec(number: usize) -> VectorSpec {
    let params = |size| VectorParams::new(size, Distance::Dot);
    match number {
        0 => VectorSpec::of(params(2)),
        1 => VectorSpec::of(params(3)),
        2 => VectorSpec::Multi(params(2)),
        _ => VectorSpec::Sparse(SparseParams::default()),
    }
}

/// One that no other write of the test has.
fn fresh(spec: VectorSpec, number: u32) -> Vector {
    let x = number as f32;
    match spec {
        VectorSpec::Dense(params) => vec![x; params.size].into(),
        VectorSpec::Multi(params) => MultiVector::of_rows(&[vec![x; params.size]]).unwrap().into(),
        VectorSpec::Sparse(_) => SparseVector::new(vec![7], vec![x]).unwrap().into(),
    }
}

fn configure(config: &CollectionConfig) -> Vec<u8> {
    let config = serde_json::to_string(config).unwrap();
    Command::new(Change::Configure(Configure { config })).encode_stored()
}

struct World {
    replica: Replica,
    twin: Replica,
    /// As the catalog had them, the newest last.
    configs: Vec<CollectionConfig>,
    expected: BTreeMap<u64, NamedVectors>,
    written: u32,
}

impl World {
    fn new() -> Self {
        Self {
            replica: Replica::founded(MemoryKv::default()),
            twin: Replica::founded(MemoryKv::default()),
            configs: vec![config()],
            expected: BTreeMap::new(),
            written: 0,
        }
    }

    fn ago(&self, changes: usize) -> &CollectionConfig {
        &self.configs[self.configs.len().saturating_sub(1 + changes)]
    }

    fn now(&self) -> &CollectionConfig {
        self.ago(0)
    }

    fn apply(&self, data: &[u8]) -> Result<(), Refusal> {
        let answer = self.replica.apply(data.to_vec());
        assert_eq!(self.twin.apply(data.to_vec()), answer);
        assert_eq!(self.twin.shard.digest(), self.replica.shard.digest());
        answer
    }

    fn write(&self, config: &CollectionConfig, write: Write) -> bool {
        let commands = check(config, write).unwrap().commands(1, |_| 0, Vec::new()).unwrap();
        let mut commands = commands.into_iter().flat_map(|(_, commands)| commands);
        commands.all(|command| self.apply(&command.encode_stored()).is_ok())
    }

    /// Whether a vector of a name is still the one that it was.
    fn is_kept(&self, then: &CollectionConfig, name: &str) -> bool {
        then.id_of(name).is_some() && then.id_of(name) == self.now().id_of(name)
    }

    fn change(&mut self, change: impl FnOnce(&mut CollectionConfig) -> bool) {
        let mut config = self.now().clone();
        if change(&mut config) {
            self.apply(&configure(&config)).unwrap();
            self.configs.push(config);
        }
        let now = self.now().clone();
        for vectors in self.expected.values_mut() {
            vectors.retain(|name, _| now.vector(name).is_some());
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            // A vector of another kind than one that is there does not come.
            Step::Add(name, number) => {
                self.change(|config| config.add_vector(NAMES[name], spec(number)).unwrap_or(false))
            }
            Step::Remove(name) => self.change(|config| config.remove_vector(NAMES[name])),
            Step::Configure(ago) => {
                let stale = configure(self.ago(ago));
                self.apply(&stale).unwrap();
            }
            Step::Upsert(ids, has, ago) => self.upsert(&ids, has, ago),
            Step::Update(id, name, ago) => {
                let (then, name) = (self.ago(ago).clone(), NAMES[name]);
                let Some(spec) = then.vector(name) else { return };
                self.written += 1;
                let vectors: NamedVectors = [(name.to_owned(), fresh(spec, self.written))].into();
                let update = Write::UpdateVectors(vec![(PointId::num(id), vectors.clone())]);
                let taken = self.write(&then, update);
                assert_eq!(taken, self.expected.contains_key(&id) && self.is_kept(&then, name));
                if taken {
                    self.expected.get_mut(&id).unwrap().extend(vectors);
                }
            }
            Step::DeleteVector(id, name, ago) => {
                let (then, name) = (self.ago(ago).clone(), NAMES[name]);
                if then.vector(name).is_none() {
                    return;
                }
                let points = selection(&[id]);
                let names = vec![name.to_owned()];
                assert!(self.write(&then, Write::DeleteVectors { points, names }));
                if self.is_kept(&then, name) {
                    self.expected.entry(id).and_modify(|vectors| drop(vectors.remove(name)));
                }
            }
            Step::Jobs(twin) => self.of(twin).run_jobs(),
            Step::Fill(twin) => {
                while self.of(twin).fill() {}
                assert_eq!(stray_files(self.of(twin)), Vec::<String>::new());
            }
            Step::Reopen => self.replica.reopen(),
            Step::Snapshot => self.twin.install(&self.replica),
        }
    }

    fn upsert(&mut self, ids: &BTreeSet<u64>, has: [bool; 3], ago: usize) {
        let then = self.ago(ago).clone();
        let mut points = BTreeMap::new();
        for id in ids {
            let mut vectors = NamedVectors::new();
            for (name, _) in NAMES.iter().zip(has).filter(|(_, has)| *has) {
                if let Some(spec) = then.vector(name) {
                    self.written += 1;
                    vectors.insert((*name).to_owned(), fresh(spec, self.written));
                }
            }
            points.insert(*id, vectors);
        }
        let point = |(id, vectors): (&u64, &NamedVectors)| NewPoint {
            id: PointId::num(*id),
            vectors: vectors.clone(),
            payload: Payload::new(),
        };
        let taken = self.write(&then, Write::Upsert(points.iter().map(point).collect()));
        let mut names = points.values().flat_map(NamedVectors::keys);
        assert_eq!(taken, names.all(|name| self.is_kept(&then, name)));
        if taken {
            self.expected.extend(points);
        }
    }

    fn of(&self, twin: bool) -> &Replica {
        if twin { &self.twin } else { &self.replica }
    }

    fn check(&self) {
        let shard = &self.replica.shard;
        assert_eq!(self.replica.contents(), self.twin.contents());
        assert_eq!(shard.config().identified().map(|(id, ..)| id).collect::<Vec<_>>(), {
            self.now().identified().map(|(id, ..)| id).collect::<Vec<_>>()
        });
        let want = Want { vectors: WantVectors::All, ..Want::default() };
        let page = Scroll { limit: 1000, want, ..Scroll::default() };
        let page = shard.scroll(&page, soon()).unwrap();
        let found = page.records.into_iter().map(|record| (record.id, record.vectors.unwrap()));
        let expected = self.expected.iter().map(|(id, it)| (PointId::num(*id), it.clone()));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), expected.collect::<BTreeMap<_, _>>());
        let mut total = 0;
        for name in NAMES {
            let with = self.expected.values().filter(|vectors| vectors.contains_key(name)).count();
            total += with;
            let filter = Filter::parse(json!({"must": {"has_vector": name}})).unwrap();
            assert_eq!(shard.count(Some(&filter), soon()).unwrap(), with, "`{name}`");
            let spec = self.now().vector(name);
            for exact in [true, false] {
                let sought = fresh(spec.unwrap_or(VectorSpec::of(self.configs[0].vectors[""])), 1);
                let search = Search {
                    using: name.to_owned(),
                    sought: sought.into(),
                    params: SearchParams { exact, ..SearchParams::default() },
                    ..search(1.0, None, 1000)
                };
                let found = shard.search(&search, soon(), &Alone);
                match spec {
                    Some(_) => assert_eq!(found.unwrap().len(), with),
                    None => assert!(found.is_err()),
                }
            }
        }
        assert_eq!(shard.info().vectors, total);
    }
}

/// Directories of segments whose vectors the collection does not have.
fn stray_files(replica: &Replica) -> Vec<String> {
    let config = replica.shard.config();
    let ids: Vec<String> = config.identified().map(|(id, ..)| format!("v{id}-")).collect();
    let Ok(entries) = std::fs::read_dir(replica.dir.path().join("1")) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !ids.iter().any(|id| name.starts_with(id.as_str()))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn vectors_come_and_go(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.check();
        for twin in [false, true] {
            world.take(Step::Jobs(twin));
            world.take(Step::Fill(twin));
        }
        world.replica.reopen();
        world.check();
    }
}

/// Jobs that are half way when their vector goes.
#[test]
fn jobs_of_a_vector_that_goes_leave_nothing_behind() {
    let mut world = World::new();
    let stop = AtomicBool::new(false);
    let shard = std::sync::Arc::clone(&world.replica.shard);
    std::thread::scope(|scope| {
        for kind in JobKind::ALL {
            let (shard, stop) = (&shard, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // One that is called off is no failure.
                    let _ = shard.run_job(kind, &|_| true, &AtomicBool::new(false));
                    assert_eq!((shard.damaged(), shard.info().job_failure), (None, None));
                }
            });
        }
        for round in 0..40 {
            world.take(Step::Add(1 + round % 2, round % 4));
            for _ in 0..3 {
                world.take(Step::Upsert((0..IDS).collect(), [true; 3], 0));
            }
            world.take(Step::Remove(1 + (round + 1) % 2));
        }
        stop.store(true, Ordering::Relaxed);
    });
    world.take(Step::Fill(false));
    world.check();
    world.replica.reopen();
    world.check();
}

/// A vector that went counts for nothing at once.
#[test]
fn figures_are_of_the_vectors_that_there_are() {
    let mut world = World::new();
    let ids: BTreeSet<u64> = (0..IDS).collect();
    world.take(Step::Upsert(ids.clone(), [true, false, false], 0));
    world.take(Step::Jobs(false));
    let figures = |world: &World| {
        let (info, memory) = (world.replica.shard.info(), world.replica.shard.memory());
        (info.vectors, info.vector_bytes, memory.rows, memory.graphs)
    };
    let before = figures(&world);
    world.take(Step::Add(1, 1));
    world.take(Step::Upsert(ids, [true, true, false], 0));
    world.take(Step::Remove(1));
    // The other one's rows were written again: those that died are merged away.
    for _ in 0..3 {
        world.take(Step::Jobs(false));
    }
    assert!(world.replica.shard.info().optimizing, "files are still there");
    world.take(Step::Fill(false));
    assert_eq!(figures(&world).0, before.0);
    let bytes = figures(&world).1;
    assert!(bytes <= before.1 * 2, "{bytes} bytes of rows, which were {before:?}");
    assert!(!world.replica.shard.info().optimizing || bytes > before.1);
}

/// The state before a replica learnt of the change: what its log says later is the same as at
/// those that applied it at once.
#[test]
fn a_replica_that_lags_comes_to_the_same() {
    let mut world = World::new();
    let lagging = Replica::founded(MemoryKv::default());
    let mut log = Vec::new();
    let mut write = |world: &World, config: &CollectionConfig, write: Write| {
        let commands = check(config, write).unwrap().commands(1, |_| 0, Vec::new()).unwrap();
        for command in commands.into_iter().flat_map(|(_, commands)| commands) {
            let _ = world.apply(&command.encode_stored());
            log.push(command.encode_stored());
        }
    };
    let put = |name: &str, values: &[f32]| {
        let vectors = NamedVectors::from([(name.to_owned(), values.to_vec().into())]);
        Write::Upsert(vec![NewPoint { id: PointId::num(1), vectors, payload: Payload::new() }])
    };
    let mut changed = config();
    changed.add_vector("a", spec(0)).unwrap();
    write(&world, &changed, put("a", &[9.0, 9.0]));
    world.change(|config| config.add_vector("a", spec(0)).unwrap());
    write(&world, &changed, put("a", &[1.0, 2.0]));
    let late = put("a", &[5.0, 6.0]);
    let (first, second) = log.split_at(1);
    let entries = [first, &[configure(&changed)], second].concat();
    for data in entries {
        let _ = lagging.apply(data);
    }
    assert_eq!(lagging.contents(), world.replica.contents());
    // It was made anew, as it is: what was meant for the first is not kept.
    world.change(|config| config.remove_vector("a"));
    world.change(|config| config.add_vector("a", spec(0)).unwrap());
    assert!(!world.write(&changed, late));
    world.expected.insert(1, NamedVectors::new());
    world.check();
}
