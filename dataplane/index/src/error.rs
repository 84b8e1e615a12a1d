use std::path::PathBuf;

use crate::params::{EF_CONSTRUCT_MAX, M_MAX, M_MIN};

/// What can go wrong with an index. Nothing is changed in any of the cases, except that
/// a failed [`crate::StoredIndex::build`] may leave an unfinished file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The build was asked to stop.
    #[error("graph build was cancelled, nothing is kept of it")]
    Cancelled,
    /// The search was asked to stop.
    #[error("the search was stopped before it had looked at every row")]
    Stopped,
    #[error(
        "graph parameters out of range: m is {m} (allowed {M_MIN} to {M_MAX}), \
         ef_construct is {ef_construct} (allowed 1 to {EF_CONSTRUCT_MAX})"
    )]
    Params { m: usize, ef_construct: usize },
    /// The rows do not form a matrix, or one beyond the 31-bit row numbers of FAISS.
    #[error("{values} values do not make rows of dimension {dim}, or make too many of them")]
    Shape { values: usize, dim: usize },
    /// A [`crate::Rows`] broke its promise; a bug in its owner.
    #[error("the rows of the graph changed from {expected} to {found} values after the build")]
    RowsChanged { expected: usize, found: usize },
    #[error("query has dimension {found}, the graph has {expected}")]
    Query { expected: usize, found: usize },
    /// A bug in the caller.
    #[error("{what} has {found} entries for the {expected} rows of the graph")]
    Select { what: &'static str, expected: usize, found: usize },
    /// The file cannot be read, is damaged, or belongs to other rows: build it again.
    #[error("failed to open the graph: {message}")]
    Open { message: String },
    #[error("failed to write graph file {}: {message}", path.display())]
    Save { path: PathBuf, message: String },
    /// FAISS refused; out of memory or a bug.
    #[error("failed to {action}: {message}")]
    Engine { action: &'static str, message: String },
    #[error("this cpu lacks {feature}, which this build of vane needs")]
    Cpu { feature: String },
}
