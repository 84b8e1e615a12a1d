//! Replicas and members as Qdrant's API moves them: one of a shard, or all of a member.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_api::rest::cluster_operation::{Asked, ClusterOperation};
use vane_api::{Error, Kind};
use vane_types::{Changed, ErrorKind, FeatureLevel, LogIndex, NodeId};

use crate::call::Call;
use crate::engine::{
    Collection, Member, RemovalStep, ReplicaPlan, ReplicaRequest, Shards, Waited, plan_replicas,
    plan_resize, removal_step,
};
use crate::operation::Operation;
use crate::service::{Answering, Service};

/// Decisions about one request: others, and the cluster's own steps, change the shard meanwhile.
const DECISIONS_MAX: u32 = 5;
/// Time between looks at whether a member's groups have let go of it.
const PAUSE: Duration = Duration::from_millis(100);

impl Service {
    /// Has the cluster do with a collection what a client asks for.
    ///
    /// # Errors
    ///
    /// As those of [`Service::change_replicas`], [`Service::create_shard_key`] and
    /// [`Service::delete_shard_key`].
    pub fn change_cluster<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        name: &'a str,
        operation: ClusterOperation,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let asked = operation.into_asked(name)?;
            let collection = self.collection(call, name).await?;
            match asked {
                Asked::Replicas(shard, request) => {
                    self.change_replicas(call, collection, shard, request).await
                }
                Asked::CreateKey(body) => {
                    let key = body.into_key(collection.layout())?;
                    self.create_shard_key(call, collection, key).await
                }
                Asked::DeleteKey(body) => {
                    self.delete_shard_key(call, collection, body.into_key()).await
                }
            }
        })
    }

    /// Records what is to become of a replica of a collection's shard. The cluster carries it out
    /// step by step.
    ///
    /// # Errors
    ///
    /// [`Kind::BadRequest`] for what cannot be, [`Kind::NotFound`] for a transfer that is not
    /// there, [`Kind::Conflict`] where others change the shard all the time, or what keeps the meta
    /// group from deciding.
    pub fn change_replicas<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        collection: Arc<Collection>,
        shard: u32,
        request: ReplicaRequest,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let member = self.member()?;
            let deadline = call.options().deadline;
            let subject = format!("shard {shard} of {}", collection.name());
            // Boxed, as what follows: its states are large, and few requests come here.
            let changing = Box::pin(async move {
                let shard = (collection.name(), shard);
                change(&member, shard, request, deadline).await
            });
            self.change(call, Operation::ChangeReplicas, &subject, changing).await
        })
    }

    /// Takes a member away for good, with its disk; with `drops` its replicas too, where their
    /// shards can do without them. Where the time is over before all have let go of it, the same
    /// call goes on.
    ///
    /// # Errors
    ///
    /// [`Kind::BadRequest`] where it has shards or there is none, [`Kind::Timeout`], or what keeps
    /// the meta group from deciding.
    pub fn remove_peer<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        node: NodeId,
        drops: bool,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let member = self.member()?;
            let deadline = call.options().deadline;
            let removing = Box::pin(async move { remove(&member, node, drops, deadline).await });
            self.change(call, Operation::RemoveNode, &format!("node {node}"), removing).await
        })
    }

    /// Waits until this node knows all that the cluster has agreed on by now; the entry of the meta
    /// group up to which it does. `least` is one that somebody has seen before.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] where the meta group has no leader or this node cannot follow it, or
    /// where the group has not got to `least`; [`Kind::Timeout`].
    pub fn recover_catalog<'a>(
        &'a self,
        call: &'a Call,
        least: LogIndex,
    ) -> Answering<'a, LogIndex> {
        let catching_up = async move {
            let coordinator = self.coordinator()?;
            if let Some(why) = coordinator.catalog().standing_still() {
                return Err(Error::new(Kind::Unavailable, "", why));
            }
            let index = coordinator.catch_up(call.options().deadline).await?;
            // A majority that was set back to an older disk knows less than it did.
            if index < least {
                let detail = format!(
                    "the meta group is at entry {index} and was at {least} before: its disks are \
                     older than what was read of them"
                );
                return Err(Error::new(Kind::Unavailable, "", detail));
            }
            Ok(index)
        };
        Box::pin(self.run(call, Operation::RecoverCatalog, "", catching_up))
    }
}

