//! The one source of chance of a run: Raft's own generator, with the draws that a scheduler
//! needs beside numbers.

use std::ops::Range;

/// A stream of numbers that its seed decides.
#[derive(Debug, Clone)]
pub(crate) struct Random(vane_raft::Random);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(vane_raft::Random::new(seed))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.below(end)
    }

    /// A number of a range; its start where the range is empty.
    pub(crate) fn within(&mut self, range: &Range<u64>) -> u64 {
        self.0.within(range)
    }

    /// True so often of a million times.
    pub(crate) fn chance(&mut self, per_million: u64) -> bool {
        // Nothing is drawn for what never happens, so that a rate of zero changes no other draw.
        per_million > 0 && self.below(1_000_000) < per_million
    }

    /// One of some; `None` of none.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        if of.is_empty() { None } else { Some(of[self.below(of.len() as u64) as usize]) }
    }
}
