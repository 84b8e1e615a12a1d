//! What a client is told when a call fails: the code beside the text.

use std::fmt;
use std::sync::Arc;

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use vane_api::{Error, Kind, grpc};
use vane_types::text::{HEADER_BYTES_MAX, shorten};

/// Metadata of a call that was sent away: seconds after which to come back.
const RETRY_AFTER: &str = "retry-after";

/// A failed call. It stays in the status that is made of it, so that what the transport made
/// itself can be told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed(pub(super) Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&grpc::text(&self.0))
    }
}

impl std::error::Error for Failed {}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// REST's table of status codes, in those of gRPC.
fn code(kind: Kind) -> Code {
    match kind {
        Kind::Malformed
        | Kind::MalformedParameter
        | Kind::Invalid
        | Kind::InvalidParameter
        | Kind::BadRequest
        | Kind::BadInput => Code::InvalidArgument,
        // As any server does that has no such method.
        Kind::Unsupported | Kind::WrongMethod | Kind::UnsupportedEncoding => Code::Unimplemented,
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::Conflict => Code::FailedPrecondition,
        Kind::TooLarge | Kind::Overloaded | Kind::RateLimited | Kind::OutOfSpace => {
            Code::ResourceExhausted
        }
        Kind::Timeout => Code::DeadlineExceeded,
        Kind::Unavailable => Code::Unavailable,
        Kind::Internal => Code::Internal,
    }
}

impl From<Failed> for Status {
    fn from(failed: Failed) -> Self {
        let mut text = failed.to_string();
        shorten(&mut text, HEADER_BYTES_MAX);
        let kind = failed.0.kind;
        let mut status = Self::new(code(kind), text);
        if let Some(seconds) = failed.0.retry_after_s() {
            status.metadata_mut().insert(RETRY_AFTER, MetadataValue::from(seconds));
        }
        status.set_source(Arc::new(failed));
        status
    }
}
