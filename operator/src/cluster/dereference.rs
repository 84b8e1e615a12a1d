//! Reads what Kubernetes and the database have. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::ResourceExt;
use vane_crds::cluster::{Retain, Retention};

use super::claims;
use super::live;
use super::local;
use super::looks;
use super::observed::{Claim, Leaver, Observed, Pod, Set};
use super::recipe;
use super::standing::{Child, Standing};
use super::status::remembers_founding;
use super::validate::ValidatedCluster;
use crate::context::Context;
use crate::copies::Copies;
use crate::database::{self, Channels, Disk, Member, Scope, ask, disks, machines, pods, token};
use crate::error::{CallError, Request, kubernetes};
use crate::names;

/// Name of the recipe of pods that say nothing of theirs.
const UNKNOWN: &str = "unknown";

/// A cluster with what is known of it.
pub(crate) struct Dereferenced {
    /// What the plan is made from.
    pub(crate) observed: Observed,
    /// The token of the database, if there is one.
    pub(crate) token: Option<String>,
    /// Addresses of the pods' admin interfaces, by ordinal.
    pub(crate) addresses: BTreeMap<i32, String>,
    /// Connections to them.
    pub(crate) channels: Channels,
    /// The StatefulSet, as it is.
    pub(crate) set: Option<StatefulSet>,
    /// When the database was asked.
    pub(crate) asked: Instant,
}

/// Reads the Secret, the StatefulSet, claims and pods of a cluster, and asks its nodes.
///
/// # Errors
///
/// Kubernetes refused or did not answer. That a node does not answer is a fact, not an error.
pub(crate) async fn dereference(
    context: &Context,
    cluster: &ValidatedCluster,
    copies: Option<&Copies>,
) -> Result<Dereferenced, CallError> {
    let scope = context.scope(&cluster.namespace, &cluster.name, copies);
    let (token, no_token) = match token::read(scope).await? {
        Ok(token) => (Some(token), None),
        Err(why) => (None, Some(why)),
    };
    let mut children = looks::children(scope, cluster).await?;
    let there = statefulset(scope, &children).await?;
    let mut set = there.as_ref().map(|there| set(cluster, there));
    let kept = looks::recipes(scope).await?;
    let claims = all_claims(scope).await?;
    let kept_claims = claims.iter().filter(|(_, claim)| claim.retired.is_none());
    let highest_claim = kept_claims.map(|(ordinal, _)| *ordinal).max();
    let found = pods::list(scope).await?;
    let addresses: BTreeMap<i32, String> =
        found.iter().filter_map(|(ordinal, pod)| Some((*ordinal, pods::address(pod)?))).collect();
    let disks = disks(scope.channels, token.as_deref(), &addresses).await;
    let pods = looked_at(scope, found, disks).await?;
    // Before there is a database nothing is on any volume.
    let founded = remembers_founding(&cluster.status);
    let local = if founded { local::volumes(scope, &pods).await? } else { BTreeMap::new() };
    let asked = Instant::now();
    let members = members(scope, token.as_deref(), &addresses, &pods);
    let mut database = ask(&context.sightings, members.clone()).await;
    if let Some((set, there)) = set.as_mut().zip(there.as_ref()) {
        set.changes_live = live::can_change(cluster, database.as_ref());
        set.live = looks::live_settings(scope, there).await?;
    }
    let before = set.as_ref().and_then(|set| set.before_recipes.as_deref());
    let looked = looks::settings(scope, cluster, recipes(cluster, set.as_ref(), &pods), before);
    let mut settings = BTreeSet::new();
    for (recipe, child) in looked.await? {
        if matches!(child.standing, Standing::Ours(_)) {
            settings.insert(recipe);
        }
        children.push(child);
    }
    let following = context.sightings.following(&cluster.uid.to_string(), database.as_ref());
    let no_turn = context.turns.refusal(cluster.uid);
    let shrinks = set.as_ref().is_some_and(|set| set.replicas > cluster.spec.nodes);
    let pins = if shrinks { looks::pins(scope).await? } else { BTreeMap::new() };
    if let Some(database) = database.as_mut().filter(|_| shrinks) {
        database.most_copies = most_copies(members).await;
    }
    let observed = Observed {
        no_token,
        children,
        set,
        kept,
        settings,
        highest_claim,
        claims,
        local,
        pins,
        pods,
        founded,
        database,
        following,
        no_turn,
        now: Timestamp::now(),
    };
    let channels = context.channels.clone();
    Ok(Dereferenced { observed, token, addresses, channels, set: there, asked })
}

/// The pods as the plan takes them, with what their disks said.
async fn looked_at(
    scope: Scope<'_>,
    found: Vec<(i32, k8s_openapi::api::core::v1::Pod)>,
    mut disks: BTreeMap<i32, Disk>,
) -> Result<BTreeMap<i32, Pod>, CallError> {
    let mut pods = BTreeMap::new();
    for (ordinal, pod) in found {
        // Never taken for empty: a database is founded by these answers.
        let disk = disks
            .remove(&ordinal)
            .unwrap_or_else(|| Disk::Unreachable(pods::why_without_address(&pod)));
        let machine = machines::of(scope, &pod).await?;
        let zone = machine.as_ref().and_then(|machine| machine.zone.clone());
        let (name, ready) = (pod.name_any(), pods::is_ready(&pod));
        let state = database::pod_state(&pod, machine, Timestamp::now());
        pods.insert(ordinal, Pod { name, ready, zone, disk, state });
    }
    Ok(pods)
}

