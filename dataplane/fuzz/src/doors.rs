//! The doors: what is sent through each, and what must hold afterwards.

mod admin;
mod calls;
mod files;
mod grpc;
mod peer;
mod raft;
mod rest;
mod rest_bodies;

use std::path::Path;

use crate::{Budget, Failure, Tally};

/// Where input comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Door {
    /// Requests of clients.
    Rest,
    /// Calls of clients of Qdrant's gRPC.
    Grpc,
    /// Calls of other nodes.
    Peer,
    /// Raft's messages of other nodes.
    Raft,
    /// Calls of administration.
    Admin,
    /// Segments, graphs and the marker of a data directory.
    Files,
}

impl Door {
    /// Tries it; `program` is this crate's own, which can be a node.
    ///
    /// # Errors
    /// The first case that did what must not happen.
    pub fn attempt(self, program: &Path, budget: Budget, seed: u64) -> Result<Tally, Failure> {
        match self {
            Self::Rest => rest::attempt(program, budget, seed),
            Self::Grpc => grpc::attempt(program, budget, seed),
            Self::Peer => peer::attempt(program, budget, seed),
            Self::Raft => raft::attempt(program, budget, seed),
            Self::Admin => admin::attempt(program, budget, seed),
            Self::Files => files::attempt(budget, seed),
        }
    }
}
