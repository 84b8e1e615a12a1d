//! How long searches and writes take while rows come in: figures for `docs/benchmarks.md`, printed
//! by `cargo test -p vane-shard --test pace -- --ignored --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "it prints figures, and ends by panicking where something fails"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use vane_filter::Filter;
use vane_raft::{Conf, Entry, INITIAL_INDEX, StateMachine};
use vane_shard::{
    Alone, BuildCores, Error, JobKind, NewPoint, Search, SearchParams, Shard, ShardSettings,
    SpareTime, Want, Write, check,
};
use vane_storage::{DataDb, ShardStore};
use vane_types::{
    CollectionConfig, Distance, FieldSchema, GroupId, HnswConfig, NodeId, OptimizerConfig, Payload,
    PeerId, PointId, Term, Vector, VectorParams,
};

/// Searches that make a figure.
const SEARCHES: u64 = 300;

/// A shard with the threads that a node has for it.
struct Running {
    shard: Arc<Shard>,
    dim: usize,
    next: AtomicU64,
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
    _dirs: (tempfile::TempDir, tempfile::TempDir),
}

impl Running {
    fn start(dim: usize) -> Self {
        let dirs = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let db = DataDb::open(dirs.0.path()).unwrap();
        let store = ShardStore::new(db, GroupId(1), dirs.1.path().join("1"));
        let vector = VectorParams::new(dim, Distance::Cosine);
        let config = CollectionConfig {
            vectors: BTreeMap::from([(String::new(), vector)]),
            hnsw: HnswConfig::default(),
            optimizer: OptimizerConfig::default(),
            payload_schema: BTreeMap::new(),
            metadata: Payload::new(),
            ..CollectionConfig::default()
        };
        let conf = Conf::of_voters(vec![PeerId::new(NodeId(1), 1)]);
        Shard::create(&store, &config, INITIAL_INDEX, &conf).unwrap();
        let settings = ShardSettings {
            growing_rows_max: 20_000,
            growing_bytes_max: 64 << 20,
            idle_after: Duration::from_secs(1),
            fill_points: 512,
            build_cores: Arc::new(BuildCores::new(2)),
            build_bytes_max: 1 << 30,
            spare_time: Arc::new(SpareTime::default()),
            stirred: Arc::default(),
            may_have_few_bits: Arc::default(),
        };
        let shard = Arc::new(Shard::open(store, settings).unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let kinds = [JobKind::Seal, JobKind::Fill, JobKind::Build];
        let threads = kinds.map(|kind| {
            let (shard, stop) = (Arc::clone(&shard), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    match shard.run_job(kind, &|_| true, &stop) {
                        Ok(true) | Err(Error::Cancelled) => {}
                        Ok(false) => std::thread::park_timeout(Duration::from_millis(50)),
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        });
        let next = AtomicU64::new(0);
        Self { shard, dim, next, stop, threads: threads.into(), _dirs: dirs }
    }

    fn apply(&self, write: Write) {
        let commands = check(&self.shard.config(), write).unwrap().commands(1, |_| 0, Vec::new());
        for command in commands.unwrap().into_iter().flat_map(|(_, commands)| commands) {
            let data = command.encode_stored();
            let index = self.shard.applied().next();
            self.shard.apply(&Entry { index, term: Term(1), data, conf: None }).unwrap().unwrap();
        }
    }

    /// Values that lie around one of a few hundred places, as those of texts do.
    fn values(&self, number: u64) -> Vec<f32> {
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 7;
        let mut of_place = (number % 300).wrapping_mul(0xd1b5_4a32_d192_ed03) ^ 9;
        let draw = |state: &mut u64| {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            (*state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..self.dim).map(|_| draw(&mut of_place) + 0.7 * draw(&mut state)).collect()
    }

    fn upsert(&self, count: u64) {
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        let point = |n| NewPoint {
            id: PointId::num(n),
            vectors: [(String::new(), self.values(n).into())].into(),
            payload: json!({"n": n, "k": format!("class {}", n % 10)}).as_object().unwrap().clone(),
        };
        self.apply(Write::Upsert((first..first + count).map(point).collect()));
    }

    fn settle(&self) {
        let quiet = || {
            let info = self.shard.info();
            !info.optimizing && info.indexes_building == 0
        };
        while !quiet() {
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    fn search(&self, number: u64, filter: Option<&Filter>) -> Duration {
        let search = Search {
            using: String::new(),
            sought: Vector::from(self.values(number)).into(),
            filter: filter.cloned(),
            params: SearchParams::default(),
            score_threshold: None,
            limit: 10,
            exclude: Vec::new(),
            want: Want::default(),
        };
        let begun = Instant::now();
        self.shard.search(&search, begun + Duration::from_secs(60), &Alone).unwrap();
        begun.elapsed()
    }

    /// Milliseconds of the median and of the 95th of a hundred searches.
    fn times(&self, count: u64, filter: Option<&Filter>) -> (f64, f64) {
        let mut times: Vec<_> = (0..count).map(|n| self.search(n * 7919, filter)).collect();
        times.sort();
        let at = |share: f64| times[(times.len() as f64 * share) as usize].as_secs_f64() * 1e3;
        (at(0.5), at(0.95))
    }

    fn report(&self, when: &str) {
        let begun = cpu_time();
        let (p50, p95) = self.times(SEARCHES, None);
        // Beside other work, which a machine always has, the time on the core says more.
        let cpu = (cpu_time() - begun).as_secs_f64() * 1e3 / SEARCHES as f64;
        let info = self.shard.info();
        let (plain, segments) = (info.vectors - info.indexed_vectors, info.segments);
        println!(
            "{when:34} p50 {p50:6.2} ms  p95 {p95:6.2} ms  on the core {cpu:6.2} ms  \
             without a graph {plain:6}  segments {segments}"
        );
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// Time that this thread had a core.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
}

/// Writes every 0.3 s for some seconds; searches between them.
fn trickle(running: &Running, rows: u64, seconds: u64, what: &str) {
    let begun = Instant::now();
    let mut reported = 0;
    while begun.elapsed() < Duration::from_secs(seconds) {
        running.upsert(rows);
        let now = begun.elapsed().as_secs() / 5;
        if now > reported {
            reported = now;
            running.report(&format!("{what}, after {} s", now * 5));
        }
        std::thread::park_timeout(Duration::from_millis(300));
    }
}

#[test]
#[ignore = "prints figures; takes minutes"]
fn searches_while_rows_come_in() {
    let running = Running::start(768);
    (0..200).for_each(|_| running.upsert(100));
    running.settle();
    running.report("20,000 rows at rest");
    trickle(&running, 1, 10, "one row every 0.3 s");
    trickle(&running, 200, 30, "200 rows every 0.3 s");
    running.settle();
    running.report("at rest");
    let begun = Instant::now();
    (0..420).for_each(|_| running.upsert(100));
    println!("42,000 more rows in {:.1} s", begun.elapsed().as_secs_f64());
    running.report("after them");
    trickle(&running, 1, 110, "one row every 0.3 s");
    running.settle();
    running.report("at rest");
    running.end();
}

#[test]
#[ignore = "prints figures; takes minutes"]
fn filters_and_indexes() {
    let running = Running::start(4);
    let index = |field: &str, field_type| {
        running.apply(Write::CreateIndex { field: field.parse().unwrap(), field_type });
    };
    let begun = Instant::now();
    (0..500).for_each(|_| running.upsert(1000));
    println!("500,000 rows without an index in {:.1} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    index("n", FieldSchema::Integer);
    index("k", FieldSchema::Keyword);
    println!("two indexes made: writes wait for {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    running.settle();
    println!("and whole after {:.1} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    (0..200).for_each(|_| running.upsert(1000));
    println!("200,000 rows with two indexes in {:.2} s", begun.elapsed().as_secs_f64());
    let filter = |json| Filter::parse(json).unwrap();
    let one = filter(json!({"must": {"key": "n", "match": {"value": 77}}}));
    let tenth = filter(json!({"must": {"key": "k", "match": {"value": "class 3"}}}));
    running.settle();
    for (what, filter) in [("one matches", &one), ("a tenth matches", &tenth)] {
        let (p50, p95) = running.times(200, Some(filter));
        println!("of 700,000 {what}: p50 {p50:.3} ms, p95 {p95:.3} ms");
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                running.search(5, Some(&one));
            }
        });
        let begun = Instant::now();
        (0..200).for_each(|_| running.upsert(1000));
        println!("200,000 rows beside filtered searches in {:.2} s", begun.elapsed().as_secs_f64());
        done.store(true, Ordering::Relaxed);
    });
    running.end();
}
