//! Three machines in three zones, and who runs where.

use std::time::Duration;

use futures_util::future::try_join_all;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Binding, Node};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, core::Status};
use serde_json::json;

use super::status::{now, now_micro};
use crate::error::Error;

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

/// The machine of a pod: by its ordinal, so that a cluster is spread over the zones.
pub(super) fn machine(pod: &str) -> String {
    let ordinal = pod
        .rsplit_once('-')
        .and_then(|(_, ordinal)| ordinal.parse::<usize>().ok())
        .unwrap_or_default();
    format!("runner-{}", ZONES[ordinal % ZONES.len()])
}

/// Makes the machines.
pub(super) async fn make(client: &Client) -> Result<(), Error> {
    let how = PatchParams::apply(MANAGER).force();
    for zone in ZONES {
        let name = format!("runner-{zone}");
        let nodes: Api<Node> = Api::all(client.clone());
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {
                "name": name,
                "labels": {ZONE_LABEL: zone, "kubernetes.io/hostname": name},
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
    renew(client).await
}

/// A sign of life of each machine, without which the controllers give up its pods.
pub(super) async fn renew(client: &Client) -> Result<(), Error> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), LEASES);
    let how = PatchParams::apply(MANAGER).force();
    // At once: a slow API server must not make the last machine late.
    try_join_all(ZONES.map(|zone| {
        let (leases, how, name) = (&leases, &how, format!("runner-{zone}"));
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
) -> Result<(), Error> {
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(client.clone(), namespace);
    let binding: Binding = serde_json::from_value(json!({
        // Of this very pod: the next one of its name is bound by itself.
        "metadata": {"name": pod, "namespace": namespace, "uid": uid},
        "target": {"apiVersion": "v1", "kind": "Node", "name": machine(pod)},
    }))
    .expect("a binding is plain");
    let bound = pods
        .create_subresource::<_, Status>("binding", pod, &PostParams::default(), &binding)
        .await;
    bound.map(drop).map_err(Error::api(format!("bind pod {pod}")))
}
