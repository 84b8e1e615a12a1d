//! Why a pass over an object failed, by its step. Every failure is tried again; the texts are
//! those that conditions and the log show.

mod call;

use std::time::Duration;

use thiserror::Error;

pub use self::call::{CallError, Request};
pub(crate) use self::call::{database, kubernetes};

/// Why a pass failed, by the step that failed.
#[derive(Debug, Error)]
pub enum Error {
    /// The object is not as an API server makes it. Nothing was done.
    #[error(transparent)]
    Validate(#[from] ValidateError),
    /// Kubernetes or the database could not be read. Nothing was changed.
    #[error(transparent)]
    Dereference(CallError),
    /// A change failed. Those before it were made.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The pass panicked. What it had changed before stays.
    #[error("the pass ended by a mistake of the operator's: {0}")]
    Panicked(String),
    /// The pass took too long. What it had changed until then stays.
    #[error("the pass did not end within {} s; Kubernetes or the database hangs", .0.as_secs())]
    TimedOut(Duration),
    /// The status could not be written. The changes of the pass were made.
    #[error(transparent)]
    UpdateStatus(CallError),
}

/// What an object lacks that every object has which came from an API server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} {name} has no {field}: it did not come from an API server")]
pub struct ValidateError {
    /// Kind of the object.
    pub kind: &'static str,
    /// Name of the object; empty where that is what it lacks.
    pub name: String,
    /// What is missing or malformed, of its metadata.
    pub field: &'static str,
}

/// Why a change was not made.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// Kubernetes or the database refused, or did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// There is no node to carry out a step of the database's.
    #[error("no node of {cluster} can be asked")]
    NoNode {
        /// The VectorCluster.
        cluster: String,
    },
    /// What a step needs was there when it was planned, or should be.
    #[error("{object} of {cluster} is gone: what pods were made from is not known without it")]
    Lost {
        /// The VectorCluster.
        cluster: String,
        /// What is gone.
        object: String,
    },
    /// Copies of a node that is to go cannot be moved now.
    #[error("{shards} copies cannot leave {pod} now: {why}")]
    Stays {
        /// The pod.
        pod: String,
        /// Shards that stay, with why; the first few.
        why: String,
        /// All of them.
        shards: u32,
    },
    /// The pass took so long that a node may not go by what it saw any more.
    #[error("{pod} was not replaced: it was more than {} s ago that it could go", limit.as_secs())]
    Late {
        /// The pod.
        pod: String,
        /// How long the word of the database holds.
        limit: Duration,
    },
}

impl Error {
    /// A word for metrics.
    pub(crate) fn category(&self) -> &'static str {
        match self {
            Self::Dereference(error)
            | Self::UpdateStatus(error)
            | Self::Apply(ApplyError::Call(error)) => error.category(),
            Self::Panicked(_) => "panic",
            Self::TimedOut(_) => "timeout",
            Self::Validate(_)
            | Self::Apply(
                ApplyError::NoNode { .. }
                | ApplyError::Lost { .. }
                | ApplyError::Stays { .. }
                | ApplyError::Late { .. },
            ) => "incomplete",
        }
    }
}
