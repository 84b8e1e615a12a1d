//! Recommendations and discoveries from before there were queries.

use serde_json::{Value, json};
use vane_wire::qdrant::target_vector::Target;
use vane_wire::qdrant::vector_example::Example;
use vane_wire::qdrant::{
    DiscoverBatchPoints, DiscoverPoints, PointId, RecommendBatchPoints, RecommendPointGroups,
    RecommendPoints, Vector, VectorExample,
};

use super::examples::{lookup_from, strategy};
use super::filter::maybe;
use super::query::{batch, grouped, params, threshold};
use super::select::{among, point_id, want};
use super::vector::vector;
use super::{Fields, Form, Lists, needed, put};
use crate::error::Error;
use crate::rest::query::{
    DiscoverBatch, DiscoverRequest, RecommendBatch, RecommendGroupsRequest, RecommendRequest,
};

impl Form for RecommendPoints {
    type Body = RecommendRequest;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        let mut fields = Fields::new();
        let positive = examples(self.positive, self.positive_vectors, lists)?;
        let negative = examples(self.negative, self.negative_vectors, lists)?;
        put(&mut fields, "positive", Some(positive));
        put(&mut fields, "negative", Some(negative));
        put(&mut fields, "strategy", self.strategy.map(strategy).transpose()?);
        put(&mut fields, "using", self.using);
        // Here it has to be said: none is 0, which is refused as such.
        put(&mut fields, "limit", Some(self.limit));
        put(&mut fields, "offset", self.offset);
        threshold(&mut fields, self.score_threshold)?;
        maybe(&mut fields, self.filter)?;
        put(&mut fields, "params", self.params.map(params).transpose()?);
        want(&mut fields, self.with_payload, self.with_vectors)?;
        put(&mut fields, "lookup_from", self.lookup_from.map(lookup_from).transpose()?);
        among(&mut fields, self.shard_key_selector)?;
        Ok(fields.into())
    }
}

impl Form for RecommendBatchPoints {
    type Body = RecommendBatch;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        batch(self.recommend_points, lists)
    }
}

impl Form for RecommendPointGroups {
    type Body = RecommendGroupsRequest;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        let points = RecommendPoints {
            positive: self.positive,
            negative: self.negative,
            positive_vectors: self.positive_vectors,
            negative_vectors: self.negative_vectors,
            strategy: self.strategy,
            using: self.using,
            filter: self.filter,
            params: self.params,
            score_threshold: self.score_threshold,
            limit: self.limit.into(),
            with_payload: self.with_payload,
            with_vectors: self.with_vectors,
            lookup_from: self.lookup_from,
            shard_key_selector: self.shard_key_selector,
            ..RecommendPoints::default()
        };
        let form = points.form(lists)?;
        let size = Some(self.group_size.into());
        grouped(form, self.group_by, size, self.with_lookup)
    }
}

impl Form for DiscoverPoints {
    type Body = DiscoverRequest;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        let mut fields = Fields::new();
        if let Some(target) = self.target {
            let Target::Single(target) = needed(target.target, "target.target")?;
            put(&mut fields, "target", Some(example(Some(target), "target", lists)?));
        }
        let mut context = Vec::with_capacity(self.context.len());
        for pair in self.context {
            let positive = example(pair.positive, "context.positive", lists)?;
            let negative = example(pair.negative, "context.negative", lists)?;
            context.push(json!({ "positive": positive, "negative": negative }));
        }
        put(&mut fields, "context", Some(context));
        put(&mut fields, "using", self.using);
        put(&mut fields, "limit", Some(self.limit));
        put(&mut fields, "offset", self.offset);
        maybe(&mut fields, self.filter)?;
        put(&mut fields, "params", self.params.map(params).transpose()?);
        want(&mut fields, self.with_payload, self.with_vectors)?;
        put(&mut fields, "lookup_from", self.lookup_from.map(lookup_from).transpose()?);
        among(&mut fields, self.shard_key_selector)?;
        Ok(fields.into())
    }
}

impl Form for DiscoverBatchPoints {
    type Body = DiscoverBatch;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        batch(self.discover_points, lists)
    }
}

/// Examples that come as two lists.
fn examples(ids: Vec<PointId>, vectors: Vec<Vector>, lists: &mut Lists) -> Result<Value, Error> {
    let ids = ids.into_iter().map(|id| point_id(Some(id)));
    let ids: Vec<Value> = ids.collect::<Result<_, _>>()?;
    let vectors = vectors.into_iter().map(|one| vector(one, lists));
    ids.into_iter().map(Ok).chain(vectors).collect()
}

fn example(example: Option<VectorExample>, what: &str, lists: &mut Lists) -> Result<Value, Error> {
    match needed(example.and_then(|example| example.example), what)? {
        Example::Id(id) => point_id(Some(id)),
        Example::Vector(one) => vector(one, lists),
    }
}
