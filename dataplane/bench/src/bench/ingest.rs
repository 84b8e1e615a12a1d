//! Searches at rest and while points come in.
//!
//! New points are made from the data set's own, so that some of them belong to the answers: each
//! search is held against the points that were acknowledged when it began. What came during it may
//! be found or not, and does not count.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use vane_index::{Hit, Metric};

use super::place::Place;
use super::sweep::ms;
use super::{Args, servers};
use crate::contender::{K, Plan, Server, bodies};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::exact::{Rows, nearest};
use crate::figures::{ARRIVED, CPU, P50, P99, QPS, RECALL};
use crate::grow::Mixer;
use crate::load::{point, wait_indexed};
use crate::measure::percentiles;
use crate::output::Output;
use crate::recall::recall;
use crate::table::{Table, header};

const SECTION: &str = "ingest";
const COLLECTION: &str = "bench-ingest";
/// Time between two requests of the writer.
const BEAT: Duration = Duration::from_millis(50);
/// New points that may be among the answers of one query, at most.
const NEW_MAX: usize = 1000;
const SEED: u64 = 31;
const SETTLE: Duration = Duration::from_secs(1);

/// Points that come in, and what each query should find of all.
struct Arrivals {
    /// JSON of each, numbered behind the data set's.
    points: Vec<String>,
    /// For each query the nearest points of the data set.
    old: Vec<Vec<Hit>>,
    /// For each query the new points nearest to it.
    new: Vec<Vec<Hit>>,
    metric: Metric,
}

impl Arrivals {
    fn new(data: &Dataset, count: usize) -> Result<Self, Error> {
        let unit = data.distance.is_unit();
        let mixer = Mixer { rows: &data.rows, dim: data.dim, unit, seed: SEED };
        let mut values = Vec::with_capacity(count * data.dim);
        (0..count as u64).for_each(|number| mixer.push(number, &mut values));
        let rows = values.chunks_exact(data.dim).enumerate();
        let points = rows.map(|(number, row)| point(data.len() + number, row, "{}"));
        let (metric, dim, queries) = (data.distance.metric(), data.dim, data.query_values());
        let queries = Rows { values: &queries, dim };
        let near = |values, k| nearest((Rows { values, dim }, metric), queries, k, &|_| None);
        let (old, new) = (near(&data.rows, K)?, near(&values, NEW_MAX)?);
        Ok(Self { points: points.collect::<Result<_, _>>()?, old, new, metric })
    }

    /// The nearest of the data set's points and the first `arrived` new ones.
    fn truth(&self, query: usize, first_new: u64, arrived: usize) -> Vec<u64> {
        let old = self.old[query].iter().map(|hit| (hit.score, u64::from(hit.row)));
        let new = self.new[query].iter().filter(|hit| (hit.row as usize) < arrived);
        let new = new.map(|hit| (hit.score, first_new + u64::from(hit.row)));
        let mut all: Vec<(f32, u64)> = old.chain(new).collect();
        all.sort_by(|a, b| self.metric.best_first(a.0, b.0));
        all.into_iter().map(|(_, id)| id).collect()
    }
}

/// One search.
struct Search {
    query: usize,
    time: Duration,
    /// New points that were acknowledged when it began.
    arrived: usize,
    found: Vec<u64>,
}

/// The samples of one condition, a turn each.
#[derive(Default)]
struct Samples {
    recall: Vec<f64>,
    qps: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
    arrived: Vec<f64>,
}

pub(super) fn run(args: &Args, data: &Dataset, output: &mut Output) -> Result<(), Error> {
    let place = Place::new(&args.vane)?;
    // A round more than is counted, and room for the beat that ends late.
    let count = (args.rounds + 1) * (args.seconds as usize + 1) * args.rate;
    let arrivals = Arrivals::new(data, count)?;
    let servers = servers::start(args, &place)?;
    let plan = Plan {
        collection: COLLECTION,
        params: args.params(),
        fields: &[],
        payload: &|_| "{}".to_owned(),
    };
    servers.load(data, &plan)?;
    println!(
        "\nSearches by one client for {} s at rest and for as long while {} points/s come in",
        args.seconds, args.rate
    );
    let measures = [RECALL, QPS, P50, P99, CPU, ARRIVED];
    let mut table = Table::new(SECTION, measures.map(header));
    for server in servers.all() {
        let [rest, ingest] = by_turns(args, data, server, &arrivals)?;
        let ingest_name = format!("{} points/s", args.rate);
        for (case, samples) in [("at rest", rest), (&ingest_name, ingest)] {
            let of = (server.name(), case);
            let Samples { recall, qps, p50, p99, cpu, arrived } = samples;
            let all = [recall, qps, p50, p99, cpu, arrived];
            for (measure, samples) in measures.into_iter().zip(all) {
                output.figures.add(SECTION, of, measure, samples);
            }
            let cells = measures.map(|measure| output.cell(SECTION, of, measure));
            table.row(&format!("{}, {case}", of.0), cells);
        }
    }
    output.show(table);
    servers.stop()
}

