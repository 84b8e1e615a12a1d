//! Our postings in this process: searches by words without a node around them.

use std::sync::Arc;

use vane_index::{Matcher, Postings, Select, SparseSearch, write_postings};

use super::{K, Turn, turn_of};
use crate::error::Error;
use crate::texts::{Sparse, Texts};

/// Postings of sparse rows that someone else holds.
pub(crate) struct OurPostings<'a> {
    texts: &'a Texts,
    postings: Postings,
}

impl<'a> OurPostings<'a> {
    /// Makes them.
    ///
    /// # Errors
    /// When the file of them cannot be written or read.
    pub(crate) fn build(texts: &'a Texts) -> Result<Self, Error> {
        let dir = tempfile::tempdir().map_err(|e| Error::node("a directory for postings", e))?;
        let path = dir.path().join("postings");
        write_postings(&path, || texts.rows.iter().map(Sparse::row))?;
        let bytes = std::fs::read(&path).map_err(|e| Error::data(&path, e))?;
        Ok(Self { texts, postings: Postings::open(Arc::new(bytes), texts.rows.len())? })
    }

    /// All queries, whose weights are what they count in the end.
    ///
    /// # Errors
    /// When a search fails.
    pub(crate) fn turn(&self, queries: &[Sparse], clients: usize) -> Result<Turn, Error> {
        turn_of(queries.len(), clients, |_| move |query: usize| self.search(&queries[query]))
    }

    fn search(&self, query: &Sparse) -> Result<Vec<u64>, Error> {
        let found = self.postings.search(&SparseSearch {
            matcher: &Matcher::new(query.row()),
            k: K,
            within: None,
            select: &Select::default(),
            row: &|row| self.texts.rows[row as usize].row(),
            order: &|a, b| a.cmp(&b),
            stop: &|| false,
        })?;
        Ok(found.into_iter().map(|hit| u64::from(hit.row)).collect())
    }
}
