//! FAISS in this process: what a node's speed and recall are held against.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use vane_index::{Graph, GraphParams, Metric, Select, StoredIndex, VectorIndex};

use crate::dataset::Dataset;
use crate::error::Error;

/// The graph parameters of both sides.
pub(crate) const PARAMS: GraphParams = GraphParams { m: 16, ef_construct: 100 };

/// A graph over the data set, and the time that building it took on one thread.
pub(crate) fn build(data: &Dataset) -> Result<(Graph, Duration), Error> {
    // With all its threads FAISS would be measured on other terms than the node.
    vane_index::single_threaded_here();
    let start = Instant::now();
    let rows = Arc::new(data.rows.clone());
    let graph = Graph::build(
        rows,
        data.dim,
        Metric::InnerProduct,
        PARAMS,
        &AtomicBool::new(false),
        &|_| {},
    )?;
    Ok((graph, start.elapsed()))
}

/// The rows nearest to `query`, best first; `ef` is the number of candidates.
pub(crate) fn search(graph: &Graph, query: &[f32], k: usize, ef: usize) -> Result<Vec<u64>, Error> {
    let hits = graph.search(query, k, ef, &Select { allow: None, died: None })?;
    Ok(hits.into_iter().map(|hit| u64::from(hit.row)).collect())
}
