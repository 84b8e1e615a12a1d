//! What a shard's log holds: one command is one entry, applied whole or not at all.
//!
//! The stored form is a version byte and a protobuf message. Fields are only ever added;
//! a reader that meets a version or a kind it does not know must stop rather than guess.

use prost::{Message, Oneof};
use vane_types::command::{DecodeError, RequestId, decode_versioned, encode_versioned};

use crate::kinds::configure::Configure;
use crate::kinds::index::{CreateIndex, DropIndex};
use crate::kinds::payload::{DeletePayload, SetPayload};
use crate::kinds::upsert::Upsert;
use crate::kinds::vectors::DeleteVectors;
use crate::targets::Targets;

/// A change of one shard.
#[derive(Clone, PartialEq, Message)]
pub struct Command {
    #[prost(oneof = "Change", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11")]
    pub change: Option<Change>,
    /// The request that the command is a part of, where it may come more than once.
    #[prost(message, optional, tag = "12")]
    pub request: Option<RequestId>,
}

/// The kinds of change, as [`crate::Write`] describes them. Tags are stored: a new kind takes
/// a new one, and none is used again.
#[derive(Clone, PartialEq, Oneof)]
pub enum Change {
    #[prost(message, tag = "1")]
    Upsert(Upsert),
    #[prost(message, tag = "2")]
    Delete(Targets),
    #[prost(message, tag = "3")]
    UpdateVectors(Upsert),
    #[prost(message, tag = "4")]
    DeleteVectors(DeleteVectors),
    #[prost(message, tag = "5")]
    SetPayload(SetPayload),
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
    #[prost(message, tag = "11")]
    Configure(Configure),
}

impl Command {
    /// A command that makes one change and is part of no request.
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
        // Protobuf writes small numbers shorter: the request is reckoned at its longest.
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
    ///
    /// # Errors
    /// The bytes are damaged, or a newer version wrote them.
    pub fn decode_stored(bytes: &[u8]) -> Result<(Change, Option<RequestId>), DecodeError> {
        let Self { change, request } = decode_versioned(bytes)?;
        // Protobuf skips tags that it does not know: a newer kind of change reads as none.
        Ok((change.ok_or(DecodeError::UnknownChange)?, request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_types::PointId;

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
        assert!(Command::decode_stored(&[1]).is_err(), "no change at all");
    }

    /// Bytes that logs hold since the first version.
    #[test]
    fn stored_bytes_stay_as_they_are() {
        let targets = Targets { ids: vec![vec![0, 7]], filter: "{}".into(), semantics: 1 };
        let command = Command::new(Change::ClearPayload(targets)).with_request(RequestId {
            session: 1,
            sequence: 2,
            basis: 3,
        });
        let expected = [1, 66, 10, 10, 2, 0, 7, 18, 2, 123, 125, 24, 1, 98, 6, 8, 1, 16, 2, 24, 3];
        assert_eq!(command.encode_stored(), expected);
    }
}
