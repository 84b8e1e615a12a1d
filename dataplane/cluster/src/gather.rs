//! Queries: searches on all shards, and what is made of their results.

use futures_util::future::join_all;
use serde_json::json;
use vane_filter::Filter;
use vane_shard::{Record, Scored, Scroll, Search, Want, WantPayload, WantVectors};
use vane_types::{Distance, PointId};

use crate::collection::{Collection, Terms};
use crate::error::Error;
use crate::fusion::reciprocal_rank;
use crate::gateway;
use crate::local::{ShardAnswer, ShardRead};
use crate::query::{By, Prefetch, Query};

/// A point that a shard found.
struct Hit {
    ordinal: usize,
    /// Place in the shard's own result.
    place: usize,
    id: PointId,
    score: f32,
}

impl Collection {
    /// The points that a query finds, best first. All its stages share the time.
    pub async fn query(&self, query: Query, terms: Terms) -> Result<Vec<Scored>, Error> {
        let Query { by, using, filter, params, score_threshold, limit, offset, want, prefetch } =
            query;
        let limit_with_offset = limit.saturating_add(offset);
        let stage = Prefetch {
            by,
            using,
            filter,
            params,
            score_threshold,
            limit: limit_with_offset,
            prefetch,
        };
        let mut found = self.stage(stage, want, &terms).await?;
        found.drain(..offset.min(found.len()));
        Ok(found)
    }

    /// One stage: those below it first, then its own ranking of what they found.
    fn stage<'a>(
        &'a self,
        stage: Prefetch,
        want: Want,
        terms: &'a Terms,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<Scored>, Error>> + Send + 'a>> {
        Box::pin(async move {
            let Prefetch { by, using, mut filter, params, score_threshold, limit, prefetch } =
                stage;
            if let By::Rrf { k } = by {
                let lists = self.below(prefetch, filter.as_ref(), terms).await?;
                let mut fused = reciprocal_rank(&lists, k);
                fused.retain(|(_, score)| score_threshold.is_none_or(|it| *score >= it));
                fused.truncate(limit);
                return self.with_records(fused, want, terms).await;
            }
            if !prefetch.is_empty() {
                let lists = self.below(prefetch, filter.as_ref(), terms).await?;
                filter = Some(only(&lists.concat(), filter.as_ref())?);
            }
            let (vector, exclude) = match by {
                By::Vector(vector) => (vector, None),
                By::Point(id) => (self.vector_of(id, &using, terms).await?, Some(id)),
                By::Rrf { .. } | By::Id => {
                    return self.in_id_order(filter, limit, want, terms).await;
                }
            };
            self.search(
                Search { using, vector, filter, params, score_threshold, limit, exclude, want },
                terms,
            )
            .await
        })
    }

    /// The best of all shards. With more than one, records are fetched of the winners only,
    /// from the views that scored them.
    async fn search(&self, search: Search, terms: &Terms) -> Result<Vec<Scored>, Error> {
        let (limit, want) = (search.limit, search.want.clone());
        let plain =
            matches!((&want.payload, &want.vectors), (WantPayload::Nothing, WantVectors::Nothing));
        let whole = plain || self.groups().len() == 1;
        let larger_is_better = self
            .config()
            .vectors
            .get(&search.using)
            .is_none_or(|it| it.distance != Distance::Euclid);
        let read = |ordinal| {
            let search = search.clone();
            (ordinal, if whole { ShardRead::Search(search) } else { ShardRead::Hold(search) })
        };
        let answers = self.ask((0..self.groups().len()).map(read), terms).await?;
        if whole {
            let scored = |(_, (it, _))| {
                if let ShardAnswer::Scored(scored) = it { scored } else { Vec::new() }
            };
            let mut all: Vec<Scored> = answers.into_iter().flat_map(scored).collect();
            all.sort_by(|a, b| {
                best_first(larger_is_better, (a.score, a.record.id), (b.score, b.record.id))
            });
            all.truncate(limit);
            return Ok(all);
        }
        let mut hits = Vec::new();
        let mut views = Vec::with_capacity(answers.len());
        for (ordinal, (answer, node)) in answers {
            let ShardAnswer::Held { held, scored } = answer else { continue };
            views.push((ordinal, node, held));
            hits.extend(scored.into_iter().enumerate().map(|(place, (id, score))| Hit {
                ordinal,
                place,
                id,
                score,
            }));
        }
        hits.sort_by(|a, b| best_first(larger_is_better, (a.score, a.id), (b.score, b.id)));
        hits.truncate(limit);
        self.fetch(hits, &views, &want, terms).await
    }

