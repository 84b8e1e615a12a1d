//! What can go wrong, in words for the person who runs the tests.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a Kubernetes for tests did not do what was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// A binary is not where it should be.
    #[error("{dir} has no {binary}: {advice}")]
    Missing {
        /// The folder.
        dir: PathBuf,
        /// The file in it.
        binary: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The binaries could not be brought.
    #[error("failed to bring Kubernetes' binaries, {script}: {reason}")]
    Tools {
        /// What was run.
        script: PathBuf,
        /// How it ended.
        reason: String,
    },
    /// A process ended by itself.
    #[error("{process} ended ({status}); the end of its log:\n{log}")]
    Ended {
        /// Which.
        process: &'static str,
        /// How.
        status: String,
        /// Its last words.
        log: String,
    },
    /// Something did not come to be.
    #[error("waited {seconds} s in vain: {what}; last seen: {seen}")]
    Waited {
        /// What.
        what: String,
        /// How long.
        seconds: u64,
        /// What was there instead.
        seen: String,
    },
    /// A file or process could not be made.
    #[error("{what}: {source}")]
    System {
        /// What was tried, on which file.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The API server could not be asked, or refused.
    #[error("{what}: {source}")]
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
    pub(crate) fn system(what: &str, path: &Path, source: std::io::Error) -> Self {
        Self::System { what: format!("{what} {}", path.display()), source }
    }

    pub(crate) fn api(what: impl Into<String>, source: kube::Error) -> Self {
        Self::Api { what: what.into(), source: Box::new(source) }
    }
}
