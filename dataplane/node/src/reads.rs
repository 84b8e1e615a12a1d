//! Reads answered by this node's own replicas.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use vane_raft::{Conf, Engine, ReadError, StateMachine, Watch};
use vane_shard::{Info, Page, Record, Scored, Scroll, Search, Shard};
use vane_transport::reads::{
    Basis, Count, Fetch, Hold, InfoOf, MembersOf, Resolve, Retrieve, VectorOf,
};
use vane_transport::{Answered, Freshness, HeldHits, NotRead, Read};
use vane_types::{Error, GroupId, LogIndex, NodeId, PeerId, PointId, Vector};

use crate::meta_replica::MetaReplica;
use crate::pool::{Pool, stopping};
use crate::replicas::{Replica, Replicas};
use crate::search_views::SearchViews;

/// Time between looks at how far a replica is.
const APPLIED_LOOK: Duration = Duration::from_millis(2);

/// Reads of the replicas that this node leads.
pub(crate) struct Reads {
    me: NodeId,
    engine: Arc<Engine>,
    replicas: Arc<Replicas>,
    pool: Arc<Pool>,
    views: SearchViews,
}

impl Reads {
    pub(crate) fn new(
        me: NodeId,
        engine: Arc<Engine>,
        replicas: Arc<Replicas>,
        pool: Arc<Pool>,
    ) -> Self {
        Self { me, engine, replicas, pool, views: SearchViews::new() }
    }

    /// Answers from this node's replica of a group, if it leads.
    pub(crate) async fn read<R: Read>(
        &self,
        group: GroupId,
        read: R,
        freshness: Freshness,
        deadline: Instant,
    ) -> Answered<R::Answer> {
        if group == GroupId::META {
            return self.read_meta(read, freshness, deadline).await;
        }
        let replica = self.replicas.find(self.me, group).map_err(NotRead::NoReplica)?;
        let index = self.lead(group, &replica.watch, freshness, deadline).await?;
        let at = LocalReplica {
            shard: &replica.shard,
            watch: &replica.watch,
            pool: &self.pool,
            views: &self.views,
        };
        Ok((read.answer(&at, deadline).await?, index))
    }

    /// The meta group is not among the replicas of shards; of it only an index can be read.
    async fn read_meta<R: Read>(
        &self,
        read: R,
        freshness: Freshness,
        deadline: Instant,
    ) -> Answered<R::Answer> {
        let gone = || NotRead::NoReplica(format!("node {} has no meta group", self.me));
        let watch = self.engine.watch(GroupId::META).ok_or_else(gone)?;
        let index = self.lead(GroupId::META, &watch, freshness, deadline).await?;
        Ok((read.answer(&MetaReplica(index), deadline).await?, index))
    }

    /// The index that a read sees at least, where this node leads the group, or where any replica
    /// will do.
    async fn lead(
        &self,
        group: GroupId,
        watch: &Watch,
        freshness: Freshness,
        deadline: Instant,
    ) -> Result<LogIndex, NotRead> {
        match freshness {
            Freshness::Leader => {}
            Freshness::Linearizable => self.confirm(group, deadline).await?,
            Freshness::Applied(index) => {
                while watch.applied() < index {
                    if Instant::now() >= deadline {
                        return Err(Error::timeout("this replica is behind").into());
                    }
                    tokio::time::sleep(APPLIED_LOOK).await;
                }
                return Ok(watch.applied());
            }
        }
        // After the confirmation: the leader may have stepped down while it was waited for.
        if !watch.is_serving() {
            return Err(NotRead::NotLeader(leader_elsewhere(self.me, watch)));
        }
        // Before the read, which sees at least this much: as a basis the index is then safe.
        Ok(watch.applied())
    }

    /// Waits until this leader is known to have been one after the call.
    async fn confirm(&self, group: GroupId, deadline: Instant) -> Result<(), NotRead> {
        let (answer, answered) = oneshot::channel();
        self.engine.read(group, Box::new(move |confirmed| drop(answer.send(confirmed))));
        let late = |_| Error::timeout("the read could not be confirmed in time");
        match tokio::time::timeout_at(deadline.into(), answered).await.map_err(late)? {
            Ok(Ok(_index)) => Ok(()),
            Ok(Err(ReadError::NotLeader { leader, .. })) => {
                Err(NotRead::NotLeader(leader.map(|peer| peer.node())))
            }
            Ok(Err(ReadError::Full(waiting))) => {
                let why = format!("{waiting} reads wait for their confirmation");
                Err(Error::overloaded(why).into())
            }
            // Another replica leads in a moment: the caller goes on looking for it.
            Ok(Err(error @ (ReadError::GroupNotFound(_) | ReadError::Stopping))) => {
                Err(NotRead::NoReplica(error.to_string()))
            }
            Err(_) => Err(NotRead::NoReplica(stopping().detail)),
        }
    }
}

