//! What a collection is made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::distance::Distance;
use crate::hints::Hints;
use crate::path::JsonPath;
use crate::schema::FieldSchema;

/// Everything that decides how a collection's points are stored and searched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CollectionConfig {
    /// Vectors by name; `""` alone means the collection has one unnamed vector.
    pub vectors: BTreeMap<String, VectorParams>,
    /// Graph parameters where a vector does not set its own.
    pub hnsw: HnswConfig,
    /// When segments are sealed, indexed and merged.
    pub optimizer: OptimizerConfig,
    /// Payload indexes.
    pub payload_schema: BTreeMap<JsonPath, FieldSchema>,
    /// Free-form labels of the user's.
    #[serde(default)]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// What was set and has no effect. From [`FeatureLevel::PROVEN`](crate::FeatureLevel::PROVEN)
    /// on.
    #[serde(default, skip_serializing_if = "Hints::is_empty")]
    pub hints: Hints,
}

impl CollectionConfig {
    /// Graph parameters of one vector.
    pub fn hnsw_of(&self, vector: &str) -> HnswConfig {
        self.vectors.get(vector).and_then(|params| params.hnsw).unwrap_or(self.hnsw)
    }
}

/// One dense vector of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VectorParams {
    /// Dimensions.
    pub size: usize,
    /// How two vectors compare.
    pub distance: Distance,
    /// Graph parameters of this vector alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hnsw: Option<HnswConfig>,
    /// Rows with a graph are read from the disk one by one, and no memory is kept for them. Else
    /// they are in memory as far as they fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_disk: Option<bool>,
}

/// HNSW graph parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HnswConfig {
    /// Links per node on the upper levels; twice as many on the lowest. 0 builds no graph.
    pub m: usize,
    /// Candidates looked at while building, and the default `ef` of a search.
    pub ef_construct: usize,
    /// Below this many KB of matching vectors a search scans them instead of using the graph.
    pub full_scan_threshold: usize,
}

impl Default for HnswConfig {
    fn default() -> Self {
        // Qdrant's own values: whoever comes from there meets the same graphs.
        Self { m: 16, ef_construct: 100, full_scan_threshold: 10_000 }
    }
}

/// When the background jobs of a shard act.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OptimizerConfig {
    /// KB of vectors without a graph above which one is built. 0 turns graphs off.
    pub indexing_threshold: usize,
    /// Share of dead rows above which a segment is rewritten.
    pub deleted_threshold: f64,
    /// Segments with fewer rows are not rewritten for their dead rows.
    pub vacuum_min_vector_number: usize,
    /// KB of vectors above which segments are not merged any more; `None`: as many as a node has
    /// the memory for.
    #[serde(with = "segment_size")]
    pub max_segment_size: Option<usize>,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            // Below 10 MB a scan is quick enough for a graph not to pay.
            indexing_threshold: 10_000,
            deleted_threshold: 0.2,
            vacuum_min_vector_number: 1000,
            max_segment_size: None,
        }
    }
}

/// The stored form of a size that may be unset: what every collection had that set none, when each
/// had one. So all versions read it.
mod segment_size {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    const UNSET: usize = 512 << 10;

    pub(super) fn serialize<S: Serializer>(size: &Option<usize>, to: S) -> Result<S::Ok, S::Error> {
        size.unwrap_or(UNSET).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<usize>, D::Error> {
        Ok(Some(usize::deserialize(from)?).filter(|size| *size != UNSET))
    }
}
