//! What the groups of the cluster are for: state machines behind one face, so that the
//! scheduler knows points and numbers only.

mod answers;
mod mention;
mod meta;
mod requests;
mod shard;
mod vectors;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vane_raft::StateMachine;
use vane_shard::Shard;
use vane_types::command::RequestId;
use vane_types::{GroupId, LogIndex};

pub(crate) use answers::{AtLeader, Views};
pub(crate) use mention::{Meant, Mention, names};
pub(crate) use meta::{Meta, entry_of, number_of_zone, set_zone};
pub(crate) use requests::{
    among_tenants, class_filter, id_of, number_of, number_of_id, shard_write,
};
pub(crate) use shard::{POINTS_MAX, ShardRates, collection_config, open_shard};
pub(crate) use vectors::{PASSING, SIZE, drawn};

/// A replica's state.
pub(crate) trait Machine: StateMachine {
    /// Hash of everything that replicas at one index share.
    fn digest(&self) -> Result<u64, String>;
    /// The same from everything that is stored.
    fn scrub(&self) -> Result<u64, String>;
    /// Number of a point.
    fn read(&self, point: u64) -> Result<Option<u64>, String>;
    /// Names of the vectors of all points.
    fn vectors(&self) -> Result<BTreeMap<u64, BTreeSet<String>>, String>;
    /// Points of a class.
    fn of_class(&self, class: u64) -> Result<Vec<u64>, String>;
    /// Does a background job if one is due; says whether it did.
    fn run_job(&self) -> Result<bool, String>;
    /// Refuses entries from now on: the replica is about to be destroyed.
    fn close(&self);
    /// The shard; `None` where it is the catalog.
    fn shard(self: Arc<Self>) -> Option<Arc<Shard>>;
}

/// An open replica's state machine.
pub(crate) type AnyMachine = Arc<dyn Machine>;

/// Which request a logged command is of.
pub(crate) fn request_of(group: GroupId, command: &[u8]) -> Option<RequestId> {
    match group {
        GroupId::META => meta::request_of(command),
        _ => shard::request_of(command),
    }
}

/// What a logged command says of vectors.
pub(crate) fn mention_of(group: GroupId, command: &[u8]) -> Option<Mention> {
    match group {
        GroupId::META => None,
        _ => mention::of_command(command),
    }
}

/// The point that a logged command takes away for good.
pub(crate) fn removal_of(group: GroupId, command: &[u8]) -> Option<u64> {
    match group {
        GroupId::META => meta::removal_of(command),
        _ => None,
    }
}

/// The same command as if nobody had numbered it.
pub(crate) fn without_request(group: GroupId, command: &[u8]) -> Vec<u8> {
    match group {
        GroupId::META => meta::without_request(command),
        _ => shard::without_request(command),
    }
}

/// Where a replica that has nothing yet is.
const NOTHING: LogIndex = LogIndex::ZERO;
