//! What rows are measured by: nearness to a vector, or a rule over their similarities to examples.

use std::cmp::Ordering;

use vane_index::{Flat, Hit, Matcher, Metric, Select, SparseRow, VectorIndex, max_sim, scores};
use vane_types::{Distance, MultiVector, Vector};

use crate::examples::{Rule, squashed};

/// Similarities that are kept at a time, as far as there are not more examples.
const SIMILARITIES: usize = 16_384;
/// What has to be left of weights, or of what they add up, as a share of what went into it.
const LEFT_MIN: f64 = 0.01;
/// Rows that are compared with all examples at a time, at least.
const BLOCK_ROWS_MIN: usize = 64;

/// What a search measures rows by. Its vectors are in the form that is searched.
pub(crate) enum Measure {
    /// Nearness to this vector.
    Near(Query),
    /// A rule over similarities to examples.
    Examples(Box<ByRule>),
}

/// A rule over similarities to some vectors.
pub(crate) struct ByRule {
    rule: Rule,
    queries: Vec<Query>,
    /// Rows are the better the nearer they are to it: what weighted similarities come to, where
    /// that is so.
    sum: Option<Vec<f32>>,
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
            Self::Examples(_) => None,
        }
    }

    /// The same of a sparse one.
    pub(super) fn sparse(&self) -> Option<&Matcher> {
        match self {
            Self::Near(Query::Sparse(matcher)) => Some(matcher),
            Self::Near(_) | Self::Examples(_) => None,
        }
    }

    pub(super) fn is_near(&self) -> bool {
        matches!(self, Self::Near(_))
    }

    /// Numbers of each row, where rows are scored in bulk.
    pub(super) fn bulk_dim(&self) -> Option<usize> {
        let first = match self {
            Self::Near(query) => query,
            Self::Examples(by) => by.queries.first()?,
        };
        first.dense().map(<[f32]>::len)
    }

    /// Vectors that each row is compared with.
    pub(crate) fn vectors(&self) -> usize {
        match self {
            Self::Near(_) => 1,
            Self::Examples(by) => by.queries.len().max(1),
        }
    }

    /// Orders scores best first.
    pub(crate) fn best_first(&self, distance: Distance, a: f32, b: f32) -> Ordering {
        match self {
            Self::Near(_) => distance.best_first(a, b),
            Self::Examples(_) => b.total_cmp(&a),
        }
    }

    /// What scores are that were taken of rows, as clients know them.
    pub(crate) fn shown(&self, distance: Distance, score: f32) -> f32 {
        match self {
            // Squares order as distances do: only winners pay for the root. Rounding may leave a
            // square slightly below 0.
            Self::Near(_) if distance == Distance::Euclid => score.max(0.0).sqrt(),
            Self::Near(_) | Self::Examples(_) => score,
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
        match (self, among) {
            (Self::Near(query), among) => {
                let query = query.dense().unwrap_or_default();
                match among {
                    None => flat.search(query, k, 0, select),
                    Some(rows) => flat.search_among(query, k, rows, select),
                }
            }
            (Self::Examples(by), _) => by.best(flat, k, among, select),
        }
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
            Self::Examples(by) => by.score(metric, row, scratch),
        }
    }
}

impl ByRule {
    /// A rule over vectors in the form that is searched.
    pub(crate) fn new(rule: Rule, queries: Vec<Query>, metric: Metric) -> Self {
        let dense = || queries.iter().map(Query::dense).collect::<Option<Vec<_>>>();
        let sum = match &rule {
            Rule::Weighted(weights) => {
                dense().and_then(|vectors| weighted(weights, &vectors, metric))
            }
            Rule::BestScore { .. } | Rule::Discover | Rule::Context => None,
        };
        Self { rule, queries, sum }
    }

