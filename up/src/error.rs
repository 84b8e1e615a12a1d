//! What can go wrong, and what to do about it.

use std::path::Path;

/// An error of running pods. Nothing was changed unless the message says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A pod asks for something that only containers have.
    #[error("pod {pod}: {what}")]
    Pod {
        /// The pod.
        pod: String,
        /// What and why.
        what: String,
    },
    /// Something that a pod names is not there.
    #[error("pod {pod} waits for {kind} {name}, which is not there; apply it")]
    Missing {
        /// The pod.
        pod: String,
        /// Kind of what is not there.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// What a file asks for cannot be.
    #[error("{file}: {what}")]
    Input {
        /// The file.
        file: String,
        /// The field, and what is wrong with it.
        what: String,
    },
    /// A local cluster does not get on.
    #[error("cluster {cluster}: {what}")]
    Cluster {
        /// Its name.
        cluster: String,
        /// What happened, and what to do.
        what: String,
    },
    /// Which local cluster is meant does not come out.
    #[error("{0}")]
    Clusters(String),
    /// The system refused.
    #[error("failed to {what}")]
    System {
        /// What was tried.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn pod(pod: &str, what: impl Into<String>) -> Self {
        Self::Pod { pod: pod.to_owned(), what: what.into() }
    }

    pub(crate) fn input(file: &Path, what: impl Into<String>) -> Self {
        Self::Input { file: file.display().to_string(), what: what.into() }
    }

    pub(crate) fn cluster(cluster: &str, what: impl Into<String>) -> Self {
        Self::Cluster { cluster: cluster.to_owned(), what: what.into() }
    }

    pub(crate) fn missing(pod: &str, kind: &'static str, name: &str) -> Self {
        Self::Missing { pod: pod.to_owned(), kind, name: name.to_owned() }
    }

    pub(crate) fn system(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let what = format!("{what} {}", path.display());
        move |source| Self::System { what, source }
    }

    /// The message with its causes, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text
    }
}
