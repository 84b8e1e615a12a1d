//! Our graph in this process, without a server.

use std::num::NonZeroUsize;
use std::sync::Arc;

use vane_index::{Graph, GraphParams, Select, StoredIndex, VectorIndex};

use super::{Contender, Cost, K, Turn, build_here, turn_of};
use crate::dataset::Dataset;
use crate::error::Error;

/// Our graph over a data set.
pub(crate) struct Ours<'a> {
    data: &'a Dataset,
    graph: Graph,
    cost: Cost,
}

impl<'a> Ours<'a> {
    /// Builds it on one thread, as FAISS builds beside it.
    pub(crate) fn build(data: &'a Dataset, params: GraphParams) -> Result<Self, Error> {
        let (graph, cost) = build_here(|| build(data, params))?;
        let file = (graph.bytes() - graph.memory_bytes()) as u64;
        // Its file was read and not mapped here; a node maps it.
        let anonymous = Some(graph.memory_bytes() as u64);
        let cost = Cost { anonymous, mapped: Some(file), disk: Some(file), ..cost };
        Ok(Self { data, graph, cost })
    }
}

/// The graph over a data set, built on one thread by way of a file, as a node builds one.
pub(crate) fn build(data: &Dataset, params: GraphParams) -> Result<Graph, Error> {
    let dir = tempfile::tempdir().map_err(|e| Error::node("a directory for the graph", e))?;
    let path = dir.path().join("graph");
    let (rows, shape) = (Arc::clone(&data.rows), (data.dim, data.distance.metric()));
    // As a node builds where a collection asks for the same.
    let params = GraphParams::to_serve(params.m, params.ef_construct);
    Graph::build(&*rows, shape, params, &path, &mut |_| NonZeroUsize::new(1))?;
    let file = std::fs::read(&path).map_err(|e| Error::data(&path, e))?;
    Ok(Graph::open(Arc::new(file), rows, shape.0, shape.1)?)
}

impl Contender for Ours<'_> {
    fn name(&self) -> &str {
        "our graph"
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    fn turn(&mut self, ef: usize, clients: usize) -> Result<Option<Turn>, Error> {
        let (graph, queries) = (&self.graph, &self.data.queries);
        let search = |query: usize| {
            let hits = graph.search(&queries[query].vector, K, ef, &Select::default())?;
            Ok(hits.into_iter().map(|hit| u64::from(hit.row)).collect())
        };
        turn_of(queries.len(), clients, |_| search).map(Some)
    }
}
