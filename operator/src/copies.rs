//! What watches have of what was made for clusters, so that a pass at rest asks Kubernetes nothing.
//!
//! Copies may be old. They say whether something is to be done; what is to be done is decided on
//! what Kubernetes itself has. Owns no decision.

mod machines;
mod recent;

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::{
    Node as Machine, PersistentVolumeClaim, PersistentVolumeClaimSpec, Pod, PodSpec, Service,
    ServiceAccount,
};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, PartialObjectMeta};
use kube::core::error_boundary::DeserializeGuard;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, watcher};
use kube::runtime::{WatchStreamExt, predicates};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use vane_crds::{ShardPlacement, VectorCluster};

pub(crate) use self::machines::{FORBIDDEN, with_pods_on};
pub(crate) use self::recent::Recent;
use crate::names;

/// Metadata of objects of a kind.
pub(crate) type Metadata<K> = PartialObjectMeta<K>;

/// Copies of what is in one namespace, or in all.
pub(crate) struct Copies {
    pub(crate) clusters: Store<DeserializeGuard<VectorCluster>>,
    /// Without what pods are made of.
    pub(crate) sets: Store<StatefulSet>,
    /// Of their spec only the machine.
    pub(crate) pods: Store<Pod>,
    pub(crate) placements: Store<ShardPlacement>,
    pub(crate) services: Store<Metadata<Service>>,
    pub(crate) accounts: Store<Metadata<ServiceAccount>>,
    pub(crate) budgets: Store<Metadata<PodDisruptionBudget>>,
    pub(crate) recipes: Store<Metadata<ControllerRevision>>,
    /// Their sizes, and what is said of those.
    pub(crate) claims: Store<PersistentVolumeClaim>,
    is_filled: AtomicBool,
    /// Those of all namespaces. Empty where they may not be seen.
    machines: Store<Machine>,
    sees_machines: AtomicBool,
}

/// Changes of objects of a kind, or why there are none. Copies are brought up to date before each
/// is told.
pub(crate) type Told<K> = BoxStream<'static, Result<K, watcher::Error>>;

/// What watches tell, for those who look again then. Who does not read it has no copies.
pub(crate) struct Changes {
    pub(crate) sets: Told<StatefulSet>,
    pub(crate) pods: Told<Pod>,
    /// Those of what people write; status is the operator's own word.
    pub(crate) placements: Told<ShardPlacement>,
    pub(crate) services: Told<Metadata<Service>>,
    pub(crate) accounts: Told<Metadata<ServiceAccount>>,
    pub(crate) budgets: Told<Metadata<PodDisruptionBudget>>,
    pub(crate) recipes: Told<Metadata<ControllerRevision>>,
    pub(crate) claims: Told<PersistentVolumeClaim>,
    /// Those of what matters of them, and none where they may not be seen.
    pub(crate) machines: Told<Machine>,
}

impl Copies {
    /// Watches what is there for clusters in `namespace`, or in all.
    pub(crate) fn watch(
        client: &Client,
        namespace: Option<&str>,
        clusters: Store<DeserializeGuard<VectorCluster>>,
    ) -> (Self, Changes) {
        let (set_copies, sets) = made(scoped(client, namespace), strip_set);
        let (pod_copies, pods) = made(scoped(client, namespace), strip_pod);
        let (placement_copies, placements) = made(scoped(client, namespace), strip_metadata);
        // What people write changes the generation.
        let placements =
            placements.predicate_filter(predicates::generation, Default::default()).boxed();
        let (service_copies, services) = made(scoped(client, namespace), strip_metadata);
        let (account_copies, accounts) = made(scoped(client, namespace), strip_metadata);
        let (budget_copies, budgets) = made(scoped(client, namespace), strip_metadata);
        let (recipe_copies, recipes) = made(scoped(client, namespace), strip_metadata);
        let (claim_copies, claims) = made(scoped(client, namespace), strip_claim);
        let (machine_copies, machines) = machines::seen(client);
        let copies = Self {
            clusters,
            sets: set_copies,
            pods: pod_copies,
            placements: placement_copies,
            services: service_copies,
            accounts: account_copies,
            budgets: budget_copies,
            recipes: recipe_copies,
            claims: claim_copies,
            is_filled: AtomicBool::new(false),
            machines: machine_copies,
            sees_machines: AtomicBool::new(false),
        };
        let changes = Changes {
            sets,
            pods,
            placements,
            services,
            accounts,
            budgets,
            recipes,
            claims,
            machines,
        };
        (copies, changes)
    }

