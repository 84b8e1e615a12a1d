//! Looks at what stands under the names that a cluster needs. Changes nothing.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Resource;
use serde::de::DeserializeOwned;

use super::standing::{Child, standing};
use super::validate::ValidatedCluster;
use crate::database::Scope;
use crate::error::{CallError, Request, kubernetes};
use crate::names;

/// What stands under the name of each child, of a kind that is applied. The Secret is not among
/// them: it is made where there is none, and never written over.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(super) async fn children(
    scope: Scope<'_>,
    cluster: &ValidatedCluster,
) -> Result<Vec<Child>, CallError> {
    let name = &cluster.name;
    let (headless, settings) = (names::headless_service(name), names::config_map(name));
    // Side by side: a pass waits for the slowest, not for all of them.
    let (set, service, nodes, account, budget, settings) = tokio::try_join!(
        child::<StatefulSet>(scope, cluster, name),
        child::<Service>(scope, cluster, name),
        child::<Service>(scope, cluster, &headless),
        child::<ServiceAccount>(scope, cluster, name),
        child::<PodDisruptionBudget>(scope, cluster, name),
        child::<ConfigMap>(scope, cluster, &settings),
    )?;
    Ok(vec![set, service, nodes, account, budget, settings])
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
