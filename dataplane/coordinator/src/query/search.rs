//! A search of all shards: the best of each, merged; records of the winners only.

use std::cmp::Ordering;

use futures_util::future::join_all;
use vane_filter::Filter;
use vane_shard::{Record, Scored, Search, Sought, Want, WantPayload, WantVectors};
use vane_transport::reads::{Fetch, Hold};
use vane_types::{Error, NodeId, PointId};

use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

/// A point that a shard found.
struct Hit {
    ordinal: usize,
    /// Place in the shard's own result.
    place: usize,
    id: PointId,
    score: f32,
}

/// A view that a shard keeps of its search, until the records of the winners are fetched.
struct HeldView {
    ordinal: usize,
    node: NodeId,
    token: u64,
}

impl<S: Shards> Collection<S> {
    /// The best of all shards. Where rare indices count more they are rare among the points of the
    /// corpus.
    pub(super) async fn search(
        &self,
        mut search: Search,
        corpus: Option<Filter>,
        options: &RequestOptions,
    ) -> Result<Vec<Scored>, Error> {
        search.filter = self.scoped(search.filter);
        self.weigh(&mut search, corpus, options).await?;
        let wants_ids_only = matches!(
            (&search.want.payload, &search.want.vectors),
            (WantPayload::Nothing, WantVectors::Nothing)
        );
        // Two rounds pay only where records of losers would be sent for nothing.
        self.explain(&search, options).await?;
        if wants_ids_only || self.ordinals().len() == 1 {
            return self.search_whole(search, options).await;
        }
        self.search_then_fetch(search, options).await
    }

    async fn search_whole(
        &self,
        search: Search,
        options: &RequestOptions,
    ) -> Result<Vec<Scored>, Error> {
        let answers = self.ask_meant(&search, options).await?;
        let mut all: Vec<Scored> = answers.into_iter().flat_map(|shard| shard.answer).collect();
        let order = self.order_of(&search);
        all.sort_by(|a, b| order.compare((a.score, a.record.id), (b.score, b.record.id)));
        all.truncate(search.limit);
        Ok(all)
    }

    /// Ids and scores first, records of the winners second, from the views that scored them:
    /// what is returned is what was ranked, even if it changed since.
    async fn search_then_fetch(
        &self,
        search: Search,
        options: &RequestOptions,
    ) -> Result<Vec<Scored>, Error> {
        let (limit, want) = (search.limit, search.want.clone());
        let order = self.order_of(&search);
        // The whole limit from each: all winners may lie in one shard.
        let (mut hits, mut views) = (Vec::new(), Vec::new());
        for shard in self.ask_meant(&Hold(search.clone()), options).await? {
            let ordinal = shard.ordinal;
            views.push(HeldView { ordinal, node: shard.node, token: shard.answer.token });
            let found = shard.answer.hits.into_iter().enumerate();
            hits.extend(found.map(|(place, (id, score))| Hit { ordinal, place, id, score }));
        }
        hits.sort_by(|a, b| order.compare((a.score, a.id), (b.score, b.id)));
        hits.truncate(limit);
        self.fetch(hits, views, &want, options).await
    }

    /// Records of the winners, in their order. Views that hold none of them are let go too.
    async fn fetch(
        &self,
        hits: Vec<Hit>,
        views: Vec<HeldView>,
        want: &Want,
        options: &RequestOptions,
    ) -> Result<Vec<Scored>, Error> {
        let fetch = |view: HeldView| {
            let HeldView { ordinal, node, token } = view;
            // Also without any places: fetching is what lets a view go.
            let of_view = hits.iter().filter(|hit| hit.ordinal == ordinal);
            let places = of_view.map(|hit| hit.place).collect();
            let (group, want) = (self.groups()[ordinal], want.clone());
            let read = Fetch { token, places, want };
            let coordinator = &self.coordinator;
            async move {
                // The whole time: the reserve that the first round left is for this one.
                let fetched = coordinator.read_at(node, group, read, options.deadline).await;
                (ordinal, fetched.map(|records| (ordinal, records)))
            }
        };
        let fetched = join_all(views.into_iter().map(fetch)).await;
        let mut by_shard: Vec<std::vec::IntoIter<Record>> =
            self.groups().iter().map(|_| Vec::new().into_iter()).collect();
        for (ordinal, records) in options.gathered(fetched)? {
            by_shard[ordinal] = records.into_iter();
        }
        // Each shard's records come in the order of its places, which is that of its hits.
        let scored = |hit: Hit| {
            // A shard that was lost between the rounds has no records: its hits are left out.
            let record = by_shard[hit.ordinal].next()?;
            Some(Scored { record, score: hit.score })
        };
        Ok(hits.into_iter().filter_map(scored).collect())
    }

    fn order_of(&self, search: &Search) -> Order {
        match search.sought {
            Sought::Near(_) if self.is_distance(&search.using) => Order::SmallerIsBetter,
            Sought::Near(_) | Sought::Examples(_) => Order::LargerIsBetter,
        }
    }

    /// Whether the smaller score of a vector is the better one.
    pub(super) fn is_distance(&self, vector: &str) -> bool {
        self.config().vector(vector).is_some_and(|spec| spec.distance().smaller_is_better())
    }
}

/// Which score is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Similarities.
    LargerIsBetter,
    /// Distances.
    SmallerIsBetter,
}

impl Order {
    /// The better score first, then the smaller id.
    fn compare(self, a: (f32, PointId), b: (f32, PointId)) -> Ordering {
        let by_score = match self {
            Self::LargerIsBetter => b.0.total_cmp(&a.0),
            Self::SmallerIsBetter => a.0.total_cmp(&b.0),
        };
        by_score.then(a.1.cmp(&b.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_scores_come_first_and_equal_ones_by_id() {
        let point = |score, id| (score, PointId::num(id));
        let mut hits = [point(0.5, 9), point(0.9, 4), point(0.5, 2)];
        hits.sort_by(|a, b| Order::LargerIsBetter.compare(*a, *b));
        assert_eq!(hits, [point(0.9, 4), point(0.5, 2), point(0.5, 9)]);
        hits.sort_by(|a, b| Order::SmallerIsBetter.compare(*a, *b));
        assert_eq!(hits, [point(0.5, 2), point(0.5, 9), point(0.9, 4)]);
    }
}
