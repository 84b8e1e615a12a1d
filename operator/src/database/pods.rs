//! The pods of a cluster as Kubernetes has them: which there are, whether they are ready, where
//! they answer and in which zone they stand. Asks no node.

use k8s_openapi::api::core::v1::{Node as Machine, Pod};
use kube::api::Api;
use kube::{Client, ResourceExt};

use super::{Admin, Scope, admin};
use crate::error::{CallError, Request, kubernetes};
use crate::names;

/// Label of a machine with the zone that it stands in.
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// The pods that are there, with their ordinals.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(crate) async fn list(scope: Scope<'_>) -> Result<Vec<(i32, Pod)>, CallError> {
    let found = scope.api::<Pod>().list(&scope.selected()).await;
    let found = found.map_err(kubernetes(Request::List("the pods".into())))?;
    let with_ordinal = found
        .items
        .into_iter()
        .filter_map(|pod| Some((names::pod_ordinal(scope.cluster, &pod.name_any())?, pod)));
    Ok(with_ordinal.collect())
}

/// Whether Services send to a pod.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut ready = conditions.filter(|condition| condition.type_ == "Ready");
    // A pod that is being deleted may say that it is ready until it is gone.
    pod.metadata.deletion_timestamp.is_none() && ready.any(|condition| condition.status == "True")
}

/// Address of a pod's admin interface (host:port). By its IP address: its name may not be known
/// yet, or be that of the pod before.
pub(crate) fn address(pod: &Pod) -> Option<String> {
    let ip = pod.status.as_ref()?.pod_ip.as_ref().filter(|ip| !ip.is_empty())?;
    let host = if ip.contains(':') { format!("[{ip}]") } else { ip.clone() };
    Some(format!("{host}:{}", names::PEER_PORT))
}

/// Zone of the machine that a pod runs on, where the machine names one.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(crate) async fn zone(client: &Client, pod: &Pod) -> Result<Option<String>, CallError> {
    let Some(machine) = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) else {
        return Ok(None);
    };
    let machines: Api<Machine> = Api::all(client.clone());
    let failed = kubernetes(Request::Read(format!("the zone of machine {machine}")));
    let found = machines.get_metadata_opt(machine).await.map_err(failed)?;
    Ok(found.and_then(|machine| machine.labels().get(ZONE_LABEL).cloned()))
}

/// Clients of the nodes that are ready, of which any answers for the whole database.
///
/// # Errors
///
/// Kubernetes refused or did not answer, or the token cannot be used.
pub(crate) async fn ready_nodes(scope: Scope<'_>, token: &str) -> Result<Vec<Admin>, CallError> {
    let pods = list(scope).await?;
    let ready = pods.iter().map(|(_, pod)| pod).filter(|pod| is_ready(pod));
    ready
        .filter_map(|pod| Some((pod.name_any(), address(pod)?)))
        .map(|(pod, address)| {
            admin(&address, token).map_err(|source| CallError::Client { pod, source })
        })
        .collect()
}
