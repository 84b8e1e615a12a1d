//! Values of `raft.db`, and what one append consists of.

use std::ops::RangeInclusive;

use prost::Message;
use vane_types::{GroupId, LogIndex};

/// One entry, field for field `eraftpb.Entry`.
#[derive(Clone, PartialEq, Message)]
pub struct StoredEntry {
    /// 0 is a normal entry.
    #[prost(int32, tag = "1")]
    pub entry_type: i32,
    #[prost(uint64, tag = "2")]
    pub term: u64,
    #[prost(uint64, tag = "3")]
    pub index: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub data: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub context: Vec<u8>,
}

/// `eraftpb.HardState`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct HardState {
    #[prost(uint64, tag = "1")]
    pub term: u64,
    #[prost(uint64, tag = "2")]
    pub vote: u64,
    #[prost(uint64, tag = "3")]
    pub commit: u64,
}

/// State of one group's log.
#[derive(Clone, PartialEq, Message)]
pub struct LogState {
    #[prost(message, optional, tag = "1")]
    pub hard_state: Option<HardState>,
    /// Index of the last entry; that of the truncation when none is left.
    #[prost(uint64, tag = "2")]
    pub last_index: u64,
    /// Entries up to here are gone, and the term of the last of them.
    #[prost(uint64, tag = "3")]
    pub truncated_index: u64,
    #[prost(uint64, tag = "4")]
    pub truncated_term: u64,
    /// Peer id of the replica that the log belongs to.
    #[prost(uint64, tag = "5")]
    pub peer_id: u64,
    /// Index of a snapshot whose installation was begun and may have been cut short; 0 for none.
    #[prost(uint64, tag = "6")]
    pub applying: u64,
}

/// What is written of one group in one append.
#[derive(Debug, Clone, PartialEq)]
pub struct LogAppend {
    /// Group whose log changes.
    pub group: GroupId,
    /// State of the log once the rest is there.
    pub state: LogState,
    /// Entries to set. One of an index that is there already takes its place.
    pub entries: Vec<StoredEntry>,
    /// Entries to remove first: the tail that another leader's entries take the place of, or
    /// the whole log when a snapshot does.
    pub remove: Option<RangeInclusive<LogIndex>>,
}
