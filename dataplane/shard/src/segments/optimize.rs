//! Which background job a vector's segments need next. Pure.
//!
//! Rows go from growing to sealed by size or when writes pause or are few, from sealed to indexed
//! when enough lie without a graph, whether writes pause or not: a search scans what lies without
//! one.
//! A graph is built over all that lie without one, together with indexed segments that are
//! not much larger, so that a row is rebuilt a logarithmic number of times and a search meets few
//! segments. Where many lie without a graph, as rows come faster than they are indexed, those come
//! first and in pieces, and small graphs are merged once the tail is short again.

use std::collections::BTreeSet;
use std::time::Duration;

use vane_types::{HnswConfig, OptimizerConfig, VectorId};

use crate::job_log::Optimizer;

/// Bytes without a graph that are indexed even while writes go on; more where the collection
/// wants a graph for more only.
const BATCH_BYTES_MIN: usize = 4 << 20;
/// Batches without a graph above which only those are indexed, and nothing is merged.
const HASTE_BATCHES: usize = 4;
/// Batches without a graph from which on writes are held up.
const DELAY_BATCHES: usize = 12;
/// The longest that a write is held up; clients wait for an answer for five seconds at least.
const DELAY_MAX: Duration = Duration::from_secs(1);
/// Growing rows that are sealed when writes pause or are few, whatever their size.
const IDLE_SEAL_ROWS: usize = 1000;
/// Sealed segments without a graph that are merged even if they stay without one.
const PLAIN_SEGMENTS_MAX: usize = 8;
/// Indexed segments of less than half the largest size, above which the smallest are merged
/// whatever their sizes.
const INDEXED_SEGMENTS_MAX: usize = 4;
/// The same while many writes come; then none are merged before.
const BUSY_INDEXED_SEGMENTS_MAX: usize = 6;
/// The same where rows come faster than they are indexed: from here on merges come first, or a
/// search would visit ever more segments for as long as rows come so fast.
const HASTE_INDEXED_SEGMENTS_MAX: usize = 12;
/// Bytes that are merged beside a build that may take an hour.
const QUICK_MERGE_BYTES: usize = 512 << 20;
/// What joins a batch while many writes come is at most so many times the batch, all together.
const BUSY_JOIN_MAX: usize = 3;
/// An indexed segment joins what is at least one in so many of it: a build, or a merge.
const JOIN_SHARE: usize = 2;
/// The same of merges when writes pause, for searches: a row is rewritten twice as often, and half
/// as many segments are left.
const IDLE_JOIN_SHARE: usize = 4;

/// What a collection may ask for in bytes, at most: more than any disk has, and some batches of
/// it are still a number.
const ASKED_BYTES_MAX: usize = 1 << 56;
/// Bytes of a segment, at most, where the collection says nothing: one graph of them is built in an
/// hour or two, and copied as one file.
const SEGMENT_BYTES_MAX: usize = 20 << 30;

/// What is known of a sealed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentFacts {
    pub(crate) id: u32,
    pub(crate) rows: usize,
    pub(crate) dead: usize,
    pub(crate) bytes: usize,
    pub(crate) has_graph: bool,
    /// The graph's file is of an earlier version, and what a search needs is held in memory; or its
    /// codes have not as many bits as are wanted.
    pub(crate) is_outdated: bool,
}

/// Segments that jobs work on, by their vector.
pub(crate) type Claimed = BTreeSet<(VectorId, u32)>;

/// How many writes come, as [`Pace`](crate::pace::Pace) tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tempo {
    /// None for [`crate::ShardSettings::idle_after`].
    Idle,
    /// Few.
    Trickle,
    Busy,
}

/// What is known of the segments of one vector.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) growing_rows: usize,
    pub(crate) growing_bytes: usize,
    /// Oldest segment that waits to be sealed.
    pub(crate) frozen: Option<u32>,
    /// Those that no other job works on.
    pub(crate) segments: Vec<SegmentFacts>,
    pub(crate) tempo: Tempo,
    pub(crate) hnsw: HnswConfig,
    pub(crate) optimizer: OptimizerConfig,
    /// Bytes of rows that there is memory for to build one graph over.
    pub(crate) buildable_bytes: usize,
}

impl Facts {
    /// The facts without one segment.
    pub(crate) fn without(mut self, id: u32) -> Self {
        self.segments.retain(|segment| segment.id != id);
        self
    }
}

