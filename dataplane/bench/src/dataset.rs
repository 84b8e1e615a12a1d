//! The data files: vectors, payloads, queries and their exact answers.
//!
//! `data/debian-packages/README.md` describes the files; a full set has the same names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use half::f16;
use serde::Deserialize;
use serde_json::Value;
use vane_index::Metric;

use crate::error::Error;

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
}

impl Distance {
    /// As an index compares rows.
    pub(crate) fn metric(self) -> Metric {
        match self {
            Self::Cosine => Metric::InnerProduct,
        }
    }

    /// Whether vectors have unit length.
    pub(crate) fn is_unit(self) -> bool {
        match self {
            Self::Cosine => true,
        }
    }

    /// As the REST API calls it.
    pub(crate) fn rest(self) -> &'static str {
        match self {
            Self::Cosine => "Cosine",
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

#[derive(Deserialize)]
struct QueryLine {
    text: String,
}

#[derive(Deserialize)]
struct FilterEntry {
    filter: Value,
    matching: usize,
}

impl Dataset {
    /// Reads the data files of a folder.
    ///
    /// # Errors
    /// When a file is missing or malformed, or the files do not fit together.
    pub(crate) fn read(dir: &Path) -> Result<Self, Error> {
        let (rows, dim) = vectors(&dir.join("vectors.f16.npy"))?;
        let payloads = payloads(&dir.join("payloads.jsonl.zst"))?;
        let (query_rows, query_dim) = vectors(&dir.join("queries.f16.npy"))?;
        let texts: Vec<QueryLine> =
            lines(BufReader::new(open(&dir.join("queries.jsonl"))?), &dir.join("queries.jsonl"))?;
        if payloads.len() * dim != rows.len()
            || query_dim != dim
            || texts.len() * dim != query_rows.len()
        {
            return Err(Error::data(
                dir,
                "its files do not have the same number of points, queries or dimensions",
            ));
        }
        let vectors = query_rows.chunks_exact(dim);
        let queries = texts
            .into_iter()
            .zip(vectors)
            .map(|(line, vector)| Query { text: line.text, vector: vector.to_vec() })
            .collect();
        let path = dir.join("filters.json");
        let entries: BTreeMap<String, FilterEntry> =
            serde_json::from_reader(BufReader::new(open(&path)?))
                .map_err(|e| Error::data(&path, e))?;
        let mut filters = BTreeMap::new();
        for (name, FilterEntry { filter, matching }) in entries {
            let truth = truth(&dir.join(format!("truth.{name}.i32.npy")))?;
            filters.insert(name, Filtered { filter, matching, truth });
        }
        Ok(Self {
            dim,
            distance: Distance::Cosine,
            rows: Arc::new(rows),
            payloads,
            queries,
            truth: truth(&dir.join("truth.i32.npy"))?,
            filters,
        })
    }

    /// Number of points.
    pub(crate) fn len(&self) -> usize {
        self.payloads.len()
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

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|e| Error::data(path, e))
}

fn array<T: npyz::Deserialize>(path: &Path) -> Result<(Vec<T>, usize), Error> {
    let file = npyz::NpyFile::new(BufReader::new(open(path)?)).map_err(|e| Error::data(path, e))?;
    let &[_, columns] = file.shape() else {
        return Err(Error::data(path, "it is not an array of rows"));
    };
    let columns = columns as usize;
    let values = file.into_vec().map_err(|e| Error::data(path, e))?;
    // Rows of no length cannot be taken apart, and would panic later.
    if columns == 0 {
        return Err(Error::data(path, "its rows are empty"));
    }
    Ok((values, columns))
}

fn vectors(path: &Path) -> Result<(Vec<f32>, usize), Error> {
    let (values, dim) = array::<f16>(path)?;
    Ok((values.into_iter().map(f16::to_f32).collect(), dim))
}

/// Rows of point numbers; a negative one pads a row at its end.
fn truth(path: &Path) -> Result<Vec<Vec<u64>>, Error> {
    let (values, columns) = array::<i32>(path)?;
    let rows = values.chunks_exact(columns);
    Ok(rows.map(|row| row.iter().map_while(|point| u64::try_from(*point).ok()).collect()).collect())
}

fn payloads(path: &Path) -> Result<Vec<Value>, Error> {
    let decoder =
        ruzstd::decoding::StreamingDecoder::new(open(path)?).map_err(|e| Error::data(path, e))?;
    lines(BufReader::new(decoder), path)
}

fn lines<T: for<'de> Deserialize<'de>>(reader: impl BufRead, path: &Path) -> Result<Vec<T>, Error> {
    let mut values = Vec::new();
    for line in reader.lines() {
        let line = line.map_err(|e| Error::data(path, e))?;
        values.push(serde_json::from_str(&line).map_err(|e| Error::data(path, e))?);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packaged_points_and_answers_fit_together() {
        let data = Dataset::read(
            &Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
                .join("../../data/debian-packages"),
        )
        .unwrap();
        assert_eq!((data.len(), data.dim, data.queries.len()), (5000, 384, 50));
        let score = |query: usize, point: u64| -> f32 {
            let pairs = data.queries[query].vector.iter().zip(data.vector(point as usize));
            pairs.map(|(a, b)| a * b).sum()
        };
        for (query, truth) in data.truth.iter().enumerate() {
            let descends = |pair: &[u64]| score(query, pair[0]) >= score(query, pair[1]) - 1e-3;
            assert!(truth.windows(2).all(descends));
        }
        let rare = &data.filters["rare_maintainer"];
        assert_eq!(rare.truth[0].len(), rare.matching.min(100));
        assert!(
            rare.truth[0]
                .iter()
                .all(|row| data.payloads[*row as usize]["maintainer"] == "Debian Astro Team")
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Dataset::read(Path::new("/no/such/folder")).err().unwrap();
        assert!(error.to_string().contains("/no/such/folder/vectors.f16.npy"), "{error}");
    }
}
