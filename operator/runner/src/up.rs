//! `vane-up`: the YAML of Kubernetes as processes of this machine that outlive the command.
//!
//! Reads the same documents, checks them by the same rules, builds by the operator's own
//! builders and lets the operator's own plans decide. Each cluster is in a folder of its own:
//! data by claim, logs by pod, and what was started.

mod collections;
mod commands;
mod documents;
mod listener;
mod local;
mod schema;
mod state;
mod status;

pub use commands::{down, logs, up};
pub use documents::Documents;
pub use status::{Node, status};
