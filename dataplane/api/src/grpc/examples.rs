//! Queries by examples.

use serde_json::{Value, json};
use vane_wire::qdrant::feedback_strategy::Variant as StrategyVariant;
use vane_wire::qdrant::{
    ContextInput, DiscoverInput, LookupLocation, NaiveFeedbackStrategy, NearestInputWithMmr,
    RecommendInput, RecommendStrategy, RelevanceFeedbackInput, VectorInput,
};

use super::select::among;
use super::value::number;
use super::vector::input;
use super::{Fields, Lists, needed, put};
use crate::error::Error;

/// Nearness with diversity.
pub(super) fn diverse(near: NearestInputWithMmr, lists: &mut Lists) -> Result<Value, Error> {
    let nearest = one(near.nearest, "query.nearest_with_mmr.nearest", lists)?;
    let mmr = needed(near.mmr, "query.nearest_with_mmr.mmr")?;
    let mut fields = Fields::new();
    put(&mut fields, "diversity", mmr.diversity.map(f64::from).map(number).transpose()?);
    put(&mut fields, "candidates_limit", mmr.candidates_limit);
    Ok(json!({ "nearest": nearest, "mmr": fields }))
}

/// A recommendation.
pub(super) fn recommend(part: RecommendInput, lists: &mut Lists) -> Result<Value, Error> {
    let mut all = |list: Vec<VectorInput>| -> Result<Value, Error> {
        list.into_iter().map(|example| input(example, "recommend.variant", lists)).collect()
    };
    let (positive, negative) = (all(part.positive)?, all(part.negative)?);
    let mut fields = Fields::new();
    put(&mut fields, "positive", Some(positive));
    put(&mut fields, "negative", Some(negative));
    put(&mut fields, "strategy", part.strategy.map(strategy).transpose()?);
    Ok(fields.into())
}

/// What a recommendation makes of its examples.
pub(super) fn strategy(number: i32) -> Result<&'static str, Error> {
    let unknown = || Error::malformed(format_args!("strategy: there is no value {number}"));
    Ok(match RecommendStrategy::try_from(number).map_err(|_| unknown())? {
        RecommendStrategy::AverageVector => "average_vector",
        RecommendStrategy::BestScore => "best_score",
        RecommendStrategy::SumScores => "sum_scores",
    })
}

/// A discovery.
pub(super) fn discover(part: DiscoverInput, lists: &mut Lists) -> Result<Value, Error> {
    let target = one(part.target, "query.discover.target", lists)?;
    let context = part.context.map(|part| context(part, lists)).transpose()?;
    Ok(json!({ "target": target, "context": context }))
}

/// Pairs of examples.
pub(super) fn context(part: ContextInput, lists: &mut Lists) -> Result<Value, Error> {
    let mut pairs = Vec::with_capacity(part.pairs.len());
    for pair in part.pairs {
        let positive = one(pair.positive, "context.pairs.positive", lists)?;
        let negative = one(pair.negative, "context.pairs.negative", lists)?;
        pairs.push(json!({ "positive": positive, "negative": negative }));
    }
    Ok(pairs.into())
}

/// What was said of earlier results.
pub(super) fn feedback(part: RelevanceFeedbackInput, lists: &mut Lists) -> Result<Value, Error> {
    let place = "query.relevance_feedback";
    let target = one(part.target, &format!("{place}.target"), lists)?;
    let mut feedback = Vec::with_capacity(part.feedback.len());
    for item in part.feedback {
        let example = one(item.example, &format!("{place}.feedback.example"), lists)?;
        feedback.push(json!({ "example": example, "score": number(item.score.into())? }));
    }
    let variant = part.strategy.and_then(|strategy| strategy.variant);
    let StrategyVariant::Naive(NaiveFeedbackStrategy { a, b, c }) =
        needed(variant, &format!("{place}.strategy"))?;
    let mut naive = Fields::new();
    for (name, value) in [("a", a), ("b", b), ("c", c)] {
        put(&mut naive, name, Some(number(value.into())?));
    }
    Ok(json!({ "target": target, "feedback": feedback, "strategy": { "naive": naive } }))
}

fn one(example: Option<VectorInput>, what: &str, lists: &mut Lists) -> Result<Value, Error> {
    input(needed(example, what)?, what, lists)
}

/// Where points are looked up.
pub(super) fn lookup_from(part: LookupLocation) -> Result<Value, Error> {
    let mut fields = Fields::new();
    put(&mut fields, "collection", Some(part.collection_name));
    put(&mut fields, "vector", part.vector_name);
    among(&mut fields, part.shard_key_selector)?;
    Ok(fields.into())
}
