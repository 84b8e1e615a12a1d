//! Parameters of which some are given and the others stay.

use std::ops::RangeInclusive;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vane_types::limits::MIN_RECALL_RANGE;
use vane_types::{HnswConfig, OptimizerConfig, Residence, SearchConfig};

use super::super::UnsupportedUnlessEmpty;
use crate::error::Error;

/// Links per node; 0 builds no graph.
const M_RANGE: RangeInclusive<usize> = 2..=512;
const EF_CONSTRUCT_RANGE: RangeInclusive<usize> = 4..=4096;
const VACUUM_MIN_VECTORS_MIN: usize = 100;

/// `hnsw_config`. What it is written with are hints.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HnswDiff {
    #[serde(skip_serializing)]
    m: Option<usize>,
    #[serde(skip_serializing)]
    ef_construct: Option<usize>,
    #[serde(skip_serializing)]
    full_scan_threshold: Option<usize>,
    #[serde(skip_serializing)]
    on_disk: Option<bool>,
    #[serde(skip_serializing)]
    memory: Option<Residence>,
    max_indexing_threads: Option<usize>,
    payload_m: Option<usize>,
    inline_storage: Option<bool>,
}

impl HnswDiff {
    /// The parameters it gives, the others from `base`.
    pub(super) fn onto(self, base: HnswConfig, field: &str) -> Result<HnswConfig, Error> {
        // 0 lies outside of the range and is allowed: it builds no graph.
        let m = self.m.filter(|m| *m != 0);
        check_range(|| format!("{field}.m"), m, &M_RANGE)?;
        check_range(|| format!("{field}.ef_construct"), self.ef_construct, &EF_CONSTRUCT_RANGE)?;
        Ok(HnswConfig {
            m: self.m.unwrap_or(base.m),
            ef_construct: self.ef_construct.unwrap_or(base.ef_construct),
            full_scan_threshold: self.full_scan_threshold.unwrap_or(base.full_scan_threshold),
            on_disk: self.on_disk.or(base.on_disk),
            memory: self.memory.or(base.memory),
        })
    }
}

fn check_range(
    field: impl FnOnce() -> String,
    value: Option<usize>,
    range: &RangeInclusive<usize>,
) -> Result<(), Error> {
    match value {
        Some(value) if !range.contains(&value) => Err(Error::out_of_range(field(), value, range)),
        Some(_) | None => Ok(()),
    }
}

/// `optimizers_config`. What it is written with are hints.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptimizersDiff {
    #[serde(skip_serializing)]
    deleted_threshold: Option<f64>,
    #[serde(skip_serializing)]
    vacuum_min_vector_number: Option<usize>,
    #[serde(skip_serializing)]
    max_segment_size: Option<usize>,
    #[serde(skip_serializing)]
    indexing_threshold: Option<usize>,
    default_segment_number: Option<usize>,
    memmap_threshold: Option<usize>,
    flush_interval_sec: Option<u64>,
    max_optimization_threads: Option<Threads>,
    #[serde(default, rename = "prevent_unoptimized", skip_serializing)]
    _prevent_unoptimized: UnsupportedUnlessEmpty,
}

/// A number or `"auto"`.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct Threads(Value);

impl<'de> Deserialize<'de> for Threads {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Number(number) if number.is_u64() => Ok(Self(number.into())),
            Value::String(text) if text == "auto" => Ok(Self(text.into())),
            _ => Err(D::Error::custom("expected a number or \"auto\"")),
        }
    }
}

impl OptimizersDiff {
    /// The parameters it gives, the others from `base`.
    pub(super) fn onto(self, base: OptimizerConfig) -> Result<OptimizerConfig, Error> {
        let Self {
            deleted_threshold,
            vacuum_min_vector_number,
            max_segment_size,
            indexing_threshold,
            ..
        } = self;
        if let Some(share) = deleted_threshold.filter(|share| !(0.0..=1.0).contains(share)) {
            return Err(Error::invalid(
                "optimizers_config.deleted_threshold",
                format!("value {share} invalid, must be from 0 to 1"),
            ));
        }
        if let Some(number) = vacuum_min_vector_number.filter(|min| *min < VACUUM_MIN_VECTORS_MIN) {
            let text =
                format!("value {number} invalid, must be {VACUUM_MIN_VECTORS_MIN} or larger");
            return Err(Error::invalid("optimizers_config.vacuum_min_vector_number", text));
        }
        // A segment of no size could take no point.
        if max_segment_size == Some(0) {
            return Err(Error::zero("optimizers_config.max_segment_size"));
        }
        Ok(OptimizerConfig {
            indexing_threshold: indexing_threshold.unwrap_or(base.indexing_threshold),
            deleted_threshold: deleted_threshold.unwrap_or(base.deleted_threshold),
            vacuum_min_vector_number: vacuum_min_vector_number
                .unwrap_or(base.vacuum_min_vector_number),
            max_segment_size: max_segment_size.or(base.max_segment_size),
        })
    }
}

/// `search`: what searches are to be like. Not in Qdrant's API.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchDiff {
    /// Null takes it away.
    #[serde(default, deserialize_with = "given_or_null")]
    min_recall: Option<Option<f64>>,
}

fn given_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl SearchDiff {
    /// The parameters it gives, the others from `base`.
    pub(super) fn onto(self, base: SearchConfig) -> Result<SearchConfig, Error> {
        let min_recall = self.min_recall.unwrap_or(base.min_recall);
        match min_recall.filter(|share| !MIN_RECALL_RANGE.contains(share)) {
            None => Ok(SearchConfig { min_recall }),
            Some(share) => Err(Error::out_of_range("search.min_recall", share, &MIN_RECALL_RANGE)),
        }
    }
}

/// `wal_config`: the log here has no such parts.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WalDiff {
    wal_capacity_mb: Option<u64>,
    wal_segments_ahead: Option<u64>,
    wal_retain_closed: Option<u64>,
}

impl WalDiff {
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.wal_capacity_mb {
            Some(0) => Err(Error::zero("wal_config.wal_capacity_mb")),
            Some(_) | None => Ok(()),
        }
    }
}

/// Where something should lie.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Placement {
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Residence>,
}

impl Placement {
    /// Refuses to pin payloads: they are on the disk, and nobody could hold them in memory.
    pub(super) fn check_payload(placement: Option<Self>, field: &str) -> Result<(), Error> {
        match placement.and_then(|placement| placement.memory) {
            Some(Residence::Pinned) => Err(Error::invalid(
                format_args!("{field}.memory"),
                "`pinned` is not supported for payloads, use `cold` or `cached`",
            )),
            Some(Residence::Cold | Residence::Cached) | None => Ok(()),
        }
    }
}