impl Replicas {
    /// The replica, if it is open; else why there is none.
    pub(crate) fn find(&self, me: NodeId, group: GroupId) -> Result<Replica, String> {
        let none = || format!("node {me} has no replica of group {group}");
        self.get(group).ok_or_else(none)?.map_err(|broken| broken.why)
    }
}

/// Node that leads, where it is another one than `me`.
pub(crate) fn leader_elsewhere(me: NodeId, watch: &Watch) -> Option<NodeId> {
    watch.leader().map(PeerId::node).filter(|leader| *leader != me)
}

/// An open shard with what its reads need of the node.
struct LocalReplica<'a> {
    shard: &'a Arc<Shard>,
    watch: &'a Watch,
    pool: &'a Arc<Pool>,
    views: &'a SearchViews,
}

impl LocalReplica<'_> {
    async fn on_pool<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&Arc<Shard>) -> Result<T, vane_shard::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shard = Arc::clone(self.shard);
        let running = self.pool.run(move || shard.noting(work(&shard)));
        let late =
            |_| Error::timeout("no answer within the time limit; ask for less, or raise `timeout`");
        // Only the wait ends here: a task on the pool goes on until it sees the deadline itself.
        tokio::time::timeout_at(deadline.into(), running).await.map_err(late)?
    }

    /// Searches here, or on the pool. Handing a millisecond's work to another thread costs a
    /// third of it: see docs/decisions/0008.
    async fn on_pool_unless_quick<T: Send + 'static>(
        &self,
        search: Search,
        deadline: Instant,
        work: impl FnOnce(&Arc<Shard>, &Search) -> Result<T, vane_shard::Error> + Send + 'static,
    ) -> Result<T, Error> {
        if self.shard.is_quick(&search) {
            return Ok(self.shard.noting(work(self.shard, &search))?);
        }
        self.on_pool(deadline, move |shard| work(shard, &search)).await
    }
}

impl vane_transport::Replica for LocalReplica<'_> {
    async fn search(&self, search: Search, deadline: Instant) -> Result<Vec<Scored>, Error> {
        let pool = Arc::clone(self.pool);
        let work =
            move |shard: &Arc<Shard>, search: &Search| shard.search(search, deadline, &*pool);
        self.on_pool_unless_quick(search, deadline, work).await
    }

    async fn hold(&self, hold: Hold, deadline: Instant) -> Result<HeldHits, Error> {
        let pool = Arc::clone(self.pool);
        let work = move |shard: &Arc<Shard>, search: &Search| {
            shard.search_context(search, deadline, &*pool)
        };
        let held = self.on_pool_unless_quick(hold.0, deadline, work).await?;
        let hits = held.scored().to_vec();
        Ok(HeldHits { token: self.views.keep(held), hits })
    }

    async fn fetch(&self, fetch: Fetch, deadline: Instant) -> Result<Vec<Record>, Error> {
        let Fetch { token, places, want } = fetch;
        let view = self.views.take(token).ok_or_else(|| {
            Error::unavailable(
                "the view of the search was let go before its records were fetched; try again",
            )
        })?;
        // From the view and not from the shard: what is returned is what was ranked.
        self.on_pool(deadline, move |_| view.fetch(&places, &want)).await
    }

    async fn retrieve(&self, retrieve: Retrieve, deadline: Instant) -> Result<Vec<Record>, Error> {
        let Retrieve { ids, want } = retrieve;
        self.on_pool(deadline, move |shard| shard.retrieve(&ids, &want)).await
    }

    async fn scroll(&self, scroll: Scroll, deadline: Instant) -> Result<Page, Error> {
        self.on_pool(deadline, move |shard| shard.scroll(&scroll, deadline)).await
    }

    async fn count(&self, count: Count, deadline: Instant) -> Result<usize, Error> {
        self.on_pool(deadline, move |shard| shard.count(count.filter.as_ref(), deadline)).await
    }

    async fn vector_of(&self, asked: VectorOf, deadline: Instant) -> Result<Vector, Error> {
        self.on_pool(deadline, move |shard| shard.vector_of(asked.id, &asked.using)).await
    }

    async fn resolve(&self, resolve: Resolve, deadline: Instant) -> Result<Vec<PointId>, Error> {
        self.on_pool(deadline, move |shard| shard.matching_ids(&resolve.filter, deadline)).await
    }

    async fn shard_info(&self, _: InfoOf, _: Instant) -> Result<Info, Error> {
        Ok(Info { waiting: self.watch.lag(), ..self.shard.info() })
    }

    async fn basis(&self, _: Basis, _: Instant) -> Result<LogIndex, Error> {
        Ok(self.shard.applied())
    }

    async fn members(&self, _: MembersOf, _: Instant) -> Result<Conf, Error> {
        Ok(self.shard.conf())
    }
}
