//! Why a message of another node could not be read.

use thiserror::Error;
use vane_shard::NoExamples;
use vane_types::VectorError;

/// A message that this version cannot read; nothing was done with it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// Something that must be said is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A choice that this version does not know.
    #[error("{what} is {value}, which this version does not know")]
    UnknownChoice {
        /// What is chosen.
        what: &'static str,
        /// The number on the wire.
        value: i32,
    },
    /// Bytes that are no stored form of a point id.
    #[error("a point id could not be read")]
    PointId,
    /// A number that no tenant has.
    #[error("a tenant could not be read")]
    Tenant,
    /// A text that is no UUID.
    #[error("{0:?} is no UUID")]
    Uuid(String),
    /// A text that is no path into a payload.
    #[error("{0}")]
    Path(String),
    /// A text that is no number of JSON.
    #[error("{0:?} is no number")]
    Number(String),
    /// A text that declares no payload index that this version knows.
    #[error("{0:?} is no declaration of a payload index")]
    Schema(String),
    /// A text that is no datetime.
    #[error("{0:?} is no datetime")]
    Datetime(String),
    /// Bytes that are no JSON object.
    #[error("a payload could not be read: {0}")]
    Payload(String),
    /// Numbers that make no vector.
    #[error(transparent)]
    Vector(#[from] VectorError),
    /// Examples that do not fit their rule.
    #[error(transparent)]
    Examples(#[from] NoExamples),
    /// A number beyond what this machine can count in memory.
    #[error("{0} is more than this machine counts to")]
    TooLarge(u64),
    /// A filter with more levels than filters may have.
    #[error("the filter is nested too deep")]
    TooDeep,
    /// Bytes that are no message of Raft.
    #[error("{0}")]
    Raft(String),
}
