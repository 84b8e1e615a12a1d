//! Reads answered by this node's own replicas.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use vane_raft::{Assurance, Conf, Engine, ReadError, StateMachine, Watch};
use vane_shard::{
    Drawn, FacetHit, Frequencies, Info, Outlook, Page, PartExplained, Prepared, Record, Scored,
    Scroll, Search, Shard,
};
use vane_transport::reads::{
    Basis, Count, Explain, Facet, Fetch, FrequenciesOf, Hold, InfoOf, JobsOf, MembersOf, Ordered,
    Resolve, Retrieve, Sample, VectorOf,
};
use vane_transport::{Answered, Freshness, HeldHits, Needs, NotRead, Read};
use vane_types::{Error, GroupId, LogIndex, NodeId, PeerId, PointId, Vector};

use crate::meta_replica::MetaReplica;
use crate::pool::{Pool, stopping};
use crate::replicas::{Replica, Replicas};
use crate::search_views::SearchViews;

/// Time between looks at how far a replica is.
const APPLIED_LOOK: Duration = Duration::from_millis(2);
/// Time that a replica that follows has to hear from its leader and to get there. A leader of an
/// earlier version says nothing.
const WORD_MAX: Duration = Duration::from_millis(250);

/// Reads of this node's replicas.
pub(crate) struct Reads {
    me: NodeId,
    engine: Arc<Engine>,
    replicas: Arc<Replicas>,
    pool: Arc<Pool>,
    views: SearchViews,
    counters: ReadCounters,
}

/// Reads that replicas here answered, of shards and of the meta group.
#[derive(Debug, Default)]
pub struct ReadCounters {
    /// By those that lead.
    pub leading: AtomicU64,
    /// By those that follow, which had asked their leader or needed not to.
    pub following: AtomicU64,
    /// Of those, the ones that a lease answered.
    pub by_lease: AtomicU64,
}

impl Reads {
    pub(crate) fn new(
        me: NodeId,
        engine: Arc<Engine>,
        replicas: Arc<Replicas>,
        pool: Arc<Pool>,
    ) -> Self {
        let (views, counters) = (SearchViews::new(), ReadCounters::default());
        Self { me, engine, replicas, pool, views, counters }
    }

    /// Answers from this node's replica of a group, once it has what the answer must have.
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
        let index = self.ready_to_read(group, &replica.watch, freshness, deadline).await?;
        let at = LocalReplica {
            shard: &replica.shard,
            watch: &replica.watch,
            pool: &self.pool,
            views: &self.views,
        };
        // A replica that follows may be filled by a snapshot, or go, at any moment.
        let changing = || {
            NotRead::NoReplica(format!(
                "the replica on node {} is being filled or removed",
                self.me
            ))
        };
        let before = replica.shard.whole().ok_or_else(changing)?;
        let answered = read.answer(&at, deadline).await;
        if replica.shard.whole() != Some(before) {
            return Err(changing());
        }
        Ok((answered?, index))
    }

    /// Whether there is a replica of a shard here that is not out of use.
    pub(crate) fn answers(&self, group: GroupId) -> bool {
        self.replicas.get(group).is_some_and(|opened| opened.is_ok())
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
        let index = self.ready_to_read(GroupId::META, &watch, freshness, deadline).await?;
        Ok((read.answer(&MetaReplica(index), deadline).await?, index))
    }

    /// Waits until a replica may answer; the index that a read of it sees at least. As a basis
    /// that index is safe: nothing behind it is in the log yet.
    async fn ready_to_read(
        &self,
        group: GroupId,
        watch: &Watch,
        freshness: Freshness,
        deadline: Instant,
    ) -> Result<LogIndex, NotRead> {
        match freshness {
            Freshness::Applied(index) => wait_applied(watch, index, deadline).await?,
            Freshness::Told(_, time) if !time.is_zero() && watch.is_within(time) => {}
            _ => {
                let leads = watch.leader().is_some_and(|leader| leader.node() == self.me);
                match freshness.needs(leads, watch.is_serving()) {
                    Needs::Nothing => {}
                    Needs::Word(Assurance::Leader) if watch.answers_at_once() => {
                        self.counters.by_lease.fetch_add(1, Ordering::Relaxed);
                    }
                    Needs::Word(assurance) => {
                        self.confirm(group, watch, assurance, deadline).await?;
                    }
                    Needs::Office => {
                        return Err(NotRead::NotLeader(leader_elsewhere(self.me, watch)));
                    }
                }
            }
        }
        let counted = match watch.is_serving() {
            true => &self.counters.leading,
            false => &self.counters.following,
        };
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(watch.applied())
    }

    /// Reads answered since the start.
    pub(crate) fn counters(&self) -> &ReadCounters {
        &self.counters
    }

    /// Waits until this replica has all that a leader, or a majority, has said to be there.
    async fn confirm(
        &self,
        group: GroupId,
        watch: &Watch,
        assurance: Assurance,
        deadline: Instant,
    ) -> Result<(), NotRead> {
        let (answer, answered) = oneshot::channel();
        let (asked_at, leads) = (Instant::now(), watch.is_serving());
        // Who follows hears of its leader soon or not at all; the leader itself answers then.
        let until = if leads { deadline } else { deadline.min(asked_at + WORD_MAX) };
        self.engine.read(group, assurance, Box::new(move |told| drop(answer.send(told))));
        let elsewhere = || NotRead::NotLeader(leader_elsewhere(self.me, watch));
        match tokio::time::timeout_at(until.into(), answered).await {
            Ok(Ok(Ok(_point))) => {
                watch.note_told(asked_at);
                Ok(())
            }
            Ok(Ok(Err(ReadError::NotLeader { leader, .. }))) => {
                Err(NotRead::NotLeader(leader.map(|peer| peer.node())))
            }
            Ok(Ok(Err(ReadError::Full(waiting)))) => {
                let why = format!("{waiting} reads wait for their confirmation");
                Err(Error::overloaded(why).into())
            }
            // Another replica leads in a moment: the caller goes on looking for it.
            Ok(Ok(Err(error @ (ReadError::GroupNotFound(_) | ReadError::Stopping)))) => {
                Err(NotRead::NoReplica(error.to_string()))
            }
            Ok(Err(_)) => Err(NotRead::NoReplica(stopping().detail)),
            Err(_) if !leads => Err(elsewhere()),
            Err(_) => Err(Error::timeout("the read could not be confirmed in time").into()),
        }
    }
}

