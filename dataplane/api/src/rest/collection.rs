//! Bodies of requests that make and change collections.
//!
//! What only places data in memory or on disk, or tunes Qdrant's own machinery, is
//! accepted and returned and has no effect; what would change an answer or a promise is refused.

mod diff;
mod hints;
mod named;
mod sparse;
mod strict;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vane_types::hints::QUANTIZATION;
use vane_types::limits::{NAMED_VECTORS_MAX, REPLICAS_MAX, SHARDS_MAX, VECTOR_DIM_MAX};
use vane_types::{
    CollectionConfig, Datatype, Distance, Hints, HnswConfig, OptimizerConfig, Payload, Residence,
    SearchConfig, StrictMode, VectorIds, VectorParams,
};

use super::Unsupported;
use super::parse::read_value;
use crate::engine::{ConfigChange, Layout, LayoutChange, VectorChange};
use crate::error::Error;
use diff::{HnswDiff, OptimizersDiff, Placement, SearchDiff, WalDiff};
use hints::{Quantization, add, given, replace_quantization};
pub use named::{CreateVector, check_vector_name};
use sparse::{Sparse, sparse_vectors};

/// `PUT collections/{collection}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateCollection {
    /// Of one vector, or of several by name; read by [`vectors`].
    vectors: Option<Map<String, Value>>,
    shard_number: Option<u32>,
    replication_factor: Option<u32>,
    write_consistency_factor: Option<u32>,
    on_disk_payload: Option<bool>,
    payload: Option<Placement>,
    id_tracker: Option<Placement>,
    hnsw_config: Option<HnswDiff>,
    wal_config: Option<WalDiff>,
    optimizers_config: Option<OptimizersDiff>,
    metadata: Option<Payload>,
    sharding_method: Option<ShardingMethod>,
    #[serde(default, rename = "init_from")]
    _init_from: Unsupported,
    #[serde(alias = "quantization")]
    quantization_config: Option<Quantization>,
    sparse_vectors: Option<Sparse>,
    strict_mode_config: Option<StrictMode>,
    search: Option<SearchDiff>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ShardingMethod {
    Auto,
    Custom,
}

/// Parameters of one vector.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VectorRequest {
    size: u64,
    distance: Metric,
    hnsw_config: Option<HnswDiff>,
    on_disk: Option<bool>,
    memory: Option<Residence>,
    datatype: Option<Datatype>,
    quantization_config: Option<Quantization>,
    multivector_config: Option<MultiRequest>,
}

