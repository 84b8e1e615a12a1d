//! Reads what Kubernetes and the database have. Changes nothing.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};

use super::observed::{Observed, Pod, Set};
use super::status::remembers_founding;
use super::validate::ValidatedCluster;
use crate::database::{self, Database, Disk, disks, overview, pods, token};
use crate::error::{CallError, Request, kubernetes};
use crate::names;

/// A cluster with what is known of it.
pub(crate) struct Dereferenced {
    /// What the plan is made from.
    pub(crate) observed: Observed,
    /// The token of the database, if there is one.
    pub(crate) token: Option<String>,
    /// Addresses of the pods' admin interfaces, by ordinal.
    pub(crate) addresses: BTreeMap<i32, String>,
}

/// Reads the Secret, the StatefulSet, claims and pods of a cluster, and asks its nodes.
///
/// # Errors
///
/// Kubernetes refused or did not answer. That a node does not answer is a fact, not an error.
pub(crate) async fn dereference(
    client: &Client,
    cluster: &ValidatedCluster,
) -> Result<Dereferenced, CallError> {
    let (name, namespace) = (&cluster.name, &cluster.namespace);
    let (token, no_token) = match token::read(client, name, namespace).await? {
        Ok(token) => (Some(token), None),
        Err(why) => (None, Some(why)),
    };
    let set = set(client, name, namespace).await?;
    let highest_claim = highest_claim(client, name, namespace).await?;
    let found = pods::list(client, name, namespace).await?;
    let addresses: BTreeMap<i32, String> =
        found.iter().filter_map(|(ordinal, pod)| Some((*ordinal, pods::address(pod)?))).collect();
    let mut disks = disks(token.as_deref(), &addresses).await;
    let mut pods = BTreeMap::new();
    for (ordinal, pod) in found {
        // Never taken for empty: a database is founded by these answers.
        let disk = disks
            .remove(&ordinal)
            .unwrap_or_else(|| Disk::Unreachable("it has no address yet".into()));
        let zone = pods::zone(client, &pod).await?;
        let (name, ready) = (pod.name_any(), pods::is_ready(&pod));
        pods.insert(ordinal, Pod { name, ready, zone, disk });
    }
    let database = ask_database(token.as_deref(), &addresses, &pods).await;
    let founded = remembers_founding(&cluster.status);
    let observed = Observed { no_token, set, highest_claim, pods, founded, database };
    Ok(Dereferenced { observed, token, addresses })
}

async fn set(client: &Client, name: &str, namespace: &str) -> Result<Option<Set>, CallError> {
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), namespace);
    let failed = kubernetes(Request::Read(format!("statefulset {name}")));
    let Some(set) = sets.get_opt(name).await.map_err(failed)? else { return Ok(None) };
    let template = set.annotations().get(names::TEMPLATE_ANNOTATION).cloned();
    let spec = set.spec.unwrap_or_default();
    let claim = spec.volume_claim_templates.into_iter().flatten().next();
    let requests = claim.and_then(|claim| claim.spec?.resources?.requests);
    let size = requests.and_then(|mut requests| requests.remove("storage"));
    // The API server writes the default of 1 into every StatefulSet that names no number.
    let replicas = spec.replicas.unwrap_or(1);
    Ok(Some(Set { replicas, template, size: size.map(|size| size.0) }))
}

async fn highest_claim(
    client: &Client,
    name: &str,
    namespace: &str,
) -> Result<Option<i32>, CallError> {
    // Volumes that were retained have claims and no pods yet.
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let selected = ListParams::default().labels(&names::selector(name));
    let failed = kubernetes(Request::List("the volume claims".into()));
    let found = claims.list_metadata(&selected).await.map_err(failed)?;
    let ordinals =
        found.items.iter().filter_map(|claim| names::claim_ordinal(name, &claim.name_any()));
    Ok(ordinals.max())
}

/// Asks the nodes that are members one after the other, until one answers. A node with an
/// empty disk knows nothing of the database yet.
async fn ask_database(
    token: Option<&str>,
    addresses: &BTreeMap<i32, String>,
    pods: &BTreeMap<i32, Pod>,
) -> Option<Database> {
    let token = token?;
    for (ordinal, address) in addresses {
        if !pods.get(ordinal).is_some_and(|pod| pod.disk.is_member()) {
            continue;
        }
        let Ok(admin) = database::admin(address, token) else { continue };
        match overview(admin).await {
            Ok(database) => return Some(database),
            Err(error) => tracing::info!(ordinal, %error, "a node does not answer"),
        }
    }
    None
}
