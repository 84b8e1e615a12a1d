//! How nodes speak to each other: the peer protocol in typed requests and answers, the
//! connections and streams that carry it, and the service that others call.
//!
//! Owns the token, the protocol's number and the caller's identity that every call carries, the
//! rules by which a start of a disk is refused, bounded queues and
//! batches of Raft's messages, snapshot streams, and the conversion between `vane_proto` and
//! the types of the data plane. It must never decide whom to ask or whether to ask again (the
//! coordinator does), hold a replica (the node does), or keep state that outlives the process.

mod auth;
mod deadline;
mod join;
mod leader_request;
mod links;
mod lives;
mod peers;
mod protocol;
pub mod reads;
mod report;
mod send_snapshot;
mod service;
mod take_snapshot;
mod version;
mod wire;

#[cfg(test)]
mod tests;

pub use auth::{Caller, Token, TokenError};
pub use join::{JoinReply, JoinRequest};
pub use leader_request::{LeaderRequest, NotDone};
pub use links::Links;
pub use lives::{Asking, DamagedLives, Introduction, Life, Listed, Lives, NotTaken, Stale, Start};
pub use peers::Peers;
pub use protocol::{Answered, Freshness, Needs, NotRead, Outcome, Proposal};
pub use reads::{HeldHits, Read, Replica};
pub use report::{BrokenReplica, GroupReport, NodeMemory, NodeReport, ReportRequest, Sums};
pub use send_snapshot::{TransferPhase, TransferReport, Transfers};
pub use service::{CallCheck, PeerHandler, PeerMember, PeerReception, PeerService, peer_server};
pub use vane_raft::Assurance;
pub use version::PROTOCOL;

/// Largest message: a command with what is around it fits three times, an answer should.
pub const MESSAGE_BYTES_MAX: usize = 144 << 20;
