//! What of the engine the process names: to open it, to tell it settings, to show what it does.
//! The only file that names its crate; requests go through `vane-service`.

pub(crate) use vane_cluster::{
    Cluster, Collection, Freshness, Host, Info, NodeSettings, OpenError, Partial,
    Settings as EngineSettings, Write,
};
