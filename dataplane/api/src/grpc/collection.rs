//! Requests that make and change collections.

use std::collections::HashMap;

use serde_json::{Value, json};
use vane_wire::qdrant::create_vector_name_request::VectorConfig;
use vane_wire::qdrant::quantization_config::Quantization;
use vane_wire::qdrant::quantization_config_diff::Quantization as QuantizationDiff;
use vane_wire::qdrant::{
    BinaryQuantization, CollectionParamsDiff, CompressionRatio, CreateCollection,
    CreateVectorNameRequest, Datatype, DenseVectorCreationConfig, Distance, MultiVectorComparator,
    MultiVectorConfig, OptimizersConfigDiff, ProductQuantization, QuantizationConfig,
    QuantizationConfigDiff, QuantizationType, ScalarQuantization, ShardingMethod,
    SparseVectorConfig, SparseVectorParams, StrictModeConfig, TurboQuantBitSize, TurboQuantization,
    UpdateCollection, VectorParams, VectorParamsDiff, VectorsConfig, VectorsConfigDiff,
    binary_quantization_query_encoding, max_optimization_threads, vectors_config,
    vectors_config_diff,
};

use super::config::{Flat, in_json, word};
use super::value::payload;
use super::{Fields, Form, Lists, needed, put};
use crate::error::Error;
use crate::rest::collection as rest;

impl Form for CreateCollection {
    type Body = rest::CreateCollection;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let mut fields = Fields::new();
        put(&mut fields, "vectors", self.vectors_config.map(vectors).transpose()?);
        put(&mut fields, "shard_number", self.shard_number);
        put(&mut fields, "replication_factor", self.replication_factor);
        put(&mut fields, "write_consistency_factor", self.write_consistency_factor);
        #[expect(deprecated, reason = "clients still send part")]
        put(&mut fields, "on_disk_payload", self.on_disk_payload);
        put(&mut fields, "payload", self.payload.map(Flat::fields).transpose()?);
        put(&mut fields, "id_tracker", self.id_tracker.map(Flat::fields).transpose()?);
        put(&mut fields, "hnsw_config", self.hnsw_config.map(Flat::fields).transpose()?);
        put(&mut fields, "wal_config", self.wal_config.map(Flat::fields).transpose()?);
        let optimizers = self.optimizers_config.map(optimizers).transpose()?;
        put(&mut fields, "optimizers_config", optimizers);
        metadata(&mut fields, self.metadata)?;
        let method = self.sharding_method;
        let method = method
            .map(|part| word(part, "sharding_method", ShardingMethod::as_str_name))
            .transpose()?;
        put(&mut fields, "sharding_method", method.map(in_json));
        let quantization = self.quantization_config.and_then(|part| part.quantization);
        put(&mut fields, "quantization_config", quantization.map(self::quantization).transpose()?);
        put(&mut fields, "sparse_vectors", self.sparse_vectors_config.map(sparse).transpose()?);
        let strict = self.strict_mode_config.map(strict_mode).transpose()?;
        put(&mut fields, "strict_mode_config", strict);
        Ok(fields.into())
    }
}

impl Form for UpdateCollection {
    type Body = rest::UpdateCollection;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let mut fields = Fields::new();
        put(&mut fields, "vectors", self.vectors_config.map(vectors_diff).transpose()?);
        put(&mut fields, "hnsw_config", self.hnsw_config.map(Flat::fields).transpose()?);
        let optimizers = self.optimizers_config.map(optimizers).transpose()?;
        put(&mut fields, "optimizers_config", optimizers);
        put(&mut fields, "params", self.params.map(params).transpose()?);
        metadata(&mut fields, self.metadata)?;
        let quantization = self.quantization_config.map(quantization_diff).transpose()?;
        put(&mut fields, "quantization_config", quantization);
        put(&mut fields, "sparse_vectors", self.sparse_vectors_config.map(sparse).transpose()?);
        let strict = self.strict_mode_config.map(strict_mode).transpose()?;
        put(&mut fields, "strict_mode_config", strict);
        Ok(fields.into())
    }
}

fn metadata(
    fields: &mut Fields,
    metadata: HashMap<String, vane_wire::qdrant::Value>,
) -> Result<(), Error> {
    // What nobody set is the same as what is empty here, and changes nothing.
    if !metadata.is_empty() {
        put(fields, "metadata", Some(payload(metadata)?));
    }
    Ok(())
}

fn params(params: CollectionParamsDiff) -> Result<Fields, Error> {
    let (payload, id_tracker) = (params.payload, params.id_tracker);
    let mut fields = params.fields()?;
    put(&mut fields, "payload", payload.map(Flat::fields).transpose()?);
    put(&mut fields, "id_tracker", id_tracker.map(Flat::fields).transpose()?);
    Ok(fields)
}

