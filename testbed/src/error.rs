//! What can go wrong, in words for the person at the terminal.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a process, cluster or API server of this machine did not do what was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// A process could not be started, or its pod cannot run here.
    #[error("{}", .0.chain())]
    Process(#[from] vane_up::Error),
    /// A process ended by itself.
    #[error("{process} ended (exit status: {status}); the end of its log:\n{log}")]
    Ended {
        /// What it is.
        process: String,
        /// Its exit code; 128 and the signal's number for a killed one.
        status: i32,
        /// Its last words.
        log: String,
    },
    /// Another process listens where a node should.
    #[error(
        "node {number} was not started, {address}:{port} is taken ({source}); end the other local \
         cluster first"
    )]
    InUse {
        /// Place of the node.
        number: usize,
        /// Its address.
        address: Ipv4Addr,
        /// The port that is taken.
        port: u16,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A condition did not come true in time.
    #[error("waited {seconds} s in vain: {what}; last seen: {seen}")]
    Waited {
        /// The condition.
        what: String,
        /// How long, in seconds.
        seconds: u64,
        /// What was there instead.
        seen: String,
    },
    /// A request failed, or a node that it is about is not there.
    #[error("{what}: {reason}")]
    Request {
        /// The request, or the node.
        what: String,
        /// The answer's words, or the network's.
        reason: String,
    },
    /// One of Kubernetes' binaries is not where it should be.
    #[error("{dir} has no {binary}: {advice}")]
    Missing {
        /// The folder.
        dir: PathBuf,
        /// The file in it.
        binary: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The system refused something.
    #[error("failed to {what}: {source}")]
    System {
        /// What was tried, on which file.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The API server could not be asked, or refused.
    #[error("failed to {what}: {source}")]
    Api {
        /// What was asked.
        what: String,
        /// The answer.
        source: Box<kube::Error>,
    },
    /// A kubeconfig cannot be used.
    #[error("kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// kubectl failed.
    #[error("kubectl {args}: {stderr}")]
    Kubectl {
        /// Its arguments.
        args: String,
        /// What it wrote about it.
        stderr: String,
    },
}

impl Error {
    pub(crate) fn request(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Request { what: what.into(), reason: reason.to_string() }
    }

    pub(crate) fn system(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let what = format!("{what} {}", path.display());
        move |source| Self::System { what, source }
    }

    pub(crate) fn api(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |source| Self::Api { what, source: Box::new(source) }
    }
}
