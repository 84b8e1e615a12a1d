//! Moving replicas.

use serde::Serialize;
use vane_proto::admin::{ReplicaTarget, Shard};

use super::TargetView;
use super::plan::{self, Move};
use crate::args::values::{NodeRef, ReplicaSpec};
use crate::client::Client;
use crate::error::Error;
use crate::group::placement;
use crate::nodes;
use crate::output::Console;

#[derive(Debug, Serialize)]
struct Reconfigured {
    group: u64,
    /// Whether this command asked for anything new.
    requested: bool,
    /// Where the replicas should be; empty when nothing was asked for.
    replicas: Vec<TargetView>,
}

/// Moves one replica of a shard. Returns once the intent is recorded.
pub(super) async fn move_replica(
    console: &mut Console,
    group: u64,
    from: &NodeRef,
    to: &NodeRef,
) -> Result<(), Error> {
    // In one call, so that both names are of one moment.
    let nodes = nodes::resolve(&mut console.client, &[from, to]).await?;
    let (from, to) = (nodes[0], nodes[1]);
    let shard = shard(&mut console.client, group).await?;
    match plan::moved(&shard, from, to) {
        Ok(Move::To(replicas)) => request(console, group, replicas, shard.revision).await,
        Ok(Move::AlreadyThere) => {
            let sentence = format!(
                "group/{group} has its replica on node {to} and not on node {from} already"
            );
            let nothing = Reconfigured { group, requested: false, replicas: Vec::new() };
            console.output.confirm(&sentence, &nothing)
        }
        Err(reason) => Err(Error::NotFound(format!(
            "failed to move a replica of group {group}: {reason}; nothing was changed"
        ))),
    }
}

/// Says where all replicas of a shard should be. Returns once the intent is recorded.
pub(super) async fn reconfigure(
    console: &mut Console,
    group: u64,
    replicas: &[ReplicaSpec],
    if_revision: Option<u64>,
) -> Result<(), Error> {
    let names: Vec<&NodeRef> = replicas.iter().map(|replica| &replica.node).collect();
    let nodes = nodes::resolve(&mut console.client, &names).await?;
    let targets: Vec<ReplicaTarget> = nodes
        .into_iter()
        .zip(replicas)
        .map(|(node_id, replica)| ReplicaTarget { node_id, role: replica.role.into() })
        .collect();
    plan::check(&targets).map_err(|reason| Error::Usage(reason.to_string()))?;
    let revision = match if_revision {
        Some(revision) => revision,
        // What somebody else changes after this moment is not written over.
        None => shard(&mut console.client, group).await?.revision,
    };
    request(console, group, targets, revision).await
}

#[derive(Debug, Serialize)]
struct Pinned {
    group: u64,
    pinned: bool,
}

/// Says whether a shard's replicas stay where they are, whatever the balance.
pub(super) async fn pin(console: &mut Console, group: u64, pinned: bool) -> Result<(), Error> {
    console.client.pin_shard(group, pinned).await?;
    let sentence = match pinned {
        true => format!("group/{group} pinned: only people move its replicas"),
        false => format!("group/{group} unpinned: the cluster may move its replicas"),
    };
    console.output.confirm(&sentence, &Pinned { group, pinned })
}

/// The shard as it is now.
async fn shard(client: &mut Client, group: u64) -> Result<Shard, Error> {
    // The interface lists shards by collection, and groups are numbered across all.
    let shards = client.shards(String::new()).await?;
    let mut shards = shards.into_iter();
    let found = shards.find(|shard| shard.group.as_ref().is_some_and(|known| known.id == group));
    found.ok_or_else(|| {
        Error::NotFound(format!(
            "there is no shard with group {group}: see `vanectl shards`; nothing was changed"
        ))
    })
}

/// Asks for these replicas, unless somebody else changed the shard since it was at `revision`.
async fn request(
    console: &mut Console,
    group: u64,
    targets: Vec<ReplicaTarget>,
    revision: u64,
) -> Result<(), Error> {
    let replicas: Vec<TargetView> = targets.iter().map(TargetView::from).collect();
    console.client.reconfigure_shard(group, targets, revision).await?;
    let sentence = format!(
        "group/{group} replicas asked for: {}; `vanectl shards -o wide -w` shows how it goes",
        placement(replicas.iter().map(|replica| (replica.node_id, replica.role)))
    );
    console.output.confirm(&sentence, &Reconfigured { group, requested: true, replicas })
}
