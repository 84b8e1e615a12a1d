//! Parameters of a graph and their ranges.

use crate::error::Error;

/// Links per row and level that a graph may have; FAISS doubles them on the lowest.
pub(crate) const M_MIN: usize = 2;
pub(crate) const M_MAX: usize = 512;
/// Beyond this a wider search does not make a better graph.
pub(crate) const EF_CONSTRUCT_MAX: usize = 4096;

/// How dense a graph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphParams {
    /// Links of a row on each level; twice as many on the lowest.
    pub m: usize,
    /// Candidates kept while a row's links are sought.
    pub ef_construct: usize,
}

impl GraphParams {
    /// Refuses values out of range.
    pub(crate) fn check(self) -> Result<(), Error> {
        let Self { m, ef_construct } = self;
        if !(M_MIN..=M_MAX).contains(&m) || !(1..=EF_CONSTRUCT_MAX).contains(&ef_construct) {
            return Err(Error::Params { m, ef_construct });
        }
        Ok(())
    }
}
