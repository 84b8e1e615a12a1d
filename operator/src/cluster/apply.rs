//! Carries out what was built and planned. The only place that changes anything.

use std::fmt::Debug;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;
use vane_crds::VectorCluster;
use vane_crds::cluster::VectorClusterStatus;
use vane_proto::admin;

use super::build::{self, Children};
use super::dereference::Dereferenced;

use super::plan::Step;
use crate::database::{self as client, Disk};
use crate::error::{Error, database, kubernetes};
use crate::names::{self, MANAGER};

/// Applies what is the same on every pass. Each field list is complete: one that is left out
/// here is taken away there.
pub async fn children(kubernetes_client: &Client, cluster: &VectorCluster) -> Result<(), Error> {
    // No `..`: a new child cannot be forgotten.
    let Children { headless_service, client_service, service_account, disruption_budget } =
        build::children(cluster);
    apply(kubernetes_client, headless_service).await?;
    apply(kubernetes_client, client_service).await?;
    apply(kubernetes_client, service_account).await?;
    if let Some(disruption_budget) = disruption_budget {
        apply(kubernetes_client, disruption_budget).await?;
    }
    Ok(())
}

/// Writes the settings of the pods as they are.
pub async fn settings(kubernetes_client: &Client, cluster: &VectorCluster) -> Result<(), Error> {
    apply::<ConfigMap>(kubernetes_client, build::settings(cluster)).await
}

/// Makes the token, unless there is one.
async fn secret(kubernetes_client: &Client, cluster: &VectorCluster) -> Result<(), Error> {
    // 244 bits that nobody can guess, in two strings of hexadecimal digits.
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let secret = build::secret(cluster, &token);
    let secrets: Api<Secret> =
        Api::namespaced(kubernetes_client.clone(), build::namespace(cluster));
    let parameters = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    match secrets.create(&parameters, &secret).await {
        // Another pass was faster; its token counts.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        Err(error) => Err(kubernetes(format!("make secret {}", secret.name_any()))(error)),
        Ok(_) => Ok(()),
    }
}

/// Carries out one step.
pub async fn step(
    kubernetes_client: &Client,
    cluster: &VectorCluster,
    seen: &Dereferenced,
    step: &Step,
) -> Result<(), Error> {
    match step {
        Step::MakeToken => secret(kubernetes_client, cluster).await,
        Step::CreateSet(replicas) => {
            // Pods read their settings when they start: these come first.
            settings(kubernetes_client, cluster).await?;
            apply(kubernetes_client, build::stateful_set(cluster, *replicas)).await
        }
        Step::ScaleOut(replicas) => {
            let sets: Api<StatefulSet> =
                Api::namespaced(kubernetes_client.clone(), build::namespace(cluster));
            let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
            let parameters =
                PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
            let patched = sets.patch_scale(build::name(cluster), &parameters, &patch).await;
            patched.map(drop).map_err(kubernetes(step.to_string()))
        }
        Step::Bootstrap(id) => {
            let request = admin::BootstrapRequest { cluster_id: id.to_string() };
            admin_of(cluster, seen, 0)?
                .bootstrap(request)
                .await
                .map(drop)
                .map_err(database(step.to_string()))
        }
        Step::SetZone { node, zone, .. } => {
            let request = admin::SetNodeZoneRequest { node_id: *node, zone: zone.clone() };
            let member = seen.addresses.keys().copied().find(|it| answers(seen, *it)).unwrap_or(0);
            admin_of(cluster, seen, member)?
                .set_node_zone(request)
                .await
                .map(drop)
                .map_err(database(step.to_string()))
        }
    }
}

fn answers(seen: &Dereferenced, ordinal: i32) -> bool {
    seen.observed.pods.get(&ordinal).is_some_and(|it| matches!(it.disk, Disk::Member { .. }))
}

fn admin_of(
    cluster: &VectorCluster,
    seen: &Dereferenced,
    ordinal: i32,
) -> Result<client::Admin, Error> {
    let pod = names::pod(build::name(cluster), ordinal);
    let silent = || Error::Incomplete { object: format!("pod {pod}"), field: "address" };
    let address = seen.addresses.get(&ordinal).ok_or_else(silent)?;
    let token = seen.token.as_deref().ok_or_else(silent)?;
    client::admin(address, token).map_err(|source| Error::Address { pod: pod.clone(), source })
}

/// Writes the status, if it says anything new.
pub async fn status(
    kubernetes_client: &Client,
    cluster: &VectorCluster,
    status: VectorClusterStatus,
) -> Result<(), Error> {
    if cluster.status.as_ref() == Some(&status) {
        return Ok(());
    }
    let clusters: Api<VectorCluster> =
        Api::namespaced(kubernetes_client.clone(), build::namespace(cluster));
    let patch = json!({
        "apiVersion": VectorCluster::api_version(&()), "kind": VectorCluster::kind(&()), "status": status,
    });
    let parameters = PatchParams::apply(MANAGER).force();
    let written =
        clusters.patch_status(build::name(cluster), &parameters, &Patch::Apply(patch)).await;
    written.map(drop).map_err(kubernetes("write the status"))
}

async fn apply<K>(kubernetes_client: &Client, object: K) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Serialize
        + DeserializeOwned
        + Clone
        + Debug,
{
    let namespace = object.namespace().unwrap_or_else(|| "default".into());
    let doing = format!("apply {} {}", K::kind(&()).to_lowercase(), object.name_any());
    let objects: Api<K> = Api::namespaced(kubernetes_client.clone(), &namespace);
    let parameters = PatchParams::apply(MANAGER).force();
    let applied = objects.patch(&object.name_any(), &parameters, &Patch::Apply(&object)).await;
    applied.map(drop).map_err(kubernetes(doing))
}
