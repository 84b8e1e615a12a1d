//! Failed calls: what happened, whether anything changed, whether to try again.

use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use vane_cluster::Error;

/// Metadata key: `no`, or `unknown` when the change may still take place.
const CHANGED: &str = "vane-changed";
/// Metadata key: `yes` when the same call may succeed later.
const RETRY: &str = "vane-retry";

/// The status of a failed call.
pub(super) fn failed(error: &Error) -> Status {
    let (code, changed, retry) = match error {
        Error::NotFound(_) => (Code::NotFound, "no", "no"),
        Error::AlreadyExists(_) => (Code::AlreadyExists, "no", "no"),
        Error::BadInput(_) => (Code::InvalidArgument, "no", "no"),
        Error::Unsupported(_) => (Code::Unimplemented, "no", "no"),
        Error::Conflict(_) => (Code::FailedPrecondition, "no", "no"),
        Error::Overloaded(_) => (Code::ResourceExhausted, "no", "yes"),
        Error::OutOfSpace(_) => (Code::ResourceExhausted, "no", "yes"),
        Error::Timeout(_) => (Code::DeadlineExceeded, "unknown", "yes"),
        Error::Unavailable(_) => (Code::Unavailable, "no", "yes"),
        Error::Internal(_) => (Code::Internal, "unknown", "no"),
    };
    let mut metadata = MetadataMap::new();
    metadata.insert(CHANGED, MetadataValue::from_static(changed));
    metadata.insert(RETRY, MetadataValue::from_static(retry));
    Status::with_metadata(code, error.to_string(), metadata)
}

/// The status of a call that makes no sense.
pub(super) fn bad_input(text: impl Into<String>) -> Status {
    failed(&Error::BadInput(text.into()))
}
