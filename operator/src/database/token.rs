//! The token that nodes and administration share: read from its Secret, whose absence is a
//! fact to plan with and no error.

use k8s_openapi::api::core::v1::Secret;

use super::Scope;
use crate::error::{CallError, Request, kubernetes};
use crate::names::{self, TOKEN_KEY};

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoToken {
    /// There is no Secret.
    Absent,
    /// The Secret has no token in it.
    Empty,
}

/// The token of a cluster, or why there is none.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(crate) async fn read(scope: Scope<'_>) -> Result<Result<String, NoToken>, CallError> {
    let name = names::token_secret(scope.cluster);
    if let Some(token) = scope.copies.and_then(|_| scope.recent.token(scope.namespace, &name)) {
        return Ok(Ok(token));
    }
    let failed = kubernetes(Request::Read(format!("secret {name}")));
    // By name, when it is needed: Secrets are not watched.
    let found = scope.api::<Secret>().get_opt(&name).await.map_err(failed)?;
    let token = found.ok_or(NoToken::Absent).and_then(token_in);
    scope.recent.note_token(scope.namespace, &name, token.as_deref().ok());
    Ok(token)
}

fn token_in(secret: Secret) -> Result<String, NoToken> {
    let value = secret.data.and_then(|mut data| data.remove(TOKEN_KEY));
    let text = value.and_then(|value| String::from_utf8(value.0).ok()).unwrap_or_default();
    match text.trim() {
        "" => Err(NoToken::Empty),
        token => Ok(token.to_owned()),
    }
}