    /// The best of some rows, or of all.
    fn best(
        &self,
        flat: &Flat<'_>,
        k: usize,
        among: Option<&[u32]>,
        select: &Select<'_>,
    ) -> Result<Vec<Hit>, vane_index::Error> {
        let examples: Vec<&[f32]> = self.queries.iter().filter_map(Query::dense).collect();
        let count = examples.len();
        let mut similarities = vec![Vec::new(); count];
        let mut score = |which: &[u32], out: &mut Vec<f32>| {
            for (example, similar) in examples.iter().zip(&mut similarities) {
                scores(flat.metric, flat.dim, flat.rows, which, example, similar);
                similar.iter_mut().for_each(|score| *score = similarity(flat.metric, *score));
            }
            let score = |row| self.rule.score(count, |example| similarities[example][row]);
            out.extend((0..which.len()).map(score));
        };
        let block = (SIMILARITIES / count.max(1)).max(BLOCK_ROWS_MIN);
        flat.largest(k, among, block, select, &mut score)
    }

    fn score(&self, metric: Metric, row: &[f32], scratch: &mut Vec<f32>) -> Option<f32> {
        let mut similarities = Vec::with_capacity(self.queries.len());
        for query in &self.queries {
            similarities.push(similarity(metric, query.compare(metric, row, scratch)?));
        }
        Some(self.rule.score(similarities.len(), |example| similarities[example]))
    }

    /// Vectors near to which the best rows lie.
    pub(crate) fn leads(&self) -> Vec<&[f32]> {
        let queries = match &self.rule {
            Rule::BestScore { positive } => &self.queries[..*positive],
            Rule::Weighted(_) => return self.sum.as_deref().into_iter().collect(),
            Rule::Discover => &self.queries[..1],
            // A row on the right sides may lie anywhere.
            Rule::Context => &[],
        };
        let dense: Option<Vec<_>> = queries.iter().map(Query::dense).collect();
        dense.unwrap_or_default()
    }

    /// Whether rows are the better the nearer they are to its one lead.
    pub(crate) fn is_nearness(&self) -> bool {
        self.sum.is_some()
    }

    /// What a row scores at most that is no more similar than this to any lead.
    pub(crate) fn at_most(&self, similarity: f32) -> f32 {
        match &self.rule {
            Rule::BestScore { .. } => squashed(similarity),
            Rule::Discover => (self.queries.len() / 2) as f32 + squashed(similarity),
            Rule::Weighted(_) | Rule::Context => f32::INFINITY,
        }
    }
}

