//! What a collection is made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::distance::Distance;
use crate::hints::{Hints, QUANTIZATION};
use crate::path::JsonPath;
use crate::quantization::{self, WHOLE_BITS};
use crate::schema::FieldSchema;
use crate::strict::StrictMode;
use crate::vector::{Vector, VectorKind};
use crate::vector_ids::{VectorId, VectorIds};

/// Everything that decides how a collection's points are stored and searched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CollectionConfig {
    /// Dense vectors by name, single ones and several in one; `""` is the unnamed one.
    pub vectors: BTreeMap<String, VectorParams>,
    /// Sparse vectors by name; none is called as one of `vectors` is. From
    /// [`FeatureLevel::KINDS`](crate::FeatureLevel::KINDS) on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sparse: BTreeMap<String, SparseParams>,
    /// Which of its vectors is which, once any came or went. From
    /// [`FeatureLevel::CHANGING`](crate::FeatureLevel::CHANGING) on.
    #[serde(default, skip_serializing_if = "VectorIds::is_untouched")]
    pub ids: VectorIds,
    /// Graph parameters where a vector does not set its own.
    pub hnsw: HnswConfig,
    /// When segments are sealed, indexed and merged.
    pub optimizer: OptimizerConfig,
    /// Payload indexes.
    pub payload_schema: BTreeMap<JsonPath, FieldSchema>,
    /// Free-form labels of the user's.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// What searches are to be like. From [`FeatureLevel::TUNED`](crate::FeatureLevel::TUNED) on.
    #[serde(default, skip_serializing_if = "SearchConfig::is_unset")]
    pub search: SearchConfig,
    /// Whether its points are of tenants, each with ids of its own, and lie where their tenant
    /// does. Settled when it is made. From [`FeatureLevel::TENANTS`](crate::FeatureLevel::TENANTS)
    /// on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_tenant: bool,
    /// What was set and has no effect. From [`FeatureLevel::PROVEN`](crate::FeatureLevel::PROVEN)
    /// on.
    #[serde(default, skip_serializing_if = "Hints::is_empty")]
    pub hints: Hints,
    /// Limits on requests. From [`FeatureLevel::CHANGING`](crate::FeatureLevel::CHANGING) on.
    #[serde(default, skip_serializing_if = "StrictMode::is_unset")]
    pub strict: StrictMode,
}

impl CollectionConfig {
    /// Graph parameters of one vector.
    pub fn hnsw_of(&self, vector: &str) -> HnswConfig {
        self.vectors.get(vector).and_then(|params| params.hnsw).unwrap_or(self.hnsw)
    }

    /// Bits that codes of one vector are to have of each dimension, at least.
    pub fn code_bits_of(&self, vector: &str) -> u32 {
        let own = self.hints.vectors.get(vector).and_then(|said| said.get(QUANTIZATION));
        own.or_else(|| self.hints.config.get(QUANTIZATION)).map_or(WHOLE_BITS, quantization::bits)
    }

    /// The field whose value is a point's tenant, if an index is said to be of tenants.
    pub fn tenant_field(&self) -> Option<&JsonPath> {
        let is_tenant =
            |options: &Map<String, Value>| options.get("is_tenant") == Some(&true.into());
        let mut indexes = self.hints.indexes.iter();
        indexes.find_map(|(field, options)| is_tenant(options).then_some(field))
    }

    /// One vector by its name.
    pub fn vector(&self, name: &str) -> Option<VectorSpec> {
        let dense = self.vectors.get(name).map(|params| VectorSpec::of(*params));
        dense.or_else(|| self.sparse.get(name).map(|params| VectorSpec::Sparse(*params)))
    }

    /// All vectors, each with what names it in records and files.
    pub fn identified(&self) -> impl Iterator<Item = (VectorId, &String, VectorSpec)> {
        let places = (0..).map(VectorId);
        let all = places.zip(self.all_vectors());
        all.map(|(place, (name, spec))| (self.ids.get(name).unwrap_or(place), name, spec))
    }

    /// What names a vector in records and files.
    pub fn id_of(&self, name: &str) -> Option<VectorId> {
        if !self.ids.is_untouched() {
            return self.ids.get(name);
        }
        let place = self.all_vectors().position(|(known, _)| known == name)?;
        // Bounded by NAMED_VECTORS_MAX.
        Some(VectorId(place as u16))
    }

