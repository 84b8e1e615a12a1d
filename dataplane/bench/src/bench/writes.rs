//! Durable writes: one point a request, on three nodes beside one.
//!
//! No graph is built meanwhile: what is measured is the way of a write to the disks of a
//! majority. How many synced writes of `raft.db` a request costs shows how well requests
//! share them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vane_testbed::Node;

use super::place::{Place, wait};
use super::{Args, COLLECTION, NODES};
use crate::client::{Client, Shape};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::figures::{P50, P95, P99, SYNCS as SYNCS_A_WRITE, WRITE_CPU, WRITES};
use crate::measure::percentiles;
use crate::output::Output;
use crate::pulse::Pulse;
use crate::report::{ms, row};

/// Time of writes before they count.
const WARM_UP: Duration = Duration::from_secs(1);
const SYNCS: &str = "vane_raft_log_syncs_total";
/// Different points that are written, under new ids each time.
const BODIES_MAX: usize = 5000;

/// The figures of one measurement.
struct Measured {
    what: &'static str,
    writers: usize,
    per_second: f64,
    percentiles: [Duration; 3],
    failures: usize,
    /// Synced writes of `raft.db` per acknowledged request, of each node.
    syncs: Vec<f64>,
    /// Cores that all nodes together used.
    cores: f64,
}

/// Bodies of requests that write one point each. Only the id is new in each: a generator that
/// wrote the numbers of a vector each time would take the nodes' cores.
pub(super) struct Bodies {
    /// What follows the id.
    rest: Vec<String>,
    /// The next id.
    next: AtomicU64,
}

impl Bodies {
    pub(super) fn new(data: &Dataset) -> Result<Self, Error> {
        let mut rest = Vec::new();
        for (i, payload) in data.payloads.iter().take(BODIES_MAX).enumerate() {
            let vector = serde_json::to_string(data.vector(i));
            let vector = vector.map_err(|e| Error::node("a point", e))?;
            rest.push(format!(",\"vector\":{vector},\"payload\":{payload}}}]}}"));
        }
        Ok(Self { rest, next: AtomicU64::new(1) })
    }

    /// The body for the next id, which nobody has written before.
    pub(super) fn next(&self) -> Vec<u8> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let rest = &self.rest[id as usize % self.rest.len()];
        format!("{{\"points\":[{{\"id\":{id}{rest}").into_bytes()
    }
}

