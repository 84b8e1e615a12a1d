//! Who may call: everyone who knows the cluster's token.

use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Request, Status};
use uuid::Uuid;

const AUTHORIZATION: &str = "authorization";
/// Metadata key of the cluster that a caller belongs to.
pub(crate) const CLUSTER: &str = "vane-cluster";

/// The secret that every call carries.
#[derive(Clone)]
pub struct Token {
    header: MetadataValue<Ascii>,
}

impl Token {
    /// A token of visible ASCII characters; the error says what is wrong with another.
    pub fn new(secret: &str) -> Result<Self, String> {
        if secret.is_empty() {
            return Err("the token is empty".into());
        }
        let mut header: MetadataValue<Ascii> = format!("Bearer {secret}")
            .parse()
            .map_err(|_| "the token has characters other than visible ASCII".to_owned())?;
        header.set_sensitive(true);
        Ok(Self { header })
    }

    /// Puts it on a call.
    pub(crate) fn put(&self, metadata: &mut MetadataMap) {
        metadata.insert(AUTHORIZATION, self.header.clone());
    }

    /// Refuses a call without it.
    pub fn check(&self, request: Request<()>) -> Result<Request<()>, Status> {
        let given =
            request.metadata().get(AUTHORIZATION).map(|it| it.as_bytes()).unwrap_or_default();
        if !same(given, self.header.as_bytes()) {
            return Err(Status::unauthenticated(
                "the call has no valid token; nothing was changed, give the one that the node was started with",
            ));
        }
        Ok(request)
    }
}

/// Compares in a time that does not tell where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// The cluster that a caller says it belongs to.
pub(crate) fn cluster_of(metadata: &MetadataMap) -> Option<Uuid> {
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
