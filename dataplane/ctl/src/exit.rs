//! What the process tells its caller. Scripts rely on these numbers.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command did what it was told; of `status` and `wait`: the cluster is healthy.
    Done = 0,
    /// The cluster answered, and is not healthy or not what was waited for; or the person
    /// at the terminal said no.
    Unmet = 1,
    /// The command line, or a file it names, is wrong. No call was made.
    Usage = 2,
    /// No node answered, or the cluster refused the call.
    Failed = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
