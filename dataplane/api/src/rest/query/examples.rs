//! What queries say of examples: `recommend`, `discover`, `context`, `relevance_feedback`, `mmr`,
//! and `lookup_from`.

use serde::Deserialize;
use vane_types::limits::DIVERSE_CANDIDATES_MAX;

use super::OneOrMany;
use super::example::{Exemplar, examples};
use crate::engine::{ByExamples, Diverse, Example, Feedback, Lookup, Pair, Place, Strategy};
use crate::error::Error;
use crate::rest::shard_key::NamedKeys;

/// Diversity when the request does not say.
const DIVERSITY: f32 = 0.5;

/// `recommend`.
#[derive(Debug, Deserialize)]
pub(super) struct Recommend {
    positive: Option<Vec<Exemplar>>,
    negative: Option<Vec<Exemplar>>,
    strategy: Option<StrategyName>,
}

/// `strategy` of a recommendation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StrategyName {
    #[default]
    AverageVector,
    BestScore,
    SumScores,
}

/// `discover`.
#[derive(Debug, Deserialize)]
pub(super) struct Discover {
    target: Exemplar,
    #[serde(default)]
    context: OneOrMany<ContextPair>,
}

/// A pair of `context`.
#[derive(Debug, Deserialize)]
pub(super) struct ContextPair {
    positive: Exemplar,
    negative: Exemplar,
}

/// `relevance_feedback`.
#[derive(Debug, Deserialize)]
pub(super) struct RelevanceFeedback {
    target: Exemplar,
    feedback: Vec<Rated>,
    strategy: FeedbackStrategy,
}

#[derive(Debug, Deserialize)]
struct Rated {
    example: Exemplar,
    score: f32,
}

#[derive(Debug, Deserialize)]
struct FeedbackStrategy {
    naive: Naive,
}

#[derive(Debug, Deserialize)]
struct Naive {
    a: f32,
    b: f32,
    c: f32,
}

/// `mmr`, beside `nearest`.
#[derive(Debug, Deserialize)]
pub(super) struct Mmr {
    diversity: Option<f32>,
    candidates_limit: Option<usize>,
}

/// `lookup_from`.
#[derive(Debug, Deserialize)]
pub(super) struct LookupFrom {
    collection: String,
    vector: Option<String>,
    shard_key: Option<NamedKeys>,
}

impl Recommend {
    pub(super) fn into_by(self) -> ByExamples {
        recommended(self.strategy, self.positive, self.negative)
    }
}

/// A recommendation, whether it is a query or older.
pub(super) fn recommended(
    strategy: Option<StrategyName>,
    positive: Option<Vec<Exemplar>>,
    negative: Option<Vec<Exemplar>>,
) -> ByExamples {
    let strategy = match strategy.unwrap_or_default() {
        StrategyName::AverageVector => Strategy::Average,
        StrategyName::BestScore => Strategy::BestScore,
        StrategyName::SumScores => Strategy::SumScores,
    };
    let (positive, negative) = (examples(positive), examples(negative));
    ByExamples::Recommend { strategy, positive, negative }
}

impl Discover {
    pub(super) fn into_by(self) -> ByExamples {
        discovered(Some(self.target), self.context)
    }
}

/// A discovery, whether it is a query or older; without a target by its context alone.
pub(super) fn discovered(target: Option<Exemplar>, context: OneOrMany<ContextPair>) -> ByExamples {
    let pair =
        |ContextPair { positive, negative }| Pair { positive: positive.0, negative: negative.0 };
    let context = context.0.into_iter().map(pair).collect();
    match target {
        Some(Exemplar(target)) => ByExamples::Discover { target, context },
        None => ByExamples::Context(context),
    }
}

impl RelevanceFeedback {
    pub(super) fn into_by(self) -> ByExamples {
        let FeedbackStrategy { naive: Naive { a, b, c } } = self.strategy;
        let rated = self.feedback.into_iter().map(|Rated { example, score }| (example.0, score));
        let (target, rated) = (self.target.0, rated.collect());
        ByExamples::Feedback(Feedback { target, rated, a, b, c })
    }
}

impl Mmr {
    pub(super) fn into_diverse(self, near: Example) -> Diverse {
        let diversity = self.diversity.unwrap_or(DIVERSITY);
        Diverse { near, diversity, candidates: self.candidates_limit }
    }
}

impl LookupFrom {
    pub(super) fn into_lookup(self) -> Lookup {
        let Self { collection, vector, shard_key } = self;
        let keys = shard_key.map(NamedKeys::into_keys);
        Lookup { place: Place { collection, keys }, vector }
    }
}

/// Refuses examples that make no query, whatever the collection is.
///
/// # Errors
///
/// `Kind::Invalid`.
pub(super) fn check(by: &ByExamples) -> Result<(), Error> {
    match by {
        ByExamples::Recommend { positive, negative, .. }
            if positive.is_empty() && negative.is_empty() =>
        {
            Err(Error::invalid("query.recommend", "needs a positive or a negative example"))
        }
        ByExamples::Feedback(Feedback { rated, .. }) if rated.is_empty() => Err(Error::invalid(
            "internal.query.relevance_feedback.feedback",
            "feedback elements must be non-empty",
        )),
        ByExamples::Feedback(Feedback { b, .. }) if *b < 0.0 => Err(Error::invalid(
            "internal.query.relevance_feedback.strategy.naive.b",
            format_args!("value {b:?} invalid, must be 0.0 or larger"),
        )),
        _ => Ok(()),
    }
}

/// Refuses a choice that is none.
///
/// # Errors
///
/// `Kind::Invalid`.
pub(super) fn check_diverse(diverse: &Diverse) -> Result<(), Error> {
    let range = 0.0..=1.0;
    if !range.contains(&diverse.diversity) {
        let diversity = diverse.diversity;
        return Err(Error::out_of_range("query.mmr.diversity", diversity, &range));
    }
    let candidates = diverse.candidates.unwrap_or(0);
    let field = "query.mmr.candidates_limit";
    Error::check_most(field, candidates, "candidates", DIVERSE_CANDIDATES_MAX)
}

#[cfg(test)]
mod tests;
