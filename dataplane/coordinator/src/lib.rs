//! The way of a request to replicas of its shards and back.
//!
//! Owns routing by hash range, attempts that cannot apply a command twice ([`Attempt`], pure),
//! scatter and gather over shards, the stages of a query and the merging of their results, and
//! what is done about collections as a whole. It knows replicas only through [`Shards`]: it
//! must never open a shard, speak to a socket, start a thread or read the clock, so that the
//! simulator runs this code as the node does.

mod among;
mod answer;
mod ask;
mod asked;
mod attempt;
mod collection;
mod collections;
mod coordinator;
mod current;
mod explain;
mod facet;
mod jobs;
mod nearest;
mod options;
mod partial;
mod parts;
mod points;
mod propose;
mod query;
mod rates;
mod recall;
mod reroute;
mod router;
mod scatter;
mod scope;
mod shard_keys;
mod shards;
mod strict;
mod watched;
mod write;

pub use attempt::{Attempt, Failure, LEADER_WAIT_MAX, Next, Purpose};
pub use collection::Collection;
pub use collections::{ConfigChange, Layout, LayoutChange, SparseChange, Untold, VectorChange};
pub use coordinator::Coordinator;
pub use explain::{Explaining, SearchExplained, ShardExplained};
pub use options::{AskedOf, RequestOptions};
pub use partial::Partial;
pub use query::{
    By, ByExamples, Decay, Diverse, Example, Expression, Feedback, Formula, Function, Group,
    GroupLookup, GroupValue, Grouping, Lookup, Matrix, MatrixRow, Pair, Place, Prefetch, Query,
    Strategy,
};
pub use router::Router;
pub use scope::ShardKeys;
pub use shards::Shards;
pub use strict::{Denied, Limited, Requested, User};
pub use write::CheckedWrite;
