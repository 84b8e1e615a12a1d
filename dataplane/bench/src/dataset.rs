//! The data files: vectors, payloads, queries and their exact answers.
//!
//! `data/debian-packages/README.md` describes the files; a full set has the same names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use half::f16;
use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;

/// Points with queries.
pub struct Dataset {
    /// Values per vector.
    pub dim: usize,
    /// Vectors of all points, one after another.
    pub rows: Vec<f32>,
    /// Payload of each point.
    pub payloads: Vec<Value>,
    /// Vectors to search by.
    pub queries: Vec<Query>,
    /// Exact answers of each query without a filter, best first.
    pub truth: Vec<Vec<u64>>,
    /// By name.
    pub filters: BTreeMap<String, Filtered>,
}

/// One query.
pub struct Query {
    /// What is searched for, in words.
    pub text: String,
    /// The same as a vector.
    pub vector: Vec<f32>,
}

/// A filter with the exact answers under it.
pub struct Filtered {
    /// As the REST API takes it.
    pub filter: Value,
    /// Points that match.
    pub matching: usize,
    /// Exact answers of each query, best first.
    pub truth: Vec<Vec<u64>>,
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
    /// Reads a folder.
    pub fn read(dir: &Path) -> Result<Self, Error> {
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
            .map(|(it, v)| Query { text: it.text, vector: v.to_vec() })
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
            rows,
            payloads,
            queries,
            truth: truth(&dir.join("truth.i32.npy"))?,
            filters,
        })
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.payloads.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.payloads.is_empty()
    }

    /// Vector of one point.
    pub fn vector(&self, point: usize) -> &[f32] {
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
    let row = |it: &[i32]| it.iter().map_while(|n| u64::try_from(*n).ok()).collect();
    Ok(values.chunks_exact(columns).map(row).collect())
}

fn payloads(path: &Path) -> Result<Vec<Value>, Error> {
    let decoder =
        ruzstd::decoding::StreamingDecoder::new(open(path)?).map_err(|e| Error::data(path, e))?;
    lines(BufReader::new(decoder), path)
}

fn lines<T: for<'de> Deserialize<'de>>(reader: impl BufRead, path: &Path) -> Result<Vec<T>, Error> {
    let parse = |line: std::io::Result<String>| {
        let line = line.map_err(|e| Error::data(path, e))?;
        serde_json::from_str(&line).map_err(|e| Error::data(path, e))
    };
    reader.lines().map(parse).collect()
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
            assert!(truth.windows(2).all(|it| score(query, it[0]) >= score(query, it[1]) - 1e-3));
        }
        let rare = &data.filters["rare_maintainer"];
        assert_eq!(rare.truth[0].len(), rare.matching.min(100));
        assert!(
            rare.truth[0]
                .iter()
                .all(|it| data.payloads[*it as usize]["maintainer"] == "Debian Astro Team")
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Dataset::read(Path::new("/no/such/folder")).err().unwrap();
        assert!(error.to_string().contains("/no/such/folder/vectors.f16.npy"), "{error}");
    }
}
