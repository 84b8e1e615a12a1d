//! Orders the commands of many groups, makes them durable, and applies them.
//!
//! Owns the way of a command: proposed, logged and fsynced (one synced write for whatever
//! all groups have waiting), committed, applied in log order, answered. A group has one
//! voter, this node, so a synced entry is a committed one.
//!
//! It must never acknowledge a command before its entry is synced and applied, never apply
//! an entry twice or out of order, and never look into a command: what the bytes mean is
//! the state machine's business, where they lie is the log store's.

mod apply_loop;
mod log_loop;
mod node;

use thiserror::Error;
use vane_types::{GroupId, LogIndex, Refusal};

pub use node::{Config, Node};

/// One logged command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the group's log.
    pub index: LogIndex,
    /// Term of the leader that proposed it.
    pub term: u64,
    /// The command; empty for an entry that changes nothing.
    pub data: Vec<u8>,
}

/// What a log store knows of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupLog {
    /// Current term.
    pub term: u64,
    /// Index of the last entry; 0 when there never was one.
    pub last_index: LogIndex,
    /// Entries up to here are gone: their effects are durable elsewhere.
    pub truncated_index: LogIndex,
}

/// Entries to append to one group, contiguous with its log.
#[derive(Debug)]
pub struct Append {
    /// The group.
    pub group: GroupId,
    /// Its state once the entries are there.
    pub log: GroupLog,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// Where logs lie.
pub trait LogStore: Send + Sync + 'static {
    /// State of one group; the default for a group without a log.
    fn group(&self, group: GroupId) -> Result<GroupLog, StoreError>;
    /// Appends to any number of groups in one write that is on disk when this returns.
    fn append(&self, appends: &[Append]) -> Result<(), StoreError>;
    /// Calls `visit` for each entry from `from` on, in order.
    fn replay(
        &self,
        group: GroupId,
        from: LogIndex,
        visit: &mut dyn FnMut(Entry) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;
    /// Forgets entries up to `through`; the caller has made their effects durable.
    fn truncate(&self, group: GroupId, through: LogIndex) -> Result<(), StoreError>;
    /// Forgets the whole group.
    fn remove(&self, group: GroupId) -> Result<(), StoreError>;
}

/// What the log is for.
pub trait StateMachine: Send + Sync + 'static {
    /// Index of the last entry whose effects are here.
    fn applied(&self) -> LogIndex;
    /// Applies the entry behind [`StateMachine::applied`]. A refusal is an answer like any
    /// other: it counts as applied and every replica gives the same. A [`StoreError`]
    /// means that the effects could not be stored; the node must stop.
    fn apply(&self, entry: &Entry) -> Result<Answer, StoreError>;
}

/// What applying a command came to.
pub type Answer = Result<(), Refusal>;

/// A disk failed, or holds what this version cannot read.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// A command was not taken; it is in no log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProposeError {
    /// More is waiting than the node allows.
    #[error("{waiting} bytes of writes are waiting, the limit is {limit}; nothing was changed, try again in a moment")]
    Full {
        /// Bytes waiting, this command included.
        waiting: usize,
        /// The most that may wait.
        limit: usize,
    },
    /// The group is not (or no longer) on this node.
    #[error("group {0} is not on this node; nothing was changed")]
    NoSuchGroup(GroupId),
    /// The node is stopping.
    #[error("the node is shutting down; nothing was changed")]
    Stopping,
}

/// An applied command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Where it stands in the group's log.
    pub index: LogIndex,
    /// What it came to.
    pub answer: Answer,
}

/// Called once, on the apply thread, with the outcome. It must not block.
pub type OnApplied = Box<dyn FnOnce(Result<Applied, ProposeError>) + Send>;

/// Ends the process after a failure that leaves the log or the state in doubt: after a
/// failed fsync the kernel may have dropped the pages, so trying again could acknowledge
/// what is not on disk (Rebello et al., "Can Applications Recover from fsync Failures?",
/// ATC 2020). A restart reads what is really there.
pub(crate) fn end_process(what: &str, error: &StoreError) -> ! {
    tracing::error!(%error, "{what}; ending the process so that a restart reads what is really on disk");
    std::process::exit(70)
}