    /// What log entries say of a vector beside its name: 0 of one that the collection was made
    /// with, of which entries said nothing before vectors could change; else its id.
    pub fn logged_id_of(&self, name: &str) -> Option<u32> {
        let id = self.id_of(name)?;
        let is_founding = self.ids.is_untouched() || self.ids.is_founding(id);
        Some(if is_founding { 0 } else { id.0.into() })
    }

    /// The least id that none of its vectors has had.
    pub fn next_id(&self) -> VectorId {
        match self.ids.is_untouched() {
            true => VectorId(self.vectors_len() as u16),
            false => self.ids.next(),
        }
    }

    /// All vectors: those with a number of dimensions first, by name.
    pub fn all_vectors(&self) -> impl Iterator<Item = (&String, VectorSpec)> {
        let dense = self.vectors.iter().map(|(name, params)| (name, VectorSpec::of(*params)));
        let sparse = self.sparse.iter();
        dense.chain(sparse.map(|(name, params)| (name, VectorSpec::Sparse(*params))))
    }

    /// How many vectors it has.
    pub fn vectors_len(&self) -> usize {
        self.vectors.len() + self.sparse.len()
    }

    /// Whether it has vectors that members below
    /// [`FeatureLevel::KINDS`](crate::FeatureLevel::KINDS) cannot read.
    pub fn has_new_kinds(&self) -> bool {
        let is_new = |params: &VectorParams| {
            params.multi || params.distance == Distance::Manhattan || !params.datatype.is_float32()
        };
        !self.sparse.is_empty() || self.vectors.values().any(is_new)
    }

    /// Whether it has what members below
    /// [`FeatureLevel::TUNED`](crate::FeatureLevel::TUNED) would not keep.
    pub fn is_tuned(&self) -> bool {
        let vector = |params: &VectorParams| {
            params.memory.is_some() || params.hnsw.is_some_and(|hnsw| hnsw.is_tuned())
        };
        !self.search.is_unset() || self.hnsw.is_tuned() || self.vectors.values().any(vector)
    }

    /// Drops where things are wanted in memory, which changes no answer.
    pub fn drop_residences(&mut self) {
        self.hnsw.untune();
        for params in self.vectors.values_mut() {
            params.memory = None;
            params.hnsw.as_mut().into_iter().for_each(HnswConfig::untune);
        }
    }
}

/// A dense vector of a collection, or several in one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VectorParams {
    /// Dimensions.
    pub size: usize,
    /// How two vectors compare.
    pub distance: Distance,
    /// Graph parameters of this vector alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hnsw: Option<HnswConfig>,
    /// `true` is [`Residence::Cold`] where `memory` says nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_disk: Option<bool>,
    /// Where its rows are wanted. From [`FeatureLevel::TUNED`](crate::FeatureLevel::TUNED) on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Residence>,
    /// Each is a vector of vectors: see [`MultiVector`](crate::MultiVector). From
    /// [`FeatureLevel::KINDS`](crate::FeatureLevel::KINDS) on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub multi: bool,
    /// What its numbers are brought to when they are written. From
    /// [`FeatureLevel::KINDS`](crate::FeatureLevel::KINDS) on.
    #[serde(default, skip_serializing_if = "Datatype::is_float32")]
    pub datatype: Datatype,
}

/// What numbers of a vector may be. They are stored and searched as f32, whatever it says: it
/// decides which values there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Datatype {
    /// Any.
    #[default]
    Float32,
    /// Those that 16 bits hold; others are rounded.
    Float16,
    /// Whole ones from 0 to 255; fractions are cut off, and what lies beyond is brought to an end.
    /// Vectors compared by their cosine keep their length.
    Uint8,
}

impl Datatype {
    fn is_float32(&self) -> bool {
        *self == Self::Float32
    }

    fn cast(self, value: f32) -> f32 {
        match self {
            Self::Float32 => value,
            Self::Float16 => half::f16::from_f32(value).to_f32(),
            Self::Uint8 => f32::from(value as u8),
        }
    }
}

impl VectorParams {
    /// Of so many dimensions; all else is as the collection has it.
    pub fn new(size: usize, distance: Distance) -> Self {
        let (hnsw, on_disk, memory, datatype) = (None, None, None, Datatype::Float32);
        Self { size, distance, hnsw, on_disk, memory, multi: false, datatype }
    }

    /// Where its rows are wanted.
    pub fn residence(&self) -> Residence {
        Residence::of(self.memory, self.on_disk)
    }
}

