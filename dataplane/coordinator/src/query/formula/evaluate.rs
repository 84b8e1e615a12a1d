//! What a formula comes to for one point. Pure.

use serde_json::Value;
use vane_filter::{Datetime, Point};
use vane_types::path::Step;
use vane_types::{Error, JsonPath, Payload};

use super::{Decay, Expression, Formula, Function};

const MICROS_PER_SECOND: f64 = 1e6;

/// What is known of a point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// Its score in each prefetch, where it is in it.
    pub(super) scores: &'a [Option<f32>],
    /// Its payload, as far as the formula names it.
    pub(super) payload: &'a Payload,
    /// Whether it passes each condition.
    pub(super) conditions: &'a [bool],
}

impl Formula {
    /// The score of a point.
    ///
    /// # Errors
    /// `BadInput`, in Qdrant's words: where a value of the payload is missing or of another type
    /// than it is taken for, and where the result is no finite number.
    pub(super) fn score(&self, facts: Facts<'_>) -> Result<f32, Error> {
        let score = Evaluation { formula: self, facts }.value(&self.expression)?;
        finite(f64::from(score as f32), |narrow| format!("{score} as f32 = {narrow}"))?;
        Ok(score as f32)
    }

    /// Paths of the payload that it needs.
    pub(super) fn paths(&self) -> Vec<JsonPath> {
        let mut paths = Vec::new();
        collect(&self.expression, &mut paths);
        paths.sort_unstable();
        paths.dedup();
        paths
    }
}

fn collect(expression: &Expression, paths: &mut Vec<JsonPath>) {
    match expression {
        Expression::Constant(_) | Expression::Score(_) | Expression::Condition(_) => {}
        Expression::Value(path)
        | Expression::Datetime(path)
        | Expression::Distance { origin: _, to: path } => paths.push(path.clone()),
        Expression::Sum(parts)
        | Expression::Product(parts)
        | Expression::Max(parts)
        | Expression::Min(parts) => parts.iter().for_each(|part| collect(part, paths)),
        Expression::Quotient { left: a, right: b, by_zero: _ }
        | Expression::Power { base: a, exponent: b } => {
            collect(a, paths);
            collect(b, paths);
        }
        Expression::Function(_, part) => collect(part, paths),
        Expression::Decay { kind: _, x, target, rate: _ } => {
            collect(x, paths);
            target.iter().for_each(|target| collect(target, paths));
        }
    }
}

/// A formula with the point that it is worked out for.
struct Evaluation<'a> {
    formula: &'a Formula,
    facts: Facts<'a>,
}

