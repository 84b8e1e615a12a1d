//! Queries by examples: what they name, and what shards are to look for once points that they name
//! have become vectors.

use std::collections::HashMap;

use vane_shard::{Examples, NoExamples, Rule, Sought};
use vane_types::{Error, PointId, Vector};

use super::average::average;
use crate::scope::ShardKeys;

/// A vector, or a point whose vector is meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Example {
    /// As it is.
    Vector(Vector),
    /// The one of this point.
    Point(PointId),
}

/// What is liked, and what is not.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Results are to be more like this one.
    pub positive: Example,
    /// Results are to be less like this one.
    pub negative: Example,
}

/// Examples, and how points are ranked by them.
#[derive(Debug, Clone, PartialEq)]
pub enum ByExamples {
    /// Likeness to some, unlikeness to others. Points among them that lack the vector are passed
    /// over.
    Recommend {
        /// What is made of them.
        strategy: Strategy,
        /// Results are to be like these.
        positive: Vec<Example>,
        /// Results are to be unlike these.
        negative: Vec<Example>,
    },
    /// The right sides of pairs first, then likeness to a target.
    Discover {
        /// Results are to be like this one.
        target: Example,
        /// Pairs whose positive sides results are to be on.
        context: Vec<Pair>,
    },
    /// The right sides of pairs.
    Context(Vec<Pair>),
    /// Likeness to a target, corrected by what was said of earlier results.
    Feedback(Feedback),
}

/// What a recommendation makes of its examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Nearness to the mean of the positive ones, as far from the negative ones' as that is.
    Average,
    /// The best similarity alone counts.
    BestScore,
    /// All similarities are added up, those to negative ones taken away.
    SumScores,
}

/// Earlier results with scores that somebody else gave them: `a` times the similarity to the
/// target, and for each two results, one scored higher than the other by a difference `d`, what a
/// point is more like the first than like the second, `c` times `d` to the power of `b`.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// What was searched for.
    pub target: Example,
    /// Earlier results with their scores.
    pub rated: Vec<(Example, f32)>,
    /// See above.
    pub a: f32,
    /// See above.
    pub b: f32,
    /// See above.
    pub c: f32,
}

/// Another place where points that a query names are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Where they are.
    pub place: Place,
    /// Name of their vector; that of the one which is searched when absent.
    pub vector: Option<String>,
}

/// A collection, as far as some shard keys go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name, or an alias.
    pub collection: String,
    /// Those of its points that are meant; all when absent.
    pub keys: Option<ShardKeys>,
}

/// The vectors of points that a query names. A point that lacks the vector has none.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Name of the vector.
    pub(super) name: String,
    pub(super) vectors: HashMap<PointId, Vector>,
}

impl Known {
    fn vector(&self, example: Example) -> Option<Vector> {
        match example {
            Example::Vector(vector) => Some(vector),
            Example::Point(id) => self.vectors.get(&id).cloned(),
        }
    }

    fn all(&self, examples: Vec<Example>) -> Vec<Vector> {
        examples.into_iter().filter_map(|example| self.vector(example)).collect()
    }

    /// One that cannot be gone without.
    pub(super) fn needed(&self, example: Example) -> Result<Vector, Error> {
        let id = match &example {
            Example::Vector(_) => None,
            Example::Point(id) => Some(*id),
        };
        self.vector(example).ok_or_else(|| {
            let id = id.map(|id| id.to_string()).unwrap_or_default();
            Error::not_found(format!("Vector with name {:?} for point {id} not found", self.name))
        })
    }

    fn pairs(&self, pairs: Vec<Pair>) -> Result<Vec<Vector>, Error> {
        let both = pairs.into_iter().flat_map(|pair| [pair.positive, pair.negative]);
        both.map(|example| self.needed(example)).collect()
    }
}

impl Pair {
    fn both_mut(&mut self) -> [&mut Example; 2] {
        [&mut self.positive, &mut self.negative]
    }
}

impl ByExamples {
    /// Whether it comes to nearness to a vector.
    pub(super) fn is_nearness(&self) -> bool {
        matches!(self, Self::Recommend { strategy: Strategy::Average, .. })
    }

    /// All that are named.
    pub(super) fn examples_mut(&mut self) -> Vec<&mut Example> {
        match self {
            Self::Recommend { strategy: _, positive, negative } => {
                positive.iter_mut().chain(negative).collect()
            }
            Self::Discover { target, context } => {
                std::iter::once(target).chain(context.iter_mut().flat_map(Pair::both_mut)).collect()
            }
            Self::Context(pairs) => pairs.iter_mut().flat_map(Pair::both_mut).collect(),
            Self::Feedback(Feedback { target, rated, .. }) => {
                let rated = rated.iter_mut().map(|(example, _)| example);
                std::iter::once(target).chain(rated).collect()
            }
        }
    }

    /// What shards are to look for, among vectors of `size` numbers where that is known.
    ///
    /// # Errors
    /// `NotFound` for a point without the vector; `BadInput` for examples that make no query.
    pub(super) fn into_sought(self, known: &Known, size: Option<usize>) -> Result<Sought, Error> {
        let (rule, vectors) = match self {
            Self::Recommend { strategy, positive, negative } => {
                let (positive, negative) = (known.all(positive), known.all(negative));
                let count = positive.len();
                let rule = match strategy {
                    Strategy::Average => {
                        return average(&positive, &negative, size).map(Sought::Near);
                    }
                    Strategy::BestScore => Rule::BestScore { positive: count },
                    Strategy::SumScores => {
                        let weights = positive.iter().map(|_| 1.0);
                        Rule::Weighted(weights.chain(negative.iter().map(|_| -1.0)).collect())
                    }
                };
                (rule, [positive, negative].concat())
            }
            Self::Discover { target, context } => {
                let mut vectors = vec![known.needed(target)?];
                vectors.extend(known.pairs(context)?);
                (Rule::Discover, vectors)
            }
            Self::Context(pairs) => (Rule::Context, known.pairs(pairs)?),
            Self::Feedback(feedback) => {
                let weights = feedback.weights();
                let mut vectors = vec![known.needed(feedback.target)?];
                for (example, _) in feedback.rated {
                    vectors.push(known.needed(example)?);
                }
                (Rule::Weighted(weights), vectors)
            }
        };
        Examples::new(rule, vectors).map(Sought::Examples).map_err(refused)
    }
}

fn refused(why: NoExamples) -> Error {
    Error::bad_input(match why {
        // In Qdrant's words: points that lack the vector may be all there are.
        NoExamples::Empty => {
            "At least one positive or negative vector ID required with this strategy".to_owned()
        }
        why => why.to_string(),
    })
}

impl Feedback {
    /// How often the similarity to each counts, the target first: what is said of pairs, put
    /// together by example.
    fn weights(&self) -> Vec<f32> {
        let (b, c) = (f64::from(self.b), f64::from(self.c));
        let mut weights = vec![0.0; self.rated.len()];
        for (i, (_, score)) in self.rated.iter().enumerate() {
            for (j, (_, other)) in self.rated.iter().enumerate() {
                let difference = f64::from(*score) - f64::from(*other);
                if difference > 0.0 {
                    let weight = difference.powf(b) * c;
                    weights[i] += weight;
                    weights[j] -= weight;
                }
            }
        }
        let target = std::iter::once(f64::from(self.a));
        target.chain(weights).map(|weight| weight as f32).collect()
    }
}

#[cfg(test)]
mod tests;
