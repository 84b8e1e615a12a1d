//! What can go wrong, in words for the person at the terminal.

use std::net::Ipv4Addr;

use thiserror::Error;

/// Why a local cluster did not do what was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// A process could not be started, or ended by itself.
    #[error("{node}: {reason}")]
    Node {
        /// Which.
        node: String,
        /// The system's words, or the end of its log.
        reason: String,
    },
    /// Another process listens where a node should.
    #[error(
        "node {number} was not started, {address}:{port} is taken ({source}); end the other local cluster first"
    )]
    InUse {
        /// Place of the node.
        number: usize,
        /// Where.
        address: Ipv4Addr,
        /// Which port.
        port: u16,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Something did not come to be.
    #[error("waited {seconds} s in vain: {what}")]
    Waited {
        /// What.
        what: String,
        /// How long.
        seconds: u64,
    },
    /// A request failed.
    #[error("{what}: {reason}")]
    Request {
        /// The request.
        what: String,
        /// The answer's words, or the network's.
        reason: String,
    },
    /// A wire between nodes could not be made.
    #[error("failed to listen on {address}: {source}")]
    Link {
        /// Where.
        address: String,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn node(node: impl Into<String>, reason: impl ToString) -> Self {
        Self::Node { node: node.into(), reason: reason.to_string() }
    }

    pub(crate) fn request(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Request { what: what.into(), reason: reason.to_string() }
    }
}
