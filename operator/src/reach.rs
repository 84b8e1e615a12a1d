//! The way to a database: its pods, their addresses, its secret.

use k8s_openapi::api::core::v1::{Pod as KubernetesPod, Secret};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};

use crate::cluster::build::TOKEN_KEY;
use crate::database::{self, Admin};
use crate::error::{Error, kubernetes};
use crate::names;

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoToken {
    /// There is no Secret.
    Absent,
    /// It has no token in it.
    Empty,
}

/// The secret of the database, or why there is none.
pub(crate) async fn token(
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

/// The pods that are there, with their ordinals.
pub(crate) async fn pods(
    kubernetes_client: &Client,
    name: &str,
    namespace: &str,
) -> Result<Vec<(i32, KubernetesPod)>, Error> {
    let pods: Api<KubernetesPod> = Api::namespaced(kubernetes_client.clone(), namespace);
    let selected = ListParams::default().labels(&names::selector(name));
    let found = pods.list(&selected).await.map_err(kubernetes("list the pods"))?;
    let ordinal =
        |pod: &KubernetesPod| pod.name_any().strip_prefix(&format!("{name}-"))?.parse().ok();
    Ok(found.items.into_iter().filter_map(|it| Some((ordinal(&it)?, it))).collect())
}

/// Whether Services send to it.
pub(crate) fn is_ready(pod: &KubernetesPod) -> bool {
    let conditions = pod.status.iter().flat_map(|it| it.conditions.iter().flatten());
    let mut ready = conditions.filter(|it| it.type_ == "Ready");
    pod.metadata.deletion_timestamp.is_none() && ready.any(|it| it.status == "True")
}

/// By its IP address: its name may not be known yet, or be that of the one before.
pub(crate) fn address(pod: &KubernetesPod) -> Option<String> {
    let ip = pod.status.as_ref()?.pod_ip.as_ref().filter(|it| !it.is_empty())?;
    let host = if ip.contains(':') { format!("[{ip}]") } else { ip.clone() };
    Some(format!("{host}:{}", names::PEER_PORT))
}

/// Clients of the nodes that are ready, of which any answers everything.
pub(crate) async fn ready_nodes(
    kubernetes_client: &Client,
    name: &str,
    namespace: &str,
    token: &str,
) -> Result<Vec<Admin>, Error> {
    let pods = pods(kubernetes_client, name, namespace).await?;
    let ready = pods
        .iter()
        .filter(|(_, it)| is_ready(it))
        .filter_map(|(_, it)| Some((it.name_any(), address(it)?)));
    let admin = |(pod, address): (String, String)| {
        database::admin(&address, token).map_err(|source| Error::Address { pod, source })
    };
    ready.map(admin).collect()
}
