//! FAISS as it comes, with a copy of the rows and a search of its own: what a
//! [`Graph`](crate::Graph) is measured against. Nothing is served by it.

use crate::cpu::single_threaded_here;
use crate::error::Error;
use crate::ffi;
use crate::graph::count_rows;
use crate::metric::Metric;
use crate::params::GraphParams;
use crate::vector_index::Hit;

/// FAISS's `IndexHNSWFlat`.
pub struct Stock(ffi::Stock);

impl Stock {
    /// Builds on the calling thread alone, which stays single-threaded.
    ///
    /// # Errors
    /// Parameters or rows out of range, or a failure of FAISS.
    pub fn build(
        rows: &[f32],
        dim: usize,
        metric: Metric,
        params: GraphParams,
    ) -> Result<Self, Error> {
        params.check()?;
        count_rows(rows, dim)?;
        single_threaded_here();
        let built = ffi::Stock::build(metric, dim, rows, params.m, params.ef_construct);
        built.map(Self).map_err(|message| Error::Engine { action: "build with FAISS", message })
    }

    /// Up to `k` rows, best first, of `ef` candidates.
    ///
    /// # Errors
    /// A query that does not fit the rows, or a failure of FAISS.
    pub fn search(&self, query: &[f32], k: usize, ef: usize) -> Result<Vec<Hit>, Error> {
        let found = self.0.search(query, k, ef);
        let (scores, ids) =
            found.map_err(|message| Error::Engine { action: "search with FAISS", message })?;
        let hits = ids.into_iter().zip(scores);
        Ok(hits
            .map_while(|(id, score)| u32::try_from(id).ok().map(|row| Hit { row, score }))
            .collect())
    }
}
