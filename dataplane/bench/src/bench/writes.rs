//! Durable writes: one point a request, on three nodes beside one.
//!
//! No graph is built meanwhile: what is measured is the way of a write to the disks of a
//! majority. How many synced writes of `raft.db` a request costs shows how well requests
//! share them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vane_local::Node;

use super::place::{Place, wait};
use super::{Args, COLLECTION, NODES};
use crate::client::{Client, Shape};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::measure::percentiles;
use crate::pulse::Pulse;
use crate::report::{ms, row};

/// Time of writes before they count.
const WARM_UP: Duration = Duration::from_secs(1);
const SYNCS: &str = "vane_raft_log_syncs_total";
/// Different points that are written, under new ids each time.
const BODIES_MAX: usize = 5000;

/// What one measurement came to.
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

/// Requests up to the point's id, and behind it.
pub(super) struct Bodies {
    rest: Vec<String>,
    next: AtomicU64,
}

impl Bodies {
    pub(super) fn new(data: &Dataset) -> Result<Self, Error> {
        let rest = |i: usize| {
            let vector = serde_json::to_string(data.vector(i));
            let vector = vector.map_err(|e| Error::node("a point", e))?;
            Ok(format!(",\"vector\":{vector},\"payload\":{}}}]}}", data.payloads[i]))
        };
        let rest = (0..data.len().min(BODIES_MAX)).map(rest).collect::<Result<_, Error>>()?;
        Ok(Self { rest, next: AtomicU64::new(1) })
    }

    /// The next one, of a point that nobody wrote before.
    pub(super) fn next(&self) -> Vec<u8> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let rest = &self.rest[id as usize % self.rest.len()];
        format!("{{\"points\":[{{\"id\":{id}{rest}").into_bytes()
    }
}

pub(super) fn run(args: &Args, data: &Dataset) -> Result<Value, Error> {
    let place = Place::new(&args.vane)?;
    let before = place.syncs_per_second()?;
    println!(
        "\nDurable writes, one point of {} dimensions a request, on one node and on {NODES} (RF {NODES}); the disk \
         takes {before:.0} synced appends of 4 KB a second",
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
        let mut peer = None;
        for (what, nodes, shards) in sides {
            let urls: Vec<String> = nodes.iter().map(|it| it.rest().url().to_owned()).collect();
            let shape = Shape { shards, replicas: nodes.len(), indexing_threshold: 0 };
            Client::new(&urls[0]).recreate(COLLECTION, data.dim, shape)?;
            let measured = measure(args, (what, nodes), writers, &bodies)?;
            let peer = *peer.get_or_insert(measured.per_second);
            print(&measured, peer, before);
            lines.push(json_of(&measured, peer, before));
        }
    }
    let after = place.syncs_per_second()?;
    println!("the disk afterwards: {after:.0} synced appends a second");
    alone.stop()?;
    cluster.stop()?;
    Ok(json!({"disk_syncs_per_s": [before, after], "lines": lines}))
}

fn measure(
    args: &Args,
    (what, nodes): (&'static str, &[Node]),
    writers: usize,
    bodies: &Bodies,
) -> Result<Measured, Error> {
    let writes = Pulse::default();
    let reading = || -> Vec<(f64, f64)> {
        nodes.iter().map(|it| (it.rest().metric(SYNCS), it.cpu_seconds())).collect()
    };
    let write = |writer: usize| {
        let client = Client::new(nodes[writer % nodes.len()].rest().url());
        writes.run(|| client.upsert_raw(COLLECTION, &bodies.next()));
    };
    let (from, to, before, after) = std::thread::scope(|scope| {
        (0..writers).for_each(|writer| drop(scope.spawn(move || write(writer))));
        let measured = wait("writing", WARM_UP).and_then(|()| {
            let (from, before) = (Instant::now(), reading());
            wait("writing", args.write_time())?;
            Ok((from, Instant::now(), before, reading()))
        });
        writes.end();
        measured
    })?;
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

fn print(it: &Measured, peer: f64, disk: f64) {
    let [p50, _, p99] = it.percentiles;
    let syncs: Vec<String> = it.syncs.iter().map(|it| format!("{it:.2}")).collect();
    row(
        it.what,
        &[
            it.writers.to_string(),
            format!("{:.0}", it.per_second),
            ms(p50),
            ms(p99),
            format!("{:.2}", it.per_second / peer),
            format!("{:.2}", it.per_second / disk),
            format!("{:.2}", it.cores),
            format!("  {}", syncs.join(" ")),
        ],
    );
    if it.failures > 0 {
        println!("  {} requests failed and were sent again", it.failures);
    }
}

fn json_of(it: &Measured, peer: f64, disk: f64) -> Value {
    let [p50, p95, p99] = it.percentiles.map(|it| it.as_micros() as u64);
    json!({
        "what": it.what, "writers": it.writers, "per_s": it.per_second,
        "p50_us": p50, "p95_us": p95, "p99_us": p99, "failures": it.failures,
        "syncs_per_request": it.syncs, "cores": it.cores,
        "of_one_node": it.per_second / peer, "of_disk_syncs": it.per_second / disk,
    })
}
