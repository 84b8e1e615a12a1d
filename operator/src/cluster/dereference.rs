//! Reads what Kubernetes and the database have. Changes nothing.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use uuid::Uuid;
use vane_crds::VectorCluster;

use super::observed::{Observed, Pod, Set};
use super::status::remembers_founding;
use crate::database::{
    self as client, Database, Disk, disks, overview, pods as kubernetes_pods, token,
};
use crate::error::{Error, kubernetes};
use crate::names;

/// A cluster with what is known of it.
pub struct Dereferenced {
    /// What the plan is made from.
    pub observed: Observed,
    /// The secret of the database, if there is one.
    pub token: Option<String>,
    /// Addresses of the pods' admin interfaces, by ordinal.
    pub addresses: BTreeMap<i32, String>,
}

/// Reads everything about a cluster.
pub async fn dereference(
    kubernetes_client: &Client,
    cluster: &VectorCluster,
) -> Result<Dereferenced, Error> {
    let name = cluster.name_any();
    let namespace = cluster.namespace().ok_or_else(|| incomplete(&name, "namespace"))?;
    let uid = cluster.uid().ok_or_else(|| incomplete(&name, "uid"))?;
    let uid = Uuid::parse_str(&uid).map_err(|_| incomplete(&name, "uid"))?;
    let (token, no_token) = match token::read(kubernetes_client, &name, &namespace).await? {
        Ok(token) => (Some(token), None),
        Err(why) => (None, Some(why)),
    };
    let set = set(kubernetes_client, &name, &namespace).await?;
    let highest_claim = highest_claim(kubernetes_client, &name, &namespace).await?;
    let found = kubernetes_pods::list(kubernetes_client, &name, &namespace).await?;
    let addresses: BTreeMap<i32, String> = found
        .iter()
        .filter_map(|(ordinal, pod)| Some((*ordinal, kubernetes_pods::address(pod)?)))
        .collect();
    let disks = disks(token.as_deref(), &addresses).await;
    let mut pods = BTreeMap::new();
    for (ordinal, pod) in found {
        let silent = || Disk::Unreachable("it has no address yet".into());
        let disk = disks.get(&ordinal).cloned().unwrap_or_else(silent);
        let zone = kubernetes_pods::zone(kubernetes_client, &pod).await?;
        pods.insert(
            ordinal,
            Pod { name: pod.name_any(), ready: kubernetes_pods::is_ready(&pod), zone, disk },
        );
    }
    let database = ask_database(token.as_deref(), &addresses, &pods).await;
    let founded = remembers_founding(cluster);
    let observed = Observed { uid, no_token, set, highest_claim, pods, founded, database };
    Ok(Dereferenced { observed, token, addresses })
}

fn incomplete(name: &str, field: &'static str) -> Error {
    Error::Incomplete { object: format!("VectorCluster {name}"), field }
}

async fn set(
    kubernetes_client: &Client,
    name: &str,
    namespace: &str,
) -> Result<Option<Set>, Error> {
    let sets: Api<StatefulSet> = Api::namespaced(kubernetes_client.clone(), namespace);
    let found = sets.get_opt(name).await.map_err(kubernetes(format!("read statefulset {name}")))?;
    Ok(found.map(|set| {
        let template = set.annotations().get(names::TEMPLATE_ANNOTATION).cloned();
        let spec = set.spec.unwrap_or_default();
        let claim = spec.volume_claim_templates.into_iter().flatten().next();
        let requests = claim.and_then(|it| it.spec?.resources?.requests);
        let size = requests.and_then(|mut it| it.remove("storage")).map(|it| it.0);
        Set { replicas: spec.replicas.unwrap_or(1), template, size }
    }))
}

async fn highest_claim(
    kubernetes_client: &Client,
    name: &str,
    namespace: &str,
) -> Result<Option<i32>, Error> {
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(kubernetes_client.clone(), namespace);
    let selected = ListParams::default().labels(&names::selector(name));
    let found =
        claims.list_metadata(&selected).await.map_err(kubernetes("list the volume claims"))?;
    Ok(found.items.iter().filter_map(|it| names::claim_ordinal(name, &it.name_any())).max())
}

/// Asks the nodes that are members one after the other, until one answers.
pub async fn ask_database(
    token: Option<&str>,
    addresses: &BTreeMap<i32, String>,
    pods: &BTreeMap<i32, Pod>,
) -> Option<Database> {
    let is_member =
        |ordinal: &i32| pods.get(ordinal).is_some_and(|it| matches!(it.disk, Disk::Member { .. }));
    for (ordinal, address) in addresses.iter().filter(|(ordinal, _)| is_member(ordinal)) {
        let Ok(admin) = client::admin(address, token?) else { continue };
        match overview(admin).await {
            Ok(database) => return Some(database),
            Err(error) => tracing::info!(ordinal, %error, "a node does not answer"),
        }
    }
    None
}
