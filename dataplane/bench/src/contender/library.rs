//! A library over the vectors of a data set, in the process of a Python worker.

use std::path::Path;

use bytemuck::cast_slice;
use serde_json::{Value, json};
use vane_index::GraphParams;

use super::worker::{Searched, Worker, file};
use super::{Contender, Cost, K, Turn, repeats};
use crate::dataset::Dataset;
use crate::error::Error;

/// A library that a worker knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Library {
    Hnswlib,
    Usearch,
    QdrantEdge,
}

impl Library {
    /// As the command line has it, and the worker.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "hnswlib" => Ok(Self::Hnswlib),
            "usearch" => Ok(Self::Usearch),
            "qdrant-edge" => Ok(Self::QdrantEdge),
            "glass" => Err("Zilliz' pyglass is in no package of PyPI; `glass` there is another \
                            program"
                .to_owned()),
            _ => Err("hnswlib, usearch and qdrant-edge are known".to_owned()),
        }
    }

    /// What tables call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hnswlib => "hnswlib",
            Self::Usearch => "usearch",
            Self::QdrantEdge => "qdrant-edge",
        }
    }

    /// What Python imports.
    pub(super) fn module(self) -> &'static str {
        match self {
            Self::Hnswlib | Self::Usearch => self.name(),
            Self::QdrantEdge => "qdrant_edge",
        }
    }

    /// Whether it knows sparse vectors.
    pub(crate) fn has_sparse(self) -> bool {
        self == Self::QdrantEdge
    }
}

/// A library with an index over a data set. Dropping it ends its process.
pub(crate) struct Loaded {
    name: String,
    worker: Worker,
    queries: usize,
    cost: Cost,
}

impl Loaded {
    /// Starts a worker and has it build its index.
    ///
    /// # Errors
    /// When Python or the library is not there, or the library fails.
    pub(crate) fn build(
        library: Library,
        python: &Path,
        data: &Dataset,
        params: GraphParams,
    ) -> Result<Self, Error> {
        let mut worker = Worker::start(library, python)?;
        let version = worker.open()?;
        let dir = tempfile::tempdir().map_err(|e| Error::node("a directory for rows", e))?;
        let rows = file(&dir, "rows", cast_slice(&data.rows))?;
        let queries = file(&dir, "queries", cast_slice(&data.query_values()))?;
        let request = json!({"do": "queries", "path": queries, "dim": data.dim});
        let _count: Value = worker.ask(&request)?;
        let cost = worker.build(&json!({
            "do": "build", "rows": rows, "metric": data.distance.worker(),
            "m": params.m, "ef_construct": params.ef_construct,
        }))?;
        let name = format!("{} {version}", library.name());
        Ok(Self { name, worker, queries: data.queries.len(), cost })
    }
}

impl Contender for Loaded {
    fn name(&self) -> &str {
        &self.name
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    /// All queries are one call of the library on one thread, so there is no latency of each.
    fn turn(&mut self, ef: usize, clients: usize) -> Result<Option<Turn>, Error> {
        if clients > 1 {
            return Ok(None);
        }
        let repeats = repeats(self.queries);
        let request = json!({"do": "search", "ef": ef, "k": K, "repeats": repeats});
        let searched: Searched = self.worker.ask(&request)?;
        Ok(Some(searched.turn(self.queries * repeats)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libraries_with_a_worker_are_known() {
        assert_eq!(Library::parse("usearch"), Ok(Library::Usearch));
        assert!(Library::parse("glass").unwrap_err().contains("PyPI"));
        assert!(Library::parse("annoy").is_err());
    }
}
