//! What can go wrong, in words for the person at the terminal.

use std::path::Path;

use thiserror::Error;

/// Why the demo or the benchmark ended early.
#[derive(Debug, Error)]
pub enum Error {
    /// A data file is missing or not of its format, or a result could not be written.
    #[error("failed to {what} {path}: {reason}")]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: String,
        /// What is wrong with it, or the system's answer.
        reason: String,
    },
    /// The node did not answer, or answered with an error.
    #[error("{what}: {reason}")]
    Node {
        /// The request, or what was waited for.
        what: String,
        /// The node's words, or the network's.
        reason: String,
    },
    /// A local node or cluster is not as it should be.
    #[error(transparent)]
    Local(#[from] vane_testbed::Error),
    /// A point that was acknowledged is missing or older than the acknowledged write.
    #[error("through {node}: {what}")]
    Lost {
        /// The node that was asked.
        node: String,
        /// What is missing.
        what: String,
    },
    /// A command did not do what it should.
    #[error("`{command}` failed: {reason}")]
    Command {
        /// The command.
        command: String,
        /// Its own words.
        reason: String,
    },
    /// Another demo is in the same folder.
    #[error("another demo runs in {0}; end that, or give this one another folder with --dir")]
    Busy(String),
    /// A signal asked this program to end.
    #[error("stopped by a signal; no node is left running")]
    Interrupted,
    /// A library's worker failed.
    #[error("{library}: {reason}; `make bench-peers` installs what libraries need")]
    Peer {
        /// The library.
        library: &'static str,
        /// Python's words, or the system's.
        reason: String,
    },
    /// FAISS failed.
    #[error("faiss failed: {0}")]
    Index(#[from] vane_index::Error),
}

impl Error {
    pub(crate) fn data(path: &Path, reason: impl ToString) -> Self {
        let (path, reason) = (path.display().to_string(), reason.to_string());
        Self::File { what: "read", path, reason }
    }

    pub(crate) fn output(path: &Path, reason: impl ToString) -> Self {
        let (path, reason) = (path.display().to_string(), reason.to_string());
        Self::File { what: "write", path, reason }
    }

    pub(crate) fn node(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Node { what: what.into(), reason: reason.to_string() }
    }
}
