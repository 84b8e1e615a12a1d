//! Copies of the machines, as far as they may be seen: they are in no namespace.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::future::ready;
use k8s_openapi::api::core::v1::{Node as Machine, NodeSpec, NodeStatus, Pod};
use kube::api::Api;
use kube::core::error_boundary::DeserializeGuard;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, watcher};
use kube::runtime::{PredicateConfig, WatchStreamExt};
use kube::{Client, ResourceExt};
use vane_crds::VectorCluster;
use xxhash_rust::xxh3::xxh3_64;

use super::Told;
use crate::names;

/// What the API server answers whom it does not let see something.
pub(crate) const FORBIDDEN: u16 = 403;

/// Copies of all machines, and changes of what matters of them. That one went is not told: it is
/// seen with the next look, and nobody acts on that at once.
pub(super) fn seen(client: &Client) -> (Store<Machine>, Told<Machine>) {
    let (copies, writer) = reflector::store();
    let machines: Api<Machine> = Api::all(client.clone());
    let told = watcher(machines, watcher::Config::default())
        .default_backoff()
        .modify(strip)
        .reflect(writer)
        .applied_objects()
        .predicate_filter(what_matters, PredicateConfig::default());
    let mut is_told = false;
    let told = told.filter(move |told| {
        // An operator of some namespaces does without.
        let hidden = matches!(told, Err(error) if is_forbidden(error));
        if hidden && !std::mem::replace(&mut is_told, true) {
            tracing::warn!("machines may not be seen: nothing is handed over when one is drained");
        }
        ready(!hidden)
    });
    (copies, told.boxed())
}

fn is_forbidden(error: &watcher::Error) -> bool {
    use watcher::Error::{InitialListFailed, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(kube::Error::Api(status))
        | WatchStartFailed(kube::Error::Api(status))
        | WatchFailed(kube::Error::Api(status)) => status.code == FORBIDDEN,
        watcher::Error::WatchError(status) => status.code == FORBIDDEN,
        _ => false,
    }
}

/// Labels, taints and whether it is ready. Images and capacities, of which most of it consists, are
/// of no use.
fn strip(machine: &mut Machine) {
    super::strip_metadata(machine);
    machine.metadata.annotations = None;
    let spec = machine.spec.take().unwrap_or_default();
    let (unschedulable, taints) = (spec.unschedulable, spec.taints);
    machine.spec = Some(NodeSpec { unschedulable, taints, ..NodeSpec::default() });
    let conditions = machine.status.take().and_then(|status| status.conditions);
    let mut conditions = conditions.unwrap_or_default();
    conditions.retain(|condition| condition.type_ == "Ready");
    conditions.iter_mut().for_each(|condition| condition.last_heartbeat_time = None);
    machine.status = Some(NodeStatus { conditions: Some(conditions), ..NodeStatus::default() });
}

/// A hash of all that is kept: machines give a sign of life all the time.
fn what_matters(machine: &Machine) -> Option<u64> {
    let kept = (machine.labels(), &machine.spec, &machine.status);
    serde_json::to_vec(&kept).ok().map(|bytes| xxh3_64(&bytes))
}

/// The clusters that have pods on a machine.
pub(crate) fn with_pods_on(
    machine: &Machine,
    pods: &Store<Pod>,
) -> Vec<ObjectRef<DeserializeGuard<VectorCluster>>> {
    let name = machine.name_any();
    let is_there =
        |pod: &Pod| pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref()) == Some(&name);
    let mut clusters = BTreeMap::new();
    for pod in pods.state_filter(is_there) {
        let cluster = pod.labels().get(names::CLUSTER_LABEL).cloned();
        if let Some((cluster, namespace)) = cluster.zip(pod.namespace()) {
            let object = ObjectRef::new(&cluster).within(&namespace);
            clusters.insert((namespace, cluster), object);
        }
    }
    clusters.into_values().collect()
}