    /// Records of the winners, in their order. Views that hold none of them are let go too.
    async fn fetch(
        &self,
        hits: Vec<Hit>,
        views: &[(usize, u64, u64)],
        want: &Want,
        terms: &Terms,
    ) -> Result<Vec<Scored>, Error> {
        let fetch = |&(ordinal, node, held): &(usize, u64, u64)| {
            let places: Vec<usize> =
                hits.iter().filter(|it| it.ordinal == ordinal).map(|it| it.place).collect();
            let read = ShardRead::Fetch { held, places, want: want.clone() };
            let group = self.groups()[ordinal];
            async move {
                (ordinal, gateway::fetch(&self.inner, group, node, read, terms.deadline).await)
            }
        };
        let mut records: Vec<std::vec::IntoIter<Record>> =
            self.groups().iter().map(|_| Vec::new().into_iter()).collect();
        for (ordinal, answer) in terms.gathered(join_all(views.iter().map(fetch)).await)? {
            if let ShardAnswer::Records(found) = answer {
                records[ordinal] = found.into_iter();
            }
        }
        let scored = |hit: Hit| {
            records[hit.ordinal].next().map(|record| Scored { record, score: hit.score })
        };
        Ok(hits.into_iter().filter_map(scored).collect())
    }

    async fn vector_of(&self, id: PointId, using: &str, terms: &Terms) -> Result<Vec<f32>, Error> {
        let read = (self.ordinal_of(id), ShardRead::VectorOf { id, using: using.to_owned() });
        match self.ask(std::iter::once(read), terms).await?.pop() {
            Some((_, (ShardAnswer::Vector(vector), _))) => Ok(vector),
            _ => Err(Error::Internal("a shard answered something else than a vector".into())),
        }
    }

    /// Ids that each of some stages finds. The filter above them holds for them too.
    async fn below(
        &self,
        stages: Vec<Prefetch>,
        filter: Option<&Filter>,
        terms: &Terms,
    ) -> Result<Vec<Vec<PointId>>, Error> {
        let mut lists = Vec::with_capacity(stages.len());
        for mut stage in stages {
            if let Some(above) = filter {
                stage.filter = Some(both(above, stage.filter.as_ref())?);
            }
            let found = self.stage(stage, Want::default(), terms).await?;
            lists.push(found.into_iter().map(|it| it.record.id).collect());
        }
        Ok(lists)
    }

    async fn with_records(
        &self,
        scored: Vec<(PointId, f32)>,
        want: Want,
        terms: &Terms,
    ) -> Result<Vec<Scored>, Error> {
        let ids: Vec<PointId> = scored.iter().map(|(id, _)| *id).collect();
        let records = self.retrieve(ids, want, terms.clone()).await?;
        // A point deleted since its stage ran has no record and is left out.
        let mut records = records.into_iter().peekable();
        let with_score = |(id, score)| {
            records.next_if(|it: &Record| it.id == id).map(|record| Scored { record, score })
        };
        Ok(scored.into_iter().filter_map(with_score).collect())
    }

    async fn in_id_order(
        &self,
        filter: Option<Filter>,
        limit: usize,
        want: Want,
        terms: &Terms,
    ) -> Result<Vec<Scored>, Error> {
        let page = self.scroll(Scroll { filter, offset: None, limit, want }, terms.clone()).await?;
        Ok(page.records.into_iter().map(|record| Scored { record, score: 0.0 }).collect())
    }
}

/// Order of results: the better score, then the smaller id.
fn best_first(larger_is_better: bool, a: (f32, PointId), b: (f32, PointId)) -> std::cmp::Ordering {
    let by_score = if larger_is_better { b.0.total_cmp(&a.0) } else { a.0.total_cmp(&b.0) };
    by_score.then(a.1.cmp(&b.1))
}

fn only(ids: &[PointId], filter: Option<&Filter>) -> Result<Filter, Error> {
    let some = parse(json!({ "must": [{ "has_id": ids }] }))?;
    match filter {
        Some(filter) => both(&some, Some(filter)),
        None => Ok(some),
    }
}

fn both(a: &Filter, b: Option<&Filter>) -> Result<Filter, Error> {
    match b {
        Some(b) => parse(json!({ "must": [a, b] })),
        None => Ok(a.clone()),
    }
}

fn parse(filter: serde_json::Value) -> Result<Filter, Error> {
    Filter::parse(filter).map_err(|e| Error::BadInput(e.message))
}
