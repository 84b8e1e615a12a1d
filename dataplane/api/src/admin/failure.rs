//! Failed calls: what happened, whether anything changed, whether to try again.

use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use vane_types::text::{HEADER_BYTES_MAX, shorten};

use crate::error::{Error, Kind};
use crate::rest::text::text;

/// Metadata key: `no`, or `unknown` when the change may still take place.
const CHANGED: &str = "vane-changed";
/// Metadata key: `yes` when the same call may succeed later.
const RETRY: &str = "vane-retry";

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let changed = if error.may_have_changed() { "unknown" } else { "no" };
        let retry = if error.may_succeed_later() { "yes" } else { "no" };
        // As metadata: codes of statuses say neither.
        let mut metadata = MetadataMap::new();
        metadata.insert(CHANGED, MetadataValue::from_static(changed));
        metadata.insert(RETRY, MetadataValue::from_static(retry));
        let mut text = text(&error);
        shorten(&mut text, HEADER_BYTES_MAX);
        Self::with_metadata(code(error.kind), text, metadata)
    }
}

fn code(kind: Kind) -> Code {
    match kind {
        Kind::Malformed
        | Kind::MalformedParameter
        | Kind::Invalid
        | Kind::InvalidParameter
        | Kind::BadRequest
        | Kind::BadInput
        | Kind::TooLarge
        | Kind::UnsupportedEncoding => Code::InvalidArgument,
        Kind::Unsupported | Kind::WrongMethod => Code::Unimplemented,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::NotFound => Code::NotFound,
        Kind::Conflict => Code::FailedPrecondition,
        Kind::Overloaded | Kind::RateLimited | Kind::OutOfSpace => Code::ResourceExhausted,
        Kind::Timeout => Code::DeadlineExceeded,
        Kind::Unavailable => Code::Unavailable,
        Kind::Internal => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_a_client_made_long_still_fits_a_header() {
        let status = Status::from(Error::invalid("zone", "ä".repeat(50_000)));
        assert_eq!(status.code(), Code::InvalidArgument);
        // Each byte of it is escaped with three.
        assert!(status.message().contains("zone"));
        assert!(3 * status.message().len() < 16 << 10);
    }
}
