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
    /// The object changed since the caller looked at it; look again and decide anew.
    #[error("Conflict: {0}")]
    Conflict(String),
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
    /// The replica was removed from here; its peer id is not used again.
    #[error("replica {peer} of group {group} was removed from this node and does not come back")]
    Buried {
        /// The group.
        group: vane_types::GroupId,
        /// The replica.
        peer: u64,
    },
    /// The disk does not fit what the node was told.
    #[error("{0}")]
    Disk(String),
    /// A thread could not be started.
    #[error("failed to start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl OpenError {
    pub(crate) fn of_shard(error: vane_shard::Error) -> Self {
        match error {
            vane_shard::Error::Storage(error) => Self::Storage(error),
            other => Self::Log(vane_raft::StoreError(other.to_string())),
        }
    }
}

impl From<vane_shard::Error> for Error {
    fn from(error: vane_shard::Error) -> Self {
        use vane_shard::Error as Shard;
        match error {
            Shard::BadInput(text) => Self::BadInput(text),
            Shard::NotFound(text) => Self::NotFound(text),
            Shard::Timeout { .. } => Self::Timeout(error.to_string()),
            Shard::NotReady { .. } => Self::Unavailable(error.to_string()),
            Shard::Closed => Self::NotFound(error.to_string()),
            Shard::Storage(_) | Shard::Index(_) | Shard::Cancelled => {
                Self::Internal(error.to_string())
            }
        }
    }
}

impl Error {
    /// The text without what its kind puts before it.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::NotFound(text)
            | Self::AlreadyExists(text)
            | Self::BadInput(text)
            | Self::Unsupported(text)
            | Self::Conflict(text)
            | Self::Overloaded(text)
            | Self::Timeout(text)
            | Self::OutOfSpace(text)
            | Self::Unavailable(text)
            | Self::Internal(text) => text,
        }
    }

    /// The same kind of error with another text.
    pub(crate) fn with_text(&self, text: String) -> Self {
        match self {
            Self::NotFound(_) => Self::NotFound(text),
            Self::AlreadyExists(_) => Self::AlreadyExists(text),
            Self::BadInput(_) => Self::BadInput(text),
            Self::Unsupported(_) => Self::Unsupported(text),
            Self::Conflict(_) => Self::Conflict(text),
            Self::Overloaded(_) => Self::Overloaded(text),
            Self::Timeout(_) => Self::Timeout(text),
            Self::OutOfSpace(_) => Self::OutOfSpace(text),
            Self::Unavailable(_) => Self::Unavailable(text),
            Self::Internal(_) => Self::Internal(text),
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
            Refusal::Conflict(text) => Self::Conflict(text.clone()),
            Refusal::Expired => Self::Timeout(refusal.to_string()),
        }
    }
}

impl From<vane_storage::space::OutOfSpace> for Error {
    fn from(error: vane_storage::space::OutOfSpace) -> Self {
        Self::OutOfSpace(error.to_string())
    }
}