/// How vectors of vectors compare. There is one way.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MultiRequest {
    #[serde(rename = "comparator")]
    _comparator: Comparator,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Comparator {
    MaxSim,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Metric {
    Cosine,
    Dot,
    Euclid,
    Manhattan,
}

/// `PATCH collections/{collection}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateCollection {
    vectors: Option<BTreeMap<String, VectorDiff>>,
    optimizers_config: Option<OptimizersDiff>,
    params: Option<ParamsDiff>,
    hnsw_config: Option<HnswDiff>,
    metadata: Option<Payload>,
    quantization_config: Option<Quantization>,
    sparse_vectors: Option<Sparse>,
    strict_mode_config: Option<StrictMode>,
    search: Option<SearchDiff>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VectorDiff {
    hnsw_config: Option<HnswDiff>,
    on_disk: Option<bool>,
    memory: Option<Residence>,
    quantization_config: Option<Quantization>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParamsDiff {
    replication_factor: Option<u32>,
    write_consistency_factor: Option<u32>,
    read_fan_out_factor: Option<u32>,
    read_fan_out_delay_ms: Option<u64>,
    on_disk_payload: Option<bool>,
    payload: Option<Placement>,
    id_tracker: Option<Placement>,
}

/// Parameters without effect, as the collection keeps them: those of its `params`.
#[derive(Debug, Default, Serialize)]
struct ParamsHints {
    read_fan_out_factor: Option<u32>,
    read_fan_out_delay_ms: Option<u64>,
    on_disk_payload: Option<bool>,
    payload: Option<Placement>,
    id_tracker: Option<Placement>,
}

/// The same of one vector.
#[derive(Debug, Serialize)]
struct VectorHints {
    datatype: Option<Datatype>,
}

impl CreateCollection {
    /// The configuration it asks for, and how it is to be layout.
    ///
    /// # Errors
    ///
    /// `Kind::Invalid` where a number is out of its range, `Kind::Malformed` where a vector is
    /// none, `Kind::Unsupported` for what this version does not have.
    pub fn into_parts(self) -> Result<(CollectionConfig, Layout), Error> {
        let layout = Layout {
            shards: count("shard_number", self.shard_number, 1, SHARDS_MAX)?,
            replication_factor: count(
                "replication_factor",
                self.replication_factor,
                1,
                REPLICAS_MAX,
            )?,
            write_consistency_factor: count(
                "write_consistency_factor",
                self.write_consistency_factor,
                1,
                REPLICAS_MAX,
            )?,
        };
        self.wal_config.as_ref().map_or(Ok(()), WalDiff::check)?;
        Placement::check_payload(self.payload, "payload")?;
        let params = ParamsHints {
            on_disk_payload: self.on_disk_payload,
            payload: self.payload,
            id_tracker: self.id_tracker,
            ..ParamsHints::default()
        };
        let mut hints = collection_hints(
            &params,
            self.hnsw_config.as_ref(),
            self.optimizers_config.as_ref(),
            self.quantization_config,
        );
        add(&mut hints.config, "wal_config", given(&self.wal_config));
        // Before the vectors, which give their own parameters on top of these.
        let hnsw =
            self.hnsw_config.unwrap_or_default().onto(HnswConfig::default(), "hnsw_config")?;
        let optimizer =
            self.optimizers_config.unwrap_or_default().onto(OptimizerConfig::default())?;
        let mut vectors = BTreeMap::new();
        for (name, (params, of_vector)) in self::vectors(self.vectors.unwrap_or_default(), hnsw)? {
            if !of_vector.is_empty() {
                hints.vectors.insert(name.clone(), of_vector);
            }
            vectors.insert(name, params);
        }
        let mut sparse = BTreeMap::new();
        for (name, made) in sparse_vectors(self.sparse_vectors.unwrap_or_default())? {
            if !made.hints.is_empty() {
                hints.vectors.insert(name.clone(), made.hints);
            }
            sparse.insert(name, made.params);
        }
        let mut metadata = self.metadata.unwrap_or_default();
        // In a change null takes a key away, so at the start it is no key.
        metadata.retain(|_, value| !value.is_null());
        let config = CollectionConfig {
            vectors,
            sparse,
            ids: VectorIds::default(),
            hnsw,
            optimizer,
            // Indexes are made by calls of their own.
            payload_schema: BTreeMap::new(),
            metadata,
            by_tenant: matches!(self.sharding_method, Some(ShardingMethod::Custom)),
            search: self.search.unwrap_or_default().onto(SearchConfig::default())?,
            strict: strict::checked(self.strict_mode_config)?,
            // By way of a merge, which drops what asks for nothing.
            hints: Hints::default().merged(hints),
        };
        Ok((config, layout))
    }
}

/// Parameters of a vector, and those without effect.
type Params = (VectorParams, Map<String, Value>);

/// What of a request is kept and has no effect.
fn collection_hints(
    params: &ParamsHints,
    hnsw: Option<&HnswDiff>,
    optimizers: Option<&OptimizersDiff>,
    quantization: Option<Quantization>,
) -> Hints {
    let mut config = Map::new();
    add(&mut config, "params", given(params));
    add(&mut config, "hnsw_config", given(&hnsw));
    add(&mut config, "optimizer_config", given(&optimizers));
    config.extend(quantization.map(|method| (QUANTIZATION.to_owned(), method.into_hint())));
    Hints { config, ..Hints::default() }
}

/// The same of one vector.
fn vector_hints(
    own: &VectorHints,
    hnsw: Option<&HnswDiff>,
    quantization: Option<Quantization>,
) -> Map<String, Value> {
    let mut hints = given(own);
    add(&mut hints, "hnsw_config", given(&hnsw));
    hints.extend(quantization.map(|method| (QUANTIZATION.to_owned(), method.into_hint())));
    hints
}

/// Reads the vectors of a new collection, one unnamed or several by name.
fn vectors(
    fields: Map<String, Value>,
    hnsw: HnswConfig,
) -> Result<BTreeMap<String, Params>, Error> {
    // A vector may be called `size`; its value is an object then.
    let is_parameter = |name| fields.get(name).is_some_and(|value: &Value| !value.is_object());
    if is_parameter("size") || is_parameter("distance") {
        let vector: VectorRequest = read_value(Value::Object(fields), "vectors")?;
        return Ok(BTreeMap::from([(String::new(), vector.into_params("vectors", hnsw)?)]));
    }
    // Before any is read, as each is parsed by itself.
    Error::check_most("vectors", fields.len(), "vectors", NAMED_VECTORS_MAX)?;
    let mut vectors = BTreeMap::new();
    for (name, json) in fields {
        let field = format!("vectors.{name}");
        let vector: VectorRequest = read_value(json, &field)?;
        vectors.insert(name, vector.into_params(&field, hnsw)?);
    }
    Ok(vectors)
}

impl VectorRequest {
    fn into_params(self, field: &str, hnsw: HnswConfig) -> Result<Params, Error> {
        let distance = match self.distance {
            Metric::Cosine => Distance::Cosine,
            Metric::Dot => Distance::Dot,
            Metric::Euclid => Distance::Euclid,
            Metric::Manhattan => Distance::Manhattan,
        };
        let sizes = 1..=VECTOR_DIM_MAX;
        let size = usize::try_from(self.size).ok().filter(|size| sizes.contains(size));
        let out_of_range = || Error::out_of_range(format!("{field}.size"), self.size, &sizes);
        // On top of the collection's, which a vector follows in all else.
        let own = self
            .hnsw_config
            .map(|diff| diff.onto(hnsw, &format!("{field}.hnsw_config")))
            .transpose()?;
        let hints = vector_hints(
            // What is the case anyway is kept as it was said.
            &VectorHints { datatype: self.datatype.filter(|it| *it == Datatype::Float32) },
            self.hnsw_config.as_ref(),
            self.quantization_config,
        );
        let size = size.ok_or_else(out_of_range)?;
        let (on_disk, memory) = (self.on_disk, self.memory);
        Ok((
            VectorParams {
                hnsw: own,
                on_disk,
                memory,
                multi: self.multivector_config.is_some(),
                datatype: self.datatype.unwrap_or_default(),
                ..VectorParams::new(size, distance)
            },
            hints,
        ))
    }
}

impl UpdateCollection {
    /// How many replicas there are to be, and how many of them writes are to wait for, where that
    /// is to change.
    ///
    /// # Errors
    ///
    /// `Kind::Invalid` where one is out of its range.
    pub fn layout_change(&self, layout: Layout) -> Result<LayoutChange, Error> {
        let Some(params) = &self.params else { return Ok(LayoutChange::default()) };
        let asked = |field, factor: Option<u32>| {
            factor.map(|factor| count(field, Some(factor), factor, REPLICAS_MAX)).transpose()
        };
        let (of_replicas, of_writes) =
            ("params.replication_factor", "params.write_consistency_factor");
        let replicas = asked(of_replicas, params.replication_factor)?;
        let writes = asked(of_writes, params.write_consistency_factor)?;
        if let (Some(replicas), Some(writes)) = (replicas, writes)
            && writes > replicas
        {
            return Err(Error::out_of_range(of_writes, writes, &(1..=replicas)));
        }
        Ok(LayoutChange {
            // To repeat the number that it has changes nothing: tools send all that they know.
            replication_factor: replicas.filter(|factor| *factor != layout.replication_factor),
            write_consistency_factor: writes,
        })
    }

    /// The change it asks for of a collection that is as `config` says.
    ///
    /// # Errors
    ///
    /// `Kind::Invalid` where a number is out of its range.
    pub fn into_change(self, config: &CollectionConfig) -> Result<ConfigChange, Error> {
        let params = self.params.unwrap_or_default();
        Placement::check_payload(params.payload, "params.payload")?;
        let mut hints = collection_hints(
            &ParamsHints {
                read_fan_out_factor: params.read_fan_out_factor,
                read_fan_out_delay_ms: params.read_fan_out_delay_ms,
                on_disk_payload: params.on_disk_payload,
                payload: params.payload,
                id_tracker: params.id_tracker,
            },
            self.hnsw_config.as_ref(),
            self.optimizers_config.as_ref(),
            self.quantization_config,
        );
        replace_quantization(&mut hints.config, Some(&config.hints.config));
        let hnsw =
            self.hnsw_config.map(|diff| diff.onto(config.hnsw, "hnsw_config")).transpose()?;
        let mut vectors = BTreeMap::new();
        for (name, diff) in self.vectors.unwrap_or_default() {
            // A vector without its own parameters follows the collection's, also those of
            // this very change.
            let own = config.vectors.get(&name).and_then(|params| params.hnsw);
            let base = own.or(hnsw).unwrap_or(config.hnsw);
            let field = format!("vectors.{name}.hnsw_config");
            let own = VectorHints { datatype: None };
            let mut of_vector =
                vector_hints(&own, diff.hnsw_config.as_ref(), diff.quantization_config);
            replace_quantization(&mut of_vector, config.hints.vectors.get(&name));
            if !of_vector.is_empty() {
                hints.vectors.insert(name.clone(), of_vector);
            }
            let hnsw = diff.hnsw_config.map(|diff| diff.onto(base, &field)).transpose()?;
            vectors.insert(name, VectorChange { hnsw, on_disk: diff.on_disk, memory: diff.memory });
        }
        let mut sparse = BTreeMap::new();
        for (name, request) in self.sparse_vectors.unwrap_or_default() {
            let (change, of_vector) = request.into_change();
            if !of_vector.is_empty() {
                hints.vectors.insert(name.clone(), of_vector);
            }
            sparse.insert(name, change);
        }
        let optimizer =
            self.optimizers_config.map(|diff| diff.onto(config.optimizer)).transpose()?;
        let search = self.search.map(|diff| diff.onto(config.search)).transpose()?;
        let metadata = self.metadata;
        let strict = strict::checked(self.strict_mode_config)?;
        Ok(ConfigChange { hnsw, optimizer, vectors, sparse, search, metadata, hints, strict })
    }
}

/// A count from 1, which the client may leave out.
fn count(field: &str, value: Option<u32>, default: u32, max: u32) -> Result<u32, Error> {
    match value {
        None => Ok(default),
        Some(0) => Err(Error::zero(field)),
        Some(value) if value > max => {
            Err(Error::invalid(field, format!("value {value} invalid, must be at most {max}")))
        }
        Some(value) => Ok(value),
    }
}
