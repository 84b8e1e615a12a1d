//! Parameters of a graph and their ranges.

use crate::error::Error;

/// Links per row that a graph may have, half of what there are places for.
pub(crate) const M_MIN: usize = 2;
pub(crate) const M_MAX: usize = 512;
/// Beyond this a wider search does not make a better graph.
pub(crate) const EF_CONSTRUCT_MAX: usize = 4096;

/// What each of a row's columns is padded to, in bytes.
const LINE: usize = 64;

/// Bits that a line of codes has of some dimensions.
const LINE_BITS: usize = 8 * LINE;

/// How many bits of each dimension a graph's codes have. With fewer of them less memory is read,
/// and more rows have to be compared themselves for the same answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeBits {
    One,
    Two,
    Four,
    #[default]
    Eight,
}

impl CodeBits {
    /// The fewest that are no less than so many.
    #[must_use]
    pub fn at_least(bits: u32) -> Self {
        match bits {
            0 | 1 => Self::One,
            2 => Self::Two,
            3 | 4 => Self::Four,
            _ => Self::Eight,
        }
    }

    /// Their number.
    #[must_use]
    pub fn count(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// The most of four and fewer that take no more memory with so many dimensions: codes are read
    /// in whole lines.
    #[must_use]
    pub fn filling_lines(self, dim: usize) -> Self {
        let lines = |bits: Self| (dim * bits.count() as usize).div_ceil(LINE_BITS);
        let more = [Self::Four, Self::Two, Self::One].into_iter().filter(|more| *more > self);
        more.into_iter().find(|more| lines(*more) == lines(self)).unwrap_or(self)
    }
}

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

#[cfg(test)]
mod tests {
    use super::CodeBits::{Eight, Four, One, Two};
    use super::*;

    #[test]
    fn bits_fill_the_lines_that_they_take() {
        let filled = |bits: CodeBits, dims: [usize; 5]| dims.map(|dim| bits.filling_lines(dim));
        let dims = [2, 128, 256, 384, 1536];
        assert_eq!(filled(One, dims), [Four, Four, Two, One, One]);
        assert_eq!(filled(Two, dims), [Four, Four, Two, Two, Two]);
        assert_eq!(filled(Four, dims), [Four; 5]);
        assert_eq!(filled(Eight, dims), [Eight; 5]);
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 8, 9].map(CodeBits::at_least),
            [One, One, Two, Four, Four, Eight, Eight, Eight]
        );
        assert!([One, Two, Four, Eight].iter().all(|it| CodeBits::at_least(it.count()) == *it));
    }
}
