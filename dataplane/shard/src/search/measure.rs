//! What rows are measured by: nearness to a vector, or a rule over their similarities to examples.

use std::cmp::Ordering;

use vane_index::{Flat, Hit, Matcher, Metric, Select, SparseRow, VectorIndex, max_sim, scores};
use vane_types::{Distance, MultiVector, Vector};

use crate::examples::Rule;

/// Similarities that are kept at a time, as far as there are not more examples.
const SIMILARITIES: usize = 16_384;
/// Rows that are compared with all examples at a time, at least.
const BLOCK_ROWS_MIN: usize = 64;

/// What a search measures rows by. Its vectors are in the form that is searched.
pub(crate) enum Measure {
    /// Nearness to this vector.
    Near(Query),
    /// A rule over similarities to these.
    Examples(Rule, Vec<Query>),
}

/// A vector that rows of its kind are compared with, made ready.
pub(crate) enum Query {
    Dense(Vec<f32>),
    Sparse(Matcher),
    Multi(MultiVector),
}

impl Query {
    pub(crate) fn new(vector: Vector) -> Self {
        match vector {
            Vector::Dense(values) => Self::Dense(values),
            Vector::Sparse(sparse) => Self::Sparse(Matcher::new(SparseRow {
                indices: sparse.indices(),
                values: sparse.values(),
            })),
            Vector::Multi(rows) => Self::Multi(*rows),
        }
    }

    fn dense(&self) -> Option<&[f32]> {
        match self {
            Self::Dense(values) => Some(values),
            Self::Sparse(_) | Self::Multi(_) => None,
        }
    }

    /// How one row compares, in the order of the metric; `None` for a damaged one, which the scrub
    /// will find.
    fn compare(&self, metric: Metric, row: &[f32], scratch: &mut Vec<f32>) -> Option<f32> {
        let (dim, values) = match self {
            Self::Sparse(matcher) => return Some(matcher.score(SparseRow::of(row))),
            Self::Dense(values) => (values.len(), values.as_slice()),
            Self::Multi(rows) => (rows.dim(), rows.values()),
        };
        let is_whole = !row.is_empty() && row.len().is_multiple_of(dim);
        is_whole.then(|| max_sim(metric, dim, values, row, scratch))
    }
}

impl Measure {
    /// The vector that is near to what is searched for, if that is all and it is a dense one.
    pub(crate) fn near(&self) -> Option<&[f32]> {
        match self {
            Self::Near(query) => query.dense(),
            Self::Examples(..) => None,
        }
    }

    /// The same of a sparse one.
    pub(super) fn sparse(&self) -> Option<&Matcher> {
        match self {
            Self::Near(Query::Sparse(matcher)) => Some(matcher),
            Self::Near(_) | Self::Examples(..) => None,
        }
    }

    pub(super) fn is_near(&self) -> bool {
        matches!(self, Self::Near(_))
    }

    /// Numbers of each row, where rows are scored in bulk.
    pub(super) fn bulk_dim(&self) -> Option<usize> {
        let first = match self {
            Self::Near(query) => query,
            Self::Examples(_, queries) => queries.first()?,
        };
        first.dense().map(<[f32]>::len)
    }

    /// Vectors that each row is compared with.
    pub(crate) fn vectors(&self) -> usize {
        match self {
            Self::Near(_) => 1,
            Self::Examples(_, queries) => queries.len().max(1),
        }
    }

    /// Orders scores best first.
    pub(crate) fn best_first(&self, distance: Distance, a: f32, b: f32) -> Ordering {
        match self {
            Self::Near(_) => distance.best_first(a, b),
            Self::Examples(..) => b.total_cmp(&a),
        }
    }

    /// What scores are that were taken of rows, as clients know them.
    pub(crate) fn shown(&self, distance: Distance, score: f32) -> f32 {
        match self {
            // Squares order as distances do: only winners pay for the root. Rounding may leave a
            // square slightly below 0.
            Self::Near(_) if distance == Distance::Euclid => score.max(0.0).sqrt(),
            Self::Near(_) | Self::Examples(..) => score,
        }
    }

    /// The best `k` of some rows, or of all, of those that `select` admits: in bulk, of rows that
    /// have as many numbers as each vector has.
    pub(super) fn best(
        &self,
        flat: &Flat<'_>,
        k: usize,
        among: Option<&[u32]>,
        select: &Select<'_>,
    ) -> Result<Vec<Hit>, vane_index::Error> {
        let (rule, queries) = match (self, among) {
            (Self::Near(query), among) => {
                let query = query.dense().unwrap_or_default();
                return match among {
                    None => flat.search(query, k, 0, select),
                    Some(rows) => flat.search_among(query, k, rows, select),
                };
            }
            (Self::Examples(rule, queries), _) => (rule, queries),
        };
        let examples: Vec<&[f32]> = queries.iter().filter_map(Query::dense).collect();
        let mut similarities = vec![Vec::new(); examples.len()];
        let mut score = |which: &[u32], out: &mut Vec<f32>| {
            for (example, similar) in examples.iter().zip(&mut similarities) {
                scores(flat.metric, flat.dim, flat.rows, which, example, similar);
                similar.iter_mut().for_each(|score| *score = similarity(flat.metric, *score));
            }
            let score = |row| rule.score(examples.len(), |example| similarities[example][row]);
            out.extend((0..which.len()).map(score));
        };
        let block = (SIMILARITIES / examples.len().max(1)).max(BLOCK_ROWS_MIN);
        flat.largest(k, among, block, select, &mut score)
    }

    /// What one row scores; `None` where it is not to be found.
    pub(super) fn score(&self, metric: Metric, row: &[f32], scratch: &mut Vec<f32>) -> Option<f32> {
        match self {
            Self::Near(query) => {
                let score = query.compare(metric, row, scratch)?;
                // Of a sparse row it says that the two have nothing in common.
                let is_none = score == 0.0 && matches!(query, Query::Sparse(_));
                (!is_none).then_some(score)
            }
            Self::Examples(rule, queries) => {
                let mut similarities = Vec::with_capacity(queries.len());
                for query in queries {
                    similarities.push(similarity(metric, query.compare(metric, row, scratch)?));
                }
                Some(rule.score(similarities.len(), |example| similarities[example]))
            }
        }
    }
}

/// How similar two vectors are: the larger the more. Of Euclidean distances their negative squares.
fn similarity(metric: Metric, score: f32) -> f32 {
    if matches!(metric, Metric::L2 | Metric::L1) { -score } else { score }
}
