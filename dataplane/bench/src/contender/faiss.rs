//! FAISS as it comes, in this process.

use vane_index::{GraphParams, Stock};

use super::{Contender, Cost, K, Turn, build_here, turn_of};
use crate::baseline;
use crate::dataset::Dataset;
use crate::error::Error;

/// FAISS's graph over a data set, with a copy of the rows.
pub(crate) struct Faiss<'a> {
    data: &'a Dataset,
    stock: Stock,
    cost: Cost,
}

impl<'a> Faiss<'a> {
    /// Builds it on one thread.
    pub(crate) fn build(data: &'a Dataset, params: GraphParams) -> Result<Self, Error> {
        let (stock, cost) = build_here(|| Ok(baseline::build(data, params)?.0))?;
        Ok(Self { data, stock, cost })
    }
}

impl Contender for Faiss<'_> {
    fn name(&self) -> &str {
        "FAISS"
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    fn turn(&mut self, ef: usize, clients: usize) -> Result<Option<Turn>, Error> {
        let (stock, queries) = (&self.stock, &self.data.queries);
        let search = |query: usize| baseline::search(stock, &queries[query].vector, K, ef);
        let turn = turn_of(queries.len(), clients, |_| {
            // On each client's thread: FAISS keeps helpers for every thread that enters it.
            vane_index::single_threaded_here();
            search
        });
        turn.map(Some)
    }
}
