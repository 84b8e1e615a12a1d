//! What every vector index can do, whatever it is made of.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::error::Error;
use crate::metric::Metric;
use crate::select::Select;

/// The rows of an index: f32, row-major, `n * dim` values.
///
/// The index asks for them at every call and never copies them. Their values must stay
/// the same as long as the value lives; an index over changed rows finds wrong
/// neighbours (a changed length is an error).
pub trait Rows: Send + Sync + 'static {
    fn rows(&self) -> &[f32];
}

impl Rows for Vec<f32> {
    fn rows(&self) -> &[f32] {
        self
    }
}

/// A row found by a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub row: u32,
    /// As [`Metric`] says.
    pub score: f32,
}

/// Finds the nearest of some rows. An index is immutable: new rows mean a new one, removed
/// rows are passed over with [`Select`].
pub trait VectorIndex {
    /// Up to `k` rows that `select` admits, best first. `ef` is the effort of an index that
    /// does not look at every row: the number of candidates that it keeps on its way.
    ///
    /// # Errors
    /// A query or a table of `select` that does not fit the rows, or a failure of the index.
    fn search(
        &self,
        query: &[f32],
        k: usize,
        ef: usize,
        select: &Select<'_>,
    ) -> Result<Vec<Hit>, Error>;

    /// Memory the index takes, in bytes, the rows not counted.
    fn bytes(&self) -> usize;
}

/// An index that is built once and then opened from a file. The rows are not in the file.
pub trait StoredIndex: VectorIndex + Send + Sync + Sized {
    /// What the builder may choose.
    type Params;

    /// Builds on the calling thread, which it keeps single-threaded from here on. The
    /// same rows and parameters always give the same index.
    ///
    /// `progress` hears the number of rows done after every few thousand; `cancel` is
    /// looked at as often.
    ///
    /// # Errors
    /// Parameters or rows out of range, [`Error::Cancelled`], or a failure of the engine.
    fn build(
        rows: Arc<dyn Rows>,
        dim: usize,
        metric: Metric,
        params: Self::Params,
        cancel: &AtomicBool,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<Self, Error>;

    /// Writes the index to a new file at `path`. Syncing, renaming and a checksum are the
    /// caller's.
    ///
    /// # Errors
    /// [`Error::Save`]; an unfinished file may be left.
    fn save(&self, path: &Path) -> Result<(), Error>;

    /// Opens a saved index over the rows it was built from. A file of another shape or
    /// with damage that would lead a search astray is an error; one that was built from
    /// other rows of the same shape is not noticed, so the caller compares a checksum first.
    ///
    /// # Errors
    /// [`Error::Open`], or [`Error::Shape`] for the rows.
    fn open(path: &Path, rows: Arc<dyn Rows>, dim: usize, metric: Metric) -> Result<Self, Error>;
}