/// A background job, and the segments that it works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Job {
    /// Set the growing segment aside.
    Freeze,
    /// Write a segment that was set aside to files.
    Seal(u32),
    /// Write the living rows of some segments to a new one.
    Rewrite { inputs: Vec<u32>, graph: bool },
    /// Build the graph of a segment as it is.
    Index(u32),
}

/// What a job is for.
pub(crate) fn optimizer_of(job: &Job, facts: &Facts) -> Optimizer {
    let Job::Rewrite { inputs, graph } = job else {
        let is_seal = matches!(job, Job::Freeze | Job::Seal(_));
        return if is_seal { Optimizer::Sealing } else { Optimizer::Indexing };
    };
    let mut segments = facts.segments.iter().filter(|segment| inputs.contains(&segment.id));
    match inputs.len() {
        _ if *graph && segments.clone().any(|segment| !segment.has_graph) => Optimizer::Indexing,
        1 if segments.any(|segment| wasteful(facts, segment)) => Optimizer::Vacuum,
        _ => Optimizer::Merge,
    }
}

/// How long a write is held up where so many bytes wait for a graph: not at all as long as the
/// builders may be up to it, then the longer the more they are behind.
pub(crate) fn delay(bytes: usize, hnsw: HnswConfig, optimizer: OptimizerConfig) -> Duration {
    let threshold = threshold_of(hnsw, optimizer);
    if threshold == 0 {
        return Duration::ZERO;
    }
    let free = DELAY_BATCHES * threshold.max(BATCH_BYTES_MIN);
    // The longest where three times as much waits as costs nothing.
    let share = bytes.saturating_sub(free) as f64 / (2 * free) as f64;
    DELAY_MAX.mul_f64(share.min(1.0))
}

/// The next job for segments in memory, if one is due.
pub(crate) fn next_seal(facts: &Facts) -> Option<Job> {
    // It holds memory, and writers wait once too many are frozen.
    if let Some(segment) = facts.frozen {
        return Some(Job::Seal(segment));
    }
    let threshold = indexing_threshold(facts);
    // A short tail is sealed too where the graph could then be built over all rows.
    let enough_to_index = threshold > 0 && facts.growing_bytes + plain_bytes(facts) >= threshold;
    let worth_it =
        facts.growing_rows >= IDLE_SEAL_ROWS || (facts.growing_rows > 0 && enough_to_index);
    // While writes go on only what is itself a good part of a batch: files are not made for less.
    let batch = batch(facts);
    let is_batch = threshold > 0
        && facts.growing_bytes + plain_bytes(facts) >= batch
        && facts.growing_bytes >= batch / 2;
    let is_due = match facts.tempo {
        Tempo::Idle => worth_it,
        // Else each row of a trickle could become a segment, where little is enough to index.
        Tempo::Trickle => facts.growing_rows >= IDLE_SEAL_ROWS,
        Tempo::Busy => false,
    };
    (is_due || is_batch).then_some(Job::Freeze)
}

/// What cannot wait until a graph of an hour is built: for a thread that does nothing else. Graphs
/// over rows that come faster than they are indexed, and merges of small ones where they are many.
pub(crate) fn next_in_haste(mut facts: Facts) -> Option<Job> {
    facts.buildable_bytes = facts.buildable_bytes.min(QUICK_MERGE_BYTES);
    // Whether writes pause or not: the merges of pauses are for the others.
    facts.tempo = Tempo::Busy;
    let merge = || merge_indexed(&facts);
    match is_in_haste(&facts) {
        true => merge().or_else(|| index(&facts)),
        false => merge(),
    }
}

/// The next job for sealed segments, if one is due.
pub(crate) fn next_build(facts: &Facts) -> Option<Job> {
    let crowded = || is_in_haste(facts).then(|| merge_indexed(facts)).flatten();
    crowded()
        .or_else(|| index(facts))
        .or_else(|| vacuum(facts))
        .or_else(|| merge(facts))
        .or_else(|| renew(facts))
}

/// Graphs of earlier versions, or with other codes than are wanted, are built again when there is
/// nothing else to do.
fn renew(facts: &Facts) -> Option<Job> {
    let outdated = facts.segments.iter().find(|segment| segment.is_outdated)?;
    (facts.tempo == Tempo::Idle).then_some(Job::Index(outdated.id))
}

