//! Queries, and the searches that came before them.

use serde_json::{Value, json};
use vane_wire::qdrant::query::Variant;
use vane_wire::qdrant::{
    AcornSearchParams, Fusion, IdfParams, PrefetchQuery, QuantizationSearchParams, Query,
    QueryBatchPoints, QueryPointGroups, QueryPoints, Rrf, Sample, SearchBatchPoints, SearchParams,
    SearchPointGroups, SearchPoints, WithLookup,
};

use super::config::word;
use super::examples::{context, discover, diverse, feedback, lookup_from, recommend};
use super::filter::{filter, maybe};
use super::formula::formula;
use super::rank::order_by;
use super::select::{among, want};
use super::value::number;
use super::vector::{input, sparse};
use super::{Fields, Form, Lists, needed, put};
use crate::error::Error;
use crate::rest::query::{
    QueryBatch, QueryGroupsRequest, QueryRequest, SearchBatch, SearchGroupsRequest, SearchRequest,
};

impl Form for QueryPoints {
    type Body = QueryRequest;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        let stage = PrefetchQuery {
            prefetch: self.prefetch,
            query: self.query,
            using: self.using,
            filter: self.filter,
            params: self.params,
            score_threshold: self.score_threshold,
            limit: self.limit,
            lookup_from: self.lookup_from,
        };
        let mut fields = self::stage(stage, lists)?;
        put(&mut fields, "offset", self.offset);
        want(&mut fields, self.with_payload, self.with_vectors)?;
        among(&mut fields, self.shard_key_selector)?;
        Ok(fields.into())
    }
}

impl Form for QueryBatchPoints {
    type Body = QueryBatch;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        batch(self.query_points, lists)
    }
}

impl Form for SearchPoints {
    type Body = SearchRequest;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        let near = match self.sparse_indices {
            Some(indices) => sparse(indices.data, self.vector),
            None => lists.dense(self.vector),
        };
        let mut fields = Fields::new();
        let name = self.vector_name.unwrap_or_default();
        put(&mut fields, "vector", Some(json!({ "name": name, "vector": near })));
        // Here it has to be said: none is 0, which is refused as such.
        put(&mut fields, "limit", Some(self.limit));
        put(&mut fields, "offset", self.offset);
        threshold(&mut fields, self.score_threshold)?;
        maybe(&mut fields, self.filter)?;
        put(&mut fields, "params", self.params.map(params).transpose()?);
        want(&mut fields, self.with_payload, self.with_vectors)?;
        among(&mut fields, self.shard_key_selector)?;
        Ok(fields.into())
    }
}

impl Form for SearchBatchPoints {
    type Body = SearchBatch;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        batch(self.search_points, lists)
    }
}

impl Form for QueryPointGroups {
    type Body = QueryGroupsRequest;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        let query = QueryPoints {
            prefetch: self.prefetch,
            query: self.query,
            using: self.using,
            filter: self.filter,
            params: self.params,
            score_threshold: self.score_threshold,
            limit: self.limit,
            lookup_from: self.lookup_from,
            with_payload: self.with_payload,
            with_vectors: self.with_vectors,
            shard_key_selector: self.shard_key_selector,
            ..QueryPoints::default()
        };
        let form = query.form(lists)?;
        grouped(form, self.group_by, self.group_size, self.with_lookup)
    }
}

impl Form for SearchPointGroups {
    type Body = SearchGroupsRequest;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        let search = SearchPoints {
            vector: self.vector,
            vector_name: self.vector_name,
            sparse_indices: self.sparse_indices,
            filter: self.filter,
            params: self.params,
            score_threshold: self.score_threshold,
            limit: self.limit.into(),
            with_payload: self.with_payload,
            with_vectors: self.with_vectors,
            shard_key_selector: self.shard_key_selector,
            ..SearchPoints::default()
        };
        let form = search.form(lists)?;
        let size = Some(self.group_size.into());
        grouped(form, self.group_by, size, self.with_lookup)
    }
}

/// Queries or searches of one kind that are asked together.
pub(super) fn batch<F: Form>(each: Vec<F>, lists: &mut Lists) -> Result<Value, Error> {
    let forms = each.into_iter().map(|one| one.form(lists));
    Ok(json!({ "searches": forms.collect::<Result<Value, _>>()? }))
}

