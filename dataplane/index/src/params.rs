//! Parameters of a graph and their ranges.

use crate::error::Error;

/// Links per row that a graph may have, half of what there are places for.
pub(crate) const M_MIN: usize = 2;
pub(crate) const M_MAX: usize = 512;
/// Beyond this a wider search does not make a better graph.
pub(crate) const EF_CONSTRUCT_MAX: usize = 4096;

/// What each of a row's columns is padded to, in bytes.
const LINE: usize = 64;

/// How dense a graph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphParams {
    /// Half of the links of a row, as HNSW counts them.
    pub m: usize,
    /// Candidates kept while a row's links are sought.
    pub ef_construct: usize,
}

/// Candidates kept while links are sought, at least, where a graph is to serve: on 63,436 rows a
/// walk needs half of the candidates for a recall of .985 that it needs with 100 of them.
const EF_CONSTRUCT_FLOOR: usize = 200;

impl GraphParams {
    /// What graphs are built with where a user asks for so many links and candidates.
    #[must_use]
    pub fn to_serve(m: usize, ef_construct: usize) -> Self {
        Self { m, ef_construct: ef_construct.max(EF_CONSTRUCT_FLOOR) }
    }

    /// Bytes of memory that a build takes for each row of so many dimensions, beside the row.
    #[must_use]
    pub fn build_bytes(self, dim: usize) -> usize {
        // As they lie in the file: links, codes in two halves, facts; and in which order nodes
        // come, which are equal and which are reached.
        let (links, half) = (2 * self.m * size_of::<i32>(), dim.div_ceil(2));
        links.next_multiple_of(LINE) + 2 * half.next_multiple_of(LINE) + LINE
    }

    /// Refuses values out of range.
    pub(crate) fn check(self) -> Result<(), Error> {
        let Self { m, ef_construct } = self;
        if !(M_MIN..=M_MAX).contains(&m) || !(1..=EF_CONSTRUCT_MAX).contains(&ef_construct) {
            return Err(Error::Params { m, ef_construct });
        }
        Ok(())
    }
}
