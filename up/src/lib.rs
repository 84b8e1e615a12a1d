//! `vane up`: the YAML of Kubernetes as processes of this machine that outlive the command.
//!
//! Owns what a pod comes to without containers: addresses, environment, files, processes. It
//! reads the same documents as Kubernetes, checks them by the same rules, builds by the
//! operator's own builders and lets the operator's own plans decide. Each cluster is in a
//! folder of its own: data by claim, logs by pod, and what was started.

#![forbid(unsafe_code)]

pub mod addresses;
mod collections;
mod commands;
mod documents;
mod error;
mod listener;
mod local_cluster;
pub mod pod;
pub mod probe;
pub mod process;
mod schema;
pub mod set;
mod state;
mod status;

pub use commands::{down, logs, up};
pub use documents::Documents;
pub use error::Error;
pub use pod::Plan;
pub use process::Process;
pub use status::{Node, status};
