//! The watches: who is looked at again when what changes.

use std::future::Future;
use std::sync::Arc;

use futures_util::StreamExt;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::Api;
use kube::core::error_boundary::DeserializeGuard;
use kube::runtime::controller::{Config, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use kube::{Resource, ResourceExt};
use vane_crds::VectorCluster;

use crate::cluster::reconcile::{after_error, reconcile};
use crate::context::Context;
use crate::names;

/// Objects that are worked on at a time.
const CONCURRENCY: u16 = 8;

/// Runs the controller of one namespace, or of all, until `stop`.
pub async fn run(
    context: Arc<Context>,
    namespace: Option<String>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let client = context.client.clone();
    // Never all Secrets and pods of a Kubernetes cluster: only what is ours.
    let ours = watcher::Config::default().labels(&names::managed_selector());
    let clusters = scoped::<DeserializeGuard<VectorCluster>>(&client, namespace.as_deref());
    let controller = Controller::new(clusters, watcher::Config::default().any_semantic())
        .with_config(Config::default().concurrency(CONCURRENCY))
        .owns(scoped::<StatefulSet>(&client, namespace.as_deref()), ours.clone())
        .owns(scoped::<Service>(&client, namespace.as_deref()), ours.clone())
        .watches(scoped::<Pod>(&client, namespace.as_deref()), ours, |pod| cluster_of(&pod))
        .graceful_shutdown_on(stop);
    let passes = controller.run(reconcile, after_error, context);
    passes
        .for_each(|outcome| async {
            if let Err(error) = outcome {
                tracing::debug!(%error, "a pass or a watch failed");
            }
        })
        .await;
}

/// The cluster that a pod is labelled with.
fn cluster_of(pod: &Pod) -> Option<ObjectRef<DeserializeGuard<VectorCluster>>> {
    let name = pod.labels().get(names::CLUSTER_LABEL)?;
    Some(ObjectRef::new(name).within(&pod.namespace()?))
}

fn scoped<K>(client: &kube::Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}
