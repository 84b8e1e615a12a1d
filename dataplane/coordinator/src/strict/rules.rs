//! Whether a request is over a limit: what was asked, against the collection's parameters and what
//! it holds.

use std::sync::Arc;

use vane_commands::{NewPoint, Write};
use vane_filter::{Condition, Filter};
use vane_shard::SearchParams;
use vane_types::{
    CollectionConfig, FieldSchema, JsonPath, NamedVectors, StrictMode, Vector, VectorSpec,
};

use super::filters::{self, Indexes, Missing};
use super::limited::{Limited, User};
use super::{Requested, filter_of};
use crate::query::{By, Grouping, Prefetch, Query};
use crate::watched::Figures;

/// What has to be known beside what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    /// [`Facts::figures`].
    pub(super) figures: bool,
    /// Those of now: the request is a rare one, and what it makes stays.
    pub(super) fresh: bool,
    /// [`Facts::resident_percent`].
    pub(super) memory: bool,
}

/// What limits are compared with. Those that were not needed are absent.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) figures: Option<Arc<Figures>>,
    /// Of this node's memory; `None` also where it cannot be told.
    pub(super) resident_percent: Option<u64>,
}

impl Needs {
    /// For a request under limits.
    pub(super) fn of(strict: &StrictMode, asked: &Requested<'_>) -> Self {
        let Requested::Writes(writes) = asked else {
            let figures = strict.unindexed_filtering_retrieve == Some(false)
                && !matches!(asked, Requested::Retrieve(_));
            return Self { figures, fresh: false, memory: false };
        };
        let has_sizes = strict.max_points_count.is_some()
            || strict.max_collection_vector_size_bytes.is_some()
            || strict.max_collection_payload_size_bytes.is_some();
        let needs_figures = |write: &&Write| match write {
            Write::CreateIndex { .. } => strict.max_payload_index_count.is_some(),
            write => {
                let has_filter = filter_of(write).or_else(|| condition_of(write)).is_some();
                (has_sizes && write.grows())
                    || (has_filter && strict.unindexed_filtering_update == Some(false))
            }
        };
        let grows = writes.iter().any(|write| write.grows());
        let makes_index = |write: &&Write| matches!(write, Write::CreateIndex { .. });
        Self {
            figures: writes.iter().any(needs_figures),
            fresh: writes.iter().any(makes_index),
            memory: grows && strict.max_resident_memory_percent.is_some(),
        }
    }
}

/// The limits of a collection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) strict: &'a StrictMode,
    pub(super) config: &'a CollectionConfig,
}