/// The vector to which rows are the nearer the more their weighted similarities come to; `None`
/// where there is none, or where so little is left of the sum that rounding would place it.
fn weighted(weights: &[f32], vectors: &[&[f32]], metric: Metric) -> Option<Vec<f32>> {
    let mut sum = vec![0.0_f64; vectors.first()?.len()];
    let mut length = 0.0;
    for (weight, vector) in weights.iter().zip(vectors) {
        let weight = f64::from(*weight);
        length += weight.abs() * norm(vector.iter().map(|value| f64::from(*value)));
        let pairs = sum.iter_mut().zip(*vector);
        pairs.for_each(|(sum, value)| *sum += weight * f64::from(*value));
    }
    let of_all: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let most: f64 = weights.iter().map(|weight| f64::from(weight.abs())).sum();
    let is_left = match metric {
        // Where negative ones prevail it points away from all rows, and links lead there badly.
        Metric::InnerProduct => of_all >= 0.0 && norm(sum.iter().copied()) >= length * LEFT_MIN,
        // Squares of distances, weighted, are that of the distance to a mean and a constant.
        Metric::L2 => of_all >= most * LEFT_MIN,
        Metric::Cosine | Metric::L1 => false,
    };
    if !is_left {
        return None;
    }
    if metric == Metric::L2 {
        sum.iter_mut().for_each(|value| *value /= of_all);
    }
    let sum: Vec<f32> = sum.into_iter().map(|value| value as f32).collect();
    let is_whole = sum.iter().all(|value| value.is_finite());
    is_whole.then_some(sum)
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// How similar two vectors are: the larger the more. Of Euclidean distances their negative squares.
pub(super) fn similarity(metric: Metric, score: f32) -> f32 {
    if matches!(metric, Metric::L2 | Metric::L1) { -score } else { score }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(seed: usize, dim: usize) -> Vec<f32> {
        let value = |place| ((seed * 31 + place * 17 + 5) as f32 * 0.7311).sin();
        (0..dim).map(value).collect()
    }

    fn similar(metric: Metric, a: &[f32], b: &[f32]) -> f32 {
        let pairs = a.iter().zip(b);
        match metric {
            Metric::L2 => -pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>(),
            _ => pairs.map(|(a, b)| a * b).sum(),
        }
    }

    fn score(by: &ByRule, metric: Metric, row: &[f32]) -> f32 {
        let example = |place: usize| by.queries[place].dense().unwrap();
        by.rule.score(by.queries.len(), |place| similar(metric, example(place), row))
    }

    fn by_rule(rule: Rule, vectors: Vec<Vec<f32>>, metric: Metric) -> ByRule {
        let queries = vectors.into_iter().map(|vector| Query::new(vector.into()));
        ByRule::new(rule, queries.collect(), metric)
    }

    #[test]
    fn weighted_similarities_order_as_nearness_to_their_sum() {
        for metric in [Metric::InnerProduct, Metric::L2] {
            let vectors: Vec<_> = (0..4).map(|seed| values(seed, 6)).collect();
            let weights = vec![1.0, 0.5, 1.5, -1.25];
            let by = by_rule(Rule::Weighted(weights), vectors, metric);
            let [lead] = by.leads()[..] else { panic!("there is one") };
            let mut rows: Vec<_> = (100..200).map(|seed| values(seed, 6)).collect();
            rows.sort_by(|a, b| similar(metric, lead, b).total_cmp(&similar(metric, lead, a)));
            let scores: Vec<f32> = rows.iter().map(|row| score(&by, metric, row)).collect();
            let falls = scores.windows(2).all(|pair| pair[0] >= pair[1] - 1e-4);
            assert!(by.is_nearness() && falls, "{metric:?}");
        }
    }

    #[test]
    fn weights_that_cancel_out_lead_nowhere() {
        let sum = |weights: &[f32], vectors: &[Vec<f32>], metric| {
            by_rule(Rule::Weighted(weights.to_vec()), vectors.to_vec(), metric).sum
        };
        let (a, b) = (vec![1.0, 0.0], vec![0.0, 1.0]);
        assert_eq!(sum(&[1.0, -1.0], &[a.clone(), a.clone()], Metric::InnerProduct), None);
        assert_eq!(sum(&[1.0, -1.0], &[a.clone(), b.clone()], Metric::L2), None);
        assert_eq!(sum(&[1.0, -2.0], &[a.clone(), b.clone()], Metric::L2), None);
        let both = [a, b];
        assert_eq!(sum(&[1.0, -1.5], &both, Metric::InnerProduct), None);
        assert_eq!(sum(&[1.0, -1.0], &both, Metric::InnerProduct), Some(vec![1.0, -1.0]));
        assert_eq!(sum(&[3.0, 1.0], &both, Metric::L2), Some(vec![0.75, 0.25]));
        assert_eq!(sum(&[3.0, -1.0], &both, Metric::L2), Some(vec![1.5, -0.5]));
        assert_eq!(sum(&[1.0, 1.0], &both, Metric::L1), None);
        let huge = [vec![f32::MAX, 0.0], vec![f32::MAX, 0.0]];
        assert_eq!(sum(&[2.0, 2.0], &huge, Metric::InnerProduct), None);
    }

    #[test]
    fn no_row_outside_scores_more_than_is_said() {
        for metric in [Metric::InnerProduct, Metric::L2] {
            for (rule, count) in [
                (Rule::BestScore { positive: 1 }, 1),
                (Rule::BestScore { positive: 3 }, 5),
                (Rule::Discover, 1),
                (Rule::Discover, 5),
            ] {
                let vectors: Vec<_> = (0..count).map(|seed| values(seed, 6)).collect();
                let by = by_rule(rule, vectors, metric);
                for row in (100..400).map(|seed| values(seed, 6)) {
                    let near = by.leads().into_iter().map(|lead| similar(metric, lead, &row));
                    let nearest = near.fold(f32::MIN, f32::max);
                    assert!(score(&by, metric, &row) <= by.at_most(nearest), "{metric:?}");
                }
            }
        }
    }
}
