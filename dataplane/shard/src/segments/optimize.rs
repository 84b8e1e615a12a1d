//! Which background job a vector's segments need next. Pure.
//!
//! Rows go from growing to sealed by size or when writes pause, from sealed to indexed when
//! enough lie without a graph. A graph is built over all that lie without one, together
//! with indexed segments that are not much larger, so that a row is rebuilt a logarithmic
//! number of times and a search meets few segments. While writes go on, building waits for
//! a large batch: a graph that the next batch outdates is work for nothing.

use vane_types::{HnswConfig, OptimizerConfig};

/// Bytes without a graph that are indexed even while writes go on.
const BUSY_BUILD_BYTES: usize = 128 << 20;
/// Growing rows that are sealed when writes pause, whatever their size.
const IDLE_SEAL_ROWS: usize = 1000;
/// Sealed segments without a graph that are merged even if they stay without one.
const PLAIN_SEGMENTS_MAX: usize = 8;
/// Indexed segments that are merged when writes pause.
const INDEXED_SEGMENTS_MAX: usize = 4;
/// An indexed segment joins a build whose other rows are at least this share of it.
const JOIN_SHARE: usize = 2;

/// What is known of a sealed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentFacts {
    pub(crate) id: u32,
    pub(crate) rows: usize,
    pub(crate) dead: usize,
    pub(crate) bytes: usize,
    pub(crate) has_graph: bool,
}

/// What is known of the segments of one vector.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) growing_rows: usize,
    pub(crate) growing_bytes: usize,
    /// Oldest segment that waits to be sealed.
    pub(crate) frozen: Option<u32>,
    pub(crate) segments: Vec<SegmentFacts>,
    /// Writes have paused for [`crate::ShardSettings::idle_after`].
    pub(crate) idle: bool,
    pub(crate) hnsw: HnswConfig,
    pub(crate) optimizer: OptimizerConfig,
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
    (facts.idle && worth_it).then_some(Job::Freeze)
}

/// The next job for sealed segments, if one is due.
pub(crate) fn next_build(facts: &Facts) -> Option<Job> {
    index(facts).or_else(|| vacuum(facts)).or_else(|| merge(facts))
}

fn index(facts: &Facts) -> Option<Job> {
    let threshold = indexing_threshold(facts);
    let plain = plain_bytes(facts);
    // Rows still in memory will join: building before they are sealed would build twice.
    let settled = facts.idle && facts.frozen.is_none() && next_seal(facts).is_none();
    if threshold == 0 || plain < threshold || !(settled || plain >= BUSY_BUILD_BYTES) {
        return None;
    }
    let mut inputs: Vec<&SegmentFacts> =
        facts.segments.iter().filter(|segment| !segment.has_graph).collect();
    let mut bytes = plain;
    let mut indexed: Vec<&SegmentFacts> =
        facts.segments.iter().filter(|segment| segment.has_graph).collect();
    // Small ones first, and none that outweighs the rest by far: so a row is rebuilt a
    // logarithmic number of times.
    indexed.sort_unstable_by_key(|segment| (segment.bytes, segment.id));
    for segment in indexed {
        if segment.bytes <= bytes * JOIN_SHARE && bytes + segment.bytes <= bytes_max(facts) {
            bytes += segment.bytes;
            inputs.push(segment);
        }
    }
    bounded(facts, &mut inputs);
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
    for (graph, most) in [(false, PLAIN_SEGMENTS_MAX), (true, INDEXED_SEGMENTS_MAX)] {
        let mut inputs: Vec<&SegmentFacts> =
            facts.segments.iter().filter(|segment| segment.has_graph == graph).collect();
        // Graphs are dear: none is rebuilt while writes go on and may outdate it.
        if inputs.len() <= most || (graph && !facts.idle) {
            continue;
        }
        inputs.sort_unstable_by_key(|segment| (segment.bytes, segment.id));
        bounded(facts, &mut inputs);
        if inputs.len() > 1 {
            return Some(Job::Rewrite { inputs: ids(&inputs), graph });
        }
    }
    None
}

