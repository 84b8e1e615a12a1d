//! An immutable HNSW graph over rows that live elsewhere.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cpu::single_threaded_here;
use crate::error::Error;
use crate::ffi::Handle;
use crate::metric::Metric;
use crate::params::GraphParams;
use crate::select::Select;
use crate::vector_index::{Hit, Rows, StoredIndex, VectorIndex};

/// Rows inserted between two looks at the cancel flag; about a second of work.
const CHUNK_ROWS: usize = 4096;

/// An HNSW graph and the rows it is for.
pub struct Graph {
    handle: Handle,
    rows: Arc<dyn Rows>,
    dim: usize,
    len: usize,
}

impl Graph {
    /// Number of rows, dead ones included.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl VectorIndex for Graph {
    /// `ef` is raised to `k`. Rows that are not admitted count among the candidates, so
    /// that under a narrow `select` fewer than `k` may come back although more exist.
    ///
    /// A row whose score is beyond f32 (overflow, NaN) is never returned.
    fn search(
        &self,
        query: &[f32],
        k: usize,
        ef: usize,
        select: &Select<'_>,
    ) -> Result<Vec<Hit>, Error> {
        if query.len() != self.dim {
            return Err(Error::Query { expected: self.dim, found: query.len() });
        }
        select.check(self.len)?;
        let values = same_rows(&*self.rows, self.len * self.dim)?;
        // More candidates than rows only cost time.
        let k = k.min(self.len);
        if k == 0 {
            return Ok(Vec::new());
        }
        let (scores, ids) = self
            .handle
            .search(values, query, k, ef.clamp(k, self.len), select)
            .map_err(|message| Error::Engine { action: "search the graph", message })?;
        // The first place that stayed empty has -1 for its row, as all behind it have.
        let hits = ids.into_iter().zip(scores);
        Ok(hits
            .map_while(|(id, score)| u32::try_from(id).ok().map(|row| Hit { row, score }))
            .collect())
    }

    fn bytes(&self) -> usize {
        self.handle.bytes()
    }
}

impl StoredIndex for Graph {
    type Params = GraphParams;

    fn build(
        rows: Arc<dyn Rows>,
        dim: usize,
        metric: Metric,
        params: GraphParams,
        cancel: &AtomicBool,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<Self, Error> {
        params.check()?;
        let GraphParams { m, ef_construct } = params;
        // Helpers of OpenMP would insert rows in an order of their own: two builds would differ.
        single_threaded_here();
        let len = count_rows(rows.rows(), dim)?;
        let mut handle = Handle::begin(metric, dim, len, m, ef_construct).map_err(build_failed)?;
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Err(Error::Cancelled);
            }
            // Asked for at each step: the graph keeps no pointer to them.
            let values = same_rows(&*rows, len * dim)?;
            let left = handle.insert(values, CHUNK_ROWS).map_err(build_failed)?;
            progress(len - left);
            if left == 0 {
                break;
            }
        }
        Ok(Self { handle, rows, dim, len })
    }

    /// Writes the links, without the rows.
    fn save(&self, path: &Path) -> Result<(), Error> {
        self.handle.save(path).map_err(|message| Error::Save { path: path.to_owned(), message })
    }

    fn open(path: &Path, rows: Arc<dyn Rows>, dim: usize, metric: Metric) -> Result<Self, Error> {
        let len = count_rows(rows.rows(), dim)?;
        let handle = Handle::open(path, metric, dim, len)
            .map_err(|message| Error::Open { path: path.to_owned(), message })?;
        Ok(Self { handle, rows, dim, len })
    }
}

fn build_failed(message: String) -> Error {
    Error::Engine { action: "build the graph", message }
}

/// Rows that so many values make.
pub(crate) fn count_rows(values: &[f32], dim: usize) -> Result<usize, Error> {
    let is_matrix = dim > 0 && values.len().is_multiple_of(dim);
    if !is_matrix || !fits_c_int(dim) || !fits_c_int(values.len() / dim) {
        return Err(Error::Shape { values: values.len(), dim });
    }
    Ok(values.len() / dim)
}

/// FAISS numbers rows and counts dimensions in 32 bits with a sign.
fn fits_c_int(n: usize) -> bool {
    i32::try_from(n).is_ok()
}

fn same_rows(rows: &dyn Rows, expected: usize) -> Result<&[f32], Error> {
    let values = rows.rows();
    if values.len() != expected {
        return Err(Error::RowsChanged { expected, found: values.len() });
    }
    Ok(values)
}

#[cfg(test)]
mod tests;