    /// Whether there is a copy of everything that was there when the watches began.
    pub(crate) fn is_filled(&self) -> bool {
        self.is_filled.load(Ordering::Acquire)
    }

    /// Whether there is a copy of every machine that was there when the watches began.
    pub(crate) fn sees_machines(&self) -> bool {
        self.sees_machines.load(Ordering::Acquire)
    }

    /// The copy of a machine.
    pub(crate) fn machine(&self, name: &str) -> Option<Arc<Machine>> {
        self.machines.get(&reflector::ObjectRef::new(name))
    }

    /// Ends once there is a copy of everything. Somebody has to read what the watches tell
    /// meanwhile.
    pub(crate) async fn fill(&self) {
        let Self {
            clusters,
            sets,
            pods,
            placements,
            services,
            accounts,
            budgets,
            recipes,
            claims,
            is_filled,
            machines,
            sees_machines,
        } = self;
        let filled = tokio::try_join!(
            clusters.wait_until_ready(),
            sets.wait_until_ready(),
            pods.wait_until_ready(),
            placements.wait_until_ready(),
            services.wait_until_ready(),
            accounts.wait_until_ready(),
            budgets.wait_until_ready(),
            recipes.wait_until_ready(),
            claims.wait_until_ready(),
        );
        // An error says that the watches ended, and the controllers with them.
        is_filled.store(filled.is_ok(), Ordering::Release);
        // Apart: for ever where they may not be seen, and nothing else waits for it.
        sees_machines.store(machines.wait_until_ready().await.is_ok(), Ordering::Release);
    }
}

/// Copies of what was made for clusters of one kind, or of its metadata, but for what `strip` takes
/// away. Never all pods and claims of a Kubernetes cluster: only what is ours.
fn made<K>(objects: Api<K>, strip: fn(&mut K)) -> (Store<K>, Told<K>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let ours = watcher::Config::default().labels(&names::clusters_selector());
    kept(objects, ours, strip)
}

/// Copies of selected objects of one kind, but for what `strip` takes away.
pub(crate) fn kept<K>(
    objects: Api<K>,
    selected: watcher::Config,
    strip: fn(&mut K),
) -> (Store<K>, Told<K>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let (copies, writer) = reflector::store();
    let told = watcher(objects, selected).default_backoff().modify(strip);
    (copies, told.reflect(writer).touched_objects().boxed())
}

/// A third of most objects, of which nothing is read.
pub(crate) fn strip_metadata<K: ResourceExt>(object: &mut K) {
    object.managed_fields_mut().clear();
}

/// Which set there is and what its annotations say, but not what its pods are made of: who changes
/// that looks at Kubernetes itself.
fn strip_set(set: &mut StatefulSet) {
    strip_metadata(set);
    set.status = None;
    if let Some(spec) = &mut set.spec {
        spec.template.spec = None;
    }
}

fn strip_pod(pod: &mut Pod) {
    strip_metadata(pod);
    let machine = pod.spec.take().and_then(|spec| spec.node_name);
    pod.spec = Some(PodSpec { node_name: machine, ..PodSpec::default() });
}

fn strip_claim(claim: &mut PersistentVolumeClaim) {
    strip_metadata(claim);
    let resources = claim.spec.take().and_then(|spec| spec.resources);
    claim.spec = Some(PersistentVolumeClaimSpec { resources, ..Default::default() });
}

/// The objects of a kind in one namespace, or in all.
pub(crate) fn scoped<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// The copy of an object.
pub(crate) fn one<K>(copies: &Store<K>, namespace: &str, name: &str) -> Option<Arc<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    copies.get(&reflector::ObjectRef::new(name).within(namespace))
}

/// Copies of what was made for a cluster.
pub(crate) fn of_cluster<K>(copies: &Store<K>, namespace: &str, cluster: &str) -> Vec<Arc<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    copies.state_filter(|copy| {
        copy.meta().namespace.as_deref() == Some(namespace)
            && copy.labels().get(names::CLUSTER_LABEL).is_some_and(|of| of == cluster)
    })
}