async fn change(
    member: &Member,
    shard: (&str, u32),
    request: ReplicaRequest,
    deadline: Instant,
) -> Result<(), Error> {
    let coordinator = member.coordinator();
    let mut decisions = 0;
    loop {
        // Decided on what all nodes have recorded, so that a repeated request finds its own work
        // through whichever node it comes.
        coordinator.catch_up(deadline).await?;
        let alive = |node| coordinator.shards().is_alive(node);
        let plan =
            coordinator.catalog().read(|state| plan_replicas(state, shard, request, alive))?;
        decisions += 1;
        match member.carry_out(plan, left(deadline)).await {
            // Somebody else was faster: what was asked for is decided anew, on what it is by now.
            Err(error) if error.kind == ErrorKind::Conflict && decisions < DECISIONS_MAX => {}
            done => return Ok(done?),
        }
    }
}

/// What it takes for the shards of a collection to have so many replicas each.
pub(crate) async fn plan_factor(
    member: &Member,
    collection: &str,
    factor: u32,
    deadline: Instant,
) -> Result<Vec<ReplicaPlan>, Error> {
    let coordinator = member.coordinator();
    coordinator.catch_up(deadline).await?;
    let alive = |node| coordinator.shards().is_alive(node);
    coordinator.catalog().read(|state| {
        state.level.check(FeatureLevel::CHANGING).map_err(vane_types::Error::from)?;
        Ok(plan_resize(state, collection, factor, alive)?)
    })
}

/// Records where the replicas of a collection's shards should be, and last of all how many: until
/// then a request that is repeated goes on.
pub(crate) async fn set_factor(
    member: &Member,
    collection: &str,
    factor: u32,
    deadline: Instant,
) -> Result<(), Error> {
    let mut decisions = 0;
    loop {
        let mut is_overtaken = false;
        decisions += 1;
        for plan in plan_factor(member, collection, factor, deadline).await? {
            match member.carry_out(plan, left(deadline)).await {
                Err(error) if error.kind == ErrorKind::Conflict && decisions < DECISIONS_MAX => {
                    is_overtaken = true;
                }
                done => done?,
            }
        }
        if !is_overtaken {
            break;
        }
    }
    let (coordinator, name) = (member.coordinator(), collection.to_owned());
    Ok(coordinator.set_replication_factor(name, factor, left(deadline)).await?)
}

async fn remove(
    member: &Member,
    node: NodeId,
    drops: bool,
    deadline: Instant,
) -> Result<(), Error> {
    let coordinator = member.coordinator();
    loop {
        coordinator.catch_up(deadline).await?;
        let votes = member.votes(node).await;
        let alive = |node| coordinator.shards().is_alive(node);
        let step =
            coordinator.catalog().read(|state| removal_step(state, node, drops, votes, alive))?;
        let waited = match step {
            RemovalStep::Done => return Ok(()),
            RemovalStep::Leave => {
                member.set_leaving(node, true, left(deadline)).await?;
                continue;
            }
            RemovalStep::Drop(plans) => {
                let shards = plans.len();
                for plan in plans {
                    match member.carry_out(plan, left(deadline)).await {
                        // Decided anew with the others below.
                        Err(error) if error.kind == ErrorKind::Conflict => {}
                        done => done?,
                    }
                }
                Waited::Shards(shards)
            }
            RemovalStep::Remove(disk) => {
                match member.remove_node(node, disk, left(deadline)).await {
                    // A replica or a vote came to it since the look.
                    Err(error) if error.kind == ErrorKind::Conflict => Waited::Vote,
                    done => return Ok(done?),
                }
            }
            RemovalStep::Wait(waited) => waited,
        };
        if left(deadline) <= PAUSE {
            return Err(late(node, waited));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn late(node: NodeId, waited: Waited) -> Error {
    let needed = match waited {
        Waited::Shards(1) => "1 shard still has it".into(),
        Waited::Shards(shards) => format!("{shards} shards still have it"),
        Waited::Vote => "its vote has not gone to another yet".into(),
    };
    let detail = format!("peer {node} is leaving, and {needed}; ask again to go on");
    Error { changed: Changed::Unknown, ..Error::new(Kind::Timeout, "", detail) }
}
