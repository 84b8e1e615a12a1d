//! Faults of our own making, each of which the checks have to find.

use clap::ValueEnum;
use vane_types::planted::Fault;

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bug {
    /// The simulated disk: a sync of the log says that it is done and is not.
    AckBeforeFsync,
    /// The simulated disk: the vote is dropped from what is written.
    VoteForgotten,
    /// The simulated disk: a truncation takes entries whose effects are not durable.
    TruncationPastApplied,
    /// The simulated apply thread: a repeated request is applied again.
    DoubleApply,
    /// The simulated server: a linearizable read is answered by whoever believes to lead.
    StaleRead,
    /// raft: [`Fault::ReadUnconfirmed`].
    ReadUnconfirmed,
    /// raft: [`Fault::ReadUntold`].
    ReadUntold,
    /// raft: [`Fault::AckUnshown`].
    AckUnshown,
    /// raft: [`Fault::LeaseUnkept`].
    LeaseUnkept,
    /// raft: [`Fault::LeaseUnread`].
    LeaseUnread,
    /// raft: [`Fault::AckBeforeWrite`].
    AckBeforeWrite,
    /// raft: [`Fault::ConfAtAppend`].
    ConfAtAppend,
    /// placement: [`Fault::PromoteTooEarly`].
    PromoteTooEarly,
    /// catalog: [`Fault::RemoveUnproven`].
    RemoveUnproven,
    /// catalog: [`Fault::PeerIdTwice`].
    PeerIdTwice,
    /// catalog: [`Fault::MetaCopyAgain`].
    MetaCopyAgain,
    /// coordinator: [`Fault::ForgetUnknown`].
    ForgetUnknown,
    /// shard: [`Fault::SealTheDead`].
    SealTheDead,
    /// shard: [`Fault::MergeTheDead`].
    MergeTheDead,
    /// shard: [`Fault::DigestOfTheFirst`].
    DigestOfTheFirst,
    /// types: [`Fault::VectorIdAgain`].
    VectorIdAgain,
    /// shard: [`Fault::VectorByName`].
    VectorByName,
    /// shard: [`Fault::FilterOnce`].
    FilterOnce,
    /// raft: [`Fault::SnapshotWithoutItsIndex`].
    SnapshotWithoutItsIndex,
    /// raft, placement: [`Fault::VoteBeforeInstall`].
    VoteBeforeInstall,
    /// transport: [`Fault::StaleStartAccepted`].
    StaleStartAccepted,
    /// raft: [`Fault::CommitOfOldTerm`].
    CommitOfOldTerm,
    /// catalog: [`Fault::EpochUnchecked`].
    EpochUnchecked,
    /// storage: [`Fault::ChecksumUnchecked`].
    ChecksumUnchecked,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::AckBeforeFsync,
        Self::VoteForgotten,
        Self::TruncationPastApplied,
        Self::DoubleApply,
        Self::StaleRead,
        Self::ReadUnconfirmed,
        Self::ReadUntold,
        Self::AckUnshown,
        Self::LeaseUnkept,
        Self::LeaseUnread,
        Self::AckBeforeWrite,
        Self::ConfAtAppend,
        Self::PromoteTooEarly,
        Self::RemoveUnproven,
        Self::PeerIdTwice,
        Self::MetaCopyAgain,
        Self::ForgetUnknown,
        Self::SealTheDead,
        Self::MergeTheDead,
        Self::DigestOfTheFirst,
        Self::VectorIdAgain,
        Self::VectorByName,
        Self::FilterOnce,
        Self::SnapshotWithoutItsIndex,
        Self::VoteBeforeInstall,
        Self::StaleStartAccepted,
        Self::CommitOfOldTerm,
        Self::EpochUnchecked,
        Self::ChecksumUnchecked,
    ];

    /// The fault in a real crate that it is; `None` for one of the simulator's own parts.
    pub(crate) fn fault(self) -> Option<Fault> {
        match self {
            Self::AckBeforeFsync
            | Self::VoteForgotten
            | Self::TruncationPastApplied
            | Self::DoubleApply
            | Self::StaleRead => None,
            Self::ReadUnconfirmed => Some(Fault::ReadUnconfirmed),
            Self::ReadUntold => Some(Fault::ReadUntold),
            Self::AckUnshown => Some(Fault::AckUnshown),
            Self::LeaseUnkept => Some(Fault::LeaseUnkept),
            Self::LeaseUnread => Some(Fault::LeaseUnread),
            Self::AckBeforeWrite => Some(Fault::AckBeforeWrite),
            Self::ConfAtAppend => Some(Fault::ConfAtAppend),
            Self::PromoteTooEarly => Some(Fault::PromoteTooEarly),
            Self::RemoveUnproven => Some(Fault::RemoveUnproven),
            Self::PeerIdTwice => Some(Fault::PeerIdTwice),
            Self::MetaCopyAgain => Some(Fault::MetaCopyAgain),
            Self::ForgetUnknown => Some(Fault::ForgetUnknown),
            Self::SealTheDead => Some(Fault::SealTheDead),
            Self::MergeTheDead => Some(Fault::MergeTheDead),
            Self::DigestOfTheFirst => Some(Fault::DigestOfTheFirst),
            Self::VectorIdAgain => Some(Fault::VectorIdAgain),
            Self::VectorByName => Some(Fault::VectorByName),
            Self::FilterOnce => Some(Fault::FilterOnce),
            Self::SnapshotWithoutItsIndex => Some(Fault::SnapshotWithoutItsIndex),
            Self::VoteBeforeInstall => Some(Fault::VoteBeforeInstall),
            Self::StaleStartAccepted => Some(Fault::StaleStartAccepted),
            Self::CommitOfOldTerm => Some(Fault::CommitOfOldTerm),
            Self::EpochUnchecked => Some(Fault::EpochUnchecked),
            Self::ChecksumUnchecked => Some(Fault::ChecksumUnchecked),
        }
    }
}