fn optimizers(config: OptimizersConfigDiff) -> Result<Fields, Error> {
    use max_optimization_threads::Variant;
    let threads = config.max_optimization_threads.and_then(|threads| threads.variant);
    let threads = match (threads, config.deprecated_max_optimization_threads) {
        (Some(Variant::Value(number)), _) => Some(json!(number)),
        (Some(Variant::Setting(_)), _) => Some(json!("auto")),
        (None, number) => number.map(Value::from),
    };
    let mut fields = config.fields()?;
    put(&mut fields, "max_optimization_threads", threads);
    Ok(fields)
}

fn strict_mode(config: StrictModeConfig) -> Result<Fields, Error> {
    let StrictModeConfig { multivector_config, sparse_config, .. } = &config;
    let multi = multivector_config.iter().flat_map(|of| &of.multivector_config);
    let sparse = sparse_config.iter().flat_map(|of| &of.sparse_config);
    let multi = limits(multi.map(|(name, of)| (name, "max_vectors", of.max_vectors)));
    let sparse = limits(sparse.map(|(name, of)| (name, "max_length", of.max_length)));
    let multi = multivector_config.is_some().then_some(multi);
    let sparse = sparse_config.is_some().then_some(sparse);
    let mut fields = config.fields()?;
    put(&mut fields, "multivector_config", multi);
    put(&mut fields, "sparse_config", sparse);
    Ok(fields)
}

/// A limit on each of some vectors.
fn limits<'a>(named: impl Iterator<Item = (&'a String, &'a str, Option<u64>)>) -> Fields {
    let one = |(name, limit, value): (&String, &str, Option<u64>)| {
        let mut fields = Fields::new();
        put(&mut fields, limit, value);
        (name.clone(), Value::from(fields))
    };
    named.map(one).collect()
}

fn vectors(config: VectorsConfig) -> Result<Value, Error> {
    match needed(config.config, "vectors_config.config")? {
        vectors_config::Config::Params(one) => vector(one).map(Value::from),
        vectors_config::Config::ParamsMap(named) => {
            let each = |(name, one)| Ok((name, vector(one)?.into()));
            named.map.into_iter().map(each).collect::<Result<Fields, _>>().map(Value::from)
        }
    }
}

fn vector(params: VectorParams) -> Result<Fields, Error> {
    let mut fields = Fields::new();
    put(&mut fields, "size", Some(params.size));
    let distance = word(params.distance, "distance", Distance::as_str_name)?;
    put(&mut fields, "distance", Some(distance));
    put(&mut fields, "hnsw_config", params.hnsw_config.map(Flat::fields).transpose()?);
    #[expect(deprecated, reason = "clients still send part")]
    put(&mut fields, "on_disk", params.on_disk);
    put(&mut fields, "memory", params.memory.map(memory).transpose()?);
    let datatype = params.datatype;
    let datatype =
        datatype.map(|part| word(part, "datatype", Datatype::as_str_name)).transpose()?;
    // The default is what REST calls nothing.
    put(&mut fields, "datatype", datatype.filter(|word| *word != "Default").map(in_json));
    let quantization = params.quantization_config.and_then(|part| part.quantization);
    put(&mut fields, "quantization_config", quantization.map(self::quantization).transpose()?);
    put(&mut fields, "multivector_config", params.multivector_config.map(multi).transpose()?);
    Ok(fields)
}

impl Form for CreateVectorNameRequest {
    type Body = rest::CreateVector;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        Ok(match needed(self.vector_config, "vector_config")? {
            VectorConfig::DenseConfig(params) => {
                let DenseVectorCreationConfig { size, distance, multivector_config, datatype } =
                    params;
                let params = VectorParams {
                    size,
                    distance,
                    multivector_config,
                    datatype,
                    ..VectorParams::default()
                };
                json!({ "dense": vector(params)? })
            }
            VectorConfig::SparseConfig(params) => json!({ "sparse": params.fields()? }),
        })
    }
}

fn multi(config: MultiVectorConfig) -> Result<Value, Error> {
    let name = word(config.comparator, "comparator", MultiVectorComparator::as_str_name)?;
    Ok(json!({ "comparator": in_json(name) }))
}

fn memory(value: i32) -> Result<String, Error> {
    word(value, "memory", vane_wire::qdrant::Memory::as_str_name).map(in_json)
}

fn vectors_diff(config: VectorsConfigDiff) -> Result<Value, Error> {
    match needed(config.config, "vectors_config.config")? {
        // The unnamed vector is the one with the empty name.
        vectors_config_diff::Config::Params(one) => Ok(json!({ "": vector_diff(one)? })),
        vectors_config_diff::Config::ParamsMap(named) => {
            let each = |(name, one)| Ok((name, vector_diff(one)?.into()));
            named.map.into_iter().map(each).collect::<Result<Fields, _>>().map(Value::from)
        }
    }
}

