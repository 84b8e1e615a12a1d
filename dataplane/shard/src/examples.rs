//! Search by examples: a rule makes a score of what a row's similarities to some vectors are.
//!
//! Scores are the larger the better, whatever the distance of the vectors: of a Euclidean distance
//! its negative square is the similarity.

use thiserror::Error;
use vane_types::Vector;
use vane_types::limits::{EXAMPLE_VALUES_MAX, EXAMPLES_MAX};

/// Vectors, and what is made of a row's similarities to them.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    rule: Rule,
    vectors: Vec<Vector>,
}

/// What a row scores. Similarities come in the order of the vectors.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// The best similarity to the first vectors, which are positive, if that is better than the
    /// best to the others, which are negative; else the best to those, negated. Either squashed.
    BestScore {
        /// Positive vectors.
        positive: usize,
    },
    /// The sum of all similarities, each as often as its weight says.
    Weighted(Vec<f32>),
    /// By pairs of a positive and a negative vector, behind a target: how many pairs the row is on
    /// the positive side of, less those of the negative side, and a part below 1 that says how
    /// similar it is to the target.
    Discover,
    /// By pairs of a positive and a negative vector: 0 on the positive side of all of them, else
    /// less, by how far it lies on the negative sides.
    Context,
}

/// Vectors that do not fit their rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoExamples {
    /// There is none where one is needed.
    #[error("a search by examples needs at least one")]
    Empty,
    /// More vectors, or fewer, than the rule is about.
    #[error("{0} examples are not as many as their rule is about")]
    Unpaired(usize),
    /// More than a search may have.
    #[error("a query has {0} examples, the limit is {EXAMPLES_MAX}")]
    TooMany(usize),
    /// More numbers in all vectors than a search may have.
    #[error("the examples of a query have {0} numbers, the limit is {EXAMPLE_VALUES_MAX}")]
    TooLarge(usize),
    /// A weight that is no number, or infinite.
    #[error("a weight of an example is not finite")]
    Weight,
}

impl Examples {
    /// Vectors and the rule that they are for.
    ///
    /// # Errors
    /// [`NoExamples`].
    pub fn new(rule: Rule, vectors: Vec<Vector>) -> Result<Self, NoExamples> {
        let count = vectors.len();
        if count > EXAMPLES_MAX {
            return Err(NoExamples::TooMany(count));
        }
        let fits = match &rule {
            Rule::BestScore { .. } | Rule::Weighted(_) if count == 0 => {
                return Err(NoExamples::Empty);
            }
            Rule::BestScore { positive } => *positive <= count,
            Rule::Weighted(weights) if weights.iter().any(|weight| !weight.is_finite()) => {
                return Err(NoExamples::Weight);
            }
            Rule::Weighted(weights) => weights.len() == count,
            Rule::Discover => count % 2 == 1,
            Rule::Context => count.is_multiple_of(2),
        };
        if !fits {
            return Err(NoExamples::Unpaired(count));
        }
        let values = vectors.iter().map(|vector| vector.values().len()).sum();
        if values > EXAMPLE_VALUES_MAX {
            return Err(NoExamples::TooLarge(values));
        }
        Ok(Self { rule, vectors })
    }

    /// What is made of similarities.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What rows are compared with.
    pub fn vectors(&self) -> &[Vector] {
        &self.vectors
    }

    /// Both.
    pub fn into_parts(self) -> (Rule, Vec<Vector>) {
        (self.rule, self.vectors)
    }
}

impl Rule {
    /// What a row scores that is so similar to each of `count` vectors.
    pub(crate) fn score(&self, count: usize, similarity: impl Fn(usize) -> f32) -> f32 {
        let pairs = |first: usize| {
            let positives = (first..count).step_by(2);
            positives.map(|place| (similarity(place), similarity(place + 1)))
        };
        match self {
            Self::BestScore { positive } => {
                let best = |places: std::ops::Range<usize>| {
                    places.map(&similarity).fold(f32::NEG_INFINITY, f32::max)
                };
                let (positive, negative) = (best(0..*positive), best(*positive..count));
                if positive > negative { squashed(positive) } else { -squashed(negative) }
            }
            Self::Weighted(weights) => {
                let weighted = weights.iter().enumerate();
                let sum = weighted
                    .map(|(place, weight)| f64::from(*weight) * f64::from(similarity(place)))
                    .sum::<f64>();
                // Whatever was added up: an infinity has no place in an answer.
                sum.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
            }
            Self::Discover => {
                let sides = pairs(1).map(|(positive, negative)| positive.total_cmp(&negative));
                let sides: i32 = sides.map(|side| side as i32).sum();
                sides as f32 + squashed(similarity(0))
            }
            Self::Context => {
                let loss = |(positive, negative): (f32, f32)| {
                    folded((positive - negative - f32::EPSILON).min(0.0))
                };
                pairs(0).map(loss).sum()
            }
        }
    }
}

/// Between 0 and 1, in the order of the numbers.
pub(crate) fn squashed(number: f32) -> f32 {
    0.5 * (folded(number) + 1.0)
}

/// Between -1 and 1, in the order of the numbers.
fn folded(number: f32) -> f32 {
    if number.is_infinite() {
        return number.signum();
    }
    number / (1.0 + number.abs())
}

#[cfg(test)]
mod tests;
