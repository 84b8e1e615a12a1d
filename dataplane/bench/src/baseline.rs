//! FAISS in this process: what a node's speed and recall are held against.

use std::time::{Duration, Instant};

use vane_index::{GraphParams, Stock};

use crate::dataset::Dataset;
use crate::error::Error;

/// The graph parameters of both sides, where none are asked for.
pub(crate) const PARAMS: GraphParams = GraphParams { m: 16, ef_construct: 100 };

/// FAISS's index over the data set, and the time that building it took on one thread.
pub(crate) fn build(data: &Dataset, params: GraphParams) -> Result<(Stock, Duration), Error> {
    let start = Instant::now();
    // With all its threads FAISS would be measured on other terms than the node.
    let stock = Stock::build(&data.rows, data.dim, data.distance.metric(), params)?;
    Ok((stock, start.elapsed()))
}

/// The rows nearest to `query`, best first; `ef` is the number of candidates.
pub(crate) fn search(stock: &Stock, query: &[f32], k: usize, ef: usize) -> Result<Vec<u64>, Error> {
    let hits = stock.search(query, k, ef)?;
    Ok(hits.into_iter().map(|hit| u64::from(hit.row)).collect())
}
