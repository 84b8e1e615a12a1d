//! What a shard's log holds: one command is one entry, applied whole or not at all.
//!
//! The stored form is a version byte and a protobuf message. Fields are only ever added;
//! a reader that meets a version it does not know must stop rather than guess.

use prost::{Message, Oneof};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::PointId;

/// First byte of every stored command.
const FORMAT: u8 = 1;

/// Entries of a shard's log for which it remembers what became of their requests. A request
/// whose first copy may lie further back is refused rather than applied.
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
    /// A copy of a request came so late that it cannot be told whether an earlier one was
    /// applied. This one changed nothing; the outcome of the request is unknown.
    #[error(
        "a repeated write came after {DEDUPE_WINDOW} others and was not applied again; \
         whether it was applied before is unknown, read the points to find out"
    )]
    Expired,
}

/// A stored command could not be read: disk damage, or a newer version wrote it.
#[derive(Debug, Error)]
#[error("failed to decode a logged command ({reason}); nothing was applied")]
pub struct DecodeError {
    reason: String,
}

/// A change of one shard.
#[derive(Clone, PartialEq, Message)]
pub struct Command {
    #[prost(oneof = "Change", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11")]
    pub change: Option<Change>,
    /// The request that the command is a part of, where it may come more than once.
    #[prost(message, optional, tag = "12")]
    pub request: Option<RequestId>,
}

/// Names one command of one gateway, so that copies of it are applied once. A request that
/// makes several commands for one shard gives each a sequence number of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct RequestId {
    /// The gateway's process; never used by another.
    #[prost(uint64, tag = "1")]
    pub session: u64,
    /// Number of the command within the session.
    #[prost(uint64, tag = "2")]
    pub sequence: u64,
    /// An index of this shard's log that the gateway knew to be applied before it sent the
    /// command for the first time: every copy lies behind it.
    #[prost(uint64, tag = "3")]
    pub basis: u64,
}

/// The kinds of change.
#[derive(Clone, PartialEq, Oneof)]
pub enum Change {
    /// Puts points in place of any with the same ids.
    #[prost(message, tag = "1")]
    Upsert(Upsert),
    #[prost(message, tag = "2")]
    Delete(Targets),
    /// Sets the named vectors of points that exist; their others stay.
    #[prost(message, tag = "3")]
    UpdateVectors(Upsert),
    #[prost(message, tag = "4")]
    DeleteVectors(DeleteVectors),
    /// Merges members into the payload.
    #[prost(message, tag = "5")]
    SetPayload(SetPayload),
    /// Replaces the payload.
    #[prost(message, tag = "6")]
    OverwritePayload(SetPayload),
    #[prost(message, tag = "7")]
    DeletePayload(DeletePayload),
    #[prost(message, tag = "8")]
    ClearPayload(Targets),
    #[prost(message, tag = "9")]
    CreateIndex(CreateIndex),
    #[prost(message, tag = "10")]
    DropIndex(DropIndex),
    /// New collection parameters, as the JSON of [`crate::CollectionConfig`].
    #[prost(message, tag = "11")]
    Configure(Configure),
}

/// Points with what they carry. Ids are unique within one command.
#[derive(Clone, PartialEq, Message)]
pub struct Upsert {
    #[prost(message, repeated, tag = "1")]
    pub points: Vec<Point>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Point {
    /// [`PointId::to_key`].
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    pub vectors: Vec<Vector>,
    /// JSON object; empty when the point has no payload.
    #[prost(bytes = "vec", tag = "3")]
    pub payload: Vec<u8>,
}

/// A vector in its stored form: normalised for cosine, checked for size and NaN.
#[derive(Clone, PartialEq, Message)]
pub struct Vector {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(float, repeated, tag = "2")]
    pub values: Vec<f32>,
}

/// Points a change is for. With a filter the ids are those it matched when the command was
/// made; apply checks each again and leaves out those that match no more.
#[derive(Clone, PartialEq, Message)]
pub struct Targets {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub ids: Vec<Vec<u8>>,
    /// Filter as JSON; empty when the ids were given by the client.
    #[prost(string, tag = "2")]
    pub filter: String,
    /// Version of the filter's meaning ([`FILTER_SEMANTICS`]).
    #[prost(uint32, tag = "3")]
    pub semantics: u32,
}

