//! Reads what Kubernetes and the database have. Changes nothing.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::ResourceExt;

use super::looks;
use super::observed::{Observed, Pod, Set};
use super::standing::{Child, Standing};
use super::status::remembers_founding;
use super::validate::ValidatedCluster;
use crate::context::Context;
use crate::database::{self, Disk, Member, Scope, ask, disks, pods, token};
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
    context: &Context,
    cluster: &ValidatedCluster,
) -> Result<Dereferenced, CallError> {
    let client = &context.client;
    let scope = Scope { client, cluster: &cluster.name, namespace: &cluster.namespace };
    let (token, no_token) = match token::read(scope).await? {
        Ok(token) => (Some(token), None),
        Err(why) => (None, Some(why)),
    };
    let children = looks::children(scope, cluster).await?;
    let set = set(scope, cluster, &children).await?;
    let highest_claim = highest_claim(scope).await?;
    let found = pods::list(scope).await?;
    let addresses: BTreeMap<i32, String> =
        found.iter().filter_map(|(ordinal, pod)| Some((*ordinal, pods::address(pod)?))).collect();
    let mut disks = disks(token.as_deref(), &addresses).await;
    let mut pods = BTreeMap::new();
    for (ordinal, pod) in found {
        // Never taken for empty: a database is founded by these answers.
        let disk = disks
            .remove(&ordinal)
            .unwrap_or_else(|| Disk::Unreachable(pods::why_without_address(&pod)));
        let zone = pods::zone(client, &pod).await?;
        let (name, ready) = (pod.name_any(), pods::is_ready(&pod));
        pods.insert(ordinal, Pod { name, ready, zone, disk });
    }
    let members = members(token.as_deref(), &addresses, &pods);
    let database = ask(&context.sightings, members).await;
    let founded = remembers_founding(&cluster.status);
    let observed = Observed { no_token, children, set, highest_claim, pods, founded, database };
    Ok(Dereferenced { observed, token, addresses })
}

/// The StatefulSet of the cluster. One that is somebody else's says nothing of this cluster.
async fn set(
    scope: Scope<'_>,
    cluster: &ValidatedCluster,
    children: &[Child],
) -> Result<Option<Set>, CallError> {
    let object = names::object::<StatefulSet>(scope.cluster);
    let is_ours = |child: &Child| matches!(child.standing, Standing::Ours(_));
    if !children.iter().any(|child| child.object == object && is_ours(child)) {
        return Ok(None);
    }
    let failed = kubernetes(Request::Read(format!("statefulset {}", scope.cluster)));
    let found = scope.api::<StatefulSet>().get_opt(scope.cluster).await.map_err(failed)?;
    let Some(set) = found else { return Ok(None) };
    let uid = cluster.uid.to_string();
    let owned = set.owner_references().iter().any(|owner| owner.uid == uid);
    let template = set.annotations().get(names::TEMPLATE_ANNOTATION).cloned();
    let spec = set.spec.unwrap_or_default();
    let claim = spec.volume_claim_templates.into_iter().flatten().next();
    let requests = claim.and_then(|claim| claim.spec?.resources?.requests);
    let size = requests.and_then(|mut requests| requests.remove("storage"));
    // The API server writes the default of 1 into every StatefulSet that names no number.
    let replicas = spec.replicas.unwrap_or(1);
    Ok(Some(Set { replicas, template, owned, size: size.map(|size| size.0) }))
}

async fn highest_claim(scope: Scope<'_>) -> Result<Option<i32>, CallError> {
    // Volumes that were retained have claims and no pods yet.
    let claims = scope.api::<PersistentVolumeClaim>();
    let failed = kubernetes(Request::List("the volume claims".into()));
    let found = claims.list_metadata(&scope.selected()).await.map_err(failed)?;
    let names = found.items.iter().map(ResourceExt::name_any);
    Ok(names.filter_map(|name| names::claim_ordinal(scope.cluster, &name)).max())
}

/// The nodes that belong to a database; one with an empty disk knows nothing of it yet. Those that
/// are ready first: they know what their leaders know.
fn members(
    token: Option<&str>,
    addresses: &BTreeMap<i32, String>,
    pods: &BTreeMap<i32, Pod>,
) -> Vec<Member> {
    let Some(token) = token else { return Vec::new() };
    let mut ordered: Vec<(&i32, &Pod)> = pods.iter().collect();
    ordered.sort_by_key(|(ordinal, pod)| (!pod.ready, **ordinal));
    let member = |(ordinal, pod): (&i32, &Pod)| {
        let database = pod.disk.database()?.to_owned();
        let admin = database::admin(addresses.get(ordinal)?, token).ok()?;
        Some(Member { pod: pod.name.clone(), database, admin })
    };
    ordered.into_iter().filter_map(member).collect()
}