pub(super) fn run(args: &Args, data: &Dataset, output: &mut Output) -> Result<Value, Error> {
    let place = Place::new(&args.vane)?;
    // Before and after: a disk that others share is not the same all the time.
    let before = place.syncs_per_second()?;
    println!(
        "\nDurable writes, one point of {} dimensions a request, on one node and on {NODES} \
         (RF {NODES}); the disk takes {before:.0} synced appends of 4 KB a second",
        data.dim
    );
    let (mut alone, mut cluster) = (place.alone()?, place.cluster()?);
    let bodies = Bodies::new(data)?;
    let head = [
        "writers",
        "writes/s",
        "p50 ms",
        "p99 ms",
        "of 1 node",
        "of the disk",
        "cores",
        "  syncs a request",
    ];
    row("", &head.map(str::to_owned));
    let mut lines = Vec::new();
    for &writers in &args.writers {
        let one = std::slice::from_ref(&alone);
        let sides: [(&'static str, &[Node], usize); 3] = [
            ("1 node", one, 1),
            ("3 nodes, 1 shard", cluster.nodes(), 1),
            ("3 nodes, 3 shards", cluster.nodes(), 3),
        ];
        let mut turns: [Vec<Measured>; 3] = Default::default();
        // By turns, so that a disk whose speed drifts does so for all.
        for _ in 0..args.rounds.max(1) {
            for ((what, nodes, shards), turns) in sides.iter().zip(&mut turns) {
                let shape = Shape { shards: *shards, replicas: nodes.len(), indexing_threshold: 0 };
                // Anew for each: none inherits the log and the points of another.
                Client::new(nodes[0].rest().url()).recreate(COLLECTION, data.shape(), shape)?;
                turns.push(measure(args, (what, nodes), writers, &bodies)?);
            }
        }
        let mut peer = None;
        for turns in turns {
            keep(output, &turns);
            let measured = middle(turns);
            // The first side is the one node that the others are held against.
            let peer = *peer.get_or_insert(measured.per_second);
            measured.print(peer, before);
            lines.push(measured.json(peer, before));
        }
    }
    let after = place.syncs_per_second()?;
    println!("the disk afterwards: {after:.0} synced appends a second");
    alone.stop()?;
    cluster.stop()?;
    Ok(json!({"disk_syncs_per_s": [before, after], "lines": lines}))
}

/// Keeps the samples of turns of one side.
fn keep(output: &mut Output, turns: &[Measured]) {
    let Some(first) = turns.first() else { return };
    let case = format!("{} writers", first.writers);
    let mut add = |measure, of: &dyn Fn(&Measured) -> f64| {
        let samples = turns.iter().map(of).collect();
        output.figures.add("writes", (first.what, &case), measure, samples);
    };
    add(WRITES, &|turn| turn.per_second);
    for (at, measure) in [P50, P95, P99].into_iter().enumerate() {
        add(measure, &|turn| turn.percentiles[at].as_secs_f64() * 1e3);
    }
    add(WRITE_CPU, &|turn| turn.cores / turn.per_second * 1e3);
    // Of the node that syncs most.
    add(SYNCS_A_WRITE, &|turn| turn.syncs.iter().copied().fold(0.0, f64::max));
}

/// The turn of median speed; there is at least one.
fn middle(mut turns: Vec<Measured>) -> Measured {
    turns.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    turns.swap_remove(turns.len() / 2)
}

fn measure(
    args: &Args,
    (what, nodes): (&'static str, &[Node]),
    writers: usize,
    bodies: &Bodies,
) -> Result<Measured, Error> {
    let writes = Pulse::default();
    let write = |writer: usize| {
        let client = Client::new(nodes[writer % nodes.len()].rest().url());
        writes.run(|| client.upsert_raw(COLLECTION, &bodies.next()));
    };
    let (from, to, before, after) = std::thread::scope(|scope| {
        (0..writers).for_each(|writer| drop(scope.spawn(move || write(writer))));
        let measured = wait("writing", WARM_UP).and_then(|()| {
            let (from, before) = (Instant::now(), readings(nodes));
            wait("writing", Duration::from_secs(args.seconds))?;
            Ok((from, Instant::now(), before, readings(nodes)))
        });
        writes.end();
        measured
    })?;
    // By their end, so that each counts in one span of time.
    let latencies = writes.latencies(from..to);
    let acknowledged = latencies.len() as f64;
    let seconds = (to - from).as_secs_f64();
    let spent = before.iter().zip(&after);
    Ok(Measured {
        what,
        writers,
        per_second: acknowledged / seconds,
        percentiles: percentiles(latencies.iter()),
        failures: writes.failures(),
        syncs: spent.clone().map(|(before, after)| (after.0 - before.0) / acknowledged).collect(),
        cores: spent.map(|(before, after)| (after.1 - before.1) / seconds).sum(),
    })
}

/// Synced writes and CPU seconds of each node so far.
fn readings(nodes: &[Node]) -> Vec<(f64, f64)> {
    nodes.iter().map(|node| (node.rest().metric(SYNCS), node.cpu_seconds())).collect()
}

impl Measured {
    /// `peer` is the writes of one node a second, `disk` the synced appends that the disk takes.
    fn print(&self, peer: f64, disk: f64) {
        let [p50, _, p99] = self.percentiles;
        let syncs: Vec<String> = self.syncs.iter().map(|syncs| format!("{syncs:.2}")).collect();
        row(
            self.what,
            &[
                self.writers.to_string(),
                format!("{:.0}", self.per_second),
                ms(p50),
                ms(p99),
                format!("{:.2}", self.per_second / peer),
                format!("{:.2}", self.per_second / disk),
                format!("{:.2}", self.cores),
                format!("  {}", syncs.join(" ")),
            ],
        );
        if self.failures > 0 {
            println!("  {} requests failed and were sent again", self.failures);
        }
    }

    fn json(&self, peer: f64, disk: f64) -> Value {
        let [p50, p95, p99] = self.percentiles.map(|time| time.as_micros() as u64);
        json!({
            "what": self.what, "writers": self.writers, "per_s": self.per_second,
            "p50_us": p50, "p95_us": p95, "p99_us": p99, "failures": self.failures,
            "syncs_per_request": self.syncs, "cores": self.cores,
            "of_one_node": self.per_second / peer, "of_disk_syncs": self.per_second / disk,
        })
    }
}
