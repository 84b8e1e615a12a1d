//! Reads what Kubernetes and the database have. Changes nothing.

use kube::api::Api;
use kube::core::error_boundary::DeserializeGuard;
use kube::runtime::reflector::Store;
use kube::{Client, ResourceExt};
use tonic::Code;
use vane_crds::{Collection, VectorCluster};
use vane_proto::admin;

use super::claim::taken_by;
use super::observed::{Cluster, Observed};
use super::plan::name;
use super::status::remembers;
use crate::database::Admin;
use crate::error::{Error, database, kubernetes};
use crate::reach;

/// The Collections that the controller watches.
pub type Collections = Store<DeserializeGuard<Collection>>;

/// What is known of a collection, and a node to change it through, where one answers.
pub async fn dereference(
    client: &Client,
    collection: &Collection,
    all: &Collections,
) -> Result<(Observed, Option<Admin>), Error> {
    let incomplete = |field| Error::Incomplete { object: format!("Collection {}", collection.name_any()), field };
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
    let found = clusters.get_opt(cluster).await.map_err(kubernetes(format!("read VectorCluster {cluster}")))?;
    if found.is_none_or(|it| it.metadata.deletion_timestamp.is_some()) {
        return Ok((observed, None));
    }
    observed.cluster = Cluster::Silent(format!("no node of {cluster} is ready"));
    for mut admin in reach::ready_nodes(client, cluster, &namespace).await? {
        match read(&mut admin, name(collection)).await {
            Ok((nodes, found, shards)) => {
                observed = Observed { cluster: Cluster::There(nodes), found, shards, ..observed };
                return Ok((observed, Some(admin)));
            }
            Err(error) => observed.cluster = Cluster::Silent(error.to_string()),
        }
    }
    Ok((observed, None))
}

type Read = (i32, Option<admin::Collection>, Vec<admin::Shard>);

async fn read(admin: &mut Admin, name: &str) -> Result<Read, Error> {
    let nodes = admin.list_nodes(admin::ListNodesRequest {}).await.map_err(database("list the nodes"))?;
    let nodes = i32::try_from(nodes.into_inner().nodes.len()).unwrap_or(i32::MAX);
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
    let shards = admin.list_shards(request).await.map_err(database(format!("list the shards of {name}")))?;
    Ok((nodes, Some(found), shards.into_inner().shards))
}
