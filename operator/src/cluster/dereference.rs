//! Reads what Kubernetes and the database have. Changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Node as Machine, PersistentVolumeClaim, Pod as KubernetesPod};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use uuid::Uuid;
use vane_crds::VectorCluster;
use vane_proto::admin;

use super::observed::{Database, Disk, Observed, Pod, Set};
use super::status::remembers_founding;
use crate::database::{self as client, Admin};
use crate::error::{Error, database, kubernetes};
use crate::{names, reach};

/// Where a machine says in which zone it stands.
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// Pause before trouble is looked at again: longer than a heartbeat takes, shorter than the
/// time between two questions of a leader.
const SECOND_LOOK: Duration = Duration::from_millis(300);

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
    let (token, no_token) = match reach::token(kubernetes_client, &name, &namespace).await? {
        Ok(token) => (Some(token), None),
        Err(why) => (None, Some(why)),
    };
    let set = set(kubernetes_client, &name, &namespace).await?;
    let highest_claim = highest_claim(kubernetes_client, &name, &namespace).await?;
    let found = reach::pods(kubernetes_client, &name, &namespace).await?;
    let addresses: BTreeMap<i32, String> =
        found.iter().filter_map(|(ordinal, pod)| Some((*ordinal, reach::address(pod)?))).collect();
    let disks = disks(token.as_deref(), &addresses).await;
    let mut pods = BTreeMap::new();
    for (ordinal, pod) in found {
        let silent = || Disk::Unreachable("it has no address yet".into());
        let disk = disks.get(&ordinal).cloned().unwrap_or_else(silent);
        let zone = zone(kubernetes_client, &pod).await?;
        pods.insert(
            ordinal,
            Pod { name: pod.name_any(), ready: reach::is_ready(&pod), zone, disk },
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

/// Zone of the machine that a pod runs on, where it is on one that says so.
pub(crate) async fn zone(
    kubernetes_client: &Client,
    pod: &KubernetesPod,
) -> Result<Option<String>, Error> {
    let Some(machine) = pod.spec.as_ref().and_then(|it| it.node_name.as_deref()) else {
        return Ok(None);
    };
    let machines: Api<Machine> = Api::all(kubernetes_client.clone());
    let doing = kubernetes(format!("read the zone of machine {machine}"));
    let found = machines.get_metadata_opt(machine).await.map_err(doing)?;
    Ok(found.and_then(|it| it.labels().get(ZONE_LABEL).cloned()))
}

/// Asks the nodes at these addresses, by ordinal, whose disks they have. Without a token
/// nobody can be asked.
pub async fn disks(token: Option<&str>, addresses: &BTreeMap<i32, String>) -> BTreeMap<i32, Disk> {
    let Some(token) = token else { return BTreeMap::new() };
    let ask = |(ordinal, address): (&i32, &String)| {
        let (ordinal, asked) = (*ordinal, client::admin(address, token));
        async move {
            let disk = match asked {
                Ok(admin) => disk(admin).await,
                Err(error) => Disk::Unreachable(error.to_string()),
            };
            (ordinal, disk)
        }
    };
    join_all(addresses.iter().map(ask)).await.into_iter().collect()
}

async fn disk(mut admin: Admin) -> Disk {
    match admin.get_disk(admin::GetDiskRequest {}).await.map(tonic::Response::into_inner) {
        Err(status) => Disk::Unreachable(format!("it does not answer ({})", status.message())),
        Ok(disk) => match disk.state() {
            admin::disk::State::Empty => Disk::Empty,
            admin::disk::State::Member => Disk::Member { cluster_id: disk.cluster_id },
            admin::disk::State::Unspecified => {
                Disk::Unreachable("its disk is of a later version".into())
            }
        },
    }
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

/// What a node knows of the database. Trouble is told when two looks show it: a leader asks
/// who is there every 0.7 s, and until the next heartbeat (0.2 s) nobody has answered it.
async fn overview(mut admin: Admin) -> Result<Database, Error> {
    let first = look(&mut admin).await?;
    if !first.is_troubled() {
        return Ok(first);
    }
    tokio::time::sleep(SECOND_LOOK).await;
    Ok(look(&mut admin).await?.confirmed_by(&first))
}

async fn look(admin: &mut Admin) -> Result<Database, Error> {
    let cluster = admin
        .get_cluster(admin::GetClusterRequest {})
        .await
        .map_err(database("read the cluster"))?;
    let nodes =
        admin.list_nodes(admin::ListNodesRequest {}).await.map_err(database("list the nodes"))?;
    let shards = admin
        .list_shards(admin::ListShardsRequest::default())
        .await
        .map_err(database("list the shards"))?;
    Ok(Database {
        cluster: cluster.into_inner(),
        nodes: nodes.into_inner().nodes,
        shards: shards.into_inner().shards,
    })
}
