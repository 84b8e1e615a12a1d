//! The watches: which objects are looked at again when something changes.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use kube::ResourceExt;
use kube::core::error_boundary::DeserializeGuard;
use kube::runtime::controller::{Config, Controller, Error};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use vane_crds::{Collection, VectorCluster};

use crate::cluster::reconcile::ClusterReconciler;
use crate::collection::reconcile::CollectionReconciler;
use crate::context::Context;
use crate::copies::{Copies, kept, scoped, strip_metadata, with_pods_on};
use crate::names;
use crate::reconcile::{after_error, reconcile};

/// Objects that are worked on at a time.
/// They wait most of their time, for nodes that are away above all: hundreds of clusters whose
/// nodes hang must not keep the healthy ones waiting.
const CONCURRENCY: u16 = 128;

/// Runs the controllers of one namespace, or of all, until `stop`.
pub async fn run<S>(context: Arc<Context>, namespace: Option<String>, stop: impl Fn() -> S)
where
    S: Future<Output = ()> + Send + Sync + 'static,
{
    let namespace = namespace.as_deref();
    tokio::join!(clusters(&context, namespace, stop()), collections(&context, namespace, stop()));
}

async fn clusters(
    context: &Arc<Context>,
    namespace: Option<&str>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let client = context.client.clone();
    // An object that cannot be read would otherwise end the watch of all others.
    let clusters = scoped::<DeserializeGuard<VectorCluster>>(&client, namespace);
    let (clusters, told) = kept(clusters, watcher::Config::default(), strip_metadata);
    let controller = Controller::for_stream(told, clusters.clone())
        .with_config(Config::default().concurrency(CONCURRENCY));
    let (copies, changes) = Copies::watch(&client, namespace, clusters);
    let copies = Arc::new(copies);
    context.keep(namespace, Arc::clone(&copies));
    let pods = copies.pods.clone();
    let passes = controller
        .owns_stream(changes.sets)
        .owns_stream(changes.services)
        .owns_stream(changes.accounts)
        .owns_stream(changes.budgets)
        .watches_stream(changes.pods, |pod| cluster_of(&pod))
        .watches_stream(changes.machines, move |machine| with_pods_on(&machine, &pods))
        .watches_stream(changes.claims, |claim| cluster_of(&claim))
        .watches_stream(changes.recipes, |recipe| cluster_of(&recipe))
        .watches_stream(changes.placements, |placement| cluster_of(&placement))
        .graceful_shutdown_on(stop)
        .run(
            |object, context| reconcile(ClusterReconciler, object, context),
            after_error,
            Arc::clone(context),
        );
    tokio::join!(copies.fill(), drained(context, "VectorCluster", passes));
}

async fn collections(
    context: &Arc<Context>,
    namespace: Option<&str>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let client = context.client.clone();
    let collections = scoped::<DeserializeGuard<Collection>>(&client, namespace);
    let controller = Controller::new(collections, watcher::Config::default())
        .with_config(Config::default().concurrency(CONCURRENCY));
    let all = controller.store();
    let known = controller.store();
    let clusters = scoped::<DeserializeGuard<VectorCluster>>(&client, namespace);
    let passes = controller
        // A cluster that became ready, or went, concerns those that name it.
        .watches(clusters, watcher::Config::default(), move |cluster| naming(&cluster, &known))
        .graceful_shutdown_on(stop)
        .run(
            move |object, context| {
                reconcile(CollectionReconciler { all: all.clone() }, object, context)
            },
            after_error,
            Arc::clone(context),
        );
    drained(context, "Collection", passes).await;
}

/// The Collections that name a cluster.
fn naming(
    cluster: &DeserializeGuard<VectorCluster>,
    known: &Store<DeserializeGuard<Collection>>,
) -> Vec<ObjectRef<DeserializeGuard<Collection>>> {
    let (name, namespace) = (cluster.name_any(), cluster.namespace());
    let mut naming = Vec::new();
    for object in known.state() {
        let Ok(collection) = &object.0 else { continue };
        if object.namespace() == namespace && collection.spec.cluster_ref.name == name {
            naming.push(ObjectRef::from_obj(object.as_ref()));
        }
    }
    naming
}

/// Failures of passes were logged where they happened.
async fn drained<T, R, Q>(
    context: &Context,
    kind: &str,
    passes: impl Stream<Item = Result<T, Error<R, Q>>>,
) where
    R: std::error::Error + 'static,
    Q: std::error::Error + 'static,
{
    let mut passes = pin!(passes);
    while let Some(outcome) = passes.next().await {
        match outcome {
            // The end of a pause of an object that was deleted meanwhile.
            Err(Error::ObjectNotFound(object)) => context.gone(&object),
            // Without its watches the operator is deaf, and nothing else would say so.
            Err(Error::QueueError(error)) => {
                context.metrics.watch_failed(kind);
                tracing::warn!(kind, %error, "a watch failed; it is tried again");
            }
            Err(error) => tracing::debug!(%error, "a pass failed"),
            Ok(_) => {}
        }
    }
}

/// The cluster that an object is labelled with.
fn cluster_of<K: ResourceExt>(object: &K) -> Option<ObjectRef<DeserializeGuard<VectorCluster>>> {
    let name = object.labels().get(names::CLUSTER_LABEL)?;
    Some(ObjectRef::new(name).within(&object.namespace()?))
}
