//! An immutable HNSW graph over rows that live elsewhere.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cpu::single_threaded_here;
use crate::error::Error;
use crate::ffi::Handle;
use crate::metric::Metric;
use crate::select::Select;

/// Links per row and level that a graph may have; FAISS doubles them on the lowest.
pub(crate) const M_MIN: usize = 2;
pub(crate) const M_MAX: usize = 512;
/// Beyond this a wider search does not make a better graph.
pub(crate) const EF_CONSTRUCT_MAX: usize = 4096;

/// Rows inserted between two looks at the cancel flag; about a second of work.
const CHUNK_ROWS: usize = 4096;

/// The rows of a graph: f32, row-major, `n * dim` values.
///
/// The graph asks for them at every call and never copies them. Their values must stay
/// the same as long as the value lives; a graph over changed rows finds wrong
/// neighbours (a changed length is an error).
pub trait Rows: Send + Sync + 'static {
    fn rows(&self) -> &[f32];
}

impl Rows for Vec<f32> {
    fn rows(&self) -> &[f32] {
        self
    }
}

/// How dense a graph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphParams {
    /// Links of a row on each level; twice as many on the lowest.
    pub m: usize,
    /// Candidates kept while a row's links are sought.
    pub ef_construct: usize,
}

/// A row found by a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub row: u32,
    /// As [`Metric`] says.
    pub score: f32,
}

/// An HNSW graph and the rows it is for.
pub struct Graph {
    handle: Handle,
    rows: Arc<dyn Rows>,
    dim: usize,
    len: usize,
}

impl Graph {
    /// Builds on the calling thread, which it keeps single-threaded from here on. The
    /// same rows and parameters always give the same graph.
    ///
    /// `progress` hears the number of rows done after every few thousand; `cancel` is
    /// looked at as often.
    pub fn build(
        rows: Arc<dyn Rows>,
        dim: usize,
        metric: Metric,
        params: GraphParams,
        cancel: &AtomicBool,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<Self, Error> {
        let GraphParams { m, ef_construct } = params;
        if !(M_MIN..=M_MAX).contains(&m) || !(1..=EF_CONSTRUCT_MAX).contains(&ef_construct) {
            return Err(Error::Params { m, ef_construct });
        }
        single_threaded_here();
        let len = count_rows(rows.rows(), dim)?;
        let fail = |message| Error::Engine { action: "build the graph", message };
        let mut handle = Handle::begin(metric, dim, len, m, ef_construct).map_err(fail)?;
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Err(Error::Cancelled);
            }
            let values = same_rows(&*rows, len * dim)?;
            let left = handle.insert(values, CHUNK_ROWS).map_err(fail)?;
            progress(len - left);
            if left == 0 {
                break;
            }
        }
        Ok(Self { handle, rows, dim, len })
    }

    /// Writes the links to a new file at `path`, without the rows. Syncing, renaming and
    /// a checksum are the caller's.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        self.handle.save(path).map_err(|message| Error::Save { path: path.to_owned(), message })
    }

    /// Opens a saved graph over the rows it was built from. A file of another shape or
    /// with links that lead nowhere is an error; one that was built from other rows of
    /// the same shape is not noticed, so the caller compares a checksum first.
    pub fn open(
        path: &Path,
        rows: Arc<dyn Rows>,
        dim: usize,
        metric: Metric,
    ) -> Result<Self, Error> {
        let len = count_rows(rows.rows(), dim)?;
        let handle = Handle::open(path, metric, dim, len)
            .map_err(|message| Error::Open { path: path.to_owned(), message })?;
        Ok(Self { handle, rows, dim, len })
    }

    /// Number of rows, dead ones included.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Memory the graph takes, in bytes, the rows not counted.
    pub fn bytes(&self) -> usize {
        self.handle.bytes()
    }

    /// Up to `k` rows that `select` admits, best first. `ef` is the number of candidates
    /// kept on the way, at least `k`; rows that are not admitted count among them, so
    /// that under a narrow `select` fewer than `k` may come back although more exist.
    ///
    /// A row whose score is beyond f32 (overflow, NaN) is never returned.
    pub fn search(
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
        let hits = ids.into_iter().zip(scores);
        Ok(hits
            .map_while(|(id, score)| u32::try_from(id).ok().map(|row| Hit { row, score }))
            .collect())
    }
}

fn count_rows(values: &[f32], dim: usize) -> Result<usize, Error> {
    let shape = Error::Shape { values: values.len(), dim };
    // FAISS numbers rows and counts dimensions in 32 bits with a sign.
    let fits = |n: usize| i32::try_from(n).is_ok();
    if dim == 0 || !fits(dim) || !values.len().is_multiple_of(dim) || !fits(values.len() / dim) {
        return Err(shape);
    }
    Ok(values.len() / dim)
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