/// Version of what a filter means; logged with every filter so a replay on newer code can
/// tell an old meaning.
pub const FILTER_SEMANTICS: u32 = 1;

#[derive(Clone, PartialEq, Message)]
pub struct DeleteVectors {
    #[prost(message, optional, tag = "1")]
    pub targets: Option<Targets>,
    #[prost(string, repeated, tag = "2")]
    pub names: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SetPayload {
    #[prost(message, optional, tag = "1")]
    pub targets: Option<Targets>,
    /// JSON object.
    #[prost(bytes = "vec", tag = "2")]
    pub payload: Vec<u8>,
    /// Path of the object to merge into; empty for the payload itself.
    #[prost(string, tag = "3")]
    pub key: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct DeletePayload {
    #[prost(message, optional, tag = "1")]
    pub targets: Option<Targets>,
    #[prost(string, repeated, tag = "2")]
    pub keys: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CreateIndex {
    #[prost(string, tag = "1")]
    pub field: String,
    /// Name of a [`crate::FieldType`], lower case.
    #[prost(string, tag = "2")]
    pub field_type: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct DropIndex {
    #[prost(string, tag = "1")]
    pub field: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Configure {
    #[prost(string, tag = "1")]
    pub config: String,
}

impl Command {
    /// Wraps one change.
    pub fn new(change: Change) -> Self {
        Self { change: Some(change), request: None }
    }

    /// The same as part of a request.
    #[must_use]
    pub fn with_request(self, request: RequestId) -> Self {
        Self { request: Some(request), ..self }
    }

    /// Bytes that the stored form takes at most, whichever request it becomes part of.
    pub fn stored_len_max(&self) -> usize {
        let largest = RequestId { session: u64::MAX, sequence: u64::MAX, basis: u64::MAX };
        let without = Self { change: None, request: Some(largest) };
        let request = self.request.map_or(without.encoded_len(), |_| 0);
        1 + self.encoded_len() + request
    }

    /// Stored form.
    pub fn encode_stored(&self) -> Vec<u8> {
        encode_versioned(self)
    }

    /// Reads the stored form: the change, and the request it is a part of.
    pub fn decode_stored(bytes: &[u8]) -> Result<(Change, Option<RequestId>), DecodeError> {
        let Self { change, request } = decode_versioned(bytes)?;
        let unknown =
            || DecodeError { reason: "a kind of change this version does not know".into() };
        Ok((change.ok_or_else(unknown)?, request))
    }
}

/// Version byte and message, for any log of this node.
pub fn encode_versioned(message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.encoded_len() + 1);
    bytes.push(FORMAT);
    message.encode_raw(&mut bytes);
    bytes
}

/// Reads [`encode_versioned`].
pub fn decode_versioned<M: Message + Default>(bytes: &[u8]) -> Result<M, DecodeError> {
    match bytes.split_first() {
        Some((&FORMAT, body)) => M::decode(body).map_err(|e| DecodeError { reason: e.to_string() }),
        Some((version, _)) => Err(DecodeError { reason: format!("unknown format {version}") }),
        None => Err(DecodeError { reason: "it is empty".into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_read_back_and_unknown_versions_are_refused() {
        let change =
            Change::Delete(Targets { ids: vec![PointId::Num(7).to_key()], ..Default::default() });
        let stored = Command::new(change.clone()).encode_stored();
        assert_eq!(Command::decode_stored(&stored).unwrap(), (change.clone(), None));
        let request = RequestId { session: u64::MAX, sequence: 2, basis: 3 };
        let command = Command::new(change.clone()).with_request(request);
        let with_request = command.encode_stored();
        assert_eq!(Command::decode_stored(&with_request).unwrap(), (change.clone(), Some(request)));
        assert!(Command::new(change).stored_len_max() >= with_request.len());
        let mut newer = stored;
        newer[0] = 9;
        assert!(Command::decode_stored(&newer).is_err());
        assert!(Command::decode_stored(&[]).is_err());
        assert!(Command::decode_stored(&[FORMAT]).is_err(), "no change at all");
    }
}