impl Evaluation<'_> {
    fn value(&self, expression: &Expression) -> Result<f64, Error> {
        match expression {
            Expression::Constant(number) => Ok(*number),
            Expression::Score(prefetch) => Ok(self.score(*prefetch)),
            Expression::Condition(place) => {
                Ok(f64::from(u8::from(self.facts.conditions.get(*place) == Some(&true))))
            }
            Expression::Value(path) => self
                .of_payload(path, "number", |value| value.as_f64().ok_or("Value is not a number")),
            Expression::Distance { origin, to } => self
                .of_payload(to, "geo point", |value| {
                    Point::of_value(value).ok_or("Value is not a geo point")
                })
                .map(|point| origin.distance_m(point)),
            Expression::Datetime(path) => self.of_payload(path, "datetime", seconds),
            Expression::Sum(parts) => {
                parts.iter().try_fold(0.0, |sum, part| Ok(sum + self.value(part)?))
            }
            Expression::Product(parts) => self.product(parts),
            Expression::Max(parts) => self.reduce(parts, f64::max),
            Expression::Min(parts) => self.reduce(parts, f64::min),
            Expression::Quotient { left, right, by_zero } => self.quotient(left, right, *by_zero),
            Expression::Power { base, exponent } => {
                let (base, exponent) = (self.value(base)?, self.value(exponent)?);
                finite(base.powf(exponent), |power| format!("{base}^{exponent} = {power}"))
            }
            Expression::Function(function, part) => apply(*function, self.value(part)?),
            Expression::Decay { kind, x, target, rate } => {
                let target = target.as_ref().map_or(Ok(0.0), |target| self.value(target))?;
                Ok(decay(*kind, self.value(x)? - target, *rate))
            }
        }
    }

    fn score(&self, prefetch: usize) -> f64 {
        let score = self.facts.scores.get(prefetch).copied().flatten().map(f64::from);
        let default = || self.formula.default_scores.get(&prefetch).copied();
        score.or_else(default).unwrap_or(0.0)
    }

    fn product(&self, parts: &[Expression]) -> Result<f64, Error> {
        let mut product = 1.0;
        for part in parts {
            let value = self.value(part)?;
            if value == 0.0 {
                return Ok(0.0);
            }
            product *= value;
        }
        Ok(product)
    }

    fn reduce(&self, parts: &[Expression], choose: fn(f64, f64) -> f64) -> Result<f64, Error> {
        let mut chosen = f64::NAN;
        for part in parts {
            // NaN gives way to any number.
            chosen = choose(chosen, self.value(part)?);
        }
        Ok(chosen)
    }

    fn quotient(
        &self,
        left: &Expression,
        right: &Expression,
        by_zero: Option<f64>,
    ) -> Result<f64, Error> {
        let left = self.value(left)?;
        if left == 0.0 {
            return Ok(0.0);
        }
        let right = self.value(right)?;
        match by_zero {
            Some(by_zero) if right == 0.0 => Ok(by_zero),
            _ => finite(left / right, |quotient| format!("{left}/{right} = {quotient}")),
        }
    }

    /// The one value of the payload at a path, or what stands for it.
    fn of_payload<T, E: ToString>(
        &self,
        path: &JsonPath,
        expected: &str,
        read: impl Fn(&Value) -> Result<T, E>,
    ) -> Result<T, Error> {
        let values = values(path, self.facts.payload);
        let found = match values.as_slice() {
            [] => self.formula.default_values.get(path).map(&read),
            [value] => Some(read(value)),
            // Several are a list, which is none of the types.
            several => {
                Some(read(&Value::Array(several.iter().map(|value| (*value).clone()).collect())))
            }
        };
        let missing = || Err("No value found in a payload nor defaults".to_owned());
        found.map_or_else(missing, |found| found.map_err(|error| error.to_string())).map_err(
            |why| {
                Error::bad_input(format!(
                    "Expected {expected} value for {path} in the payload and/or in the formula \
                 defaults. Error: {why}"
                ))
            },
        )
    }
}

/// Values at a path; those of a list at its end, one by one. A null is none.
fn values<'a>(path: &JsonPath, payload: &'a Payload) -> Vec<&'a Value> {
    let found = path.values(payload);
    if path.rest().last() == Some(&Step::Each) {
        return found;
    }
    let each = |value: &'a Value| match value {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    found.into_iter().filter(|value| !value.is_null()).flat_map(each).collect()
}

fn seconds(value: &Value) -> Result<f64, String> {
    let text = value.as_str().ok_or("Value is not a string")?;
    let datetime = Datetime::parse(text).ok_or_else(|| format!("{text:?} is no datetime"))?;
    Ok(datetime.micros() as f64 / MICROS_PER_SECOND)
}

fn apply(function: Function, x: f64) -> Result<f64, Error> {
    match function {
        Function::Negative => Ok(-x),
        Function::Magnitude => Ok(x.abs()),
        Function::Root => finite(x.sqrt(), |root| format!("√{x} = {root}")),
        Function::Exp => finite(x.exp(), |value| format!("exp({x}) = {value}")),
        Function::Log10 => finite(x.log10(), |value| format!("log10({x}) = {value}")),
        Function::Ln => finite(x.ln(), |value| format!("ln({x}) = {value}")),
        Function::Acosh => finite(x.acosh(), |value| format!("acosh({x}) = {value}")),
    }
}

fn decay(kind: Decay, distance: f64, rate: f64) -> f64 {
    match kind {
        Decay::Linear => (1.0 - rate * distance.abs()).max(0.0),
        Decay::Exponential => (rate * distance.abs()).exp(),
        Decay::Gaussian => (rate * distance * distance).exp(),
    }
}

fn finite(number: f64, shown: impl Fn(f64) -> String) -> Result<f64, Error> {
    if number.is_finite() {
        return Ok(number);
    }
    let shown = shown(number);
    Err(Error::bad_input(format!("The expression {shown} produced a non-finite number")))
}

#[cfg(test)]
mod tests;
