//! Why a replica is out of use, and whether filling it again would help.

use vane_shard::Shard;

use crate::open_error::OpenError;

/// Why a replica is out of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// For people.
    pub(crate) why: String,
    /// What it lacks is its data: another replica has that. Where not, another version, a look at
    /// the machine or nothing helps.
    pub(crate) lacks_data: bool,
}

impl Broken {
    /// Why it could not be opened.
    pub(crate) fn of_opening(error: &OpenError) -> Self {
        let lacks_data = match error {
            OpenError::Storage(error) => error.is_damage(),
            // Log and state are not of one replica, or a snapshot that it began with is damaged.
            OpenError::Log(_) | OpenError::LogLost { .. } => true,
            // What a later version reads is all there.
            OpenError::Shard(_)
            | OpenError::TooNew(_)
            | OpenError::Buried { .. }
            | OpenError::Occupied { .. }
            | OpenError::VotesLost { .. }
            | OpenError::NoMember
            | OpenError::Lives(_)
            | OpenError::Refused(_)
            | OpenError::Token(_)
            | OpenError::Thread(_) => false,
        };
        Self { why: error.to_string(), lacks_data }
    }

    /// Why one that is open stands still or answers no more; `None` where it does.
    pub(crate) fn of_shard(shard: &Shard) -> Option<Self> {
        let damaged = shard.damaged().map(|why| Self { why, lacks_data: true });
        damaged.or_else(|| Some(Self { why: shard.quarantined()?, lacks_data: false }))
    }
}
