//! One shard: its state machine, its segments, and the planner of its searches.
//!
//! Owns what a command does to points, vectors and payload indexes; which rows lie in which
//! segment; how a search picks between scan and graph; and the background jobs that seal,
//! index and merge. State is a pure function of the log, but for the layout of segments,
//! which is local. It must never talk to the network, choose who holds it, or acknowledge
//! anything: it is applied to by the group's log and read by whoever routes to it.
//!
//! Consistency: all changes of state happen under one lock together with their RocksDB
//! batch, and carry the index of their entry. A reader takes a [`search::view::View`] under that
//! lock in microseconds and then works without it: rows that die later have a later index.

mod apply;
mod build_cores;
mod damage;
mod error;
mod examples;
mod fills;
mod job_log;
mod machine;
mod open;
mod pace;
mod pursuit;
mod quarantine;
mod read;
mod recall;
mod request;
mod scrub;
mod search;
mod segments;
mod shard;
mod snapshot;
mod state;
mod stirred;
mod stored;
mod unindexed;

pub use build_cores::BuildCores;
pub use error::{BadInput, Error};
pub use examples::{Examples, NoExamples, Rule};
pub use fills::Whole;
pub use job_log::{Job, Optimizer, SegmentOf};
pub use open::{force_conf, stored_conf};
pub use read::by_value::{Facet, FacetHit, Ordered};
pub use read::frequencies::Frequencies;
pub use read::info::{Info, InfoOfVector};
pub use read::memory::Memory;
pub use read::sample::{Drawn, Sample};
pub use read::segments::SegmentFigures;
pub use read::usage::{Bytes, Usage, UsageOfVector};
pub use recall::SpareTime;
pub use request::{
    Page, PartExplained, Record, Scored, Scroll, Search, SearchParams, SearchWay, Sought, Want,
    WantPayload, WantVectors,
};
pub use scrub::Scrubbed;
pub use search::Prepared;
pub use search::search_context::SearchContext;
pub use search::side_by_side::{Alone, Helpers};
pub use segments::jobs::Kind as JobKind;
pub use segments::jobs::outlook::Outlook;
pub use shard::{Shard, ShardSettings};
pub use snapshot::own_file;
pub use stirred::Stirred;
pub use unindexed::Unindexed;
pub use vane_commands::{
    Change, Checked, Command, Condition, Configure, Error as CommandError, NewPoint, Selection,
    UpdateMode, Write, check,
};
