//! The token that nodes and administration share, as its Secret has it.

use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::Api;

use crate::error::{Error, kubernetes};
use crate::names::{self, TOKEN_KEY};

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoToken {
    /// There is no Secret.
    Absent,
    /// It has no token in it.
    Empty,
}

/// The secret of the database, or why there is none.
pub(crate) async fn read(
    kubernetes_client: &Client,
    name: &str,
    namespace: &str,
) -> Result<Result<String, NoToken>, Error> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes_client.clone(), namespace);
    let secret = names::token_secret(name);
    let found =
        secrets.get_opt(&secret).await.map_err(kubernetes(format!("read secret {secret}")))?;
    let Some(found) = found else { return Ok(Err(NoToken::Absent)) };
    let value = found.data.and_then(|mut it| it.remove(TOKEN_KEY));
    let token = value.and_then(|it| String::from_utf8(it.0).ok()).map(|it| it.trim().to_owned());
    Ok(token.filter(|it| !it.is_empty()).ok_or(NoToken::Empty))
}
