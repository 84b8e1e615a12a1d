//! Messages between nodes, and the admin interface, as generated from `proto/*.proto`.
//!
//! Owns the wire format, the exit code by which a node tells whoever runs it what no restart
//! mends, the feature level of what an operator asks for, and which settings there are. It must
//! never convert to other layers' types, carry anything or decide. Fields are only ever added.

mod settings;

pub use settings::{SETTINGS, Setting, Takes, setting};

/// Exit code of a node whose disk was written by a later version: it would end so at each start.
pub const EXIT_FORMAT_TOO_NEW: u8 = 78;

/// Feature level from which on nodes can be kept from leading, and the level can be held.
pub const LEVEL_OF_ROLLS: u32 = 10;

/// Administration: what an operator, a command line or a script needs.
#[allow(
    clippy::all,
    clippy::wildcard_imports,
    unreachable_pub,
    missing_docs,
    unused_qualifications,
    reason = "generated"
)]
pub mod admin {
    tonic::include_proto!("vane.admin.v1");
}

/// Between nodes.
#[allow(
    clippy::all,
    clippy::wildcard_imports,
    unreachable_pub,
    missing_docs,
    unused_qualifications,
    reason = "generated"
)]
pub mod peer {
    tonic::include_proto!("vane.peer.v2");
}