/// A sparse vector of a collection. Two compare by their inner product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SparseParams {
    /// Numbers of a query count the more, the fewer points have one at their index: by the inverse
    /// document frequency, `ln((n - df + 0.5) / (df + 0.5) + 1)`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idf: bool,
    /// `true` is [`Residence::Cold`] where `memory` says nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_disk: Option<bool>,
    /// Where its rows and what finds them are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Residence>,
}

/// What a collection says of one of its vectors, of whichever kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorSpec {
    /// One of a fixed number of dimensions.
    Dense(VectorParams),
    /// Several of a fixed number of dimensions in one.
    Multi(VectorParams),
    /// Numbers at some of very many dimensions.
    Sparse(SparseParams),
}

impl VectorSpec {
    /// Of a vector with these parameters.
    pub fn of(params: VectorParams) -> Self {
        if params.multi { Self::Multi(params) } else { Self::Dense(params) }
    }

    /// Which kind it is.
    pub fn kind(self) -> VectorKind {
        match self {
            Self::Dense(_) => VectorKind::Dense,
            Self::Multi(_) => VectorKind::Multi,
            Self::Sparse(_) => VectorKind::Sparse,
        }
    }

    /// How two of them compare.
    pub fn distance(self) -> Distance {
        match self {
            Self::Dense(params) | Self::Multi(params) => params.distance,
            Self::Sparse(_) => Distance::Dot,
        }
    }

    /// Whether they are compared by their cosine as they were written: not of unit length.
    pub fn keeps_length(self) -> bool {
        match self {
            Self::Dense(params) | Self::Multi(params) => {
                params.distance == Distance::Cosine && params.datatype == Datatype::Uint8
            }
            Self::Sparse(_) => false,
        }
    }

    /// Whether graphs are built over them. They are walked by inner products and Euclidean
    /// distances.
    pub fn has_graph(self) -> bool {
        matches!(self, Self::Dense(params) if params.distance != Distance::Manhattan)
            && !self.keeps_length()
    }

    /// Brings one into the form that is stored and searched.
    pub fn prepare(self, vector: &mut Vector) {
        if !self.keeps_length() {
            vector.prepare(self.distance());
        }
        match self {
            Self::Dense(params) | Self::Multi(params) if !params.datatype.is_float32() => {
                vector.each_value(|value| params.datatype.cast(value));
            }
            _ => {}
        }
    }

    /// Numbers of each, where all have as many.
    pub fn row_len(self) -> Option<usize> {
        match self {
            Self::Dense(params) => Some(params.size),
            Self::Multi(_) | Self::Sparse(_) => None,
        }
    }

    /// Where its rows are wanted.
    pub fn residence(self) -> Residence {
        match self {
            Self::Dense(params) | Self::Multi(params) => params.residence(),
            Self::Sparse(params) => Residence::of(params.memory, params.on_disk),
        }
    }
}

/// How much of a file is kept in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Residence {
    /// Nothing: what is asked for is read from the disk, and memory is left to others.
    Cold,
    /// All, as far as all that is wanted so fits.
    #[default]
    Cached,
    /// All, and the system may not take it for anything else.
    Pinned,
}

impl Residence {
    /// By what may be said of it, in two forms.
    pub fn of(memory: Option<Self>, on_disk: Option<bool>) -> Self {
        let older = if on_disk == Some(true) { Self::Cold } else { Self::Cached };
        memory.unwrap_or(older)
    }
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
    /// `true` is [`Residence::Cold`] where `memory` says nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_disk: Option<bool>,
    /// Where graphs, and the codes in them, are wanted. Both from
    /// [`FeatureLevel::TUNED`](crate::FeatureLevel::TUNED) on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Residence>,
}

impl HnswConfig {
    /// Where graphs are wanted.
    pub fn residence(&self) -> Residence {
        Residence::of(self.memory, self.on_disk)
    }

    fn is_tuned(&self) -> bool {
        self.on_disk.is_some() || self.memory.is_some()
    }

    fn untune(&mut self) {
        (self.on_disk, self.memory) = (None, None);
    }
}

impl Default for HnswConfig {
    fn default() -> Self {
        // Qdrant's own values: whoever comes from there meets the same graphs.
        Self { m: 16, ef_construct: 100, full_scan_threshold: 10_000, on_disk: None, memory: None }
    }
}

/// What searches are to be like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchConfig {
    /// Share of what they should find that searches by graphs find, in the mean; they take as much
    /// effort as that needs, within bounds. `None` promises nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_recall: Option<f64>,
}

impl SearchConfig {
    /// Whether nothing is asked for.
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
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
