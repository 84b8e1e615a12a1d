//! Looks at what stands under the names that a cluster needs. Changes nothing.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::ListParams;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::standing::{Child, standing};
use super::validate::ValidatedCluster;
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
        child::<StatefulSet>(scope, cluster, name),
        child::<Service>(scope, cluster, name),
        child::<Service>(scope, cluster, &headless),
        child::<ServiceAccount>(scope, cluster, name),
        child::<PodDisruptionBudget>(scope, cluster, name),
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
        let child = child::<ConfigMap>(scope, cluster, &name).await?;
        Ok((recipe, child))
    };
    try_join_all(recipes.into_iter().map(look)).await
}

/// Names of the recipes that are kept.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(super) async fn recipes(scope: Scope<'_>) -> Result<BTreeSet<String>, CallError> {
    let selected = ListParams::default().labels(&names::recipes_selector(scope.cluster));
    let found = scope.api::<ControllerRevision>().list_metadata(&selected).await;
    let found = found.map_err(kubernetes(Request::List("the recipes that are kept".into())))?;
    // One that goes with a cluster that was deleted is kept no longer.
    let stays = found.items.iter().filter(|kept| kept.metadata.deletion_timestamp.is_none());
    Ok(stays.filter_map(|kept| kept.labels().get(names::RECIPE).cloned()).collect())
}

async fn child<K>(
    scope: Scope<'_>,
    cluster: &ValidatedCluster,
    name: &str,
) -> Result<Child, CallError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned,
    K: std::fmt::Debug,
{
    let object = names::object::<K>(name);
    let failed = kubernetes(Request::Read(object.clone()));
    let found = scope.api::<K>().get_metadata_opt(name).await.map_err(failed)?;
    let standing = standing(cluster, found.as_ref().map(|found| &found.metadata));
    Ok(Child { object, standing })
}
