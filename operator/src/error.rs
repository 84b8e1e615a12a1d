//! Why a pass over an object failed. Every one of them is tried again.

use thiserror::Error;

use crate::database;

/// Why a pass failed.
#[derive(Debug, Error)]
pub enum Error {
    /// Kubernetes refused or did not answer.
    #[error("failed to {doing}: {source}")]
    Kubernetes {
        /// What was to be done.
        doing: String,
        /// What Kubernetes said.
        source: Box<kube::Error>,
    },
    /// The database refused or did not answer.
    #[error("failed to {doing}: {status}")]
    Database {
        /// What was to be done.
        doing: String,
        /// What it said.
        status: Box<tonic::Status>,
    },
    /// A node cannot be asked.
    #[error("failed to ask {pod}: {source}")]
    Address {
        /// Its pod.
        pod: String,
        /// Why not.
        source: database::Error,
    },
    /// An object is not as the API server makes it.
    #[error("{object} has no {field}: it did not come from an API server")]
    Incomplete {
        /// Which one.
        object: String,
        /// What is missing.
        field: &'static str,
    },
}

impl Error {
    /// A word for metrics.
    pub(crate) fn category(&self) -> &'static str {
        match self {
            Self::Kubernetes { .. } => "kubernetes",
            Self::Database { .. } => "database",
            Self::Address { .. } => "address",
            Self::Incomplete { .. } => "incomplete",
        }
    }
}

/// Names what was done when Kubernetes failed.
pub(crate) fn kubernetes(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Error {
    let doing = doing.into();
    move |source| Error::Kubernetes { doing, source: Box::new(source) }
}

/// Names what was done when the database failed.
pub(crate) fn database(doing: impl Into<String>) -> impl FnOnce(tonic::Status) -> Error {
    let doing = doing.into();
    move |status| Error::Database { doing, status: Box::new(status) }
}
