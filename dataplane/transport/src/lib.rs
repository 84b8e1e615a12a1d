//! How nodes speak to each other: the peer protocol in typed requests and answers, the
//! connections and streams that carry it, and the service that others call.
//!
//! Owns the token and the version that every call carries, bounded queues and batches of
//! Raft's messages, snapshot streams, and the conversion between `vane_proto` and the types of
//! the data plane. It must never decide whom to ask or whether to ask again (the coordinator
//! does), hold a replica (the node does), or keep state that outlives the process.

mod auth;
mod links;
mod peers;
mod protocol;
pub mod reads;
mod send_snapshot;
mod take_snapshot;
mod wire;

pub use protocol::{Answered, Freshness, HeldHits, NotRead, Outcome, Proposal, Read, Replica};