/// Drops inputs from the end until what is left fits one segment. One input always stays.
fn bounded(facts: &Facts, inputs: &mut Vec<&SegmentFacts>) {
    let mut total: usize = inputs.iter().map(|segment| segment.bytes).sum();
    while inputs.len() > 1 && total > bytes_max(facts) {
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

/// In bytes; 0 means never.
fn indexing_threshold(facts: &Facts) -> usize {
    if facts.hnsw.m == 0 { 0 } else { facts.optimizer.indexing_threshold.saturating_mul(1 << 10) }
}

fn bytes_max(facts: &Facts) -> usize {
    facts.optimizer.max_segment_size.saturating_mul(1 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: usize = 1 << 20;

    fn facts(segments: &[(u32, usize, bool)], idle: bool) -> Facts {
        let segments = segments.iter().map(|&(id, bytes, has_graph)| SegmentFacts {
            id,
            rows: bytes / 1024,
            dead: 0,
            bytes,
            has_graph,
        });
        Facts {
            growing_rows: 0,
            growing_bytes: 0,
            frozen: None,
            segments: segments.collect(),
            idle,
            hnsw: HnswConfig::default(),
            optimizer: OptimizerConfig::default(),
        }
    }

    #[test]
    fn one_large_enough_segment_is_indexed_in_place_once_writes_pause() {
        assert_eq!(next_build(&facts(&[(1, 20 * MB, false)], false)), None);
        assert_eq!(next_build(&facts(&[(1, 20 * MB, false)], true)), Some(Job::Index(1)));
        assert_eq!(next_build(&facts(&[(1, 5 * MB, false)], true)), None, "below the threshold");
        assert_eq!(
            next_build(&facts(&[(1, 200 * MB, false)], false)),
            Some(Job::Index(1)),
            "too much to wait"
        );
    }

    #[test]
    fn segments_are_indexed_together_and_take_small_indexed_ones_along() {
        let all =
            [(1, 30 * MB, false), (2, 30 * MB, false), (3, 40 * MB, true), (4, 400 * MB, true)];
        assert_eq!(
            next_build(&facts(&all, true)),
            Some(Job::Rewrite { inputs: vec![1, 2, 3], graph: true })
        );
    }

    #[test]
    fn nothing_is_rewritten_for_ever() {
        assert_eq!(next_build(&facts(&[(1, 400 * MB, true), (2, 300 * MB, true)], true)), None);
        let full: Vec<_> = (0..9).map(|id| (id, 400 * MB, true)).collect();
        assert_eq!(next_build(&facts(&full, true)), None, "no two fit one segment");
    }

    #[test]
    fn dead_rows_beyond_the_threshold_are_left_behind() {
        let mut facts = facts(&[(1, 20 * MB, true)], false);
        facts.segments[0].dead = facts.segments[0].rows / 4;
        assert_eq!(next_build(&facts), Some(Job::Rewrite { inputs: vec![1], graph: true }));
        facts.segments[0].dead = facts.segments[0].rows / 10;
        assert_eq!(next_build(&facts), None);
    }

    #[test]
    fn a_tail_is_sealed_when_writes_pause() {
        let mut facts = facts(&[], true);
        facts.growing_rows = 2000;
        assert_eq!(next_seal(&facts), Some(Job::Freeze));
        facts.growing_rows = 10;
        assert_eq!(next_seal(&facts), None, "a few rows cost nothing to scan");
        facts.growing_bytes = 11 * MB;
        assert_eq!(next_seal(&facts), Some(Job::Freeze), "enough to index");
        facts.idle = false;
        assert_eq!(next_seal(&facts), None);
        facts.frozen = Some(7);
        assert_eq!(next_seal(&facts), Some(Job::Seal(7)));
    }

    #[test]
    fn no_graph_is_built_where_it_is_turned_off() {
        let mut facts = facts(&[(1, 200 * MB, false)], true);
        facts.hnsw.m = 0;
        assert_eq!(next_build(&facts), None);
        facts.hnsw.m = 16;
        facts.optimizer.indexing_threshold = 0;
        assert_eq!(next_build(&facts), None);
    }
}
