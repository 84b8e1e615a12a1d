//! A library over sparse vectors, and over both kinds, in the process of a Python worker.

use std::path::Path;

use bytemuck::cast_slice;
use serde_json::{Value, json};
use tempfile::TempDir;
use vane_index::GraphParams;

use super::worker::{Searched, Worker, file};
use super::{K, Library, Turn, repeats};
use crate::dataset::Dataset;
use crate::error::Error;

/// What a search goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Words.
    Text,
    /// Meaning.
    Dense,
    /// Both: ranks of either, fused.
    Both,
}

/// A library with sparse vectors. Dropping it ends its process.
pub(crate) struct TextLibrary {
    name: String,
    worker: Worker,
    dir: TempDir,
}

impl TextLibrary {
    /// Starts a worker and has it build its indexes over sparse rows as it reads them, and over the
    /// vectors of the data set where they are `with_dense`.
    ///
    /// # Errors
    /// When Python or the library is not there, or the library fails.
    pub(crate) fn build(
        (library, python): (Library, &Path),
        data: &Dataset,
        texts: &[u8],
        (params, with_dense): (GraphParams, bool),
    ) -> Result<Self, Error> {
        let mut worker = Worker::start(library, python)?;
        let name = format!("{} {}", library.name(), worker.open()?);
        let dir = tempfile::tempdir().map_err(|e| Error::node("a directory for rows", e))?;
        let queries = file(&dir, "queries", cast_slice(&data.query_values()))?;
        let request = json!({"do": "queries", "path": queries, "dim": data.dim});
        let _count: Value = worker.ask(&request)?;
        let rows = with_dense.then(|| file(&dir, "rows", cast_slice(&data.rows))).transpose()?;
        let GraphParams { m, ef_construct } = params;
        let _cost = worker.build(&json!({
            "do": "build_texts", "texts": file(&dir, "texts", texts)?, "rows": rows,
            "metric": data.distance.worker(), "m": m, "ef_construct": ef_construct,
        }))?;
        Ok(Self { name, worker, dir })
    }

    /// What tables call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// All of so many queries, one after another; `texts` as the worker reads sparse rows.
    ///
    /// # Errors
    /// When the library fails.
    pub(crate) fn turn(
        &mut self,
        (texts, count): (&[u8], usize),
        way: Way,
        (ef, candidates): (usize, usize),
    ) -> Result<Turn, Error> {
        let way = match way {
            Way::Text => "text",
            Way::Dense => "dense",
            Way::Both => "both",
        };
        let repeats = repeats(count);
        let searched: Searched = self.worker.ask(&json!({
            "do": "search_texts", "texts": file(&self.dir, "asked", texts)?, "way": way,
            "candidates": candidates, "ef": ef, "k": K, "repeats": repeats,
        }))?;
        Ok(searched.turn(count * repeats))
    }
}
