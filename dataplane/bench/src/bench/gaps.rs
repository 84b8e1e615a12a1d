//! How long writes pause when a leader is killed, and when it hands over.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vane_testbed::Cluster;

use super::place::{Place, urls, wait};
use super::writes::Bodies;
use super::{Args, COLLECTION, NODES};
use crate::client::{Client, Shape};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::failover::Failover;
use crate::figures::{GAP, SLOWEST};
use crate::output::Output;
use crate::pulse::Pulse;
use crate::report::{ms, row};

/// Writers, one beginning at each node; each goes on to the next when its node is gone.
const WRITERS: usize = NODES;
/// Time of undisturbed writes around an event.
const AROUND: Duration = Duration::from_secs(1);
/// Writes that must work after an event before it counts as over.
const AFTER: usize = 50;
/// Entries that a replica may trail by under load and still be called caught up.
const LAG_MAX: u64 = 64;
const TIMEOUT: Duration = Duration::from_secs(60);

/// What happens to a leader.
#[derive(Clone, Copy)]
enum Event {
    Nothing,
    Transfer,
    Kill,
}

/// Pauses of one kind of event.
struct Gaps {
    what: &'static str,
    /// Longest time without an acknowledged write, each time.
    gaps: Vec<Duration>,
    /// Longest time that one write took, each time.
    slowest: Vec<Duration>,
}

pub(super) fn run(args: &Args, data: &Dataset, output: &mut Output) -> Result<Value, Error> {
    let place = Place::new(&args.vane)?;
    let mut cluster = place.cluster()?;
    let urls = urls(&cluster);
    // Without graphs: building them takes the cores that the writes are measured on.
    let shape = Shape { shards: 1, replicas: NODES, indexing_threshold: 0 };
    Client::new(&urls[0]).recreate(COLLECTION, data.shape(), shape)?;
    println!(
        "\nPauses of writes, {WRITERS} writers on {NODES} nodes, 1 shard, {} times each; \
         ms without an acknowledged write, and ms that the slowest write took",
        args.repeats
    );
    let (bodies, writes) = (Bodies::new(data)?, Pulse::default());
    let measured = std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (bodies, writes, mut client) = (&bodies, &writes, Failover::new(&urls, writer));
            scope.spawn(move || {
                writes.run(|| client.attempt(|node| node.upsert_raw(COLLECTION, &bodies.next())))
            });
        }
        let measured = all(args, &mut cluster, &writes);
        // Also after an error: the scope ends when its threads do.
        writes.end();
        measured
    })?;
    let head = ["gap p50", "gap max", "slowest p50", "slowest max"];
    row("", &head.map(str::to_owned));
    for gaps in &measured {
        for (measure, times) in [(GAP, &gaps.gaps), (SLOWEST, &gaps.slowest)] {
            let samples = times.iter().map(millis).collect();
            output.figures.add("gaps", (gaps.what, ""), measure, samples);
        }
        row(gaps.what, &[median_and_max(&gaps.gaps), median_and_max(&gaps.slowest)].concat());
    }
    cluster.stop()?;
    Ok(json!({
        "writes": writes.count(),
        "lines": measured.iter().map(Gaps::json).collect::<Vec<_>>(),
    }))
}

impl Gaps {
    fn json(&self) -> Value {
        json!({
            "what": self.what,
            "gap_ms": self.gaps.iter().map(millis).collect::<Vec<_>>(),
            "slowest_ms": self.slowest.iter().map(millis).collect::<Vec<_>>(),
        })
    }
}

fn millis(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Of sorted times; there is at least one.
fn median_and_max(times: &[Duration]) -> [String; 2] {
    [ms(times[times.len() / 2]), ms(times[times.len() - 1])]
}

fn all(args: &Args, cluster: &mut Cluster, writes: &Pulse) -> Result<Vec<Gaps>, Error> {
    let mut all = Vec::new();
    let events = [
        ("undisturbed", Event::Nothing),
        ("leadership handed over", Event::Transfer),
        ("leader killed", Event::Kill),
    ];
    for (what, event) in events {
        let mut measured = Gaps { what, gaps: Vec::new(), slowest: Vec::new() };
        // Sorted below and looked at by place: at least one of each.
        for _ in 0..args.repeats.max(1) {
            let since = happen(cluster, writes, event)?;
            measured.gaps.push(writes.longest_gap(since));
            measured.slowest.push(writes.slowest(since));
        }
        measured.gaps.sort_unstable();
        measured.slowest.sort_unstable();
        all.push(measured);
    }
    Ok(all)
}

/// Makes an event happen amid writes, and waits until writes go on; when it began.
fn happen(cluster: &mut Cluster, writes: &Pulse, event: Event) -> Result<Instant, Error> {
    // What is left of the event before would count as this one's pause.
    cluster.wait_ready()?;
    cluster.wait_caught_up(COLLECTION, LAG_MAX)?;
    let (group, leader) = leader(cluster)?;
    // Nodes that kept their disks are numbered from 1: the next one, and never the leader.
    let (victim, heir) = (cluster.number_of(leader)?, leader % NODES as u64 + 1);
    let admin = cluster.any_admin()?;
    // Writes go on before it, so that the pause has a beginning.
    wait("writing", AROUND)?;
    let began = Instant::now();
    match event {
        Event::Nothing => {}
        Event::Transfer => admin.transfer(group, heir)?,
        Event::Kill => cluster.node(victim).kill(),
    }
    writes.wait_for(AFTER, TIMEOUT)?;
    wait("writing", AROUND)?;
    // After the pause is over: its return is another event.
    if matches!(event, Event::Kill) {
        cluster.node(victim).start()?;
    }
    Ok(began)
}

/// The only shard's group, and the node that leads it.
fn leader(cluster: &Cluster) -> Result<(u64, u64), Error> {
    let admin = cluster.any_admin()?;
    let found = vane_testbed::wait_until("the shard to have a leader", TIMEOUT, || {
        let group = admin.shards(COLLECTION).ok()?.into_iter().next()?.group?;
        (group.leader_node > 0).then_some((group.id, group.leader_node))
    });
    Ok(found?)
}
