//! Formulas: scores that are worked out of those of prefetches, of payloads and of conditions.

mod evaluate;
mod rank;

use std::collections::BTreeMap;

use serde_json::Value;
use vane_filter::{Filter, Point};
use vane_types::JsonPath;

/// What a score is worked out by.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    /// It.
    pub expression: Expression,
    /// Conditions that it names by their place.
    pub conditions: Vec<Filter>,
    /// Scores of prefetches, by their place, for points that are not in them; 0 where there is
    /// none.
    pub default_scores: BTreeMap<usize, f64>,
    /// Values for points whose payload has none.
    pub default_values: BTreeMap<JsonPath, Value>,
}

/// A part of a formula.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A number.
    Constant(f64),
    /// The score that a prefetch gave, by its place.
    Score(usize),
    /// A number of the payload.
    Value(JsonPath),
    /// 1 for a point that passes the condition of this place, else 0.
    Condition(usize),
    /// Metres from a point to one of the payload.
    Distance {
        /// From there.
        origin: Point,
        /// To the one here.
        to: JsonPath,
    },
    /// Seconds since 1970 of a datetime of the payload.
    Datetime(JsonPath),
    /// The sum of all.
    Sum(Vec<Self>),
    /// The product of all, which ends at a zero.
    Product(Vec<Self>),
    /// The greatest.
    Max(Vec<Self>),
    /// The least.
    Min(Vec<Self>),
    /// A quotient; 0 where its dividend is, whatever the divisor.
    Quotient {
        /// Dividend.
        left: Box<Self>,
        /// Divisor.
        right: Box<Self>,
        /// Where the divisor is 0.
        by_zero: Option<f64>,
    },
    /// A power.
    Power {
        /// What is raised.
        base: Box<Self>,
        /// To this.
        exponent: Box<Self>,
    },
    /// A function of one number.
    Function(Function, Box<Self>),
    /// How near a number is to a target: 1 there, less and less away from it.
    Decay {
        /// How it falls.
        kind: Decay,
        /// The number.
        x: Box<Self>,
        /// The target; 0 where there is none.
        target: Option<Box<Self>>,
        /// From [`Decay::rate`].
        rate: f64,
    },
}

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// The opposite.
    Negative,
    /// The magnitude.
    Magnitude,
    /// The square root.
    Root,
    /// e to it.
    Exp,
    /// The logarithm to base 10.
    Log10,
    /// The natural logarithm.
    Ln,
    /// The inverse hyperbolic cosine.
    Acosh,
}

/// How a decay falls away from its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// Along a line, to 0.
    Linear,
    /// By the distance's exponential.
    Exponential,
    /// By that of its square.
    Gaussian,
}

impl Decay {
    /// What makes the decay come to `midpoint` at a distance of `scale` from the target.
    pub fn rate(self, midpoint: f64, scale: f64) -> f64 {
        match self {
            Self::Linear => (1.0 - midpoint) / scale,
            Self::Exponential => midpoint.ln() / scale,
            Self::Gaussian => midpoint.ln() / (scale * scale),
        }
    }
}