/// The StatefulSet of the cluster. One that is somebody else's says nothing of this cluster.
async fn statefulset(
    scope: Scope<'_>,
    children: &[Child],
) -> Result<Option<StatefulSet>, CallError> {
    let object = names::object::<StatefulSet>(scope.cluster);
    let is_ours = |child: &Child| matches!(child.standing, Standing::Ours(_));
    if !children.iter().any(|child| child.object == object && is_ours(child)) {
        return Ok(None);
    }
    if let Some(copy) = scope.copy_of(|copies| &copies.sets, scope.cluster) {
        return Ok(Some(StatefulSet::clone(&copy)));
    }
    let failed = kubernetes(Request::Read(format!("statefulset {}", scope.cluster)));
    scope.api::<StatefulSet>().get_opt(scope.cluster).await.map_err(failed)
}

/// What a StatefulSet says of its pods.
fn set(cluster: &ValidatedCluster, there: &StatefulSet) -> Set {
    let uid = cluster.uid.to_string();
    let noted = |annotation: &str| there.annotations().get(annotation).cloned();
    let before_recipes = noted(names::TEMPLATE_ANNOTATION);
    let spec = there.spec.clone().unwrap_or_default();
    let template = spec.template.metadata.unwrap_or_default();
    let recipe = template.annotations.and_then(|mut noted| noted.remove(names::RECIPE));
    // Without any word of it they are made from something unknown, and from the spec the next time.
    let recipe = recipe.or_else(|| before_recipes.clone()).unwrap_or_else(|| UNKNOWN.to_owned());
    let claim = spec.volume_claim_templates.into_iter().flatten().next().unwrap_or_default();
    let goes_along = claim.metadata.owner_references.is_some_and(|owners| !owners.is_empty());
    let requests = claim.spec.and_then(|claim| claim.resources?.requests);
    let size = requests.and_then(|mut requests| requests.remove("storage"));
    let policy = spec.persistent_volume_claim_retention_policy.unwrap_or_default();
    let retain = |goes: bool| if goes { Retain::Delete } else { Retain::Retain };
    Set {
        // The API server writes the default of 1 into every StatefulSet that names no number.
        replicas: spec.replicas.unwrap_or(1),
        recipe: Some(recipe),
        before_recipes,
        owned: there.owner_references().iter().any(|owner| owner.uid == uid),
        size: size.map(|size| size.0),
        retention: Some(Retention {
            when_deleted: retain(goes_along),
            when_scaled: retain(policy.when_scaled.as_deref() == Some("Delete")),
        }),
        // Read apart, and once the database was asked.
        live: BTreeMap::new(),
        changes_live: false,
        good: noted(names::GOOD_ANNOTATION),
        leaving: noted(names::LEAVING_ANNOTATION).and_then(|noted| Leaver::of_note(&noted)),
        // One that somebody wrote over is forgotten.
        failed: noted(names::FAILED_ANNOTATION).and_then(|noted| serde_json::from_str(&noted).ok()),
    }
}

/// The recipes whose settings may be needed.
fn recipes(
    cluster: &ValidatedCluster,
    set: Option<&Set>,
    pods: &BTreeMap<i32, Pod>,
) -> BTreeSet<String> {
    let Some(set) = set else { return BTreeSet::from([recipe::of_spec(cluster)]) };
    let of_pods = pods.values().filter_map(|pod| pod.state.recipe.clone());
    let of_set = [set.recipe.clone(), set.good.clone(), Some(recipe::wanted(cluster, set))];
    let are_old = pods.values().any(|pod| pod.state.recipe.is_none());
    let of_old = set.before_recipes.clone().filter(|_| are_old);
    of_pods.chain(of_set.into_iter().flatten()).chain(of_old).collect()
}

/// The claims of the cluster, by ordinal. Volumes that were retained have claims and no pods yet.
async fn all_claims(scope: Scope<'_>) -> Result<BTreeMap<i32, Claim>, CallError> {
    let found: Vec<PersistentVolumeClaim> = match scope.copies_of(|copies| &copies.claims) {
        Some(copies) => copies.iter().map(|copy| (**copy).clone()).collect(),
        None => {
            let claims = scope.api::<PersistentVolumeClaim>();
            let failed = kubernetes(Request::List("the volume claims".into()));
            claims.list(&scope.selected()).await.map_err(failed)?.items
        }
    };
    let of = |found: PersistentVolumeClaim| {
        let ordinal = names::claim_ordinal(scope.cluster, found.metadata.name.as_deref()?)?;
        Some((ordinal, claims::claim(found)))
    };
    Ok(found.into_iter().filter_map(of).collect())
}

/// The most copies that a collection is to have, by the first node that says so.
async fn most_copies(members: Vec<Member>) -> Option<u32> {
    for mut member in members {
        match database::most_copies(&mut member.admin).await {
            Ok(copies) => return Some(copies),
            Err(error) => tracing::info!(pod = member.pod, %error, "a node lists no collections"),
        }
    }
    None
}

/// The nodes that belong to a database; one with an empty disk knows nothing of it yet. Those that
/// are ready first: they know what their leaders know.
fn members(
    scope: Scope<'_>,
    token: Option<&str>,
    addresses: &BTreeMap<i32, String>,
    pods: &BTreeMap<i32, Pod>,
) -> Vec<Member> {
    let Some(token) = token else { return Vec::new() };
    let mut ordered: Vec<(&i32, &Pod)> = pods.iter().collect();
    ordered.sort_by_key(|(ordinal, pod)| (!pod.ready, **ordinal));
    let member = |(ordinal, pod): (&i32, &Pod)| {
        let database = pod.disk.database()?.to_owned();
        let admin = database::admin(scope.channels, addresses.get(ordinal)?, token).ok()?;
        Some(Member { pod: pod.name.clone(), database, admin })
    };
    ordered.into_iter().filter_map(member).collect()
}
