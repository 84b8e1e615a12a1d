//! Makes the objects of shards that are there, writes their status, and takes those away whose
//! shard is gone: by two looks some time apart, each by the word of a majority.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use serde_json::json;
use tonic::Code;
use vane_crds::ShardPlacement;
use vane_crds::placement::{Move, ShardPlacementStatus};
use vane_proto::admin;

use super::build;
use super::pin::{self, Wish};
use crate::cluster::validate::ValidatedCluster;
use crate::context::Context;
use crate::database::{Admin, Database};
use crate::error::{CallError, Request, kubernetes};
use crate::names::{self, MANAGER};
use crate::status;

/// Time between writes of a status of which only figures changed.
const FIGURES: Duration = Duration::from_secs(60);
/// Shards of a database that have an object each, in the order of their collections' names.
const PLACEMENTS_MAX: usize = 2000;

/// Brings the objects of a cluster to what its database says. Of a paused one only their
/// status: none is made, none is taken away.
///
/// # Errors
///
/// Kubernetes refused or did not answer. The objects before the one named were brought up to
/// date.
pub(crate) async fn sync(
    context: &Context,
    cluster: &ValidatedCluster,
    database: &Database,
    admin: Option<Admin>,
) -> Result<(), CallError> {
    let placements: Api<ShardPlacement> =
        Api::namespaced(context.client.clone(), &cluster.namespace);
    let mut there = list(context, &placements, cluster).await?;
    let nodes = build::nodes(database);
    let now = Time(Timestamp::now());
    for (position, shard) in database.shards.iter().enumerate() {
        let wanted = build::object(cluster, shard);
        let placement = match there.remove(&wanted.name_any()) {
            Some(placement) if is_of(&placement, shard) => {
                context.sightings.found(&placement.uid().unwrap_or_default());
                placement
            }
            // Hashes of two names are the same, which nothing but an attempt at it makes likely.
            Some(other) => {
                tracing::warn!(
                    object = other.name_any(),
                    collection = shard.collection,
                    "a shard has no object: the object of its name is another's"
                );
                continue;
            }
            // Of a paused cluster nothing is made. Of a large database the rest is counted in the
            // cluster's status: each object is one of the API server's, and whoever may write to
            // the database may make shards.
            None if cluster.spec.paused || position >= PLACEMENTS_MAX => continue,
            None => Arc::new(make(&placements, &wanted).await?),
        };
        // A shard that is asked for or pinned tells so in the next look.
        if let Some(admin) = admin.clone().filter(|_| may_change(cluster, database)) {
            grant(&placements, admin, &placement, shard, database).await?;
        }
        let status = build::status(&placement, shard, database, &nodes, &now);
        update_status(context, &placement, status).await?;
    }
    // One node's own word is no reason to take anything away.
    if !may_change(cluster, database) {
        return Ok(());
    }
    for placement in there.values() {
        let uid = placement.uid().unwrap_or_default();
        if !context.sightings.is_still_missing(&uid) {
            continue;
        }
        // What a person wrote into it is the person's to take away.
        match placement.spec.replicas {
            Some(_) => {
                let status = build::gone(placement, &now);
                update_status(context, placement, status).await?;
            }
            None => delete(&placements, placement).await?,
        }
    }
    Ok(())
}

fn may_change(cluster: &ValidatedCluster, database: &Database) -> bool {
    !cluster.spec.paused && database.confirmed.is_some()
}

