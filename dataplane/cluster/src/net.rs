//! How nodes reach each other: addresses, connections, Raft's messages and snapshots, and
//! the service that the others call.

mod auth;
mod links;
mod peers;
mod send_snapshot;
pub(crate) mod service;
mod take_snapshot;

pub use auth::Token;
pub(crate) use links::Links;
pub(crate) use peers::Peers;

/// Largest message: a command and what is around it.
pub(crate) const MESSAGE_BYTES_MAX: usize = vane_types::limits::COMMAND_BYTES_MAX + (16 << 20);
