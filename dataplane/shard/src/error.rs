//! Why a shard could not answer. No variant leaves anything changed.

use thiserror::Error;

/// A failed request to a shard.
#[derive(Debug, Error)]
pub enum Error {
    /// The request does not fit the collection.
    #[error("{0}")]
    BadInput(String),
    /// A point that the request starts from is not there.
    #[error("{0}")]
    NotFound(String),
    /// The deadline passed while searching.
    #[error("no answer from shard {group} within the time limit; ask for less, or raise `timeout`")]
    Timeout {
        /// The shard's group.
        group: vane_types::GroupId,
    },
    /// The shard was dropped meanwhile.
    #[error("the collection was deleted meanwhile")]
    Closed,
    /// The replica waits for a snapshot of its group, or is taking one.
    #[error(
        "this replica of shard {group} has no state yet, it waits for a snapshot; ask another replica"
    )]
    NotReady {
        /// The shard's group.
        group: vane_types::GroupId,
    },
    /// The disk failed or holds damage.
    #[error(transparent)]
    Storage(#[from] vane_storage::Error),
    /// FAISS failed.
    #[error("index failed: {0}")]
    Index(#[from] vane_index::Error),
    /// A background job was called off.
    #[error("the job was cancelled")]
    Cancelled,
}

impl From<Error> for vane_types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::BadInput(text) => Self::bad_input(text),
            Error::NotFound(text) => Self::not_found(text),
            Error::Timeout { .. } => Self::timeout(error.to_string()),
            Error::NotReady { .. } => Self::unavailable(error.to_string()),
            Error::Closed => Self::not_found(error.to_string()),
            Error::Storage(_) | Error::Index(_) | Error::Cancelled => {
                Self::internal(error.to_string())
            }
        }
    }
}
