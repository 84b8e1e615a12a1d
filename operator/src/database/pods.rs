//! The pods of a cluster as Kubernetes has them.

use k8s_openapi::api::core::v1::{Node as Machine, Pod as KubernetesPod};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};

use super::Admin;
use crate::error::{Error, kubernetes};
use crate::names;

/// Where a machine says in which zone it stands.
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// The pods that are there, with their ordinals.
pub(crate) async fn list(
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
    let pods = list(kubernetes_client, name, namespace).await?;
    let ready = pods
        .iter()
        .filter(|(_, it)| is_ready(it))
        .filter_map(|(_, it)| Some((it.name_any(), address(it)?)));
    let admin = |(pod, address): (String, String)| {
        super::admin(&address, token).map_err(|source| Error::Address { pod, source })
    };
    ready.map(admin).collect()
}

/// Zone of the machine that a pod runs on, where it is on one that says so.
pub(crate) async fn zone(
    kubernetes_client: &Client,
    pod: &KubernetesPod,
) -> Result<Option<String>, Error> {
    let Some(machine) = pod.spec.as_ref().and_then(|it| it.node_name.as_deref()) else {
        return Ok(None);
    };
    let machines: Api<Machine> = Api::all(kubernetes_client.clone());
    let doing = kubernetes(format!("read the zone of machine {machine}"));
    let found = machines.get_metadata_opt(machine).await.map_err(doing)?;
    Ok(found.and_then(|it| it.labels().get(ZONE_LABEL).cloned()))
}
