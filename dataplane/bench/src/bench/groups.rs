//! What many groups without work cost: CPU time of each process, and its memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vane_testbed::Node;

use super::place::{Place, urls, wait};
use super::{Args, NODES};
use crate::client::{Client, Shape};
use crate::dataset::Distance;
use crate::error::Error;
use crate::figures::{GROUP_BYTES, IDLE, MAKE};
use crate::load::bar;
use crate::output::Output;
use crate::report::row;

/// What samples are called.
const NAME: &str = "3 nodes";
/// Shards of each collection.
const SHARDS: usize = 100;
/// Values of a vector: nothing is written.
const DIM: usize = 4;
/// Time for what follows creation to end: first syncs, reports, memtables written out.
const SETTLE: Duration = Duration::from_secs(10);
/// Threads that are named.
const THREADS_SHOWN: usize = 4;
const MB: u64 = 1 << 20;

/// What a process has used so far.
struct Usage {
    seconds: f64,
    by_thread: BTreeMap<String, f64>,
}

impl Usage {
    fn of(node: &Node) -> Self {
        Self { seconds: node.cpu_seconds(), by_thread: node.cpu_seconds_by_thread() }
    }

    /// The threads that used most since `before`, each with its percentage of a core.
    fn busiest_since(&self, before: &Self, seconds: f64) -> Vec<(String, f64)> {
        let mut threads: Vec<(String, f64)> = self
            .by_thread
            .iter()
            .map(|(name, used)| {
                // A thread that began meanwhile had used nothing.
                let used_before = before.by_thread.get(name).copied().unwrap_or(0.0);
                (name.clone(), (used - used_before) * 100.0 / seconds)
            })
            .collect();
        threads.sort_by(|a, b| b.1.total_cmp(&a.1));
        threads.truncate(THREADS_SHOWN);
        threads
    }
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<Value, Error> {
    let place = Place::new(&args.vane)?;
    let mut cluster = place.cluster()?;
    // Before the groups: what a node takes without them is not theirs.
    let empty: Vec<u64> = cluster.nodes().iter().map(Node::resident_bytes).collect();
    let creating = create(args.groups, &urls(&cluster)[0])?;
    println!(
        "\n{} groups with RF {NODES} on {NODES} processes, made in {creating:.1?}; then no request",
        args.groups
    );
    wait("settling", SETTLE)?;
    let before: Vec<Usage> = cluster.nodes().iter().map(Usage::of).collect();
    let start = Instant::now();
    wait("idle", Duration::from_secs(args.idle_seconds))?;
    let seconds = start.elapsed().as_secs_f64();
    row("", &["% of a core", "MB", "KB a group", "  busiest threads"].map(str::to_owned));
    let (mut lines, mut shares, mut of_groups) = (Vec::new(), Vec::new(), Vec::new());
    for ((node, before), empty) in cluster.nodes().iter().zip(&before).zip(empty) {
        let (after, bytes) = (Usage::of(node), node.resident_bytes());
        let share = (after.seconds - before.seconds) * 100.0 / seconds;
        let threads = after.busiest_since(before, seconds);
        let named: Vec<String> =
            threads.iter().map(|(name, percent)| format!("{name} {percent:.1} %")).collect();
        let a_group = bytes.saturating_sub(empty) / args.groups.max(1) as u64;
        shares.push(share);
        of_groups.push(a_group as f64);
        let what = format!("node {}", node.number());
        row(
            &what,
            &[
                format!("{share:.1}"),
                (bytes / MB).to_string(),
                (a_group / 1024).to_string(),
                format!("  {}", named.join(", ")),
            ],
        );
        lines.push(json!({
            "node": node.number(), "cpu_percent": share, "resident_bytes": bytes,
            "threads_percent": threads.into_iter().collect::<BTreeMap<_, _>>(),
        }));
    }
    // A sample of each node.
    let case = format!("{} groups", args.groups);
    for (measure, samples) in
        [(IDLE, shares), (GROUP_BYTES, of_groups), (MAKE, vec![creating.as_secs_f64()])]
    {
        output.figures.add("groups", (NAME, &case), measure, samples);
    }
    cluster.stop()?;
    Ok(json!({
        "groups": args.groups,
        "create_s": creating.as_secs_f64(),
        "idle_s": seconds,
        "lines": lines,
    }))
}

/// Makes collections of so many shards in all; each call returns when its shards are led.
fn create(groups: usize, url: &str) -> Result<Duration, Error> {
    let (client, start) = (Client::new(url), Instant::now());
    let template = "{msg:>10} [{bar:40}] {pos}/{len} groups, {eta} left";
    let bar = bar("creating", groups as u64, template);
    for first in (0..groups).step_by(SHARDS) {
        let shards = SHARDS.min(groups - first);
        let shape = Shape { shards, replicas: NODES, indexing_threshold: 0 };
        client.recreate(&format!("idle-{first}"), (DIM, Distance::Cosine), shape)?;
        bar.inc(shards as u64);
    }
    bar.finish_and_clear();
    Ok(start.elapsed())
}
