//! What the groups of the cluster are for: state machines behind one face, so that the
//! scheduler knows points and values only.

mod catalogue;
mod shard;

use std::sync::Arc;

use vane_raft::{Conf, StateMachine};
use vane_storage::ShardStore;
use vane_types::command::RequestId;

pub(crate) use catalogue::Catalogue;
pub(crate) use shard::Shard;

/// A write of one point: the only value of its kind in a run, or nothing for a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) point: u64,
    pub(crate) value: Option<u64>,
}

/// A replica's state.
pub(crate) trait Machine: StateMachine {
    /// Hash of everything that replicas at one index share.
    fn digest(&self) -> Result<u64, String>;
    /// The same from everything that is stored.
    fn scrub(&self) -> Result<u64, String>;
    /// Value of a point.
    fn read(&self, point: u64) -> Result<Option<u64>, String>;
}

/// One kind of group.
pub(crate) trait Kind: Send + Sync {
    /// Writes what a replica begins with: one of the first at `first`, another at nothing.
    fn create(&self, store: &ShardStore, first: Option<&Conf>) -> Result<(), String>;
    /// Opens what is there.
    fn open(&self, store: ShardStore) -> Result<Arc<dyn Machine>, String>;
    /// The command for a write.
    fn encode(&self, write: Write, request: Option<RequestId>) -> Vec<u8>;
    /// Which request a logged command is of.
    fn request_of(&self, command: &[u8]) -> Option<RequestId>;
    /// The same command as if nobody had numbered it.
    fn without_request(&self, command: &[u8]) -> Vec<u8>;
}
