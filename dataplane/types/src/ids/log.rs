//! Places in a group's log.

use std::ops::{Add, Sub};

use derive_more::Display;
use serde::{Deserialize, Serialize};

/// Position of an entry in a group's log; the first entry has index 1, 0 stands before it.
#[derive(Display, Serialize, Deserialize)]
#[serde(transparent)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogIndex(pub u64);

impl LogIndex {
    /// Before the first entry.
    pub const ZERO: Self = Self(0);
    /// Behind every entry.
    pub const MAX: Self = Self(u64::MAX);

    /// Index of the entry behind this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Entries from `earlier` to this one; 0 where `earlier` is the later one.
    pub const fn saturating_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The index so many entries before this one, but not before [`LogIndex::ZERO`].
    pub const fn saturating_back(self, entries: u64) -> Self {
        Self(self.0.saturating_sub(entries))
    }
}

impl Add<u64> for LogIndex {
    type Output = Self;

    fn add(self, entries: u64) -> Self {
        // Overflow is checked in every build: an index that wraps around can only be damage.
        Self(self.0 + entries)
    }
}

impl Sub<u64> for LogIndex {
    type Output = Self;

    fn sub(self, entries: u64) -> Self {
        Self(self.0 - entries)
    }
}

impl Sub for LogIndex {
    /// Number of entries between the two.
    type Output = u64;

    fn sub(self, earlier: Self) -> u64 {
        // Panics where `earlier` is later: `saturating_since` is for those who cannot rule that
        // out.
        self.0 - earlier.0
    }
}

/// A leader's time in office, as Raft counts them; 0 is before the first.
#[derive(Display, Serialize, Deserialize)]
#[serde(transparent)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u64);
