//! Known findings, and the situations that ordinary runs keep out of because of them.
//!
//! A finding stands here from when the simulator can show it until it is mended. Ordinary runs
//! avoid them all, so that what they find is new; a run that is told not to avoid one is
//! expected to fail, and `tests/findings.rs` holds it to that.

use clap::ValueEnum;

/// A fault that is known and not mended yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Finding {
    /// A disk that was put back to an earlier state votes. Avoided: disks keep what was synced.
    OldDisk,
}

impl Finding {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::OldDisk];
}

/// The findings whose situations a run keeps out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Avoid(u16);

impl Avoid {
    /// All but one.
    pub fn all_but(finding: Finding) -> Self {
        Self(Self::default().0 & !(1 << finding as u16))
    }

    pub(crate) fn has(self, finding: Finding) -> bool {
        self.0 & 1 << finding as u16 != 0
    }
}

impl Default for Avoid {
    /// All of them.
    fn default() -> Self {
        Self(Finding::ALL.iter().fold(0, |set, finding| set | 1 << *finding as u16))
    }
}
