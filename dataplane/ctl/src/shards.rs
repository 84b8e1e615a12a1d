//! `vanectl shards`: where the data is, and where it should be.

use serde::Serialize;
use vane_proto::admin::{ReplicaTarget, Shard};

use crate::args::{ShardAction, Watch};
use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::group::{GroupView, known, placement, role_name};
use crate::moves::MoveView;
use crate::output::{Console, Row};
use crate::units::bytes;
use crate::watch;

mod change;
pub(crate) mod plan;

/// A shard, as JSON shows it.
#[derive(Debug, Serialize)]
struct ShardView {
    #[serde(flatten)]
    shard: Shard,
    state: ShardState,
    group: GroupView,
    /// Where the replicas should be; empty unless that differs from where they are.
    target: Vec<TargetView>,
    /// Replicas that come and go meanwhile.
    moves: Vec<MoveView>,
}

/// How a shard is; as kubectl's columns write states its `Debug` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum ShardState {
    Ok,
    NoLeader,
    Moving,
    Degraded,
    Unknown,
}

/// Where a replica should be.
#[derive(Debug, Serialize)]
struct TargetView {
    node_id: u64,
    role: &'static str,
}

impl From<&ReplicaTarget> for TargetView {
    fn from(target: &ReplicaTarget) -> Self {
        Self { node_id: target.node_id, role: role_name(target.role()) }
    }
}

impl From<Shard> for ShardView {
    fn from(mut shard: Shard) -> Self {
        let group = GroupView::from(shard.group.take().unwrap_or_default());
        let state = state(&group, !shard.target.is_empty());
        let target = shard.target.iter().map(TargetView::from).collect();
        let moves = std::mem::take(&mut shard.moves).into_iter().map(MoveView::from).collect();
        Self { shard, state, group, target, moves }
    }
}

/// The state of a shard: the worst that applies. Degraded means that a voter is silent or
/// receives a snapshot.
fn state(group: &GroupView, has_target: bool) -> ShardState {
    let mut voters = group.replicas.iter().filter(|replica| replica.is_voter());
    // Without a leader the shard takes no writes; what else is amiss is secondary to that.
    if group.leader_node.is_none() {
        ShardState::NoLeader
    } else if has_target || group.joint {
        ShardState::Moving
    } else if voters.clone().any(|voter| voter.active.is_some() && !voter.is_sound_voter()) {
        ShardState::Degraded
    } else if voters.any(|voter| voter.active.is_none()) {
        ShardState::Unknown
    } else {
        ShardState::Ok
    }
}

impl Row for ShardView {
    const NOTHING: &'static str = "no shards";
    const COLUMNS: &'static [&'static str] =
        &["COLLECTION", "SHARD", "GROUP", "STATE", "LEADER", "REPLICAS", "POINTS", "SIZE"];
    const WIDE: &'static [&'static str] =
        &["LAG", "TERM", "COMMITTED", "REVISION", "PINNED", "TARGET", "STEP"];

    fn cells(&self) -> Vec<String> {
        let Self { shard, state, group, target, moves: _ } = self;
        vec![
            shard.collection.clone(),
            shard.ordinal.to_string(),
            group.id.to_string(),
            format!("{state:?}"),
            group.leader(),
            placement(group.replicas.iter().map(|replica| (replica.node_id, replica.role))),
            shard.points.to_string(),
            bytes(shard.vector_bytes),
            known(group.lag()),
            group.term.to_string(),
            group.committed.to_string(),
            shard.revision.to_string(),
            if shard.pinned { "yes" } else { "no" }.into(),
            placement(target.iter().map(|replica| (replica.node_id, replica.role))),
            shard.step.clone(),
        ]
    }
}

/// Lists the shards, or does what `action` says.
pub(crate) async fn run(
    console: &mut Console,
    collection: Option<String>,
    flags: Watch,
    action: Option<ShardAction>,
) -> Result<Exit, Error> {
    match (action, collection) {
        (Some(_), Some(collection)) => {
            return Err(Error::Usage(format!(
                "a group names its shard: leave {collection} out; nothing was changed"
            )));
        }
        (Some(ShardAction::Move { group, from, to }), None) => {
            change::move_replica(console, group, &from, &to).await?;
        }
        (Some(ShardAction::Pin { group }), None) => change::pin(console, group, true).await?,
        (Some(ShardAction::Unpin { group }), None) => change::pin(console, group, false).await?,
        (Some(ShardAction::Reconfigure { group, replicas, if_revision }), None) => {
            change::reconfigure(console, group, &replicas, if_revision).await?;
        }
        (None, collection) => {
            let collection = collection.unwrap_or_default();
            let fetch = async |client: &mut Client| {
                let shards = client.shards(collection.clone()).await?;
                Ok(shards.into_iter().map(ShardView::from).collect::<Vec<_>>())
            };
            watch::show(console, flags, fetch).await?;
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
