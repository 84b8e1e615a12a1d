//! What commands of all logs share: the version byte of their stored form, the request that
//! they are part of, and why a committed one may have no effect.
//!
//! A stored command is a version byte and a protobuf message. Fields are only ever added;
//! a reader that meets a version it does not know must stop rather than guess.

use prost::Message;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::PointId;

/// First byte of every stored command.
const FORMAT: u8 = 1;

/// Entries of a group's log for which it remembers what became of their requests, a shard's or the
/// meta group's. A request whose first copy may lie further back is refused rather than applied.
pub const DEDUPE_WINDOW: u64 = 16_384;

/// Why a committed command had no effect. Every replica comes to the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Refusal {
    /// An update names a point that is not there; nothing was changed.
    #[error("No point with id {0} found")]
    PointNotFound(PointId),
    /// The object to make is there already; nothing was changed.
    #[error("{0} already exists!")]
    AlreadyExists(String),
    /// The object to change is not there; nothing was changed.
    #[error("{0} doesn't exist!")]
    NotFound(String),
    /// The command is not possible in the state it met; nothing was changed.
    #[error("{0}")]
    Invalid(String),
    /// The command was made for an older state than it met; nothing was changed.
    #[error("{0}")]
    Conflict(String),
    /// The command was routed by a range that the shard does not have (any more); nothing was
    /// changed. No later copy is taken either: epochs only grow.
    #[error("the key range of the shard is not the one that the write was sent by")]
    StaleRoute,
    /// It would read and write more than one entry may, which the points that it names decide;
    /// nothing was changed. Fewer of them at a time may pass.
    #[error("the change of so many points is too much for one entry of the log; name fewer")]
    TooMuch,
    /// The shard has given all numbers of points away; nothing was changed. Deletes give none
    /// back.
    #[error(
        "the shard has held as many points in its time as it can number, and takes no new ones: \
         copy its collection into another one"
    )]
    OutOfSlots,
    /// A copy of a request came so late that it cannot be told whether an earlier one was
    /// applied. This one changed nothing; the outcome of the request is unknown.
    #[error(
        "a repeated change came after {DEDUPE_WINDOW} others and was not applied again; whether \
         it was applied before is unknown, read to find out"
    )]
    Expired,
}

/// A stored command could not be read: disk damage, or a newer version wrote it. Nothing was
/// applied.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// There is not even a version byte.
    #[error("failed to decode a logged command (it is empty); nothing was applied")]
    Empty,
    /// The version byte is none that this version writes.
    #[error("failed to decode a logged command (unknown format {0}); nothing was applied")]
    UnknownFormat(u8),
    /// The bytes are not those of a message.
    #[error("failed to decode a logged command ({0}); nothing was applied")]
    Malformed(#[from] prost::DecodeError),
    /// The message has no change that this version knows.
    #[error(
        "failed to decode a logged command (a kind of change this version does not know); \
         nothing was applied"
    )]
    UnknownChange,
}

/// Names one command of one gateway, so that copies of it are applied once. A request that
/// makes several commands for one group gives each a sequence number of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message, Serialize, Deserialize)]
pub struct RequestId {
    /// The gateway's process; never used by another.
    #[prost(uint64, tag = "1")]
    pub session: u64,
    /// Number of the command within the session.
    #[prost(uint64, tag = "2")]
    pub sequence: u64,
    /// An index of this group's log that the gateway knew to be applied before it sent the
    /// command for the first time: every copy lies behind it.
    #[prost(uint64, tag = "3")]
    pub basis: u64,
}

/// Version byte and message, for any log of this node.
pub fn encode_versioned(message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.encoded_len() + 1);
    // Outside the message: another format need not be protobuf at all.
    bytes.push(FORMAT);
    message.encode_raw(&mut bytes);
    bytes
}

/// Reads [`encode_versioned`].
///
/// # Errors
/// The bytes are damaged, or a newer version wrote them.
pub fn decode_versioned<M: Message + Default>(bytes: &[u8]) -> Result<M, DecodeError> {
    match bytes.split_first() {
        Some((&FORMAT, body)) => Ok(M::decode(body)?),
        // Never guessed at: replicas of two versions would come to two states.
        Some((version, _)) => Err(DecodeError::UnknownFormat(*version)),
        None => Err(DecodeError::Empty),
    }
}
