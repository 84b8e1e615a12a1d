//! The project's own format. `data/debian-packages/README.md` describes the files; a full set has
//! the same names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use half::f16;
use serde::Deserialize;
use serde_json::Value;

use super::{Dataset, Distance, Filtered, Query};
use crate::error::Error;

/// The file with the points' vectors.
pub(super) const VECTORS: &str = "vectors.f16.npy";

#[derive(Deserialize)]
struct QueryLine {
    text: String,
}

#[derive(Deserialize)]
struct FilterEntry {
    filter: Value,
    matching: usize,
}

/// Reads the data files of a folder.
pub(super) fn read(dir: &Path) -> Result<Dataset, Error> {
    let (rows, dim) = vectors(&dir.join(VECTORS))?;
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
        serde_json::from_reader(BufReader::new(open(&path)?)).map_err(|e| Error::data(&path, e))?;
    let mut filters = BTreeMap::new();
    for (name, FilterEntry { filter, matching }) in entries {
        let truth = truth(&dir.join(format!("truth.{name}.i32.npy")))?;
        filters.insert(name, Filtered { filter, matching, truth });
    }
    Ok(Dataset {
        dim,
        distance: Distance::Cosine,
        rows: Arc::new(rows),
        payloads,
        queries,
        truth: truth(&dir.join("truth.i32.npy"))?,
        filters,
    })
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
