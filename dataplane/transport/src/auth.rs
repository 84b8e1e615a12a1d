//! Who may call: everyone who knows the cluster's token.

use subtle::ConstantTimeEq;
use thiserror::Error;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Code, Request, Status};
use uuid::Uuid;
use vane_types::NodeId;

use crate::lives::{Life, Start};

const AUTHORIZATION: &str = "authorization";
/// Metadata key of the cluster that a caller belongs to.
const CLUSTER: &str = "vane-cluster";
/// Metadata key of the caller's node, disk and start.
const LIFE: &str = "vane-life";
/// Metadata key of the node that a caller means.
const RECEIVER: &str = "vane-receiver";
/// Details of a refusal because another node was meant.
const NOT_THE_RECEIVER: &[u8] = b"another node";

/// The secret that every call carries.
#[derive(Clone)]
pub struct Token {
    header: MetadataValue<Ascii>,
}

/// A text that cannot be a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It is empty.
    #[error("the token is empty")]
    Empty,
    /// It would not pass as a header of HTTP.
    #[error("the token has characters other than visible ASCII")]
    NotAscii,
}

impl Token {
    /// A token of visible ASCII characters.
    ///
    /// # Errors
    /// Every other text.
    pub fn new(secret: &str) -> Result<Self, TokenError> {
        if secret.is_empty() {
            return Err(TokenError::Empty);
        }
        let mut header: MetadataValue<Ascii> =
            format!("Bearer {secret}").parse().map_err(|_| TokenError::NotAscii)?;
        // Kept out of what is logged about calls.
        header.set_sensitive(true);
        Ok(Self { header })
    }

    /// Puts it on a call.
    pub(crate) fn put(&self, metadata: &mut MetadataMap) {
        metadata.insert(AUTHORIZATION, self.header.clone());
    }

    /// Passes a call that carries it.
    ///
    /// # Errors
    /// `Unauthenticated` for every other call; nothing was changed.
    pub fn check(&self, request: Request<()>) -> Result<Request<()>, Status> {
        let given =
            request.metadata().get(AUTHORIZATION).map(MetadataValue::as_bytes).unwrap_or_default();
        // A comparison that ends at the first difference would tell how much was right.
        if !bool::from(given.ct_eq(self.header.as_bytes())) {
            return Err(Status::unauthenticated(
                "the call has no valid token; nothing was changed, give the one that the node \
                 was started with",
            ));
        }
        Ok(request)
    }
}

/// Who calls: a start of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The cluster that it belongs to.
    pub cluster: Uuid,
    /// The member, its disk and the disk's start.
    pub life: Life,
}

/// Puts who calls on a call.
pub(crate) fn put_caller(metadata: &mut MetadataMap, caller: &Caller) {
    let Caller { cluster, life: Life { node, disk, start } } = caller;
    let value = MetadataValue::try_from(cluster.to_string()).expect("a UUID is ASCII");
    metadata.insert(CLUSTER, value);
    let life = format!("{node}/{disk}/{}/{}", start.number, start.boot);
    metadata.insert(LIFE, MetadataValue::try_from(life).expect("numbers and a UUID are ASCII"));
}

/// Puts the node that is meant on a call: behind its address there may be another by now.
pub(crate) fn put_receiver(metadata: &mut MetadataMap, node: NodeId) {
    metadata.insert(RECEIVER, MetadataValue::from(node.0));
}

/// The cluster that a caller says it belongs to.
pub(crate) fn cluster_of(metadata: &MetadataMap) -> Option<Uuid> {
    // What is no UUID counts as none, and is refused as such.
    metadata.get(CLUSTER)?.to_str().ok()?.parse().ok()
}

/// The start of a member that a caller says it is.
pub(crate) fn life_of(metadata: &MetadataMap) -> Option<Life> {
    let mut parts = metadata.get(LIFE)?.to_str().ok()?.split('/');
    let node = NodeId(parts.next()?.parse().ok()?);
    let disk = parts.next()?.parse().ok()?;
    let start = Start { number: parts.next()?.parse().ok()?, boot: parts.next()?.parse().ok()? };
    Some(Life { node, disk, start })
}

/// The node that a caller means, where it says so.
pub(crate) fn receiver_of(metadata: &MetadataMap) -> Option<u64> {
    metadata.get(RECEIVER)?.to_str().ok()?.parse().ok()
}

/// A refusal because another node was meant. A caller tells it from every other by its details.
pub(crate) fn not_the_receiver(text: String) -> Status {
    Status::with_details(Code::FailedPrecondition, text, NOT_THE_RECEIVER.into())
}

/// Whether a call was refused because it met another node than the one that was meant.
pub(crate) fn met_another(status: &Status) -> bool {
    status.code() == Code::FailedPrecondition && status.details() == NOT_THE_RECEIVER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_token_passes() {
        let token = Token::new("s3cret").unwrap();
        let check = |header: Option<&str>| {
            let mut request = Request::new(());
            if let Some(header) = header {
                request.metadata_mut().insert(AUTHORIZATION, header.parse().unwrap());
            }
            token.check(request).is_ok()
        };
        assert!(check(Some("Bearer s3cret")));
        for bad in
            [None, Some("Bearer s3creT"), Some("Bearer s3cret "), Some("s3cret"), Some("Bearer ")]
        {
            assert!(!check(bad), "{bad:?}");
        }
        assert!(Token::new("").is_err() && Token::new("a\nb").is_err());
    }
}
