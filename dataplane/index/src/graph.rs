//! An immutable graph over rows that live elsewhere: links, and a code of each row.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::ffi::{self, Build, Handle, Way};
use crate::metric::Metric;
use crate::params::{CodeBits, GraphParams};
use crate::select::Select;
use crate::vector_index::{GraphFile, Hit, Rows, StoredIndex, VectorIndex};

/// Rows inserted between two questions for the number of threads; about 0.2 seconds of work.
const CHUNK_ROWS: usize = 1024;

/// Rows for each result that a scan looks at by their whole codes at the least: by what these cost
/// it tells which others it has to look at.
const SCAN_EF_PER_RESULT: usize = 2;

/// How a graph is walked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Walk {
    /// Candidates that are kept on the way.
    pub ef: usize,
    /// Where it is not 0: the walk goes over all rows as if there were no `select`, with as many
    /// candidates as those among them that may be returned need, and so many at most. These are the
    /// result. A third of it is what is likely to be needed.
    pub over: usize,
    /// Where those are too few to be the best: whether it is done again over the rows that may be
    /// returned; else nothing is found.
    pub again: bool,
    /// `k` others are known of which none scores worse: the fewer of the rows here can be among
    /// the best, the fewer candidates are looked around.
    pub within: Option<f32>,
    /// Rows are compared themselves and not their codes, where those have less than a byte for each
    /// dimension.
    pub by_rows: bool,
}

/// A file with a graph, and the rows it is for.
pub struct Graph {
    handle: Handle,
    file: Arc<dyn GraphFile>,
    rows: Arc<dyn Rows>,
    dim: usize,
    len: usize,
}

/// Codes and rows that searches of graphs by the calling thread have compared with their queries
/// since it began.
pub fn compared_here() -> u64 {
    ffi::compared_here()
}

impl Graph {
    /// Number of rows, dead ones included.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether its file is of an earlier version; what a search needs is then held in memory.
    pub fn is_of_earlier_version(&self) -> bool {
        self.handle.is_converted()
    }

    /// Bits that its codes have of each dimension.
    pub fn code_bits(&self) -> CodeBits {
        CodeBits::at_least(self.handle.code_bits())
    }

    /// Bytes of memory beside its file.
    pub fn memory_bytes(&self) -> usize {
        self.handle.bytes()
    }

    /// Nodes that no search can come to, whatever its ef; rows of equal bytes are one node.
    pub fn unreached(&self) -> usize {
        self.handle.unreached()
    }

    /// As [`VectorIndex::search`], by a look at the code of every row that `select` admits, or
    /// of those of `among` that it admits. Scores are exact; one of the best rows is missed only
    /// where its code is off by more than codes are in nearly all cases.
    ///
    /// # Errors
    /// As [`VectorIndex::search`]; also for a number in `among` that is no row's.
    pub fn scan(
        &self,
        query: &[f32],
        k: usize,
        select: &Select<'_>,
        among: Option<&[u32]>,
    ) -> Result<Vec<Hit>, Error> {
        self.find(query, (k, k.saturating_mul(SCAN_EF_PER_RESULT)), select, Way::Scan(among))
    }

    /// As [`VectorIndex::search`], in the way that `walk` says.
    ///
    /// # Errors
    /// As [`VectorIndex::search`].
    pub fn walk(
        &self,
        query: &[f32],
        k: usize,
        walk: Walk,
        select: &Select<'_>,
    ) -> Result<Vec<Hit>, Error> {
        let Walk { ef, over, again, within, by_rows } = walk;
        self.find(query, (k, ef), select, Way::Walk { over, again, within, by_rows })
    }

    fn find(
        &self,
        query: &[f32],
        (k, ef): (usize, usize),
        select: &Select<'_>,
        way: Way<'_>,
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
        let effort = (k, ef.clamp(k, self.len));
        let way = match way {
            Way::Walk { over, again, within, by_rows } => {
                Way::Walk { over: over.min(self.len), again, within, by_rows }
            }
            scan @ Way::Scan(_) => scan,
        };
        let (scores, ids) = self
            .handle
            .search((self.file.bytes(), values), query, effort, select, way)
            .map_err(|message| Error::Engine { action: "search the graph", message })?;
        // The first place that stayed empty has -1 for its row, as all behind it have.
        let hits = ids.into_iter().zip(scores);
        Ok(hits
            .map_while(|(id, score)| u32::try_from(id).ok().map(|row| Hit { row, score }))
            .collect())
    }
}

