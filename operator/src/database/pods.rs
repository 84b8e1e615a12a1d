//! The pods of a cluster as Kubernetes has them: which there are, whether they are ready and where
//! they answer. Asks no node.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::{Admin, Scope, admin};
use crate::error::{CallError, Request, kubernetes};
use crate::names;

/// The pods that are there, with their ordinals.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(crate) async fn list(scope: Scope<'_>) -> Result<Vec<(i32, Pod)>, CallError> {
    let found = match scope.copies_of(|copies| &copies.pods) {
        Some(copies) => copies.iter().map(|pod| Pod::clone(pod)).collect(),
        None => {
            let found = scope.api::<Pod>().list(&scope.selected()).await;
            found.map_err(kubernetes(Request::List("the pods".into())))?.items
        }
    };
    let with_ordinal = found
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

/// Why a pod has no address, in Kubernetes' own words where it has some.
pub(crate) fn why_without_address(pod: &Pod) -> String {
    let status = pod.status.clone().unwrap_or_default();
    let unscheduled = status
        .conditions
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    if let Some(unscheduled) = unscheduled {
        return format!("it has no machine: {}", unscheduled.message.unwrap_or_default());
    }
    let containers = status.container_statuses.into_iter().flatten();
    let mut waiting = containers.filter_map(|container| container.state?.waiting);
    // One that is being made has nothing to tell.
    let waiting = waiting.find(|waiting| waiting.reason.as_deref() != Some("ContainerCreating"));
    waiting.map_or_else(
        || "it has no address yet".into(),
        |waiting| {
            let (reason, message) = (waiting.reason, waiting.message);
            format!("{}: {}", reason.unwrap_or_default(), message.unwrap_or_default())
        },
    )
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
            admin(scope.channels, &address, token)
                .map_err(|source| CallError::Client { pod, source })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_pod_that_does_not_start_says_why() {
        let why = |status: Value| {
            let pod: Pod = serde_json::from_value(json!({"status": status})).unwrap();
            why_without_address(&pod)
        };
        let waiting = |reason: &str, message: &str| {
            let waiting = json!({"waiting": {"reason": reason, "message": message}});
            let container = json!({
                "name": "vane", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": waiting,
            });
            json!({"containerStatuses": [container]})
        };
        assert_eq!(
            why(waiting("ImagePullBackOff", "no such image")),
            "ImagePullBackOff: no such image"
        );
        assert_eq!(why(waiting("ContainerCreating", "")), "it has no address yet");
        assert_eq!(why(json!({})), "it has no address yet");
        let unscheduled = json!({
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/3 nodes are available",
        });
        assert_eq!(
            why(json!({"conditions": [unscheduled]})),
            "it has no machine: 0/3 nodes are available"
        );
    }
}
