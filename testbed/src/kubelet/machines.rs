//! Three machines in three zones, and who runs where.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::try_join_all;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Binding, Node};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt, core::Status};
use serde_json::json;

use super::status::{now, now_micro};
use crate::error::Error;

/// Label of a machine with its name.
pub(super) const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";
/// Label of a machine with its zone.
pub const ZONE_LABEL: &str = "topology.kubernetes.io/zone";
/// A machine in each: `runner-a` in zone `a`, and so on.
pub const ZONES: [&str; 3] = ["a", "b", "c"];
/// Pause between two signs of life; Kubernetes gives a machine up after 40 s.
pub(super) const RENEW_PAUSE: Duration = Duration::from_secs(10);
/// Seconds that a sign of life is good for.
const LEASE_S: i32 = 40;
/// Namespace of the signs of life.
const LEASES: &str = "kube-node-lease";
const MANAGER: &str = "vane-testbed";

/// The machine for a pod: by its ordinal, so that a cluster is spread over the zones, and the next
/// one where that takes no pods; `None` where none does, or where not the one that it is bound to.
pub(super) async fn choose(
    client: &Client,
    pod: &str,
    bound_to: Option<&str>,
) -> Result<Option<String>, Error> {
    let nodes: Api<Node> = Api::all(client.clone());
    let found = nodes.list(&ListParams::default()).await;
    let found = found.map_err(Error::api("list the nodes"))?.items;
    let takes = |name: &String| {
        found.iter().any(|node| {
            let cordoned = node.spec.as_ref().and_then(|spec| spec.unschedulable);
            node.name_any() == *name && cordoned != Some(true)
        })
    };
    let ordinal = pod
        .rsplit_once('-')
        .and_then(|(_, ordinal)| ordinal.parse::<usize>().ok())
        .unwrap_or_default();
    let in_order = (0..ZONES.len()).map(|next| name(ZONES[(ordinal + next) % ZONES.len()]));
    let mut allowed = in_order.filter(|name| bound_to.is_none_or(|bound| bound == name));
    Ok(allowed.find(takes))
}

/// The machine of a zone.
fn name(zone: &str) -> String {
    format!("runner-{zone}")
}

/// Takes the object of a machine away, as who takes the machine away does.
pub(super) async fn remove(client: &Client, name: &str) -> Result<(), Error> {
    let nodes: Api<Node> = Api::all(client.clone());
    let removed = nodes.delete(name, &DeleteParams::default()).await;
    removed.map(drop).map_err(Error::api(format!("remove the node {name}")))
}

/// Makes the machines.
pub(super) async fn make(client: &Client) -> Result<(), Error> {
    let how = PatchParams::apply(MANAGER).force();
    for zone in ZONES {
        let name = name(zone);
        let nodes: Api<Node> = Api::all(client.clone());
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {
                "name": name,
                "labels": {ZONE_LABEL: zone, HOSTNAME_LABEL: name},
            },
        });
        let what = format!("make the node {name}");
        nodes.patch(&name, &how, &Patch::Apply(node)).await.map_err(Error::api(&what))?;
        let at = now();
        // Apart from the node: what an object says of
        // its status is passed over when it is applied.
        let status = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "allocatable": {"cpu": "64", "memory": "256Gi", "pods": "250"},
                "capacity": {"cpu": "64", "memory": "256Gi", "pods": "250"},
                "conditions": [{
                    "type": "Ready", "status": "True",
                    "reason": "RunnerReady", "message": "processes can be started",
                    "lastHeartbeatTime": at, "lastTransitionTime": at,
                }],
            },
        });
        nodes.patch_status(&name, &how, &Patch::Apply(status)).await.map_err(Error::api(what))?;
    }
    // At once: controllers give up a machine that has never given a sign of life.
    renew(client, &BTreeSet::new()).await
}

/// A sign of life of each machine that is not lost, without which the controllers give up its pods.
pub(super) async fn renew(client: &Client, lost: &BTreeSet<String>) -> Result<(), Error> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), LEASES);
    let how = PatchParams::apply(MANAGER).force();
    // At once: a slow API server must not make the last machine late.
    let alive = ZONES.map(name).into_iter().filter(|name| !lost.contains(name));
    try_join_all(alive.map(|name| {
        let (leases, how) = (&leases, &how);
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name},
            "spec": {
                "holderIdentity": name,
                "leaseDurationSeconds": LEASE_S,
                "renewTime": now_micro(),
            },
        });
        async move { leases.patch(&name, how, &Patch::Apply(lease)).await }
    }))
    .await
    .map(drop)
    .map_err(Error::api("renew the leases of the nodes"))
}

/// Gives a pod its machine, as the scheduler does.
pub(super) async fn bind(
    client: &Client,
    namespace: &str,
    pod: &str,
    uid: &str,
    machine: &str,
) -> Result<(), Error> {
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(client.clone(), namespace);
    let binding: Binding = serde_json::from_value(json!({
        // Of this very pod: the next one of its name is bound by itself.
        "metadata": {"name": pod, "namespace": namespace, "uid": uid},
        "target": {"apiVersion": "v1", "kind": "Node", "name": machine},
    }))
    .expect("a binding is plain");
    let bound = pods
        .create_subresource::<_, Status>("binding", pod, &PostParams::default(), &binding)
        .await;
    bound.map(drop).map_err(Error::api(format!("bind pod {pod}")))
}