/// A graph whose links another takes over.
pub struct Base<'a> {
    pub graph: &'a Graph,
    /// Of each row of the new graph its number in this one, or -1.
    pub numbers: &'a [i32],
}

impl Graph {
    /// As [`StoredIndex::build`]; links between rows that `base` has too are taken over, so that
    /// only the others are inserted. Where that would leave too little of them, nothing is. Base
    /// and rows together make the bytes. Metrics that differ are not noticed. Links are found by
    /// codes of a byte, whatever `bits` the file's codes are to have.
    ///
    /// # Errors
    /// As [`StoredIndex::build`]; also for a base of another dimension, and for a number in it that
    /// is no row's.
    pub fn build_on(
        base: Option<Base<'_>>,
        rows: &dyn Rows,
        (dim, metric): (usize, Metric),
        (params, bits): (GraphParams, CodeBits),
        path: &Path,
        threads: &mut dyn FnMut(usize) -> Option<NonZeroUsize>,
    ) -> Result<(), Error> {
        params.check()?;
        check_metric(metric).map_err(build_failed)?;
        let len = count_rows(rows.rows(), dim)?;
        let mut next_threads = |done| threads(done).ok_or(Error::Cancelled);
        let mut helpers = next_threads(0)?;
        let base = base.as_ref().map(|base| ffi::Base {
            handle: &base.graph.handle,
            file: base.graph.file.bytes(),
            numbers: base.numbers,
        });
        let values = same_rows(rows, len * dim)?;
        let begun = Build::begin(metric, (dim, len), values, params, helpers, base);
        let mut build = begun.map_err(build_failed)?;
        let mut left = len;
        while left > 0 {
            // Asked for at each step: the graph keeps no pointer to them.
            let values = same_rows(rows, len * dim)?;
            left = build.insert(values, CHUNK_ROWS, helpers).map_err(build_failed)?;
            helpers = next_threads(len - left)?;
        }
        let values = same_rows(rows, len * dim)?;
        build
            .save(values, bits, helpers, path)
            .map_err(|message| Error::Save { path: path.to_owned(), message })
    }
}

impl VectorIndex for Graph {
    /// `ef` is raised to `k`. Rows that are not admitted cost nothing, but under a narrow
    /// `select` fewer than `k` may come back although more exist: the links lead to no more.
    ///
    /// A row whose score is beyond f32 (overflow, NaN) is never returned.
    fn search(
        &self,
        query: &[f32],
        k: usize,
        ef: usize,
        select: &Select<'_>,
    ) -> Result<Vec<Hit>, Error> {
        self.walk(query, k, Walk { ef, over: 0, again: true, within: None, by_rows: false }, select)
    }

    fn bytes(&self) -> usize {
        self.handle.bytes() + self.file.bytes().len()
    }
}

impl StoredIndex for Graph {
    type Params = GraphParams;

    fn build(
        rows: &dyn Rows,
        shape: (usize, Metric),
        params: GraphParams,
        path: &Path,
        threads: &mut dyn FnMut(usize) -> Option<NonZeroUsize>,
    ) -> Result<(), Error> {
        Self::build_on(None, rows, shape, (params, CodeBits::Eight), path, threads)
    }

    fn open(
        file: Arc<dyn GraphFile>,
        rows: Arc<dyn Rows>,
        dim: usize,
        metric: Metric,
    ) -> Result<Self, Error> {
        check_metric(metric).map_err(|message| Error::Open { message })?;
        let len = count_rows(rows.rows(), dim)?;
        let handle = Handle::open(file.bytes(), rows.rows(), metric, dim, len)
            .map_err(|message| Error::Open { message })?;
        Ok(Self { handle, file, rows, dim, len })
    }
}

/// Refuses what no graph is walked by: the engine does not know it.
fn check_metric(metric: Metric) -> Result<(), String> {
    match metric.has_graphs() {
        true => Ok(()),
        false => Err(format!("no graph is walked by {metric:?}")),
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
