//! Data sets: vectors, payloads, queries and their exact answers, in the formats that are read.

mod grown;
mod hdf5;
mod packages;
mod texmex;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use vane_index::Metric;

use crate::error::Error;
use crate::grow::to_unit;

pub(crate) use grown::Growth;

/// Points with queries.
pub(crate) struct Dataset {
    /// Values per vector.
    pub(crate) dim: usize,
    /// How two vectors are compared.
    pub(crate) distance: Distance,
    /// Vectors of all points, one after another; held once, whoever searches them.
    pub(crate) rows: Arc<Vec<f32>>,
    /// Payload of each point.
    pub(crate) payloads: Vec<Value>,
    /// Vectors to search by.
    pub(crate) queries: Vec<Query>,
    /// Exact answers of each query without a filter, best first.
    pub(crate) truth: Vec<Vec<u64>>,
    /// Filters with their answers, by the filter's name.
    pub(crate) filters: BTreeMap<String, Filtered>,
}

/// How two vectors are compared. Those of `Cosine` have unit length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distance {
    /// By their angle.
    Cosine,
    /// By how far they lie apart.
    Euclid,
    /// By their inner product.
    Dot,
}

impl Distance {
    /// As an index compares rows.
    pub(crate) fn metric(self) -> Metric {
        match self {
            Self::Cosine | Self::Dot => Metric::InnerProduct,
            Self::Euclid => Metric::L2,
        }
    }

    /// Whether vectors have unit length.
    pub(crate) fn is_unit(self) -> bool {
        self == Self::Cosine
    }

    /// As the workers of libraries call it.
    pub(crate) fn worker(self) -> &'static str {
        match self {
            Self::Cosine | Self::Dot => "ip",
            Self::Euclid => "l2",
        }
    }

    /// As the REST API calls it.
    pub(crate) fn rest(self) -> &'static str {
        match self {
            Self::Cosine => "Cosine",
            Self::Euclid => "Euclid",
            Self::Dot => "Dot",
        }
    }
}

/// One query.
pub(crate) struct Query {
    /// What is searched for, in words.
    pub(crate) text: String,
    /// The embedding of `text`.
    pub(crate) vector: Vec<f32>,
}

/// A filter with the exact answers under it.
pub(crate) struct Filtered {
    /// As the REST API takes it.
    pub(crate) filter: Value,
    /// Points that match.
    pub(crate) matching: usize,
    /// Exact answers of each query, best first.
    pub(crate) truth: Vec<Vec<u64>>,
}

/// Vectors and answers of a format that has no payloads.
struct Plain {
    distance: Distance,
    dim: usize,
    rows: Vec<f32>,
    queries: Vec<f32>,
    /// Exact answers; empty where the format has none.
    truth: Vec<Vec<u64>>,
}

impl Dataset {
    /// Reads a data set: a folder in the project's own format, a file of ann-benchmarks (HDF5), or
    /// a folder with files of TEXMEX (fvecs and ivecs).
    ///
    /// # Errors
    /// When a file is missing or malformed, or the files do not fit together.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        if path.is_file() {
            return hdf5::read(path)?.into_dataset(path);
        }
        match texmex::files(path) {
            Some(files) if !path.join(packages::VECTORS).exists() => {
                texmex::read(&files)?.into_dataset(path)
            }
            _ => packages::read(path),
        }
    }

    /// Number of points.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// Dimensions and distance, as a collection is made with.
    pub(crate) fn shape(&self) -> (usize, Distance) {
        (self.dim, self.distance)
    }

    /// Vectors of all queries, one after another.
    pub(crate) fn query_values(&self) -> Vec<f32> {
        self.queries.iter().flat_map(|query| &query.vector).copied().collect()
    }

    /// Vector of one point.
    pub(crate) fn vector(&self, point: usize) -> &[f32] {
        &self.rows[point * self.dim..(point + 1) * self.dim]
    }
}

impl Plain {
    fn into_dataset(mut self, path: &Path) -> Result<Dataset, Error> {
        let Self { dim, distance, .. } = self;
        let fits =
            |values: &[f32]| dim > 0 && !values.is_empty() && values.len().is_multiple_of(dim);
        if !fits(&self.rows) || !fits(&self.queries) {
            return Err(Error::data(path, "it has no points or no queries of one dimension"));
        }
        let (points, queries) = (self.rows.len() / dim, self.queries.len() / dim);
        if !self.truth.is_empty() && self.truth.len() != queries {
            return Err(Error::data(path, "it has not as many answers as queries"));
        }
        if self.truth.iter().flatten().any(|id| *id >= points as u64) {
            return Err(Error::data(path, "an answer is no point of it"));
        }
        if distance.is_unit() {
            self.rows.chunks_exact_mut(dim).for_each(to_unit);
            self.queries.chunks_exact_mut(dim).for_each(to_unit);
        }
        let queries = self.queries.chunks_exact(dim);
        let queries = queries.map(|row| Query { text: String::new(), vector: row.to_vec() });
        Ok(Dataset {
            dim,
            distance,
            rows: Arc::new(self.rows),
            payloads: vec![Value::Object(Map::new()); points],
            queries: queries.collect(),
            truth: self.truth,
            filters: BTreeMap::new(),
        })
    }
}