async fn wait_applied(watch: &Watch, index: LogIndex, deadline: Instant) -> Result<(), NotRead> {
    while watch.applied() < index {
        if Instant::now() >= deadline {
            return Err(Error::timeout("this replica is behind").into());
        }
        tokio::time::sleep(APPLIED_LOOK).await;
    }
    Ok(())
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
        work: impl FnOnce(&Arc<Shard>, Prepared<'_>, &Search) -> Result<T, vane_shard::Error>
        + Send
        + 'static,
    ) -> Result<T, Error> {
        let shard = self.shard;
        if let Some(prepared) = shard.noting(shard.prepare_quick(&search, deadline))? {
            return Ok(shard.noting(work(shard, prepared, &search))?);
        }
        let prepare_and_work = move |shard: &Arc<Shard>| {
            let prepared = shard.prepare(&search, deadline)?;
            work(shard, prepared, &search)
        };
        self.on_pool(deadline, prepare_and_work).await
    }
}

impl vane_transport::Replica for LocalReplica<'_> {
    async fn search(&self, search: Search, deadline: Instant) -> Result<Vec<Scored>, Error> {
        let pool = Arc::clone(self.pool);
        let work = move |shard: &Arc<Shard>, prepared: Prepared<'_>, search: &Search| {
            shard.search_prepared(prepared, search, &*pool)
        };
        self.on_pool_unless_quick(search, deadline, work).await
    }

    async fn explain(
        &self,
        explain: Explain,
        deadline: Instant,
    ) -> Result<Vec<PartExplained>, Error> {
        self.on_pool(deadline, move |shard| shard.explain(&explain.0, deadline)).await
    }

    async fn hold(&self, hold: Hold, deadline: Instant) -> Result<HeldHits, Error> {
        let pool = Arc::clone(self.pool);
        let work = move |shard: &Arc<Shard>, prepared: Prepared<'_>, search: &Search| {
            shard.search_context_prepared(prepared, search, &*pool)
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

    async fn ordered(&self, ordered: Ordered, deadline: Instant) -> Result<Vec<Record>, Error> {
        self.on_pool(deadline, move |shard| shard.ordered(&ordered, deadline)).await
    }

    async fn sample(&self, sample: Sample, deadline: Instant) -> Result<Vec<Drawn>, Error> {
        let seed = fastrand::u64(..);
        self.on_pool(deadline, move |shard| shard.sample(&sample, seed, deadline)).await
    }

    async fn facet(&self, facet: Facet, deadline: Instant) -> Result<Vec<FacetHit>, Error> {
        self.on_pool(deadline, move |shard| shard.facet(&facet, deadline)).await
    }

    async fn count(&self, count: Count, deadline: Instant) -> Result<usize, Error> {
        self.on_pool(deadline, move |shard| shard.count(count.filter.as_ref(), deadline)).await
    }

    async fn vector_of(&self, asked: VectorOf, deadline: Instant) -> Result<Vector, Error> {
        self.on_pool(deadline, move |shard| shard.vector_of(asked.id, &asked.using)).await
    }

    async fn frequencies(
        &self,
        asked: FrequenciesOf,
        deadline: Instant,
    ) -> Result<Frequencies, Error> {
        if asked.filter.is_none() {
            let FrequenciesOf { using, indices, .. } = &asked;
            let counted = self.shard.frequencies_quick(using, indices, deadline);
            if let Some(counted) = self.shard.noting(counted)? {
                return Ok(counted);
            }
        }
        let count = move |shard: &Arc<Shard>| {
            let FrequenciesOf { using, indices, filter } = &asked;
            shard.frequencies(using, indices, filter.as_ref(), deadline)
        };
        self.on_pool(deadline, count).await
    }

    async fn resolve(&self, resolve: Resolve, deadline: Instant) -> Result<Vec<PointId>, Error> {
        self.on_pool(deadline, move |shard| shard.matching_ids(&resolve.filter, deadline)).await
    }

    async fn shard_info(&self, _: InfoOf, _: Instant) -> Result<Info, Error> {
        Ok(Info { waiting: self.watch.lag(), ..self.shard.info() })
    }

    async fn jobs(&self, jobs: JobsOf, _: Instant) -> Result<Outlook, Error> {
        Ok(self.shard.outlook(jobs.most))
    }

    async fn basis(&self, _: Basis, _: Instant) -> Result<LogIndex, Error> {
        Ok(self.shard.applied())
    }

    async fn members(&self, _: MembersOf, _: Instant) -> Result<Conf, Error> {
        Ok(self.shard.conf())
    }
}