fn vector_diff(diff: VectorParamsDiff) -> Result<Fields, Error> {
    let mut fields = Fields::new();
    put(&mut fields, "hnsw_config", diff.hnsw_config.map(Flat::fields).transpose()?);
    #[expect(deprecated, reason = "clients still send part")]
    put(&mut fields, "on_disk", diff.on_disk);
    put(&mut fields, "memory", diff.memory.map(memory).transpose()?);
    let quantization = diff.quantization_config.map(quantization_diff).transpose()?;
    put(&mut fields, "quantization_config", quantization);
    Ok(fields)
}

fn sparse(config: SparseVectorConfig) -> Result<Fields, Error> {
    let each = |(name, params): (String, SparseVectorParams)| {
        let index = params.index;
        let mut fields = params.fields()?;
        put(&mut fields, "index", index.map(Flat::fields).transpose()?);
        Ok((name, fields.into()))
    };
    config.map.into_iter().map(each).collect()
}

fn quantization_diff(config: QuantizationConfigDiff) -> Result<Value, Error> {
    match needed(config.quantization, "quantization_config.quantization")? {
        QuantizationDiff::Disabled(_) => Ok(json!("Disabled")),
        QuantizationDiff::Scalar(part) => quantization(Quantization::Scalar(part)),
        QuantizationDiff::Product(part) => quantization(Quantization::Product(part)),
        QuantizationDiff::Binary(part) => quantization(Quantization::Binary(part)),
        QuantizationDiff::Turboquant(part) => quantization(Quantization::Turboquant(part)),
    }
}

fn quantization(method: Quantization) -> Result<Value, Error> {
    use binary_quantization_query_encoding::{Setting, Variant};
    Ok(match method {
        Quantization::Scalar(part) => {
            // There is one kind, and no word for none.
            let kind = json!("int8");
            let mut fields = part.fields()?;
            put(&mut fields, "type", Some(kind));
            json!({ "scalar": fields })
        }
        Quantization::Product(part) => {
            let ratio = word(part.compression, "compression", CompressionRatio::as_str_name)?;
            let mut fields = part.fields()?;
            put(&mut fields, "compression", Some(ratio));
            json!({ "product": fields })
        }
        Quantization::Binary(part) => {
            let encoding = match part.query_encoding.and_then(|encoding| encoding.variant) {
                None => None,
                Some(Variant::Setting(part)) => {
                    Some(word(part, "query_encoding", Setting::as_str_name)?.to_lowercase())
                }
            };
            let mut fields = part.fields()?;
            put(&mut fields, "query_encoding", encoding);
            json!({ "binary": fields })
        }
        Quantization::Turboquant(part) => {
            let bits = part
                .bits
                .map(|bits| word(bits, "bits", TurboQuantBitSize::as_str_name))
                .transpose()?;
            let mut fields = part.fields()?;
            put(&mut fields, "bits", bits.map(str::to_lowercase));
            json!({ "turbo": fields })
        }
    })
}

/// The message of a way to quantise that is kept.
pub(super) fn quantization_of(json: &Value) -> Option<QuantizationConfig> {
    use binary_quantization_query_encoding::{Setting, Variant};
    let (name, fields) = json.as_object()?.iter().next()?;
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    let method = match name.as_str() {
        "scalar" => {
            let kind = QuantizationType::Int8.into();
            Quantization::Scalar(ScalarQuantization { r#type: kind, ..Flat::of(fields) })
        }
        "product" => {
            let ratio = text("compression").and_then(CompressionRatio::from_str_name);
            let compression = ratio.unwrap_or_default().into();
            Quantization::Product(ProductQuantization { compression, ..Flat::of(fields) })
        }
        "binary" => {
            let setting = text("query_encoding").and_then(|word| {
                [Setting::Default, Setting::Binary, Setting::Scalar4Bits, Setting::Scalar8Bits]
                    .into_iter()
                    .find(|setting| setting.as_str_name().eq_ignore_ascii_case(word))
            });
            let query_encoding =
                setting.map(|setting| vane_wire::qdrant::BinaryQuantizationQueryEncoding {
                    variant: Some(Variant::Setting(setting.into())),
                });
            Quantization::Binary(BinaryQuantization { query_encoding, ..Flat::of(fields) })
        }
        "turbo" => {
            // `bits1_5` is one word.
            let name = |word: &str| word.replacen('b', "B", 1);
            let bits = text("bits").and_then(|word| TurboQuantBitSize::from_str_name(&name(word)));
            let bits = bits.map(i32::from);
            Quantization::Turboquant(TurboQuantization { bits, ..Flat::of(fields) })
        }
        _ => return None,
    };
    Some(QuantizationConfig { quantization: Some(method) })
}