/// At rest and while points come in, by turns; the first of each is not counted.
fn by_turns(
    args: &Args,
    data: &Dataset,
    server: &Server,
    arrivals: &Arrivals,
) -> Result<[Samples; 2], Error> {
    let mut samples = [Samples::default(), Samples::default()];
    let arrived = AtomicUsize::new(0);
    let bodies = bodies(data, None, &|_| serde_json::Value::Null)?;
    for round in 0..=args.rounds {
        for (samples, rate) in samples.iter_mut().zip([0, args.rate]) {
            wait_indexed(&server.client(), COLLECTION, SETTLE)?;
            let time = Duration::from_secs(args.seconds);
            let (before, cpu, start) =
                (arrived.load(Ordering::Acquire), server.cpu(), Instant::now());
            let searches = turn(server, &bodies, arrivals, &arrived, (rate, time))?;
            let seconds = start.elapsed().as_secs_f64();
            if round > 0 {
                samples.add(&searches, seconds, (data.len() as u64, arrivals));
                let used = server.cpu().zip(cpu).map(|(after, before)| after - before);
                samples.cpu.extend(used.map(|used| used * 1e3 / searches.len() as f64));
                let came = arrived.load(Ordering::Acquire) - before;
                samples.arrived.push(came as f64 / seconds);
            }
        }
    }
    Ok(samples)
}

impl Samples {
    fn add(&mut self, searches: &[Search], seconds: f64, (first_new, arrivals): (u64, &Arrivals)) {
        let (mut found, mut truth) = (Vec::new(), Vec::new());
        for search in searches {
            // What came meanwhile took places that others would have had.
            let known = |id: &u64| *id < first_new + search.arrived as u64;
            let of_known: Vec<u64> = search.found.iter().copied().filter(known).collect();
            let places = K - (search.found.len() - of_known.len());
            let mut expected = arrivals.truth(search.query, first_new, search.arrived);
            expected.truncate(places);
            found.push(of_known);
            truth.push(expected);
        }
        self.recall.push(recall(&found, &truth, K));
        self.qps.push(searches.len() as f64 / seconds);
        let [p50, _, p99] = percentiles(searches.iter().map(|search| &search.time));
        self.p50.push(ms(p50));
        self.p99.push(ms(p99));
    }
}

/// Searches for some time, while points come in at a rate; 0 for none.
fn turn(
    server: &Server,
    bodies: &[Vec<u8>],
    arrivals: &Arrivals,
    arrived: &AtomicUsize,
    (rate, time): (usize, Duration),
) -> Result<Vec<Search>, Error> {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(server, arrivals, arrived, rate, &ended));
        let (client, start, mut searches) = (server.client(), Instant::now(), Vec::new());
        let mut search = || {
            while start.elapsed() < time {
                let query = searches.len() % bodies.len();
                let (known, begin) = (arrived.load(Ordering::Acquire), Instant::now());
                let found = client.query_raw(COLLECTION, &bodies[query])?;
                let found = found.into_iter().map(|point| point.id).collect();
                searches.push(Search { query, time: begin.elapsed(), arrived: known, found });
            }
            Ok(())
        };
        let searched: Result<(), Error> = search();
        ended.store(true, Ordering::Release);
        writer.join().expect("the writer does not panic")?;
        searched.map(|()| searches)
    })
}

/// Writes points at a rate, as many each beat as are due, until it is ended.
fn write(
    server: &Server,
    arrivals: &Arrivals,
    arrived: &AtomicUsize,
    rate: usize,
    ended: &AtomicBool,
) -> Result<(), Error> {
    let (client, start) = (server.client(), Instant::now());
    let first = arrived.load(Ordering::Acquire);
    while rate > 0 && !ended.load(Ordering::Acquire) {
        let due = first + (start.elapsed().as_secs_f64() * rate as f64) as usize;
        let due = due.min(arrivals.points.len());
        let there = arrived.load(Ordering::Acquire);
        if due > there {
            let points = arrivals.points[there..due].join(",");
            client.upsert_raw(COLLECTION, format!("{{\"points\":[{points}]}}").as_bytes())?;
            arrived.store(due, Ordering::Release);
        }
        vane_testbed::pause(BEAT);
    }
    Ok(())
}
