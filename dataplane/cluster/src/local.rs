//! Reads from the replica that is on this node.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use vane_filter::Filter;
use vane_raft::ReadError;
use vane_shard::{Info, Page, Record, Scored, Scroll, Search, Shard, Want};
use vane_types::{GroupId, LogIndex, PointId};

use crate::error::Error;
use crate::inner::Inner;
use crate::replicas::Replica;

/// Something to read from one shard.
#[derive(Debug, Clone)]
pub(crate) enum ShardRead {
    Search(Search),
    /// A search whose records are fetched later, from the same view.
    Hold(Search),
    Fetch {
        held: u64,
        places: Vec<usize>,
        want: Want,
    },
    Retrieve {
        ids: Vec<PointId>,
        want: Want,
    },
    Scroll(Scroll),
    Count(Option<Filter>),
    VectorOf {
        id: PointId,
        using: String,
    },
    /// Ids that match.
    Resolve(Filter),
    Info,
    /// Only the index of the read.
    Basis,
}

/// What [`ShardRead`] answers, variant by variant.
#[derive(Debug)]
pub(crate) enum ShardAnswer {
    Scored(Vec<Scored>),
    Held { held: u64, scored: Vec<(PointId, f32)> },
    Records(Vec<Record>),
    Page(Page),
    Count(usize),
    Vector(Vec<f32>),
    Ids(Vec<PointId>),
    Info(Box<Info>),
    Basis(LogIndex),
}

/// How new an answer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Freshness {
    /// Everything that was acknowledged under the leader that answers.
    #[default]
    Leader,
    /// Everything that was acknowledged before the read began, by whichever leader.
    Linearizable,
}

/// Why this node did not answer.
#[derive(Debug)]
pub(crate) enum NotRead {
    /// Another node leads, or nobody is known to.
    NotLeader(Option<u64>),
    /// There is no open replica here.
    NoReplica(String),
    Failed(Error),
}

impl From<Error> for NotRead {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Answers from this node's replica, if it leads.
pub(crate) async fn read_here(
    inner: &Inner,
    group: GroupId,
    read: ShardRead,
    freshness: Freshness,
    deadline: Instant,
) -> Result<(ShardAnswer, LogIndex), NotRead> {
    let replica = replica_here(inner, group)?;
    if freshness == Freshness::Linearizable {
        confirm(inner, group, deadline).await?;
    }
    if !replica.watch.is_serving() {
        return Err(NotRead::NotLeader(leader_elsewhere(&replica)));
    }
    let index = replica.watch.applied();
    Ok((answer(inner, &replica.shard, read, deadline).await?, index))
}

/// The replica, if it is open.
pub(crate) fn replica_here(inner: &Inner, group: GroupId) -> Result<Replica, NotRead> {
    match inner.replicas.get(group) {
        Some(Ok(replica)) => Ok(replica),
        Some(Err(why)) => Err(NotRead::NoReplica(why)),
        None => {
            Err(NotRead::NoReplica(format!("node {} has no replica of group {group}", inner.me)))
        }
    }
}

/// Node that leads, where it is another one.
pub(crate) fn leader_elsewhere(replica: &Replica) -> Option<u64> {
    replica.watch.leader().filter(|it| *it != replica.peer).map(vane_raft::node_of)
}

/// Waits until this leader is known to have been one after the call.
async fn confirm(inner: &Inner, group: GroupId, deadline: Instant) -> Result<(), NotRead> {
    let (answer, answered) = oneshot::channel();
    inner.node.read(group, Box::new(move |it| drop(answer.send(it))));
    let late = |_| Error::Timeout("the read could not be confirmed in time".into());
    match tokio::time::timeout_at(deadline.into(), answered).await.map_err(late)? {
        Ok(Ok(_index)) => Ok(()),
        Ok(Err(ReadError::NotLeader { leader, .. })) => {
            Err(NotRead::NotLeader(leader.map(vane_raft::node_of)))
        }
        Ok(Err(error @ ReadError::NoSuchGroup(_))) => Err(NotRead::NoReplica(error.to_string())),
        Ok(Err(error @ ReadError::Full(_))) => Err(Error::Overloaded(error.to_string()).into()),
        Ok(Err(error @ ReadError::Stopping)) => Err(Error::Unavailable(error.to_string()).into()),
        Err(_) => Err(Error::Unavailable("the node is shutting down".into()).into()),
    }
}

async fn answer(
    inner: &Inner,
    shard: &Arc<Shard>,
    read: ShardRead,
    deadline: Instant,
) -> Result<ShardAnswer, Error> {
    // Handing a millisecond's work to another thread costs a third of it: see
    // docs/decisions/0008.
    let quick = match &read {
        ShardRead::Search(search) | ShardRead::Hold(search) => shard.is_quick(search),
        ShardRead::Basis | ShardRead::Info => true,
        _ => false,
    };
    if let ShardRead::Hold(search) = read {
        let shard = Arc::clone(shard);
        let work = move || shard.search_context(&search, deadline);
        let held = if quick { work()? } else { on_pool(inner, deadline, work).await? };
        let scored = held.scored().to_vec();
        return Ok(ShardAnswer::Held { held: inner.held.keep(held), scored });
    }
    if let ShardRead::Fetch { held, places, want } = read {
        let held = inner.held.take(held).ok_or_else(|| {
            Error::Unavailable(
                "the view of the search was let go before its records were fetched; try again"
                    .into(),
            )
        })?;
        let records = on_pool(inner, deadline, move || held.fetch(&places, &want)).await?;
        return Ok(ShardAnswer::Records(records));
    }
    let shard = Arc::clone(shard);
    let work = move || direct(&shard, read, deadline);
    if quick { Ok(work()?) } else { on_pool(inner, deadline, work).await }
}

fn direct(
    shard: &Shard,
    read: ShardRead,
    deadline: Instant,
) -> Result<ShardAnswer, vane_shard::Error> {
    Ok(match read {
        ShardRead::Search(search) | ShardRead::Hold(search) => {
            ShardAnswer::Scored(shard.search(&search, deadline)?)
        }
        ShardRead::Retrieve { ids, want } => ShardAnswer::Records(shard.retrieve(&ids, &want)?),
        ShardRead::Scroll(scroll) => ShardAnswer::Page(shard.scroll(&scroll, deadline)?),
        ShardRead::Count(filter) => ShardAnswer::Count(shard.count(filter.as_ref(), deadline)?),
        ShardRead::VectorOf { id, using } => ShardAnswer::Vector(shard.vector_of(id, &using)?),
        ShardRead::Resolve(filter) => ShardAnswer::Ids(shard.matching_ids(&filter, deadline)?),
        ShardRead::Info => ShardAnswer::Info(Box::new(shard.info())),
        ShardRead::Basis | ShardRead::Fetch { .. } => ShardAnswer::Basis(shard.applied()),
    })
}

async fn on_pool<T: Send + 'static>(
    inner: &Inner,
    deadline: Instant,
    work: impl FnOnce() -> Result<T, vane_shard::Error> + Send + 'static,
) -> Result<T, Error> {
    let late = |_| {
        Error::Timeout("no answer within the time limit; ask for less, or raise `timeout`".into())
    };
    tokio::time::timeout_at(deadline.into(), inner.pool.run(work)).await.map_err(late)?
}
