//! What of the engine the process names: to open it, to tell it settings, to show what it does.
//! The only file that names its crates; requests go through `vane-service`.

pub(crate) use vane_coordinator::{
    AskedOf, Explaining, LayoutChange, MatrixRow, Partial, ShardKeys,
};
pub(crate) use vane_node::{
    Collection, Fate, GroupState, Member, Node, NodeSettings, NotReady, OpenError, Recovering,
    Recovery, ScrubSettings, Settings as EngineSettings, process_memory,
};
#[cfg(test)]
pub(crate) use vane_shard::Memory;
pub(crate) use vane_shard::{Info, Record, Scored, Write};
pub(crate) use vane_transport::{Assurance, Freshness, NodeMemory, peer_server};
