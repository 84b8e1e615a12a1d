//! What every vector index can do, whatever it is made of.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

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

/// The bytes of a file that an index was written to: mapped, or read. They stay the same as long as
/// the value lives.
pub trait GraphFile: Send + Sync + 'static {
    fn bytes(&self) -> &[u8];
}

impl GraphFile for Vec<u8> {
    fn bytes(&self) -> &[u8] {
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

    /// Bytes of the index, in memory and in its file; the rows are not counted.
    fn bytes(&self) -> usize;
}

/// An index that is built once and then opened from a file. The rows are not in the file.
pub trait StoredIndex: VectorIndex + Send + Sync + Sized {
    /// What the builder may choose.
    type Params;

    /// Builds the index and writes it to a new file at `path`; the last bytes may not be synced.
    /// The same rows and parameters always give the same bytes, whatever the number of threads.
    ///
    /// `threads` hears the number of rows done after every few thousand, and says how many
    /// threads work on the next, the calling one among them; `None` ends it.
    ///
    /// # Errors
    /// Parameters or rows out of range, [`Error::Cancelled`], a failure of the engine, or
    /// [`Error::Save`]; an unfinished file may be left.
    fn build(
        rows: &dyn Rows,
        shape: (usize, Metric),
        params: Self::Params,
        path: &Path,
        threads: &mut dyn FnMut(usize) -> Option<NonZeroUsize>,
    ) -> Result<(), Error>;

    /// Opens a file over the rows it was built from. A file of another shape is an error, and so is
    /// one with damage that would lead a search astray, at the latest when a search meets it; one
    /// that was built from other rows of the same shape is not noticed, so the caller compares a
    /// checksum first.
    ///
    /// # Errors
    /// [`Error::Open`], or [`Error::Shape`] for the rows.
    fn open(
        file: Arc<dyn GraphFile>,
        rows: Arc<dyn Rows>,
        dim: usize,
        metric: Metric,
    ) -> Result<Self, Error>;
}
