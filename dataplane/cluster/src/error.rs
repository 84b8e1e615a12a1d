//! Why a request failed, by what the caller should do about it.

use thiserror::Error;

/// A failed request. Unless a variant says otherwise nothing was changed.
#[derive(Debug, Clone, Error)]
pub enum Error {
    /// The object named does not exist.
    #[error("Not found: {0}")]
    NotFound(String),
    /// The object to make exists already.
    #[error("Wrong input: {0}")]
    AlreadyExists(String),
    /// The request does not fit the collection.
    #[error("Wrong input: {0}")]
    BadInput(String),
    /// What is asked for exists in the API but not in this version.
    #[error("Bad request: {0}")]
    Unsupported(String),
    /// A queue is full; try again after a while.
    #[error("Too many requests: {0}")]
    Overloaded(String),
    /// No answer in time. For a write the outcome is unknown: it may still be applied.
    #[error("Timeout: {0}")]
    Timeout(String),
    /// Not enough room on the disk. Deletes are still taken.
    #[error("Insufficient storage: {0}")]
    OutOfSpace(String),
    /// The node is starting or stopping.
    #[error("Service unavailable: {0}")]
    Unavailable(String),
    /// A defect or a failing disk.
    #[error("Service internal error: {0}")]
    Internal(String),
}

/// A node could not start. Nothing was changed beyond what opening databases does.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The data directory or something in it.
    #[error(transparent)]
    Storage(#[from] vane_storage::Error),
    /// A log could not be read or applied.
    #[error("{0}")]
    Log(#[from] vane_raft::StoreError),
    /// A thread could not be started.
    #[error("failed to start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl From<vane_shard::Error> for Error {
    fn from(error: vane_shard::Error) -> Self {
        use vane_shard::Error as Shard;
        match error {
            Shard::BadInput(text) => Self::BadInput(text),
            Shard::NotFound(text) => Self::NotFound(text),
            Shard::Timeout { .. } => Self::Timeout(error.to_string()),
            Shard::Closed => Self::NotFound(error.to_string()),
            Shard::Storage(_) | Shard::Index(_) | Shard::Cancelled => Self::Internal(error.to_string()),
        }
    }
}

impl From<vane_raft::ProposeError> for Error {
    fn from(error: vane_raft::ProposeError) -> Self {
        use vane_raft::ProposeError;
        match error {
            ProposeError::Full { .. } => Self::Overloaded(error.to_string()),
            ProposeError::NoSuchGroup(_) => Self::NotFound("the collection was deleted meanwhile".into()),
            ProposeError::Stopping => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<vane_types::Refusal> for Error {
    fn from(refusal: vane_types::Refusal) -> Self {
        use vane_types::Refusal;
        match &refusal {
            Refusal::PointNotFound(_) | Refusal::NotFound(_) => Self::NotFound(refusal.to_string()),
            Refusal::AlreadyExists(_) => Self::AlreadyExists(refusal.to_string()),
            Refusal::Invalid(text) => Self::BadInput(text.clone()),
        }
    }
}

impl From<vane_storage::space::OutOfSpace> for Error {
    fn from(error: vane_storage::space::OutOfSpace) -> Self {
        Self::OutOfSpace(error.to_string())
    }
}
