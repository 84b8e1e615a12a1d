//! A call to Kubernetes or to the database that failed.

use derive_more::Display;
use thiserror::Error;

use crate::database;

/// Why a call did not succeed.
#[derive(Debug, Error)]
pub enum CallError {
    /// Kubernetes refused or did not answer.
    #[error("failed to {request}: {source}")]
    Kubernetes {
        /// What Kubernetes was asked for.
        request: Request,
        /// What Kubernetes said.
        source: Box<kube::Error>,
    },
    /// The database refused or did not answer.
    #[error("failed to {request}: {status}")]
    Database {
        /// What the node was asked for.
        request: Request,
        /// What the node said.
        status: Box<tonic::Status>,
    },
    /// There is no client of a node.
    #[error("failed to ask {pod}: {source}")]
    Client {
        /// Pod of the node.
        pod: String,
        /// Why not.
        source: database::Error,
    },
}

/// What Kubernetes or the database was asked for, with the object that it is about.
#[derive(Debug, Display, Clone, PartialEq, Eq)]
pub enum Request {
    /// Read one object or fact.
    #[display("read {_0}")]
    Read(String),
    /// Read all of a kind.
    #[display("list {_0}")]
    List(String),
    /// Have a node hear from a majority.
    #[display("confirm {_0}")]
    Confirm(String),
    /// Bring an object to what it should be.
    #[display("apply {_0}")]
    Apply(String),
    /// Make an object.
    #[display("make {_0}")]
    Make(String),
    /// Delete an object.
    #[display("delete {_0}")]
    Delete(String),
    /// Write a status.
    #[display("write {_0}")]
    Write(String),
    /// Change a field.
    #[display("change {_0}")]
    Change(String),
    /// Carry out a step of a plan, in the words of the step.
    Step(String),
}

impl CallError {
    /// A word for metrics.
    pub(super) fn category(&self) -> &'static str {
        match self {
            Self::Kubernetes { .. } => "kubernetes",
            Self::Database { .. } => "database",
            Self::Client { .. } => "address",
        }
    }
}

/// Says of an error of Kubernetes what it answered.
pub(crate) fn kubernetes(request: Request) -> impl FnOnce(kube::Error) -> CallError {
    move |source| CallError::Kubernetes { request, source: Box::new(source) }
}

/// Says of an error of the database what it answered.
pub(crate) fn database(request: Request) -> impl FnOnce(tonic::Status) -> CallError {
    move |status| CallError::Database { request, status: Box::new(status) }
}
