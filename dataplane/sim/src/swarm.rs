//! What a seed's cluster has to suffer. Each seed draws its own rates, and many of them are
//! zero: what never goes wrong together with something else is seen alone.

use std::ops::Range;
use std::time::Duration;

use vane_raft::{Bounds, LeaseTimes};

use crate::machine::ShardRates;
use crate::queue::{TICK, Time};
use crate::random::Random;

/// Rates are per million, times in microseconds.
#[derive(Debug, Clone)]
pub(crate) struct Swarm {
    pub(crate) network: NetworkRates,
    pub(crate) disk: DiskRates,
    pub(crate) faults: FaultRates,
    pub(crate) load: Load,
    /// Time that a thread needs to wake up and do a little.
    pub(crate) think: Range<Time>,
    /// Time to apply an entry.
    pub(crate) apply: Range<Time>,
    /// Time to make, or to install, a snapshot.
    pub(crate) snapshot: Range<Time>,
    /// Snapshots that cannot be made.
    pub(crate) snapshot_fails: u64,
    /// Time between syncs of the state.
    pub(crate) maintain: Range<Time>,
    /// Length of a node's tick.
    pub(crate) tick: Range<Time>,
    /// Time between two steps of opening or destroying replicas.
    pub(crate) follow: Range<Time>,
    pub(crate) shards: ShardRates,
    pub(crate) bounds: Bounds,
    /// Ticks without anything new after which a group falls quiet; `None` for never.
    pub(crate) still_ticks: Option<usize>,
    /// Times of leases; `None` where nobody lends.
    pub(crate) leases: Option<LeaseTimes>,
    /// The cluster moves replicas and leaderships by itself, to even nodes out.
    pub(crate) is_rebalancing: bool,
    /// A machine is away from the beginning of the load to the healing, and nothing else goes
    /// wrong: moves to it wait, and others go on.
    pub(crate) is_absent: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct NetworkRates {
    pub(crate) delay: Range<Time>,
    /// Messages that take up to `late` more.
    pub(crate) slow: u64,
    pub(crate) late: Time,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Messages of one link stay in order.
    pub(crate) ordered: bool,
    /// Snapshots that do not arrive.
    pub(crate) snapshot_lost: u64,
    /// Time that a snapshot takes per entry in it.
    pub(crate) snapshot_per_entry: Time,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct DiskRates {
    pub(crate) sync: Range<Time>,
    /// Syncs that take up to `late`.
    pub(crate) slow: u64,
    pub(crate) late: Time,
    /// Syncs that fail.
    pub(crate) fails: u64,
    /// Crashes at which the power fails too.
    pub(crate) power: u64,
    /// Starts at which a bit is found flipped.
    pub(crate) flipped: u64,
}

/// How often each fault is what happens next, relative to the others.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultRates {
    /// Time between faults.
    pub(crate) pause: Range<Time>,
    /// Time until a fault is over.
    pub(crate) lasts: Range<Time>,
    pub(crate) crash: u64,
    /// All nodes at once.
    pub(crate) blackout: u64,
    pub(crate) freeze: u64,
    pub(crate) stop: u64,
    pub(crate) cut_one_way: u64,
    pub(crate) isolate: u64,
    pub(crate) split: u64,
    pub(crate) transfer: u64,
    pub(crate) reconfigure: u64,
    /// Collections that are made or deleted.
    pub(crate) collections: u64,
    /// Vectors that are added or removed.
    pub(crate) vectors: u64,
    /// Disks that are copied, and such that are put back.
    pub(crate) put_back: u64,
    /// Votes, per million, right after which the voter crashes.
    pub(crate) crash_after_vote: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) clients: usize,
    /// Points of each collection.
    pub(crate) points: u64,
    /// Time between a client's requests.
    pub(crate) pause: Range<Time>,
    /// Of a million requests.
    pub(crate) reads: u64,
    pub(crate) deletes: u64,
    /// Reads that need not be linearizable, of a million reads.
    pub(crate) default_reads: u64,
    /// Reads of many points, of a million reads.
    pub(crate) wide_reads: u64,
    /// Writes that are not of one point only, of a million writes.
    pub(crate) others: u64,
    /// Time after which a connection without an answer is given up.
    pub(crate) patience: Range<Time>,
    /// Time that a client has for a request.
    pub(crate) deadline: Range<Time>,
}

/// Seeds, per million, in which a machine is away.
const ABSENT: u64 = 40_000;

/// A rate of zero for one seed of three, else up to `most`, low ones as likely as high.
fn rate(random: &mut Random, most: u64) -> u64 {
    // Most faults come with few others: a mix of everything hides what one does.
    match random.below(3) {
        0 => 0,
        1 => random.below(most / 8 + 1),
        _ => random.below(most + 1),
    }
}

fn range(random: &mut Random, least: Range<Time>, width: Time) -> Range<Time> {
    let start = random.within(&least);
    start..start + 1 + random.below(width)
}

/// In every third seed threads wake up as slowly as messages travel: then what one of them has said
/// gets around before another has heard of it.
fn draw_think(random: &mut Random) -> Range<Time> {
    match random.below(3) {
        0 => range(random, 10..200, 20_000),
        _ => 10..100,
    }
}

