//! Faults of our own making, each of which the checks have to find.

use clap::ValueEnum;

/// A planted bug. It lives in what the simulator puts around the real code: the disk, the
/// driver, the server side of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bug {
    /// A sync of the log says that it is done and is not.
    AckBeforeFsync,
    /// The log's disk drops the vote from what it is given.
    VoteForgotten,
    /// A truncation takes entries whose effects are not durable.
    TruncationPastApplied,
    /// A repeated request is applied again: the table of requests is lost.
    DoubleApply,
    /// A read that should be linearizable is answered by whoever believes to lead.
    StaleRead,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::AckBeforeFsync,
        Self::VoteForgotten,
        Self::TruncationPastApplied,
        Self::DoubleApply,
        Self::StaleRead,
    ];
}