/// Does what the object of a shard asks for.
///
/// # Errors
///
/// Kubernetes or the database refused or did not answer. Of a shard that was changed meanwhile the
/// next look decides anew.
async fn grant(
    placements: &Api<ShardPlacement>,
    mut admin: Admin,
    placement: &ShardPlacement,
    shard: &admin::Shard,
    database: &Database,
) -> Result<(), CallError> {
    let group = shard.group.as_ref().map_or(0, |group| group.id);
    let name = placement.name_any();
    let failed = |what: &str| crate::error::database(Request::Step(format!("{what} {name}")));
    let done = match pin::wish(placement, shard, database) {
        Wish::Nothing => return Ok(()),
        Wish::LetGo => {
            let patch = Patch::Merge(json!({
                "metadata": {"resourceVersion": placement.resource_version()},
                "spec": {"replicas": null},
            }));
            let request = Request::Step(format!("take spec.replicas out of shardplacement {name}"));
            return match placements.patch(&name, &PatchParams::default(), &patch).await {
                // Somebody wrote into it since the look.
                Err(kube::Error::Api(status)) if status.is_conflict() => Ok(()),
                taken => taken.map(drop).map_err(kubernetes(request)),
            };
        }
        Wish::Pin(pinned) => {
            let request = admin::PinShardRequest { group, pinned };
            let done = admin.pin_shard(request).await.map(drop);
            done.map_err(failed("pin the shard of shardplacement"))
        }
        Wish::Move { replicas, revision } => {
            let if_revision = Some(revision);
            let request = admin::ReconfigureShardRequest { group, replicas, if_revision };
            match admin.reconfigure_shard(request).await {
                // Somebody else asked for replicas since the look.
                Err(status) if status.code() == Code::FailedPrecondition => Ok(()),
                done => done.map(drop).map_err(failed("move the copies of shardplacement")),
            }
        }
    };
    match done {
        // While a node runs a version from before pins; it is asked for again.
        Err(CallError::Database { ref status, .. }) if status.code() == Code::Unimplemented => {
            tracing::info!(object = name, %status, "a shard is not pinned yet");
            Ok(())
        }
        done => done,
    }
}

/// Whether an object is that of a shard, and not only called as it would be.
fn is_of(placement: &ShardPlacement, shard: &admin::Shard) -> bool {
    let ordinal = u32::try_from(placement.spec.shard).ok();
    (placement.spec.collection.as_str(), ordinal) == (&shard.collection, Some(shard.ordinal))
}

/// The objects of a cluster, by name.
async fn list(
    context: &Context,
    placements: &Api<ShardPlacement>,
    cluster: &ValidatedCluster,
) -> Result<BTreeMap<String, Arc<ShardPlacement>>, CallError> {
    let copies = context.copies(&cluster.namespace);
    let scope = context.scope(&cluster.namespace, &cluster.name, copies.as_deref());
    let there = match scope.copies_of(|copies| &copies.placements) {
        Some(copies) => copies,
        None => {
            let selected = ListParams::default().labels(&names::selector(&cluster.name));
            let failed = kubernetes(Request::List("the shard placements".into()));
            let listed = placements.list(&selected).await.map_err(failed)?;
            listed.items.into_iter().map(Arc::new).collect()
        }
    };
    Ok(there.into_iter().map(|placement| (placement.name_any(), placement)).collect())
}

async fn make(
    placements: &Api<ShardPlacement>,
    wanted: &ShardPlacement,
) -> Result<ShardPlacement, CallError> {
    let name = wanted.name_any();
    let parameters = PatchParams::apply(MANAGER).force();
    let made = placements.patch(&name, &parameters, &Patch::Apply(wanted)).await;
    made.map_err(kubernetes(Request::Make(format!("shardplacement {name}"))))
}

/// Deletes the object of a shard that is gone. That moves nothing: the shard went with its
/// collection. One that somebody has written into since it was looked at stays for another look.
async fn delete(
    placements: &Api<ShardPlacement>,
    placement: &ShardPlacement,
) -> Result<(), CallError> {
    let name = &placement.name_any();
    let seen =
        Preconditions { uid: placement.uid(), resource_version: placement.resource_version() };
    let parameters = DeleteParams { preconditions: Some(seen), ..DeleteParams::default() };
    match placements.delete(name, &parameters).await {
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        outcome => {
            let request = Request::Delete(format!("shardplacement {name}"));
            outcome.map(drop).map_err(kubernetes(request))
        }
    }
}

/// Writes a status that says something new. One of which only figures changed waits: with
/// every point that is written they change.
async fn update_status(
    context: &Context,
    placement: &ShardPlacement,
    status: ShardPlacementStatus,
) -> Result<(), CallError> {
    let before = placement.status.as_ref();
    let only_figures = before.map(without_figures).as_ref() == Some(&without_figures(&status));
    if before == Some(&status) || (only_figures && !context.is_due(placement, FIGURES)) {
        return Ok(());
    }
    let request = format!("the status of shardplacement {}", placement.name_any());
    let written = status::write(&context.client, placement, &status).await;
    written.map_err(kubernetes(Request::Write(request)))?;
    context.wrote(placement);
    Ok(())
}

fn without_figures(status: &ShardPlacementStatus) -> ShardPlacementStatus {
    let of_move = status.of_move.clone().map(|of_move| Move {
        percent: None,
        bytes_done: None,
        bytes_per_second: None,
        eta_seconds: None,
        ..of_move
    });
    ShardPlacementStatus { points: None, bytes: None, of_move, ..status.clone() }
}
