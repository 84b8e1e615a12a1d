//! One run, from a seed to a report.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Once;

use vane_types::planted;

use crate::bug::Bug;
use crate::env::Env;
use crate::files::Directory;
use crate::founding::POINTS_OF_STORY;
use crate::losses::NODES_BEFORE_LOSSES;
use crate::queue::{TICK, Time};
use crate::random::Random;
use crate::swarm::{Swarm, draw_leases, draw_vectors};
use crate::trace::Trace;
use crate::world::World;

/// Nodes of the cluster.
const NODES: u64 = 5;
/// What makes other streams of a seed, for leases and for vectors.
const OF_LEASES: u64 = 0x1ea5_e500;
const OF_VECTORS: u64 = 0x7ec7_0500;
/// Of so many seeds one has a cluster that evens its nodes out by itself.
const REBALANCES: u64 = 5;
/// Of so many seeds one loses disks, one after the other.
const LOSES_DISKS: u64 = 16;
/// Of so many seeds one has collections whose points are of tenants.
const BY_TENANT: u64 = 3;
/// Events after which a run is taken for endless.
const EVENTS_MAX: u64 = 4_000_000;
/// Time in which things go wrong.
const FAULTS_LAST: std::ops::Range<Time> = 100 * TICK..400 * TICK;

/// What to run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Decides everything.
    pub seed: u64,
    /// A bug that is to be found.
    pub bug: Option<Bug>,
    /// Keep the lines of the event log.
    pub trace: bool,
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Hash of everything that happened: equal seeds, equal hashes.
    pub hash: u64,
    /// Why the run failed; nothing if all promises were kept.
    pub failure: Option<String>,
    /// Events.
    pub events: u64,
    /// Simulated time in ticks of 100 ms.
    pub ticks: u64,
    /// Requests that were acknowledged.
    pub acknowledged: usize,
    /// Entries that were applied in all groups, each counted once.
    pub entries: usize,
    /// Ticks from the healing until every replica had everything.
    pub recovery_ticks: u64,
    /// Points whose requests were too many for the search of an order; the log's own order
    /// was checked all the same.
    pub undecided: usize,
    /// How often each kind of event of the log happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// The event log, if it was asked for.
    pub lines: Vec<String>,
}

thread_local! {
    /// Where a run of this thread panicked; `None` outside of runs.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps what a run's panic says to itself.
fn catch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let in_run = PANIC.with_borrow_mut(|panic| {
                panic.as_mut().map(|text| *text = info.to_string()).is_some()
            });
            if !in_run {
                usual(info);
            }
        }));
    });
}

/// Runs a seed to its end. Whatever goes wrong in the cluster is in the report; an error is
/// a lack of disk space or the like on the machine that runs it.
pub fn run(options: Options) -> std::io::Result<Report> {
    catch_panics();
    let _until_the_end = planted::plant(options.bug.and_then(Bug::fault));
    let mut world = new_world(options)?;
    PANIC.set(Some(String::new()));
    // The world is looked at afterwards, not run on.
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| world.run(EVENTS_MAX)));
    let panic = PANIC.take().unwrap_or_default();
    if ran.is_err() {
        world.env.checks.fail(|| panic.replace('\n', " "));
    }
    let env = world.env;
    let hash = env.trace.hash();
    let (counts, lines) = env.trace.into_parts();
    Ok(Report {
        seed: options.seed,
        hash,
        failure: env.checks.failure().map(str::to_owned),
        events: env.queue.count(),
        ticks: env.queue.now() / TICK,
        acknowledged: env.history.acknowledged(),
        entries: env.checks.logs.values().map(|log| log.entries.len()).sum(),
        recovery_ticks: world.recovered_in / TICK,
        undecided: world.undecided,
        counts,
        lines,
    })
}

fn new_world(options: Options) -> std::io::Result<World> {
    let Options { seed, bug, trace } = options;
    let mut random = Random::new(seed);
    // Neighbouring seeds share the first draw of some generators.
    random.next();
    let mut swarm = Swarm::draw(&mut random);
    // Of a stream of their own: what else a seed draws stays as it was without them.
    swarm.leases = draw_leases(&mut Random::new(seed ^ OF_LEASES));
    swarm.is_rebalancing = seed.is_multiple_of(REBALANCES) && bug.is_none();
    swarm.faults.vectors = draw_vectors(&mut Random::new(seed ^ OF_VECTORS));
    let faults_last = random.within(&FAULTS_LAST);
    // Runs of their own, in which nothing else goes wrong. Not drawn: the others stay as they are.
    let loses_disks = seed % LOSES_DISKS == LOSES_DISKS - 1 && bug.is_none();
    let nodes = if loses_disks { NODES_BEFORE_LOSSES } else { NODES };
    // One story at a time.
    swarm.is_absent &= !loses_disks;
    if swarm.is_absent {
        swarm.load.points = swarm.load.points.max(POINTS_OF_STORY);
    }
    let (trace, directory) = (Trace::new(trace), Directory::new()?);
    let mut env = Env::new(random, trace, swarm, bug, directory, nodes);
    env.loses_disks = loses_disks;
    // Not drawn either.
    env.by_tenant = seed % BY_TENANT == 1;
    // First of all lines: who reads a trace wants to know what this cluster suffers.
    let drawn = format!("{:#?}", env.swarm);
    env.trace.explain(|| drawn);
    Ok(World::found(env, faults_last))
}
