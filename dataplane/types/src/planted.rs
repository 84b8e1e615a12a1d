//! Faults on purpose, in the code that is to be trusted: the simulator must find each of them.
//!
//! Without the feature `planted`, which only the simulator asks for, [`is`] is `false` at
//! compile time. With it every fault sleeps until [`plant`] wakes it, for the calling thread
//! alone; nothing but the simulator calls that. See docs/decisions/0025.

/// A fault that can be planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// raft: a leader answers a linearizable read without asking a majority.
    ReadUnconfirmed,
    /// raft: a follower answers a read by what it has, without asking its leader.
    ReadUntold,
    /// raft: a command is acknowledged before the leader's word has it.
    AckUnshown,
    /// raft: a leader waits for none of those that have a lease.
    LeaseUnkept,
    /// raft: a follower with a lease does not look at its own log.
    LeaseUnread,
    /// raft: votes and acknowledgements leave before what they stand for is written.
    AckBeforeWrite,
    /// raft: a change of members holds from when it is logged, committed or not.
    ConfAtAppend,
    /// placement: a learner is promoted whatever it has.
    PromoteTooEarly,
    /// catalog: a node takes it for proof that the catalog does not name its replica.
    RemoveUnproven,
    /// catalog: a node's next replica of a group gets the id of the one before.
    PeerIdTwice,
    /// catalog: it forgets which copies of changes were made.
    MetaCopyAgain,
    /// coordinator: an attempt forgets that an earlier copy may be in a log.
    ForgetUnknown,
    /// shard: a delete is lost when its row is sealed.
    SealTheDead,
    /// shard: a delete is lost when its row is merged.
    MergeTheDead,
    /// shard: the consistency hash knows a point's first record only.
    DigestOfTheFirst,
    /// types: the next vector of a collection gets the id of the newest that was removed.
    VectorIdAgain,
    /// shard: a vector is taken by its name, whichever the writer meant.
    VectorByName,
    /// shard: a change by filter is not looked at again when it is applied.
    FilterOnce,
    /// raft: a snapshot is announced at the index that is applied when it is done.
    SnapshotWithoutItsIndex,
    /// raft, placement: a snapshot is acknowledged when the log names it, before it is installed,
    /// and nobody asks for more before a vote is given.
    VoteBeforeInstall,
    /// transport: a start of a disk is taken although a later one is known.
    StaleStartAccepted,
    /// raft: a leader commits what has copies on a majority, of whatever term it is.
    CommitOfOldTerm,
    /// catalog: members are recorded however long ago they were looked at.
    EpochUnchecked,
    /// storage: a segment's files are taken for what was written.
    ChecksumUnchecked,
}

#[cfg(feature = "planted")]
mod switch {
    use std::cell::Cell;

    use super::Fault;

    thread_local! {
        static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    /// Whether a fault is planted in this thread.
    pub fn is(fault: Fault) -> bool {
        PLANTED.get() == Some(fault)
    }

    /// Plants a fault in this thread, or none, until the guard is dropped.
    pub fn plant(fault: Option<Fault>) -> Planted {
        PLANTED.set(fault);
        Planted(())
    }

    /// While it lives, a fault is planted.
    #[must_use = "the fault is gone when this is dropped"]
    pub struct Planted(());

    impl Drop for Planted {
        fn drop(&mut self) {
            PLANTED.set(None);
        }
    }
}

#[cfg(feature = "planted")]
pub use switch::{Planted, is, plant};

/// Whether a fault is planted: never, without the feature.
#[cfg(not(feature = "planted"))]
pub const fn is(_fault: Fault) -> bool {
    false
}
