//! Looks at what stands under the names that a cluster needs. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::try_join_all;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::ListParams;
use kube::runtime::reflector::Store;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use vane_crds::ShardPlacement;

use super::build;
use super::live;
use super::standing::{Child, Standing};
use super::validate::ValidatedCluster;
use crate::copies::Copies;
use crate::database::Scope;
use crate::error::{CallError, Request, kubernetes};
use crate::names;

/// What stands under the name of each child, of a kind that is applied. The Secret is not among
/// them: it is made where there is none, and never written over. Nor are settings, which go by the
/// recipes that there are.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(super) async fn children(
    scope: Scope<'_>,
    cluster: &ValidatedCluster,
) -> Result<Vec<Child>, CallError> {
    let name = &cluster.name;
    let headless = names::headless_service(name);
    // Side by side: a pass waits for the slowest, not for all of them.
    let (set, service, nodes, account, budget) = tokio::try_join!(
        child::<StatefulSet, _>(scope, cluster, name, |copies| &copies.sets),
        child::<Service, _>(scope, cluster, name, |copies| &copies.services),
        child::<Service, _>(scope, cluster, &headless, |copies| &copies.services),
        child::<ServiceAccount, _>(scope, cluster, name, |copies| &copies.accounts),
        child::<PodDisruptionBudget, _>(scope, cluster, name, |copies| &copies.budgets),
    )?;
    Ok(vec![set, service, nodes, account, budget])
}

/// What stands under the name of the settings of each recipe, with the recipe.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(super) async fn settings(
    scope: Scope<'_>,
    cluster: &ValidatedCluster,
    recipes: BTreeSet<String>,
    before_recipes: Option<&str>,
) -> Result<Vec<(String, Child)>, CallError> {
    let look = async |recipe: String| {
        let name = match before_recipes == Some(&recipe) {
            true => names::settings_before_recipes(&cluster.name),
            false => names::settings(&cluster.name, &recipe),
        };
        Ok((recipe, settings_child(scope, cluster, &name).await?))
    };
    try_join_all(recipes.into_iter().map(look)).await
}

/// What stands under the name of settings. They never change, and ConfigMaps are not watched.
async fn settings_child(
    scope: Scope<'_>,
    cluster: &ValidatedCluster,
    name: &str,
) -> Result<Child, CallError> {
    let object = names::object::<ConfigMap>(name);
    if let Some(uid) = scope.copies.and_then(|_| scope.recent.settings(scope.namespace, name)) {
        return Ok(Child { object, standing: Standing::Ours(uid), version: None });
    }
    let found = metadata::<ConfigMap>(scope, name).await?;
    let child = Child::new(object, cluster, found.as_ref());
    let uid = match &child.standing {
        Standing::Ours(uid) => Some(uid.as_str()),
        Standing::Free | Standing::Going | Standing::Foreign(_) => None,
    };
    scope.recent.note_settings(scope.namespace, name, uid);
    Ok(child)
}

/// Of the settings that nodes take while they run, those that the pods of a StatefulSet are made
/// with; none where its settings are gone.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(super) async fn live_settings(
    scope: Scope<'_>,
    set: &StatefulSet,
) -> Result<BTreeMap<String, String>, CallError> {
    let template = set.spec.as_ref().map(|spec| &spec.template);
    let Some(name) = template.and_then(build::settings_of) else { return Ok(BTreeMap::new()) };
    if let Some(live) = scope.recent.live(scope.namespace, &name) {
        return Ok(live);
    }
    let failed = kubernetes(Request::Read(names::object::<ConfigMap>(&name)));
    let found = scope.api::<ConfigMap>().get_opt(&name).await.map_err(failed)?;
    let Some(found) = found else { return Ok(BTreeMap::new()) };
    let variables = found.data.unwrap_or_default().into_iter();
    let setting = |(name, value): (String, String)| {
        let name = name.strip_prefix(names::SETTING_PREFIX)?;
        live::is_live(name).then(|| (name.to_owned(), value))
    };
    let live: BTreeMap<String, String> = variables.filter_map(setting).collect();
    scope.recent.note_live(scope.namespace, &name, live.clone());
    Ok(live)
}

/// Names of the recipes that are kept.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(super) async fn recipes(scope: Scope<'_>) -> Result<BTreeSet<String>, CallError> {
    if let Some(copies) = scope.copies_of(|copies| &copies.recipes) {
        return Ok(kept(copies.iter().map(|copy| &copy.metadata)));
    }
    let selected = ListParams::default().labels(&names::recipes_selector(scope.cluster));
    let found = scope.api::<ControllerRevision>().list_metadata(&selected).await;
    let found = found.map_err(kubernetes(Request::List("the recipes that are kept".into())))?;
    Ok(kept(found.items.iter().map(|kept| &kept.metadata)))
}

/// Names of the recipes in these objects. One that goes with a cluster that was deleted is kept no
/// longer.
fn kept<'a>(objects: impl Iterator<Item = &'a ObjectMeta>) -> BTreeSet<String> {
    let stays = objects.filter(|object| object.deletion_timestamp.is_none());
    stays.filter_map(|object| object.labels.as_ref()?.get(names::RECIPE).cloned()).collect()
}

/// Pods that people pinned copies to, each with a ShardPlacement that says so.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(super) async fn pins(scope: Scope<'_>) -> Result<BTreeMap<String, String>, CallError> {
    let found = match scope.copies_of(|copies| &copies.placements) {
        Some(copies) => copies,
        None => {
            let failed = kubernetes(Request::List("the shard placements".into()));
            let found = scope.api::<ShardPlacement>().list(&scope.selected()).await;
            found.map_err(failed)?.items.into_iter().map(Arc::new).collect()
        }
    };
    let pins = found.iter().flat_map(|placement| {
        let name = placement.name_any();
        let wanted = placement.spec.replicas.clone().into_iter().flatten();
        wanted.map(move |replica| (replica.node, name.clone()))
    });
    Ok(pins.collect())
}

async fn child<K, Copy>(
    scope: Scope<'_>,
    cluster: &ValidatedCluster,
    name: &str,
    copies: fn(&Copies) -> &Store<Copy>,
) -> Result<Child, CallError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned,
    K: std::fmt::Debug,
    Copy: Resource<DynamicType = ()> + Clone + 'static,
{
    let object = names::object::<K>(name);
    // Copies are of what bears our labels. What else stands there, Kubernetes says.
    if let Some(copy) = scope.copy_of(copies, name) {
        return Ok(Child::new(object, cluster, Some(copy.meta())));
    }
    let found = metadata::<K>(scope, name).await?;
    Ok(Child::new(object, cluster, found.as_ref()))
}

async fn metadata<K>(scope: Scope<'_>, name: &str) -> Result<Option<ObjectMeta>, CallError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned,
    K: std::fmt::Debug,
{
    let failed = kubernetes(Request::Read(names::object::<K>(name)));
    let found = scope.api::<K>().get_metadata_opt(name).await.map_err(failed)?;
    Ok(found.map(|found| found.metadata))
}
