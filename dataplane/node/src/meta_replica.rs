//! The meta group as one that can be read: it has an index, and no points.

use std::time::Instant;

use vane_raft::Conf;
use vane_shard::{
    Drawn, FacetHit, Frequencies, Info, Outlook, Page, PartExplained, Record, Scored, Scroll,
    Search,
};
use vane_transport::reads::{
    Basis, Count, Explain, Facet, Fetch, FrequenciesOf, HeldHits, Hold, InfoOf, JobsOf, MembersOf,
    Ordered, Resolve, Retrieve, Sample, VectorOf,
};
use vane_types::{Error, LogIndex, PointId, Vector};

/// The meta group, applied up to an index. A [`Basis`] read of it says how new a catalog must
/// be; each kind of read that asks for points is refused.
pub(crate) struct MetaReplica(pub(crate) LogIndex);

fn no_points<T>() -> Result<T, Error> {
    Err(Error::internal("the meta group was asked for points, and has none"))
}

impl vane_transport::Replica for MetaReplica {
    async fn basis(&self, _: Basis, _: Instant) -> Result<LogIndex, Error> {
        Ok(self.0)
    }

    async fn members(&self, _: MembersOf, _: Instant) -> Result<Conf, Error> {
        // A node gives this replica up with its disk, and never because of what others say.
        Err(Error::unsupported("the members of the meta group are in its leader's report"))
    }

    async fn search(&self, _: Search, _: Instant) -> Result<Vec<Scored>, Error> {
        no_points()
    }

    async fn explain(&self, _: Explain, _: Instant) -> Result<Vec<PartExplained>, Error> {
        no_points()
    }

    async fn hold(&self, _: Hold, _: Instant) -> Result<HeldHits, Error> {
        no_points()
    }

    async fn fetch(&self, _: Fetch, _: Instant) -> Result<Vec<Record>, Error> {
        no_points()
    }

    async fn retrieve(&self, _: Retrieve, _: Instant) -> Result<Vec<Record>, Error> {
        no_points()
    }

    async fn scroll(&self, _: Scroll, _: Instant) -> Result<Page, Error> {
        no_points()
    }

    async fn ordered(&self, _: Ordered, _: Instant) -> Result<Vec<Record>, Error> {
        no_points()
    }

    async fn sample(&self, _: Sample, _: Instant) -> Result<Vec<Drawn>, Error> {
        no_points()
    }

    async fn facet(&self, _: Facet, _: Instant) -> Result<Vec<FacetHit>, Error> {
        no_points()
    }

    async fn count(&self, _: Count, _: Instant) -> Result<usize, Error> {
        no_points()
    }

    async fn vector_of(&self, _: VectorOf, _: Instant) -> Result<Vector, Error> {
        no_points()
    }

    async fn frequencies(&self, _: FrequenciesOf, _: Instant) -> Result<Frequencies, Error> {
        no_points()
    }

    async fn resolve(&self, _: Resolve, _: Instant) -> Result<Vec<PointId>, Error> {
        no_points()
    }

    async fn shard_info(&self, _: InfoOf, _: Instant) -> Result<Info, Error> {
        no_points()
    }

    async fn jobs(&self, _: JobsOf, _: Instant) -> Result<Outlook, Error> {
        no_points()
    }
}
