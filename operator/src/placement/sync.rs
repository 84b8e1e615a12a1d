//! Makes the objects of shards that are there, writes their status, and takes those away
//! whose shard is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::{Resource, ResourceExt};
use serde_json::json;
use vane_crds::placement::ShardPlacementStatus;
use vane_crds::{ShardPlacement, VectorCluster};

use super::build;
use crate::context::Context;
use crate::database::Database;
use crate::error::{Error, kubernetes};
use crate::names::{self, MANAGER};

/// Time between writes of a status of which only figures changed.
const FIGURES: Duration = Duration::from_secs(60);

/// Brings the objects of a cluster to what its database says. Of a paused one only their
/// status: none is made, none is taken away.
pub async fn sync(
    context: &Context,
    cluster: &VectorCluster,
    database: &Database,
) -> Result<(), Error> {
    let namespace = cluster.namespace().unwrap_or_default();
    let placements: Api<ShardPlacement> = Api::namespaced(context.client.clone(), &namespace);
    let ours = ListParams::default().labels(&names::selector(&cluster.name_any()));
    let listed = placements.list(&ours).await.map_err(kubernetes("list the shard placements"))?;
    let mut there: BTreeMap<String, ShardPlacement> =
        listed.items.into_iter().map(|it| (it.name_any(), it)).collect();
    let nodes = build::nodes(database);
    let now = Time(Timestamp::now());
    for shard in &database.shards {
        let wanted = build::object(cluster, shard);
        let name = wanted.name_any();
        let placement = match there.remove(&name) {
            Some(placement) => placement,
            None if cluster.spec.paused => continue,
            None => {
                let made = placements
                    .patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(&wanted))
                    .await;
                made.map_err(kubernetes(format!("make shardplacement {name}")))?
            }
        };
        write(context, &placements, &placement, build::status(&placement, shard, &nodes, &now))
            .await?;
    }
    if cluster.spec.paused {
        return Ok(());
    }
    // Deleting one moves nothing: its shard went with its collection.
    for name in there.keys() {
        match placements.delete(name, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            outcome => drop(outcome.map_err(kubernetes(format!("delete shardplacement {name}")))?),
        }
    }
    Ok(())
}

async fn write(
    context: &Context,
    placements: &Api<ShardPlacement>,
    placement: &ShardPlacement,
    status: ShardPlacementStatus,
) -> Result<(), Error> {
    let Some(before) = &placement.status else {
        return patch(context, placements, placement, status).await;
    };
    let figures = |of: &ShardPlacementStatus| ShardPlacementStatus {
        points: None,
        bytes: None,
        ..of.clone()
    };
    let only_figures = figures(before) == figures(&status);
    if *before == status || (only_figures && !context.is_due(placement, FIGURES)) {
        return Ok(());
    }
    patch(context, placements, placement, status).await
}

async fn patch(
    context: &Context,
    placements: &Api<ShardPlacement>,
    placement: &ShardPlacement,
    status: ShardPlacementStatus,
) -> Result<(), Error> {
    let name = placement.name_any();
    let body = json!({
        "apiVersion": ShardPlacement::api_version(&()), "kind": ShardPlacement::kind(&()), "status": status,
    });
    let written = placements
        .patch_status(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(body))
        .await;
    written.map_err(kubernetes(format!("write the status of shardplacement {name}")))?;
    context.wrote(placement);
    Ok(())
}
