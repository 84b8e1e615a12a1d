//! Reads what Kubernetes and the database have. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kube::ResourceExt;
use kube::core::error_boundary::DeserializeGuard;
use kube::runtime::reflector::Store;
use tonic::Code;
use vane_crds::conditions::FOUNDED;
use vane_crds::{Collection, VectorCluster};
use vane_proto::admin;

use super::claim::taken_by;
use super::observed::{Cluster, Observed};
use super::spread::{self, Wanted};
use super::status::remembers;
use super::validate::ValidatedCollection;
use crate::context::Context;
use crate::copies::Copies;
use crate::database::{Admin, Scope, catch_up, machines, pods, token};
use crate::error::{CallError, Request, database, kubernetes};
use crate::names;

/// The Collections that the controller watches.
pub(crate) type Collections = Store<DeserializeGuard<Collection>>;

/// A collection with what is known of it.
pub(crate) struct Dereferenced {
    /// What the plan is made from.
    pub(crate) observed: Observed,
    /// A node to change the collection through, where one answers.
    pub(crate) node: Option<Admin>,
}

/// Reads the cluster that a Collection names, and asks a node for the collection.
///
/// # Errors
///
/// Kubernetes refused or did not answer. That no node answers is a fact, not an error.
pub(crate) async fn dereference(
    context: &Context,
    collection: &ValidatedCollection,
    all: &Collections,
    copies: Option<&Copies>,
) -> Result<Dereferenced, CallError> {
    let all = all.state();
    // An object that cannot be read names no collection.
    let readable = all.iter().filter_map(|object| object.0.as_ref().ok());
    let mut observed = Observed {
        taken_by: taken_by(collection, readable),
        was_there: remembers(&collection.status),
        ..Observed::default()
    };
    let name = &collection.spec.cluster_ref.name;
    let scope = context.scope(&collection.namespace, name, copies);
    let Some(cluster) = named_cluster(scope).await? else {
        return Ok(Dereferenced { observed, node: None });
    };
    observed.paused = cluster.spec.paused;
    let Ok(token) = token::read(scope).await? else {
        let secret = names::token_secret(name);
        observed.cluster = Cluster::Silent(format!(
            "there is no token in secret {secret}; see VectorCluster {name}"
        ));
        return Ok(Dereferenced { observed, node: None });
    };
    observed.cluster = Cluster::Silent(format!("no node of {name} is ready"));
    // The first that answers is asked for the changes too: any node takes them.
    for mut node in pods::ready_nodes(scope, &token).await? {
        let answer = match read(&mut node, &collection.name).await {
            Ok(answer) => answer,
            // What the last one said is told, if all are silent.
            Err(error) => {
                observed.cluster = Cluster::Silent(error.to_string());
                continue;
            }
        };
        observed.cluster = Cluster::There(answer.pods());
        // Only one that is about to be made waits: copies of others stay where they are.
        let is_new = answer.found.is_none() && !observed.was_there && !collection.going;
        if is_new && observed.taken_by.is_none() {
            observed.awaited = awaited(scope, &cluster, answer.nodes).await?;
        }
        (observed.found, observed.shards) = (answer.found, answer.shards);
        return Ok(Dereferenced { observed, node: Some(node) });
    }
    Ok(Dereferenced { observed, node: None })
}

/// The cluster that a Collection names. One that is being deleted counts as gone.
async fn named_cluster(scope: Scope<'_>) -> Result<Option<VectorCluster>, CallError> {
    let copy = scope.copy_of(|copies| &copies.clusters, scope.cluster);
    let found = match copy.as_ref().and_then(|copy| copy.0.as_ref().ok()) {
        Some(copy) => Some(copy.clone()),
        None => {
            let failed = kubernetes(Request::Read(format!("VectorCluster {}", scope.cluster)));
            scope.api::<VectorCluster>().get_opt(scope.cluster).await.map_err(failed)?
        }
    };
    Ok(found.filter(|cluster| cluster.metadata.deletion_timestamp.is_none()))
}

/// What a new collection of a cluster waits for.
async fn awaited(
    scope: Scope<'_>,
    cluster: &VectorCluster,
    nodes: Vec<admin::Node>,
) -> Result<Option<String>, CallError> {
    // Those that the spec asks for, made or not, and with the list below those that run beyond it.
    let mut wanted: BTreeMap<i32, Wanted> = (0..cluster.spec.nodes)
        .map(|ordinal| (ordinal, Wanted::absent(names::pod(scope.cluster, ordinal))))
        .collect();
    for (ordinal, pod) in pods::list(scope).await? {
        let made = pod.creation_timestamp().map(|time| time.0);
        let zone = machines::of(scope, &pod).await?.and_then(|machine| machine.zone);
        wanted.insert(ordinal, Wanted { name: pod.name_any(), made, zone });
    }
    let mut conditions = cluster.status.iter().flat_map(|status| &status.conditions);
    let founded = conditions
        .find(|condition| condition.type_ == FOUNDED && condition.status == "True")
        .map(|condition| condition.last_transition_time.0);
    Ok(spread::awaited(wanted.values(), nodes, founded, Timestamp::now()))
}

/// What a node answers about a collection.
struct Answer {
    nodes: Vec<admin::Node>,
    found: Option<admin::Collection>,
    shards: Vec<admin::Shard>,
}

impl Answer {
    /// Pods that are nodes. A name that two nodes have is one pod, which has one disk.
    fn pods(&self) -> i32 {
        let names: BTreeSet<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        i32::try_from(names.len()).unwrap_or(i32::MAX)
    }
}

async fn read(node: &mut Admin, name: &str) -> Result<Answer, CallError> {
    // A node that has just joined, or that is cut off, knows of no collections: taken at its word,
    // an object would lose its points or its hold on them.
    let asked = Request::Confirm("what the node knows".into());
    catch_up(node, 0).await.map_err(database(asked))?;
    let nodes = node
        .list_nodes(admin::ListNodesRequest {})
        .await
        .map_err(database(Request::List("the nodes".into())))?
        .into_inner()
        .nodes;
    let request = admin::GetCollectionRequest { name: name.to_owned() };
    let found = match node.get_collection(request).await {
        Ok(found) => Some(found.into_inner()),
        Err(status) if status.code() == Code::NotFound => None,
        Err(status) => {
            return Err(database(Request::Read(format!("collection {name}")))(status));
        }
    };
    // An alias of that name; a collection of that name cannot be made beside it.
    let Some(found) = found.filter(|found| found.name == name) else {
        return Ok(Answer { nodes, found: None, shards: Vec::new() });
    };
    let request = admin::ListShardsRequest { collection: name.to_owned() };
    let failed = database(Request::List(format!("the shards of {name}")));
    let shards = node.list_shards(request).await.map_err(failed)?.into_inner().shards;
    Ok(Answer { nodes, found: Some(found), shards })
}