impl Rules<'_> {
    /// Refuses more seconds than a client may give a request.
    pub(super) fn check_timeout(&self, timeout: Option<u64>) -> Result<(), Limited> {
        over("timeout", timeout, self.strict.max_timeout)
    }

    /// Refuses a request that is over a limit.
    pub(super) fn check(&self, asked: &Requested<'_>, facts: &Facts) -> Result<(), Limited> {
        let strict = self.strict;
        let indexes = facts.figures.as_deref().map(|figures| self.indexes(figures));
        match asked {
            Requested::Query(query) => self.query(query, query.limit, indexes),
            Requested::Queries(queries) => {
                let found = queries.len() as u64;
                over("search batch size", Some(found), strict.search_max_batchsize)?;
                queries.iter().try_for_each(|query| self.query(query, query.limit, indexes))
            }
            Requested::Groups(query, grouping) => {
                let Grouping { by, size, lookup: _ } = grouping;
                self.group_field(by, indexes)?;
                self.query(query, query.limit.saturating_mul(*size), indexes)
            }
            Requested::Retrieve(_) => Ok(()),
            Requested::Scroll { filter, limit } => {
                self.limit(*limit)?;
                self.read_filter(*filter, indexes)
            }
            Requested::Count { filter, exact } => {
                self.read_filter(*filter, indexes)?;
                self.exact(*exact)
            }
            Requested::Facet { filter, limit, exact } => {
                self.limit(*limit)?;
                self.read_filter(*filter, indexes)?;
                self.exact(*exact)
            }
            Requested::Matrix(matrix) => {
                self.limit(matrix.limit.saturating_mul(matrix.sample))?;
                self.read_filter(matrix.filter.as_ref(), indexes)
            }
            Requested::Writes(writes) => {
                writes.iter().try_for_each(|write| self.write(write, facts))
            }
        }
    }

    fn limit(&self, limit: usize) -> Result<(), Limited> {
        over("limit", Some(limit as u64), self.strict.max_query_limit)
    }

    fn exact(&self, exact: bool) -> Result<(), Limited> {
        match exact && self.strict.search_allow_exact == Some(false) {
            true => Err(Limited::Exact),
            false => Ok(()),
        }
    }

    /// A query that may come to as many results as `limit` says.
    fn query(
        &self,
        query: &Query,
        limit: usize,
        indexes: Option<Indexes<'_>>,
    ) -> Result<(), Limited> {
        let Query { by, using, filter, params, prefetch, corpus, .. } = query;
        prefetch.iter().try_for_each(|stage| self.prefetch(stage, indexes))?;
        if prefetch.is_empty() {
            self.scan(by, using, filter.as_ref())?;
        }
        self.formula(by, indexes)?;
        self.limit(limit)?;
        self.read_filter(filter.as_ref(), indexes)?;
        self.read_filter(corpus.as_ref(), indexes)?;
        self.params(params)
    }

    fn prefetch(&self, stage: &Prefetch, indexes: Option<Indexes<'_>>) -> Result<(), Limited> {
        let Prefetch { by, using, filter, params, prefetch, limit, corpus, .. } = stage;
        // As deep as a request may be.
        prefetch.iter().try_for_each(|stage| self.prefetch(stage, indexes))?;
        self.scan(by, using, filter.as_ref())?;
        self.formula(by, indexes)?;
        self.limit(*limit)?;
        self.read_filter(filter.as_ref(), indexes)?;
        self.read_filter(corpus.as_ref(), indexes)?;
        self.params(params)
    }

    fn params(&self, params: &SearchParams) -> Result<(), Limited> {
        let SearchParams { ef, oversampling, exact, .. } = *params;
        if let (Some(value), Some(limit)) = (oversampling, self.strict.search_max_oversampling)
            && value > limit
        {
            return Err(Limited::Over { what: "oversampling", value, limit });
        }
        over("hnsw_ef", ef.map(|ef| ef as u64), self.strict.search_max_hnsw_ef)?;
        self.exact(exact)
    }

    /// Refuses a search that no graph can answer, where whole scans are not allowed.
    fn scan(&self, by: &By, using: &str, filter: Option<&Filter>) -> Result<(), Limited> {
        let is_of_vector = match by {
            By::Vector(_) | By::Point(_) | By::Examples(_) | By::Diverse(_) => true,
            By::Rrf { .. } | By::Dbsf | By::Order(_) | By::Formula(_) | By::Sample | By::Id => {
                false
            }
        };
        // A vector that is not there is refused elsewhere, and sparse ones always have postings.
        let is_dense =
            matches!(self.config.vector(using), Some(VectorSpec::Dense(_) | VectorSpec::Multi(_)));
        let has_graph = self.config.hnsw_of(using).m > 0;
        let allows_scans = self.strict.search_allow_exact != Some(false);
        if allows_scans || !is_of_vector || !is_dense || has_graph {
            return Ok(());
        }
        let names_tenant = filter.is_some_and(|filter| {
            filters::conditions(filter).filter_map(field_of).any(|key| self.is_of_tenants(key))
        });
        let but_of_tenants = !names_tenant;
        if !but_of_tenants && self.has_graphs_of_tenants(using) {
            return Ok(());
        }
        Err(Limited::Scan { vector: using.to_owned(), but_of_tenants })
    }

    fn is_of_tenants(&self, key: &JsonPath) -> bool {
        let options = self.config.hints.indexes.get(key);
        options.is_some_and(|options| options.get("is_tenant") == Some(&true.into()))
    }

    /// Whether graphs of tenants were asked for, by `payload_m`.
    fn has_graphs_of_tenants(&self, using: &str) -> bool {
        let hints = &self.config.hints;
        let own = hints.vectors.get(using).and_then(|of| of.get("hnsw_config"));
        let given = |of: &serde_json::Value| of.get("payload_m")?.as_u64();
        let own = own.and_then(given);
        own.or_else(|| hints.config.get("hnsw_config").and_then(given)).is_some_and(|m| m > 0)
    }

    fn formula(&self, by: &By, indexes: Option<Indexes<'_>>) -> Result<(), Limited> {
        let By::Formula(formula) = by else { return Ok(()) };
        formula.conditions.iter().try_for_each(|filter| self.filter(filter))?;
        let indexes = indexes.filter(|_| self.strict.unindexed_filtering_retrieve == Some(false));
        let missing = indexes.and_then(|indexes| filters::missing_of_formula(indexes, formula));
        missing.map_or(Ok(()), |missing| Err(unindexed(missing, User::Formula)))
    }

    /// Refuses to group by a field without an index of values that can be looked up.
    fn group_field(&self, key: &JsonPath, indexes: Option<Indexes<'_>>) -> Result<(), Limited> {
        let indexes = indexes.filter(|_| self.strict.unindexed_filtering_retrieve == Some(false));
        let Some(indexes) = indexes else { return Ok(()) };
        let found = match indexes.schema.get(key) {
            Some(
                FieldSchema::Keyword | FieldSchema::Integer | FieldSchema::Bool | FieldSchema::Uuid,
            ) => return Ok(()),
            found => found.map(FieldSchema::name),
        };
        Err(Limited::Ungrouped { key: key.clone(), found })
    }

    fn indexes<'f>(&'f self, figures: &'f Figures) -> Indexes<'f> {
        Indexes { schema: &figures.schema, config: self.config }
    }

    fn read_filter(
        &self,
        filter: Option<&Filter>,
        indexes: Option<Indexes<'_>>,
    ) -> Result<(), Limited> {
        self.filter_under(filter, self.strict.unindexed_filtering_retrieve, indexes)
    }

    fn filter_under(
        &self,
        filter: Option<&Filter>,
        allowed: Option<bool>,
        indexes: Option<Indexes<'_>>,
    ) -> Result<(), Limited> {
        let Some(filter) = filter else { return Ok(()) };
        self.filter(filter)?;
        let indexes = indexes.filter(|_| allowed == Some(false));
        let missing = indexes.and_then(|indexes| filters::missing(indexes, filter));
        missing.map_or(Ok(()), |missing| Err(unindexed(missing, User::Filter)))
    }

    /// Refuses too large a filter.
    fn filter(&self, filter: &Filter) -> Result<(), Limited> {
        if let Some(limit) = self.strict.filter_max_conditions {
            let found = filters::count(filter);
            if found > limit {
                return Err(Limited::Conditions { found, limit });
            }
        }
        if let Some(limit) = self.strict.condition_max_size {
            let found = filters::largest(filter);
            if found > limit {
                return Err(Limited::ConditionSize { found, limit });
            }
        }
        Ok(())
    }

    fn write(&self, write: &Write, facts: &Facts) -> Result<(), Limited> {
        let strict = self.strict;
        if write.grows() {
            let used = facts.resident_percent.zip(strict.max_resident_memory_percent);
            if let Some((used, limit)) = used.filter(|(used, limit)| used >= limit) {
                return Err(Limited::Memory { used, limit });
            }
        }
        let figures = facts.figures.as_deref();
        match write {
            Write::Upsert(points) | Write::UpsertIf(points, _) => {
                over("upsert limit", Some(points.len() as u64), strict.upsert_max_batchsize)?;
                self.sizes(figures)?;
                let vectors = points.iter().map(|NewPoint { vectors, .. }| vectors);
                vectors.into_iter().try_for_each(|vectors| self.vectors(vectors))?;
            }
            Write::UpdateVectors(points) | Write::UpdateVectorsIf(points, _) => {
                over("update limit", Some(points.len() as u64), strict.upsert_max_batchsize)?;
                self.sizes(figures)?;
                points.iter().try_for_each(|(_, vectors)| self.vectors(vectors))?;
            }
            Write::SetPayload { .. } | Write::OverwritePayload { .. } => {
                self.payload_size(figures)?;
            }
            Write::CreateIndex { .. } => {
                let indexes = figures.map(|figures| figures.schema.len() as u64);
                let reached = strict.max_payload_index_count.zip(indexes);
                if let Some((limit, _)) = reached.filter(|(limit, indexes)| indexes >= limit) {
                    return Err(Limited::Indexes(limit));
                }
            }
            Write::Delete(_)
            | Write::DeleteVectors { .. }
            | Write::DeletePayload { .. }
            | Write::ClearPayload(_)
            | Write::DropIndex { .. }
            | Write::CloseTenant(_) => {}
        }
        let filter = filter_of(write).or_else(|| condition_of(write));
        let indexes = figures.map(|figures| self.indexes(figures));
        self.filter_under(filter, strict.unindexed_filtering_update, indexes)
    }

    /// Refuses what would add to a collection that has as much as it may.
    fn sizes(&self, figures: Option<&Figures>) -> Result<(), Limited> {
        let Some(Figures { points, vector_bytes, .. }) = figures else { return Ok(()) };
        let strict = self.strict;
        let reached = |limit: Option<u64>, found: u64| limit.filter(|limit| found >= *limit);
        if let Some(limit) = reached(strict.max_collection_vector_size_bytes, *vector_bytes) {
            return Err(Limited::VectorBytes(limit));
        }
        self.payload_size(figures)?;
        reached(strict.max_points_count, *points).map_or(Ok(()), |it| Err(Limited::Points(it)))
    }

    fn payload_size(&self, figures: Option<&Figures>) -> Result<(), Limited> {
        let found = figures.map_or(0, |figures| figures.payload_bytes);
        match self.strict.max_collection_payload_size_bytes {
            Some(limit) if figures.is_some() && found >= limit => Err(Limited::PayloadBytes(limit)),
            _ => Ok(()),
        }
    }

    fn vectors(&self, vectors: &NamedVectors) -> Result<(), Limited> {
        let (multi, sparse) = (&self.strict.multivector_config, &self.strict.sparse_config);
        if multi.is_none() && sparse.is_none() {
            return Ok(());
        }
        for (name, vector) in vectors {
            let of_multi = multi.as_ref().and_then(|of| of.get(name)?.max_vectors);
            let of_sparse = sparse.as_ref().and_then(|of| of.get(name)?.max_length);
            let vector_name = || name.clone();
            match (vector, of_multi, of_sparse) {
                (Vector::Multi(rows), Some(limit), _) if rows.rows().len() as u64 > limit => {
                    let found = rows.rows().len();
                    return Err(Limited::Rows { vector: vector_name(), found, limit });
                }
                (Vector::Sparse(sparse), _, Some(limit))
                    if sparse.indices().len() as u64 > limit =>
                {
                    let found = sparse.indices().len();
                    return Err(Limited::Numbers { vector: vector_name(), found, limit });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What points that are there have to match to be written.
fn condition_of(write: &Write) -> Option<&Filter> {
    match write {
        Write::UpsertIf(_, condition) => condition.filter.as_ref(),
        Write::UpdateVectorsIf(_, filter) => Some(filter),
        _ => None,
    }
}

/// The field that a condition is about.
fn field_of(condition: &Condition) -> Option<&JsonPath> {
    match condition {
        Condition::Field(field) => Some(&field.key),
        Condition::IsEmpty { is_empty: field } | Condition::IsNull { is_null: field } => {
            Some(&field.key)
        }
        _ => None,
    }
}

fn over(what: &'static str, value: Option<u64>, limit: Option<u64>) -> Result<(), Limited> {
    match (value, limit) {
        (Some(value), Some(limit)) if value > limit => {
            Err(Limited::Over { what, value: value as f64, limit: limit as f64 })
        }
        _ => Ok(()),
    }
}

fn unindexed(Missing { key, wanted }: Missing, user: User) -> Limited {
    Limited::Unindexed { key, wanted, user }
}
