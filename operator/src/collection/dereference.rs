//! Reads what Kubernetes and the database have. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kube::api::Api;
use kube::core::error_boundary::DeserializeGuard;
use kube::runtime::reflector::Store;
use kube::{Client, ResourceExt};
use tonic::Code;
use vane_crds::conditions::FOUNDED;
use vane_crds::{Collection, VectorCluster};
use vane_proto::admin;

use super::claim::taken_by;
use super::observed::{Cluster, Observed};
use super::plan::name;
use super::spread::{self, Wanted};
use super::status::remembers;
use crate::database::{Admin, pods as kubernetes_pods, token};
use crate::error::{Error, database, kubernetes};
use crate::names;

/// The Collections that the controller watches.
pub type Collections = Store<DeserializeGuard<Collection>>;

/// What is known of a collection, and a node to change it through, where one answers.
pub async fn dereference(
    client: &Client,
    collection: &Collection,
    all: &Collections,
) -> Result<(Observed, Option<Admin>), Error> {
    let incomplete = |field| Error::Incomplete {
        object: format!("Collection {}", collection.name_any()),
        field,
    };
    let namespace = collection.namespace().ok_or_else(|| incomplete("namespace"))?;
    let all = all.state();
    let mut observed = Observed {
        taken_by: taken_by(collection, all.iter().filter_map(|it| it.0.as_ref().ok())),
        key: collection.uid().ok_or_else(|| incomplete("uid"))?,
        was_there: remembers(collection),
        going: collection.metadata.deletion_timestamp.is_some(),
        ..Observed::default()
    };
    let cluster = &collection.spec.cluster_ref.name;
    let clusters: Api<VectorCluster> = Api::namespaced(client.clone(), &namespace);
    let named = clusters
        .get_opt(cluster)
        .await
        .map_err(kubernetes(format!("read VectorCluster {cluster}")))?;
    let Some(named) = named.filter(|it| it.metadata.deletion_timestamp.is_none()) else {
        return Ok((observed, None));
    };
    observed.paused = named.spec.paused;
    let Ok(token) = token::read(client, cluster, &namespace).await? else {
        let secret = names::token_secret(cluster);
        observed.cluster = Cluster::Silent(format!(
            "there is no token in secret {secret}; see VectorCluster {cluster}"
        ));
        return Ok((observed, None));
    };
    observed.cluster = Cluster::Silent(format!("no node of {cluster} is ready"));
    for mut admin in kubernetes_pods::ready_nodes(client, cluster, &namespace, &token).await? {
        match read(&mut admin, name(collection)).await {
            Ok((nodes, found, shards)) => {
                // A name that two nodes have is one pod, which has one disk.
                let names: BTreeSet<&str> = nodes.iter().map(|it| it.name.as_str()).collect();
                let there = Cluster::There(i32::try_from(names.len()).unwrap_or(i32::MAX));
                let is_new = found.is_none() && !observed.was_there && !observed.going;
                if is_new && observed.taken_by.is_none() {
                    observed.awaited = awaited(client, &named, &namespace, nodes).await?;
                }
                observed = Observed { cluster: there, found, shards, ..observed };
                return Ok((observed, Some(admin)));
            }
            Err(error) => observed.cluster = Cluster::Silent(error.to_string()),
        }
    }
    Ok((observed, None))
}

/// What a new collection of a cluster waits for.
async fn awaited(
    client: &Client,
    cluster: &VectorCluster,
    namespace: &str,
    nodes: Vec<admin::Node>,
) -> Result<Option<String>, Error> {
    let name = cluster.name_any();
    let pods = kubernetes_pods::list(client, &name, namespace).await?;
    let absent = |it| (it, Wanted { name: names::pod(&name, it), made: None, zone: None });
    let mut wanted: BTreeMap<i32, Wanted> = (0..cluster.spec.nodes).map(absent).collect();
    for (ordinal, pod) in pods {
        let made = pod.creation_timestamp().map(|it| it.0);
        wanted.insert(
            ordinal,
            Wanted { name: pod.name_any(), made, zone: kubernetes_pods::zone(client, &pod).await? },
        );
    }
    let conditions = cluster.status.iter().flat_map(|it| &it.conditions);
    let mut founded = conditions
        .filter(|it| it.type_ == FOUNDED && it.status == "True")
        .map(|it| it.last_transition_time.0);
    Ok(spread::awaited(wanted.values(), nodes, founded.next(), Timestamp::now()))
}

type Read = (Vec<admin::Node>, Option<admin::Collection>, Vec<admin::Shard>);

async fn read(admin: &mut Admin, name: &str) -> Result<Read, Error> {
    let nodes =
        admin.list_nodes(admin::ListNodesRequest {}).await.map_err(database("list the nodes"))?;
    let nodes = nodes.into_inner().nodes;
    let request = admin::GetCollectionRequest { name: name.to_owned() };
    let found = match admin.get_collection(request).await {
        Ok(found) => found.into_inner(),
        Err(status) if status.code() == Code::NotFound => return Ok((nodes, None, Vec::new())),
        Err(status) => return Err(database(format!("read collection {name}"))(status)),
    };
    if found.name != name {
        // An alias of that name; a collection of that name cannot be made beside it.
        return Ok((nodes, None, Vec::new()));
    }
    let request = admin::ListShardsRequest { collection: name.to_owned() };
    let shards =
        admin.list_shards(request).await.map_err(database(format!("list the shards of {name}")))?;
    Ok((nodes, Some(found), shards.into_inner().shards))
}