impl Swarm {
    pub(crate) fn draw(random: &mut Random) -> Self {
        Self {
            network: NetworkRates::draw(random),
            disk: DiskRates::draw(random),
            faults: FaultRates::draw(random),
            load: Load::draw(random),
            think: draw_think(random),
            apply: range(random, 10..200, 2_000),
            snapshot: range(random, 1_000..20_000, 400_000),
            snapshot_fails: rate(random, 300_000),
            maintain: range(random, 50_000..500_000, 1_000_000),
            tick: TICK - random.below(TICK / 10)..TICK + 1 + random.below(TICK / 10),
            follow: range(random, 100..5_000, 50_000),
            shards: ShardRates::draw(random),
            bounds: draw_bounds(random),
            // So few that groups fall quiet between two requests.
            still_ticks: random.chance(750_000).then(|| 1 + random.below(4) as usize),
            leases: None,
            is_rebalancing: false,
            is_absent: random.chance(ABSENT),
        }
    }

    /// The same cluster when nothing goes wrong any more.
    pub(crate) fn healed(&self) -> Self {
        Self {
            network: NetworkRates { delay: 100..1_000, ordered: true, ..NetworkRates::default() },
            disk: DiskRates { sync: 100..1_000, ..DiskRates::default() },
            faults: FaultRates::default(),
            apply: 10..100,
            snapshot: 1_000..20_000,
            snapshot_fails: 0,
            // What is under way comes to its end, and nothing new begins.
            is_rebalancing: false,
            load: Load { deadline: 40 * TICK..41 * TICK, ..self.load.clone() },
            ..self.clone()
        }
    }
}

impl NetworkRates {
    fn draw(random: &mut Random) -> Self {
        Self {
            delay: range(random, 100..2_000, 20_000),
            slow: rate(random, 100_000),
            late: 1 + random.below(10 * TICK),
            lost: rate(random, 150_000),
            doubled: rate(random, 150_000),
            ordered: random.chance(400_000),
            snapshot_lost: rate(random, 400_000),
            snapshot_per_entry: random.below(2_000),
        }
    }
}

impl DiskRates {
    fn draw(random: &mut Random) -> Self {
        Self {
            sync: range(random, 50..2_000, 8_000),
            slow: rate(random, 30_000),
            late: 1 + random.below(8 * TICK),
            fails: rate(random, 300),
            power: rate(random, 1_000_000).max(200_000),
            flipped: rate(random, 200_000),
        }
    }
}

impl FaultRates {
    fn draw(random: &mut Random) -> Self {
        Self {
            pause: range(random, 4 * TICK..12 * TICK, 20 * TICK),
            lasts: range(random, TICK / 10..5 * TICK, 20 * TICK),
            crash: rate(random, 100),
            blackout: rate(random, 20),
            freeze: rate(random, 60),
            stop: rate(random, 30),
            cut_one_way: rate(random, 60),
            isolate: rate(random, 60),
            split: rate(random, 40),
            transfer: rate(random, 60),
            reconfigure: rate(random, 120),
            collections: rate(random, 120),
            vectors: 0,
            put_back: rate(random, 100),
            crash_after_vote: rate(random, 100_000),
        }
    }
}

impl Load {
    fn draw(random: &mut Random) -> Self {
        Self {
            clients: 4 + random.below(9) as usize,
            points: 4 + random.below(12),
            pause: range(random, 1_000..20_000, 60_000),
            reads: 200_000 + random.below(500_000),
            deletes: rate(random, 300_000),
            default_reads: rate(random, 700_000),
            wide_reads: rate(random, 400_000),
            others: rate(random, 700_000),
            patience: range(random, 2 * TICK..8 * TICK, 10 * TICK),
            deadline: range(random, 2 * TICK..20 * TICK, 40 * TICK),
        }
    }
}

/// From leases that end before the next request to such that outlast many, of leaders that lend
/// beside commands, too. What is kept is longer by more than clocks differ.
pub(crate) fn draw_leases(random: &mut Random) -> Option<LeaseTimes> {
    if random.chance(250_000) {
        return None;
    }
    let held = 1_000 + random.below(3 * TICK);
    let still = if random.chance(750_000) { 0 } else { random.below(3 * TICK) };
    let [held, kept, still] = [held, held * 3 / 2, still].map(Duration::from_micros);
    Some(LeaseTimes { held, kept, still })
}

/// How often vectors come and go.
pub(crate) fn draw_vectors(random: &mut Random) -> u64 {
    rate(random, 240)
}

/// Bounds so low that a few thousand entries run into them.
fn draw_bounds(random: &mut Random) -> Bounds {
    Bounds {
        entry_bytes_max: 1 << 20,
        message_bytes_max: if random.chance(300_000) { random.below(500) } else { 1 << 20 },
        inflight_messages_max: 1 + random.below(64) as usize,
        committed_bytes_max: if random.chance(300_000) { 200 } else { 16 << 20 },
        cache_bytes_max: if random.chance(500_000) {
            random.below(2_000) as usize
        } else {
            256 << 10
        },
        apply_bytes_max: if random.chance(300_000) {
            100 + random.below(4_000) as usize
        } else {
            64 << 20
        },
        unapplied_cache_bytes_max: random.below(4_000) as usize,
        unapplied_bytes_max: if random.chance(300_000) {
            100 + random.below(2_000)
        } else {
            64 << 20
        },
        apply_group_bytes_max: if random.chance(300_000) {
            100 + random.below(1_000) as usize
        } else {
            8 << 20
        },
        // Followers that were away for some seconds then need a snapshot.
        log_kept_entries_max: 20 + random.below(200),
        log_kept_bytes_max: if random.chance(300_000) { 2_000 } else { 64 << 20 },
        log_bytes_max: 1 << 30,
        follower_kept_entries: random.below(60),
    }
}