fn index(facts: &Facts) -> Option<Job> {
    let threshold = indexing_threshold(facts);
    let plain = plain_bytes(facts);
    // Rows still in memory will join: building before they are sealed would build twice.
    let is_calm = facts.tempo != Tempo::Busy;
    let settled = is_calm && facts.frozen.is_none() && next_seal(facts).is_none();
    if threshold == 0 || plain < threshold || !(settled || plain >= batch(facts)) {
        return None;
    }
    // While writes go on, what joins is no larger than what it joins: the batch is waited for.
    let join_share = match is_calm {
        _ if is_in_haste(facts) => 0,
        true => JOIN_SHARE,
        false => 1,
    };
    let mut inputs: Vec<&SegmentFacts> =
        facts.segments.iter().filter(|segment| !segment.has_graph).collect();
    // A long tail is indexed in pieces, oldest first, whether writes go on or not: every search
    // looks through what is left, which shortens with each, and several threads take one each.
    bounded(bytes_max(facts).min(HASTE_BATCHES * batch(facts)), &mut inputs);
    let mut bytes: usize = inputs.iter().map(|segment| segment.bytes).sum();
    // Nor one after the other up to the largest: that would take minutes, in which nothing else is
    // indexed.
    let most = match is_calm {
        true => bytes_max(facts),
        false => bytes_max(facts).min(bytes.saturating_mul(1 + BUSY_JOIN_MAX)),
    };
    let mut indexed: Vec<&SegmentFacts> =
        facts.segments.iter().filter(|segment| segment.has_graph).collect();
    // Small ones first, and none that outweighs the rest by far: so a row is rebuilt a
    // logarithmic number of times.
    indexed.sort_unstable_by_key(|segment| (segment.bytes, segment.id));
    for segment in indexed {
        let fits = bytes + segment.bytes <= most;
        if segment.bytes <= bytes * join_share && fits {
            bytes += segment.bytes;
            inputs.push(segment);
        }
    }
    match inputs.as_slice() {
        // Its rows can stay as they are: only links are made.
        [only] if !only.has_graph && !wasteful(facts, only) => Some(Job::Index(only.id)),
        _ => Some(Job::Rewrite { inputs: ids(&inputs), graph: true }),
    }
}

fn vacuum(facts: &Facts) -> Option<Job> {
    let segment = facts.segments.iter().find(|segment| wasteful(facts, segment))?;
    Some(Job::Rewrite { inputs: vec![segment.id], graph: segment.has_graph })
}

fn merge(facts: &Facts) -> Option<Job> {
    merge_plain(facts).or_else(|| merge_indexed(facts))
}

fn merge_plain(facts: &Facts) -> Option<Job> {
    let mut inputs: Vec<&SegmentFacts> =
        facts.segments.iter().filter(|segment| !segment.has_graph).collect();
    if inputs.len() <= PLAIN_SEGMENTS_MAX {
        return None;
    }
    inputs.sort_unstable_by_key(|segment| (segment.bytes, segment.id));
    let inputs = cheapest(facts, &inputs);
    (inputs.len() > 1).then(|| Job::Rewrite { inputs: ids(&inputs), graph: false })
}

/// The smallest graphs, and those that do not outweigh them: so a row is rebuilt a logarithmic
/// number of times here too.
fn merge_indexed(facts: &Facts) -> Option<Job> {
    // Of two larger ones no segment could be made.
    let is_small =
        |segment: &&SegmentFacts| segment.has_graph && segment.bytes * 2 <= bytes_max(facts);
    let mut small: Vec<&SegmentFacts> = facts.segments.iter().filter(is_small).collect();
    small.sort_unstable_by_key(|segment| (segment.bytes, segment.id));
    let is_haste = is_in_haste(facts);
    let is_calm = facts.tempo != Tempo::Busy && !is_haste;
    let most = match is_calm {
        _ if is_haste => HASTE_INDEXED_SEGMENTS_MAX,
        true => INDEXED_SEGMENTS_MAX,
        false => BUSY_INDEXED_SEGMENTS_MAX,
    };
    let inputs = if small.len() > most {
        cheapest(facts, &small)
    } else if is_calm {
        let runs = (0..small.len()).map(|first| like_sized(facts, &small[first..], 1));
        runs.into_iter().find(|run| run.len() > 1).unwrap_or_default()
    } else {
        Vec::new()
    };
    (inputs.len() > 1).then(|| Job::Rewrite { inputs: ids(&inputs), graph: true })
}

