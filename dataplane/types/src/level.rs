//! Which commands and formats the members of a cluster agreed to write.
//!
//! While versions are mixed, nobody may write what somebody else cannot read. So each member
//! says what it speaks, the catalog has one level that holds for all, and what is newer than
//! that level is written by nobody.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Error as Failure;

/// A step of what versions can read; each contains those below it.
///
/// | level | adds |
/// |---|---|
/// | 1 | everything that was there before levels |
/// | 2 | the catalog's command that raises the level |
/// | 3 | the range and epoch that a shard's command was routed by, and their check |
/// | 4 | commands with proofs, limits, names: who may leave, refills, copies of catalog changes |
/// | 5 | what a collection says of recall and memory |
/// | 6 | groups in which nothing happens fall quiet |
/// | 7 | collections whose points are of tenants |
/// | 8 | followers answer reads by leases of their leader |
/// | 9 | further kinds of vectors, of payload indexes, of conditions and of writes |
/// | 10 | vectors that a collection gets and loses later, limits of requests, codes of few bits |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeatureLevel(pub u32);

impl FeatureLevel {
    /// Of versions that say nothing about levels.
    pub const FIRST: Self = Self(1);
    /// From which on the level can be raised.
    pub const RAISED: Self = Self(2);
    /// From which on shards' commands say what they were routed by.
    pub const ROUTED: Self = Self(3);
    /// From which on commands carry proofs and limits.
    pub const PROVEN: Self = Self(4);
    /// From which on collections say what their searches are to find, and what is kept in memory.
    pub const TUNED: Self = Self(5);
    /// From which on every member knows what a quiet group is.
    pub const QUIET: Self = Self(6);
    /// From which on collections may have tenants.
    pub const TENANTS: Self = Self(7);
    /// From which on leaders lend.
    pub const LEASES: Self = Self(8);
    /// From which on collections have sparse vectors and vectors of vectors, payload indexes with
    /// parameters, and writes with conditions.
    pub const KINDS: Self = Self(9);
    /// From which on a collection's vectors may change, it may limit requests, and its graphs may
    /// have codes of few bits.
    pub const CHANGING: Self = Self(10);
    /// What this version speaks: it reads everything up to here.
    pub const SPOKEN: Self = Self::CHANGING;

    /// Whether it goes without saying, so that what says it looks as it did before levels.
    pub fn is_first(&self) -> bool {
        *self == Self::FIRST
    }

    /// Refuses what needs a higher level than this, which is the one that holds.
    ///
    /// # Errors
    /// [`LevelTooLow`].
    pub fn check(self, needed: Self) -> Result<(), LevelTooLow> {
        if needed > self {
            return Err(LevelTooLow { needed, active: self });
        }
        Ok(())
    }
}

impl Default for FeatureLevel {
    fn default() -> Self {
        Self::FIRST
    }
}

/// A command is newer than what the cluster agreed to write. It was not proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the change needs feature level {}, and the cluster is at {}: bring all nodes to a version \
     that speaks it",
    needed.0, active.0
)]
pub struct LevelTooLow {
    /// The level that the command needs.
    pub needed: FeatureLevel,
    /// The level that holds for it now.
    pub active: FeatureLevel,
}

impl From<LevelTooLow> for Failure {
    fn from(error: LevelTooLow) -> Self {
        Self::unsupported(error.to_string()).nothing_changed()
    }
}
