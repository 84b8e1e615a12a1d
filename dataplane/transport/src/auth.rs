//! Who may call: everyone who knows the cluster's token.

use subtle::ConstantTimeEq;
use thiserror::Error;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Request, Status};
use uuid::Uuid;

const AUTHORIZATION: &str = "authorization";
/// Metadata key of the cluster that a caller belongs to.
const CLUSTER: &str = "vane-cluster";

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

/// Puts the cluster that a caller belongs to on a call.
pub(crate) fn put_cluster(metadata: &mut MetadataMap, cluster: Uuid) {
    let value = MetadataValue::try_from(cluster.to_string()).expect("a UUID is ASCII");
    metadata.insert(CLUSTER, value);
}

/// The cluster that a caller says it belongs to.
pub(crate) fn cluster_of(metadata: &MetadataMap) -> Option<Uuid> {
    // What is no UUID counts as none, and is refused as such.
    metadata.get(CLUSTER)?.to_str().ok()?.parse().ok()
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
