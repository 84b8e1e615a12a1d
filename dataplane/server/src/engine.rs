//! What of the engine the process names: to open it, to tell it settings, to show what it does.
//! The only file that names its crates; requests go through `vane-service`.

#[cfg(test)]
pub(crate) use vane_coordinator::Layout;
pub(crate) use vane_coordinator::{
    AskedOf, Explaining, LayoutChange, MatrixRow, Partial, ShardKeys,
};
#[cfg(test)]
pub(crate) use vane_node::ReplicaHere;
pub(crate) use vane_node::{
    Collection, CollectionHere, Fate, GroupState, Member, Node, NodeSettings, NotReady, OpenError,
    Recovering, Recovery, ScrubSettings, Settings as EngineSettings, ShardHere, process_memory,
};
pub(crate) use vane_shard::{Info, Record, Scored, Write};
#[cfg(test)]
pub(crate) use vane_shard::{InfoOfVector, Memory};
pub(crate) use vane_transport::{Assurance, Freshness, NodeMemory, peer_server};
