//! Why a shard could not answer. No variant leaves anything changed.

use thiserror::Error;
use vane_types::limits::{ANSWER_BYTES_MAX, RESULTS_MAX};
use vane_types::{GroupId, JsonPath, PointId};

/// A failed request to a shard.
#[derive(Debug, Error)]
pub enum Error {
    /// The request does not fit the collection; the same is refused again.
    #[error(transparent)]
    BadInput(#[from] BadInput),
    /// The point that the request starts from is not there.
    #[error("No point with id {0} found")]
    NotFound(PointId),
    /// The deadline passed while searching.
    #[error("no answer from shard {group} within the time limit; ask for less, or raise `timeout`")]
    Timeout {
        /// The shard's group.
        group: GroupId,
    },
    /// The shard was dropped meanwhile.
    #[error("the collection was deleted meanwhile")]
    Closed,
    /// The replica waits for a snapshot of its group, or is taking one.
    #[error(
        "this replica of shard {group} has no state yet, it waits for a snapshot; \
         ask another replica"
    )]
    NotReady {
        /// The shard's group.
        group: GroupId,
    },
    /// The replica met an entry of its log that this version cannot read.
    #[error("this replica of shard {group} is out of use: {why}")]
    Quarantined {
        /// The shard's group.
        group: GroupId,
        /// Which entry, and what would help.
        why: String,
    },
    /// What the replica has on its disk is not what was written.
    #[error("this replica of shard {group} is out of use, since it is damaged: {what}")]
    Damaged {
        /// The shard's group.
        group: GroupId,
        /// What was found.
        what: String,
    },
    /// The disk failed or holds damage.
    #[error(transparent)]
    Storage(#[from] vane_storage::Error),
    /// FAISS failed.
    #[error("index failed: {0}")]
    Index(#[from] vane_index::Error),
    /// A defect ended a part of the search on another thread.
    #[error("a part of the search ended without an answer; see the log")]
    Lost,
    /// A background job was called off.
    #[error("the job was cancelled")]
    Cancelled,
}

/// What of a read does not fit the collection.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BadInput {
    /// What a write would be refused for too, such as a vector that the collection lacks.
    #[error(transparent)]
    Collection(#[from] vane_commands::Error),
    /// The point to search from lacks the vector to search by.
    #[error("Vector with name {using:?} for point {id} not found")]
    VectorAbsent {
        /// Point that the search was to start from.
        id: PointId,
        /// Name of the vector.
        using: String,
    },
    /// More is asked for than one answer may hold.
    #[error(
        "the answer has more than {ANSWER_BYTES_MAX} bytes or {RESULTS_MAX} points; ask for fewer \
         points, or for less of each, or scroll through them"
    )]
    AnswerTooLarge,
    /// Ids without a tenant could mean too many points.
    #[error(
        "ids are of a shard key here, and those that are asked for could be of too many: name \
         the shard_key, or fewer ids"
    )]
    TooManyMeant,
    /// Points are to be ordered by a field without values in order.
    #[error(
        "No range index for `order_by` key: `{0}`. Please create one to use `order_by`; indexes of \
         integers, floats and datetimes are"
    )]
    NoRangeIndex(JsonPath),
    /// Values are to be counted of a field without any.
    #[error(
        "No appropriate index for faceting: `{0}`. Please create one to facet on this field; \
         indexes of keywords, integers, bools and UUIDs are"
    )]
    NoMatchIndex(JsonPath),
    /// A field has more values than one answer may hold.
    #[error(
        "the values of the field take more than {ANSWER_BYTES_MAX} bytes; count fewer points with \
         a filter"
    )]
    TooManyValues,
    /// Payloads are asked for that the search did not keep.
    #[error("the search that is held did not ask for payloads")]
    PayloadsNotKept,
    /// A place behind the last result of a search.
    #[error("there is no place {place} in the search that is held")]
    NoSuchPlace {
        /// Counted from 0.
        place: usize,
    },
}

impl From<vane_commands::Error> for Error {
    fn from(error: vane_commands::Error) -> Self {
        Self::BadInput(error.into())
    }
}

impl From<Error> for vane_types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::BadInput(BadInput::Collection(misfit)) => misfit.into(),
            Error::BadInput(BadInput::VectorAbsent { .. }) => Self::not_found(error.to_string()),
            Error::BadInput(bad) => Self::bad_input(bad.to_string()),
            Error::NotFound(_) => Self::not_found(error.to_string()),
            Error::Timeout { .. } => Self::timeout(error.to_string()),
            Error::NotReady { .. } | Error::Quarantined { .. } | Error::Damaged { .. } => {
                Self::unavailable(error.to_string())
            }
            Error::Closed => Self::not_found(error.to_string()),
            Error::Storage(_) | Error::Index(_) | Error::Lost | Error::Cancelled => {
                Self::internal(error.to_string())
            }
        }
    }
}
