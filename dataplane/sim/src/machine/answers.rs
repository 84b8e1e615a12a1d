//! Reads of clients at a leader: the real shard's, each as of now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use vane_raft::Conf;
use vane_shard::{
    Alone, Drawn, FacetHit, Frequencies, Info, Outlook, Page, PartExplained, Record, Scored,
    Scroll, Search, SearchContext, Shard,
};
use vane_transport::Replica;
use vane_transport::reads::{
    Basis, Count, Explain, Facet, Fetch, FrequenciesOf, HeldHits, Hold, InfoOf, JobsOf, MembersOf,
    Ordered, Resolve, Retrieve, Sample, VectorOf,
};
use vane_types::{Error, LogIndex, PointId, Vector};

use super::AnyMachine;
use super::shard::scan_deadline;

/// What points are drawn by: a run is the same each time.
const SEED: u64 = 7;
/// Views kept at a time; the oldest makes room.
const VIEWS_MAX: usize = 32;

/// Views of searches whose records were not fetched yet, by token.
pub(crate) struct Views {
    last: u64,
    kept: BTreeMap<u64, SearchContext>,
}

impl Views {
    /// Of a node's n-th process. No two give the same token: a fetch may come after a restart.
    pub(crate) fn of_process(n: u64) -> Self {
        Self { last: n << 32, kept: BTreeMap::new() }
    }

    fn keep(&mut self, view: SearchContext) -> u64 {
        if self.kept.len() >= VIEWS_MAX {
            // Each keeps its shard's files, so there has to be an end.
            self.kept.pop_first();
        }
        self.last += 1;
        self.kept.insert(self.last, view);
        self.last
    }
}

/// A replica of a leader, as reads see it.
pub(crate) struct AtLeader<'a> {
    pub(crate) machine: &'a AnyMachine,
    pub(crate) views: &'a Mutex<Views>,
}

impl AtLeader<'_> {
    fn shard(&self) -> Result<Arc<Shard>, Error> {
        let shard = Arc::clone(self.machine).shard();
        shard.ok_or_else(|| Error::unsupported("the catalog has no points"))
    }
}

/// The deadlines of requests are in simulated time, which stands still here.
impl Replica for AtLeader<'_> {
    async fn search(&self, search: Search, _: Instant) -> Result<Vec<Scored>, Error> {
        Ok(self.shard()?.search(&search, scan_deadline(), &Alone)?)
    }

    async fn explain(&self, explain: Explain, _: Instant) -> Result<Vec<PartExplained>, Error> {
        Ok(self.shard()?.explain(&explain.0, scan_deadline())?)
    }

    async fn hold(&self, hold: Hold, _: Instant) -> Result<HeldHits, Error> {
        let view = self.shard()?.search_context(&hold.0, scan_deadline(), &Alone)?;
        let hits = view.scored().to_vec();
        Ok(HeldHits { token: self.views.lock().keep(view), hits })
    }

    async fn fetch(&self, fetch: Fetch, _: Instant) -> Result<Vec<Record>, Error> {
        let view = self.views.lock().kept.remove(&fetch.token);
        let view = view.ok_or_else(|| Error::unavailable("the view was let go"))?;
        Ok(view.fetch(&fetch.places, &fetch.want)?)
    }

    async fn retrieve(&self, retrieve: Retrieve, _: Instant) -> Result<Vec<Record>, Error> {
        Ok(self.shard()?.retrieve(&retrieve.ids, &retrieve.want)?)
    }

    async fn scroll(&self, scroll: Scroll, _: Instant) -> Result<Page, Error> {
        Ok(self.shard()?.scroll(&scroll, scan_deadline())?)
    }

    async fn ordered(&self, ordered: Ordered, _: Instant) -> Result<Vec<Record>, Error> {
        Ok(self.shard()?.ordered(&ordered, scan_deadline())?)
    }

    async fn sample(&self, sample: Sample, _: Instant) -> Result<Vec<Drawn>, Error> {
        Ok(self.shard()?.sample(&sample, SEED, scan_deadline())?)
    }

    async fn facet(&self, facet: Facet, _: Instant) -> Result<Vec<FacetHit>, Error> {
        Ok(self.shard()?.facet(&facet, scan_deadline())?)
    }

    async fn count(&self, count: Count, _: Instant) -> Result<usize, Error> {
        Ok(self.shard()?.count(count.filter.as_ref(), scan_deadline())?)
    }

    async fn vector_of(&self, asked: VectorOf, _: Instant) -> Result<Vector, Error> {
        Ok(self.shard()?.vector_of(asked.id, &asked.using)?)
    }

    async fn frequencies(&self, asked: FrequenciesOf, _: Instant) -> Result<Frequencies, Error> {
        let FrequenciesOf { using, indices, filter } = &asked;
        Ok(self.shard()?.frequencies(using, indices, filter.as_ref(), scan_deadline())?)
    }

    async fn resolve(&self, resolve: Resolve, _: Instant) -> Result<Vec<PointId>, Error> {
        Ok(self.shard()?.matching_ids(&resolve.filter, scan_deadline())?)
    }

    async fn shard_info(&self, _: InfoOf, _: Instant) -> Result<Info, Error> {
        Ok(self.shard()?.info())
    }

    async fn jobs(&self, jobs: JobsOf, _: Instant) -> Result<Outlook, Error> {
        Ok(self.shard()?.outlook(jobs.most))
    }

    async fn basis(&self, _: Basis, _: Instant) -> Result<LogIndex, Error> {
        Ok(self.machine.applied())
    }

    async fn members(&self, _: MembersOf, _: Instant) -> Result<Conf, Error> {
        Ok(self.machine.conf())
    }
}
