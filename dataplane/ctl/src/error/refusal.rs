//! The status with which a node refuses a call, and what it means for the caller.

use std::fmt;

use tonic::{Code, Status};

use crate::args::values::Endpoint;
use crate::table::printable;

/// Metadata of a failed call: `no`, or `unknown` when the change may still take place.
const CHANGED: &str = "vane-changed";
/// Metadata of a failed call: `yes` when the same call may succeed later.
const RETRY: &str = "vane-retry";

/// A refused call, with what the node said about changes and retries.
#[derive(Debug)]
pub(crate) struct Refusal {
    endpoint: Endpoint,
    code: Code,
    message: String,
    /// `None` where the node did not say.
    changed: Option<bool>,
    retry: Option<bool>,
    /// Whether the call carried a token.
    token_sent: bool,
}

impl Refusal {
    /// Reads the answer of the node at `endpoint`.
    pub(crate) fn new(endpoint: Endpoint, status: &Status, token_sent: bool) -> Self {
        let metadata = status.metadata();
        Self {
            endpoint,
            code: status.code(),
            message: printable(status.message()),
            // Any other word than `no` leaves open what happened.
            changed: metadata.get(CHANGED).map(|value| value.as_bytes() != b"no"),
            retry: metadata.get(RETRY).map(|value| value.as_bytes() == b"yes"),
            token_sent,
        }
    }

    /// Whether asking again later may go better without anybody doing something here. What a
    /// node says of a retry is about the state that the cluster is in now; a cluster that is
    /// just being founded gets into another one by itself.
    pub(crate) fn may_pass(&self) -> bool {
        !self.is_about_the_call()
    }

    /// Whether the call itself is wrong. A node finds that out before it does anything.
    fn is_about_the_call(&self) -> bool {
        matches!(
            self.code,
            Code::Unauthenticated
                | Code::PermissionDenied
                | Code::Unimplemented
                | Code::InvalidArgument
        )
    }

    pub(crate) fn changed(&self) -> &'static str {
        match self.changed {
            Some(false) => "nothing",
            // A check before the call, such as that of the token, says no word about changes.
            None if self.is_about_the_call() => "nothing",
            Some(true) | None => super::UNKNOWN,
        }
    }

    pub(crate) fn retry(&self) -> &'static str {
        match self.retry {
            Some(true) => "yes; the same call may succeed later",
            // gRPC's own word for a server that may be back.
            None if self.code == Code::Unavailable => "yes; the same call may succeed later",
            Some(false) | None => "no; the same call fails until its cause is gone",
        }
    }

    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self.code {
            Code::Unauthenticated if self.token_sent => Some(
                "the token is not this cluster's: a node writes its own to DATA-DIR/admin-token; \
                 give it with --token-file FILE or --token TOKEN \
                 (VANECTL_TOKEN_FILE, VANECTL_TOKEN)",
            ),
            Code::Unauthenticated => Some(
                "no token was sent: a node writes its own to DATA-DIR/admin-token; \
                 give it with --token-file FILE or --token TOKEN \
                 (VANECTL_TOKEN_FILE, VANECTL_TOKEN)",
            ),
            // A node of this or a later version knows every call of this program.
            Code::Unimplemented => Some(
                "check that this is the admin port of a node \
                 (6335 unless configured otherwise) of this version",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, code, message, .. } = self;
        match message.as_str() {
            "" => write!(f, "{endpoint} refused: {code:?}"),
            _ => write!(f, "{endpoint} refused: {message} ({code:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataValue;
    use tonic::{Code, Status};

    use super::Refusal;
    use crate::args::values::endpoint;

    fn refusal(code: Code, metadata: &[(&'static str, &'static str)]) -> Refusal {
        let mut status = Status::new(code, "the meta group has no leader");
        for (name, value) in metadata {
            status.metadata_mut().insert(*name, MetadataValue::from_static(value));
        }
        Refusal::new(endpoint("a").unwrap(), &status, true)
    }

    #[test]
    fn the_node_says_whether_anything_changed() {
        for (value, expected) in [("no", "nothing"), ("unknown", "unknown; it may still happen")] {
            assert_eq!(refusal(Code::Unavailable, &[("vane-changed", value)]).changed(), expected);
        }
        assert_eq!(refusal(Code::Internal, &[]).changed(), "unknown; it may still happen");
        assert_eq!(refusal(Code::Unauthenticated, &[]).changed(), "nothing");
    }

    #[test]
    fn the_node_says_whether_to_retry() {
        assert!(refusal(Code::Unavailable, &[("vane-retry", "yes")]).retry().starts_with("yes"));
        assert!(refusal(Code::Unavailable, &[("vane-retry", "no")]).retry().starts_with("no"));
        assert!(refusal(Code::NotFound, &[]).retry().starts_with("no"));
    }

    #[test]
    fn a_missing_cluster_may_come_and_a_wrong_token_stays_wrong() {
        assert!(refusal(Code::FailedPrecondition, &[("vane-retry", "no")]).may_pass());
        assert!(!refusal(Code::Unauthenticated, &[]).may_pass());
    }

    #[test]
    fn the_message_names_the_node_and_the_code() {
        assert_eq!(
            refusal(Code::Unavailable, &[]).to_string(),
            "a:6335 refused: the meta group has no leader (Unavailable)"
        );
    }
}