/// A query or a search with what groups it.
pub(super) fn grouped(
    mut form: Value,
    by: String,
    size: Option<u64>,
    lookup: Option<WithLookup>,
) -> Result<Value, Error> {
    form["group_by"] = by.into();
    // Without one REST's default holds, which is that of gRPC.
    if let Some(size) = size {
        form["group_size"] = size.into();
    }
    if let Some(WithLookup { collection, with_payload, with_vectors }) = lookup {
        let mut fields = Fields::new();
        put(&mut fields, "collection", Some(collection));
        want(&mut fields, with_payload, with_vectors)?;
        form["with_lookup"] = fields.into();
    }
    Ok(form)
}

/// A query or a part of one, as deep as prost reads messages, which is bounded.
fn stage(stage: PrefetchQuery, lists: &mut Lists) -> Result<Fields, Error> {
    let mut fields = Fields::new();
    if !stage.prefetch.is_empty() {
        let below =
            stage.prefetch.into_iter().map(|part| self::stage(part, lists).map(Value::from));
        put(&mut fields, "prefetch", Some(below.collect::<Result<Value, _>>()?));
    }
    put(&mut fields, "query", stage.query.map(|query| ranking(query, lists)).transpose()?);
    put(&mut fields, "using", stage.using);
    maybe(&mut fields, stage.filter)?;
    put(&mut fields, "params", stage.params.map(params).transpose()?);
    threshold(&mut fields, stage.score_threshold)?;
    put(&mut fields, "limit", stage.limit);
    put(&mut fields, "lookup_from", stage.lookup_from.map(lookup_from).transpose()?);
    Ok(fields)
}

pub(super) fn threshold(fields: &mut Fields, threshold: Option<f32>) -> Result<(), Error> {
    put(fields, "score_threshold", threshold.map(f64::from).map(number).transpose()?);
    Ok(())
}

fn ranking(query: Query, lists: &mut Lists) -> Result<Value, Error> {
    Ok(match needed(query.variant, "query.variant")? {
        Variant::Nearest(near) => json!({ "nearest": input(near, "nearest.variant", lists)? }),
        Variant::Fusion(fusion) => {
            json!({ "fusion": word(fusion, "query.fusion", Fusion::as_str_name)?.to_lowercase() })
        }
        Variant::Rrf(Rrf { k, weights }) => {
            let mut fields = Fields::new();
            put(&mut fields, "k", k);
            put(&mut fields, "weights", (!weights.is_empty()).then_some(weights));
            json!({ "rrf": fields })
        }
        Variant::NearestWithMmr(near) => diverse(near, lists)?,
        Variant::Recommend(part) => json!({ "recommend": recommend(part, lists)? }),
        Variant::Discover(part) => json!({ "discover": discover(part, lists)? }),
        Variant::Context(part) => json!({ "context": context(part, lists)? }),
        Variant::RelevanceFeedback(part) => json!({ "relevance_feedback": feedback(part, lists)? }),
        Variant::OrderBy(order) => json!({ "order_by": order_by(order)? }),
        Variant::Formula(part) => formula(part)?,
        Variant::Sample(sample) => {
            json!({ "sample": word(sample, "query.sample", Sample::as_str_name)?.to_lowercase() })
        }
        // Refused, as no model is named.
        Variant::Text(_) => json!({ "text": "" }),
    })
}

pub(super) fn params(params: SearchParams) -> Result<Value, Error> {
    let SearchParams { hnsw_ef, exact, quantization, indexed_only, acorn, idf } = params;
    let mut fields = Fields::new();
    put(&mut fields, "hnsw_ef", hnsw_ef);
    put(&mut fields, "exact", exact);
    put(&mut fields, "indexed_only", indexed_only);
    if let Some(QuantizationSearchParams { ignore, rescore, oversampling }) = quantization {
        let mut inner = Fields::new();
        put(&mut inner, "ignore", ignore);
        put(&mut inner, "rescore", rescore);
        put(&mut inner, "oversampling", oversampling.map(number).transpose()?);
        put(&mut fields, "quantization", Some(inner));
    }
    if let Some(AcornSearchParams { enable, max_selectivity }) = acorn {
        let mut inner = Fields::new();
        put(&mut inner, "enable", enable);
        put(&mut inner, "max_selectivity", max_selectivity.map(number).transpose()?);
        put(&mut fields, "acorn", Some(inner));
    }
    // Without a corpus it is that of all points, as without it.
    if let Some(IdfParams { corpus: Some(corpus) }) = idf {
        put(&mut fields, "idf", Some(json!({ "corpus": filter(corpus)? })));
    }
    Ok(fields.into())
}
