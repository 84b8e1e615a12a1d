//! Orders the commands of many groups by Raft, makes them durable, and applies them.
//!
//! Owns the way of a command: proposed at the leader, logged and fsynced on a majority (one
//! synced write of a node for whatever all its groups have waiting), committed, applied in
//! log order, answered; and with it elections, changes of members, linearizable reads,
//! snapshots and the truncation of logs. Consensus itself is raft-rs's.
//!
//! [`Core`] does no I/O: time, network, disk and randomness are its arguments, so a
//! simulator runs the same code. [`Engine`] drives it with threads.
//!
//! It must never acknowledge a command before its entry is synced on a majority and applied
//! here, never apply an entry twice or out of order, never send a vote or an
//! acknowledgement before what it stands for is synced, and never look into a command: what
//! the bytes mean is the state machine's business, where they lie is the log store's, how a
//! message travels is the transport's.

mod callback;
mod clock;
mod codec;
mod config;
mod contacts;
mod core;
mod engine;
mod error;
mod group_storage;
mod leaders;
mod leases;
mod lending;
mod log;
mod log_bytes;
mod machine;
mod pace;
mod pulse;
mod questions;
mod quiet;
mod random;
mod reads;
mod replica;
mod status;
mod ticket;
mod told;
mod words;

pub use callback::Callback;
pub use clock::Clock;
pub use codec::{Envelope, NotAMessage};
pub use config::{Bounds, CAUGHT_UP_ENTRIES, Config};
pub use contacts::Contacts;
pub use core::{Core, Install, Output, Persisted, Start, Transfer};
pub use engine::{Counters, Engine, HasRoom, Transport, end_process};
pub use error::{ApplyError, ProposeError, ReadError, StoreError};
pub use leaders::Leaders;
pub use leases::LeaseTimes;
pub use log::{Append, GroupLog, LogEntry, LogStore};
pub use machine::{
    Answer, Applied, Committed, Conf, Entry, Exported, Made, SnapshotFiles, StateMachine,
};
pub use random::Random;
pub use reads::{Assurance, OnRead, ReadPoint};
pub use replica::MemberChange;
pub use status::{GroupStatus, Heir, PeerStatus, Role, Seen, Watch};
pub use ticket::{OnApplied, Ticket};
pub use words::take_words;

use vane_types::LogIndex;

/// Index and term that the first replicas of a group begin behind, all with one membership:
/// an entry that never was. A replica that joins later begins at 0 and so needs a snapshot.
pub const INITIAL_INDEX: LogIndex = LogIndex(1);
