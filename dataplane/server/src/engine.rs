//! What of the engine the process names: to open it, to tell it settings, to show what it does.
//! The only file that names its crates; requests go through `vane-service`.

pub(crate) use vane_coordinator::{AskedOf, Explaining, Partial};
pub(crate) use vane_node::{
    Collection, Fate, GroupState, Member, Node, NodeSettings, NotReady, OpenError, Recovering,
    Recovery, ScrubSettings, Settings as EngineSettings, pinned_bytes,
};
pub(crate) use vane_shard::{Info, Memory, Write};
pub(crate) use vane_transport::{Assurance, Freshness, peer_server};
