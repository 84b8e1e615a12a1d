//! The stored form of a change: a version byte and JSON. The second format has the request that
//! the change is of beside it.
//!
//! What was once written is read for ever: `tests/stored_form.rs` has the bytes.

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use thiserror::Error;
use vane_raft::ApplyError;
use vane_types::command::RequestId;
use vane_types::{LevelTooLow, json};

use super::{Logged, MetaCommand};

/// First byte of a logged change that nobody named.
const FORMAT: u8 = 1;
/// First byte of one that is of a request.
const NAMED_FORMAT: u8 = 2;

/// What follows the first byte of [`NAMED_FORMAT`].
#[derive(Serialize, Deserialize)]
struct Named<C> {
    request: RequestId,
    command: C,
}

/// A logged change could not be read. Nothing was applied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// No version wrote this: the disk or a defect did.
    #[error("a change of the catalog is damaged: {reason}")]
    Damaged {
        /// What the reader stumbled on.
        reason: String,
    },
    /// A newer version wrote it, in another form.
    #[error("a change of the catalog has format {format}, which this version does not know")]
    UnknownFormat {
        /// Version byte that it begins with.
        format: u8,
    },
    /// A newer version wrote it: a command, or a part of one, that this version lacks.
    #[error("a change of the catalog is not of this version: {reason}")]
    UnknownCommand {
        /// What the reader does not know.
        reason: String,
    },
}

impl DecodeError {
    /// Whether a newer version would read it: then nothing is broken, and this replica serves
    /// again once its node runs that version.
    pub fn is_newer(&self) -> bool {
        !matches!(self, Self::Damaged { .. })
    }

    fn of_json(error: &serde_json::Error) -> Self {
        let reason = error.to_string();
        match error.classify() {
            // Well-formed JSON that says something else than this version expects. The log
            // has checksums, so it is what somebody wrote.
            Category::Data => Self::UnknownCommand { reason },
            Category::Syntax | Category::Eof | Category::Io => Self::Damaged { reason },
        }
    }
}

impl From<DecodeError> for ApplyError {
    fn from(error: DecodeError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// A change that must not be proposed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// Some member may not be able to read it.
    #[error(transparent)]
    LevelTooLow(#[from] LevelTooLow),
    /// Its stored form does not read back as what it is. In the log, it would stop every member.
    #[error("the change of the catalog cannot be read again once it is logged: {reason}")]
    Unreadable {
        /// What the reader stumbles on.
        reason: String,
    },
}

impl From<EncodeError> for vane_types::Error {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::LevelTooLow(low) => low.into(),
            EncodeError::Unreadable { .. } => Self::internal(error.to_string()).nothing_changed(),
        }
    }
}

impl MetaCommand {
    /// Stored form of a change that nobody named, whatever the cluster's level.
    pub fn encode_stored(&self) -> Vec<u8> {
        encode(FORMAT, self)
    }
}

impl Logged {
    /// Stored form of a change that all members can read, as far as this one can tell: by the
    /// reader that they will use.
    ///
    /// # Errors
    /// [`EncodeError::Unreadable`].
    pub(crate) fn encode_readable(&self) -> Result<Vec<u8>, EncodeError> {
        let stored = self.encode_stored();
        match Self::decode_stored(&stored) {
            Ok(read) if read == *self => Ok(stored),
            Ok(_) => Err(EncodeError::Unreadable { reason: "it reads as another".into() }),
            Err(error) => Err(EncodeError::Unreadable { reason: error.to_string() }),
        }
    }

    /// Stored form, whatever the cluster's level. Proposers use
    /// [`State::encode`](crate::State::encode), which looks at it.
    pub fn encode_stored(&self) -> Vec<u8> {
        match self.request {
            None => self.command.encode_stored(),
            Some(request) => encode(NAMED_FORMAT, &Named { request, command: &self.command }),
        }
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`DecodeError`], which tells damage from what a newer version wrote.
    pub fn decode_stored(bytes: &[u8]) -> Result<Self, DecodeError> {
        let read = match bytes.split_first() {
            Some((&FORMAT, body)) => json::read(body).map(|command: MetaCommand| command.into()),
            Some((&NAMED_FORMAT, body)) => json::read(body)
                .map(|Named { request, command }| Self { request: Some(request), command }),
            Some((format, _)) => return Err(DecodeError::UnknownFormat { format: *format }),
            None => return Err(DecodeError::Damaged { reason: "it is empty".into() }),
        };
        read.map_err(|error| DecodeError::of_json(&error))
    }
}

fn encode(format: u8, body: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![format];
    serde_json::to_writer(&mut bytes, body).expect("a change is plain data");
    bytes
}
