//! Finds the addresses of peers.
//!
//! Owns the spelling of seeds and the lookup of their names. What comes back is a list of
//! places where a node may answer, and no more: who is a member, who is alive and who leads
//! is for Raft to say. It must never connect to a peer, remember an address between two
//! calls, or give up on all seeds because one of them fails.

mod resolve;
mod seed;

pub use resolve::{
    ADDRESSES_MAX, Failure, HOST_ADDRESSES_MAX, LOOKUP_TIMEOUT, LookupError, Resolved, resolve,
};
pub use seed::{InvalidSeed, SEEDS_MAX, Seed, parse_seeds};