/// What to merge where there are too many: a run of like-sized ones, or the two smallest whatever
/// their sizes. Many that become one at once are worth more than as many merges of two: where sizes
/// differ each new segment would else be merged with a larger one, which is rewritten each time.
fn cheapest<'a>(facts: &Facts, sorted: &[&'a SegmentFacts]) -> Vec<&'a SegmentFacts> {
    let runs = (0..sorted.len()).map(|first| like_sized(facts, &sorted[first..], 1));
    let all = runs.chain([like_sized(facts, sorted, 2)]).filter(|run| run.len() > 1);
    let cost = |run: &Vec<&SegmentFacts>| {
        let bytes: usize = run.iter().map(|segment| segment.bytes).sum();
        bytes / (run.len() - 1).pow(2)
    };
    all.min_by_key(cost).unwrap_or_default()
}

/// The first `least` of `sorted`, and those behind them that do not outweigh what comes before;
/// while many writes come, those that do not outweigh the first by far, as else a merge would go on
/// from size to size up to the largest. Less where together they would be too large.
fn like_sized<'a>(
    facts: &Facts,
    sorted: &[&'a SegmentFacts],
    least: usize,
) -> Vec<&'a SegmentFacts> {
    let (mut inputs, mut bytes) = (Vec::new(), 0);
    for segment in sorted {
        let outweighed = match facts.tempo {
            Tempo::Idle => bytes * IDLE_JOIN_SHARE,
            Tempo::Trickle => bytes * JOIN_SHARE,
            Tempo::Busy => sorted[0].bytes * JOIN_SHARE,
        };
        let joins = inputs.len() < least || segment.bytes <= outweighed;
        if !joins || bytes + segment.bytes > bytes_max(facts) {
            break;
        }
        bytes += segment.bytes;
        inputs.push(*segment);
    }
    inputs
}

/// Drops inputs from the end until what is left is no larger. One input always stays.
fn bounded(bytes_max: usize, inputs: &mut Vec<&SegmentFacts>) {
    let mut total: usize = inputs.iter().map(|segment| segment.bytes).sum();
    while inputs.len() > 1 && total > bytes_max {
        total -= inputs.pop().map_or(0, |segment| segment.bytes);
    }
}

fn wasteful(facts: &Facts, segment: &SegmentFacts) -> bool {
    let OptimizerConfig { deleted_threshold, vacuum_min_vector_number, .. } = facts.optimizer;
    // A segment without a living row goes whatever its size.
    segment.dead > 0
        && (segment.dead == segment.rows
            || (segment.rows >= vacuum_min_vector_number
                && segment.dead as f64 > segment.rows as f64 * deleted_threshold))
}

fn ids(inputs: &[&SegmentFacts]) -> Vec<u32> {
    inputs.iter().map(|segment| segment.id).collect()
}

fn plain_bytes(facts: &Facts) -> usize {
    facts.segments.iter().filter(|segment| !segment.has_graph).map(|segment| segment.bytes).sum()
}

/// Bytes without a graph that are worth one of their own.
fn batch(facts: &Facts) -> usize {
    indexing_threshold(facts).max(BATCH_BYTES_MIN)
}

/// Whether rows come faster than they are indexed.
fn is_in_haste(facts: &Facts) -> bool {
    plain_bytes(facts) >= HASTE_BATCHES * batch(facts)
}

/// In bytes; 0 means never.
fn indexing_threshold(facts: &Facts) -> usize {
    threshold_of(facts.hnsw, facts.optimizer)
}

fn threshold_of(hnsw: HnswConfig, optimizer: OptimizerConfig) -> usize {
    if hnsw.m == 0 { 0 } else { kilobytes(optimizer.indexing_threshold) }
}

fn bytes_max(facts: &Facts) -> usize {
    let asked = facts.optimizer.max_segment_size.map_or(SEGMENT_BYTES_MAX, kilobytes);
    asked.min(facts.buildable_bytes)
}

fn kilobytes(asked: usize) -> usize {
    asked.saturating_mul(1 << 10).min(ASKED_BYTES_MAX)
}

#[cfg(test)]
mod tests;
