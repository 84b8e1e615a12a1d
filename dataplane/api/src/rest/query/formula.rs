//! `formula`: a score that is worked out, and its `defaults`.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use vane_filter::{Datetime, Filter, Invalid, Point};
use vane_types::JsonPath;
use vane_types::limits::{FORMULA_CONDITIONS_MAX, FORMULA_TERMS_MAX};
use vane_types::path::Step;

use super::super::{INVALID, ignored};
use crate::engine::{Decay, Expression, Formula, Function};

/// The variable of a prefetch's score, with the place of the prefetch behind it.
const SCORE: &str = "score";
const MIDPOINT: f32 = 0.5;
const SCALE: f32 = 1.0;
const MICROS_PER_SECOND: f64 = 1e6;

/// Reads a formula.
///
/// # Errors
///
/// What is wrong with it; behind [`INVALID`] where Qdrant finds that later, in its words.
pub(super) fn formula(json: Value, defaults: Map<String, Value>) -> Result<Formula, String> {
    let mut reading = Reading::default();
    let expression = reading.expression(json)?;
    let mut formula = Formula {
        expression,
        conditions: reading.conditions,
        default_scores: Default::default(),
        default_values: Default::default(),
    };
    for (name, value) in defaults {
        match variable(&name)? {
            // What is no number counts as none.
            Expression::Score(prefetch) => {
                formula.default_scores.extend(value.as_f64().map(|score| (prefetch, score)));
            }
            Expression::Value(path) => {
                formula.default_values.insert(path, value);
            }
            _ => {}
        }
    }
    Ok(formula)
}

#[derive(Default)]
struct Reading {
    conditions: Vec<Filter>,
    terms: usize,
}

#[derive(Deserialize)]
struct GeoDistance {
    origin: Value,
    to: JsonPath,
}

#[derive(Deserialize)]
struct Quotient {
    left: Value,
    right: Value,
    by_zero_default: Option<f32>,
}

#[derive(Deserialize)]
struct Power {
    base: Value,
    exponent: Value,
}

#[derive(Deserialize)]
struct DecayParams {
    x: Value,
    target: Option<Value>,
    midpoint: Option<f32>,
    scale: Option<f32>,
}

impl Reading {
    /// An expression, as deep as JSON and messages are read, which is bounded.
    fn expression(&mut self, json: Value) -> Result<Expression, String> {
        self.terms += 1;
        if self.terms > FORMULA_TERMS_MAX {
            return Err(format!("a formula has at most {FORMULA_TERMS_MAX} terms"));
        }
        match json {
            Value::Number(number) => constant(number.as_f64()),
            Value::String(name) => variable(&name),
            Value::Object(object) => self.object(object),
            Value::Null | Value::Bool(_) | Value::Array(_) => Err(
                "an expression is a number, a variable, a condition, or an object of one operation"
                    .into(),
            ),
        }
    }

    fn object(&mut self, object: Map<String, Value>) -> Result<Expression, String> {
        // The name of an operation alone: conditions have other names.
        let mut members = object.iter();
        let (Some((name, value)), None) = (members.next(), members.next()) else {
            return self.condition(object);
        };
        let value = value.clone();
        match name.as_str() {
            "sum" => Ok(Expression::Sum(self.list(name, value)?)),
            "mult" => Ok(Expression::Product(self.list(name, value)?)),
            "max" => Ok(Expression::Max(self.some(name, value)?)),
            "min" => Ok(Expression::Min(self.some(name, value)?)),
            "neg" => self.function(Function::Negative, value),
            "abs" => self.function(Function::Magnitude, value),
            "sqrt" => self.function(Function::Root, value),
            "exp" => self.function(Function::Exp, value),
            "log10" => self.function(Function::Log10, value),
            "ln" => self.function(Function::Ln, value),
            "acosh" => self.function(Function::Acosh, value),
            "div" => self.quotient(read(name, value)?),
            "pow" => {
                let Power { base, exponent } = read(name, value)?;
                let (base, exponent) = (self.boxed(base)?, self.boxed(exponent)?);
                Ok(Expression::Power { base, exponent })
            }
            "lin_decay" => self.decay(Decay::Linear, read(name, value)?),
            "exp_decay" => self.decay(Decay::Exponential, read(name, value)?),
            "gauss_decay" => self.decay(Decay::Gaussian, read(name, value)?),
            "geo_distance" => distance(read(name, value)?),
            "datetime" => datetime(&read::<String>(name, value)?),
            "datetime_key" => Ok(Expression::Datetime(read(name, value)?)),
            _ => self.condition(object),
        }
    }

    fn boxed(&mut self, json: Value) -> Result<Box<Expression>, String> {
        self.expression(json).map(Box::new)
    }

    fn function(&mut self, function: Function, json: Value) -> Result<Expression, String> {
        Ok(Expression::Function(function, self.boxed(json)?))
    }

    fn list(&mut self, name: &str, json: Value) -> Result<Vec<Expression>, String> {
        let list: Vec<Value> = read(name, json)?;
        list.into_iter().map(|part| self.expression(part)).collect()
    }

    fn some(&mut self, name: &str, json: Value) -> Result<Vec<Expression>, String> {
        let list = self.list(name, json)?;
        if list.is_empty() { Err(format!("{name}: one expression at least")) } else { Ok(list) }
    }

    fn quotient(&mut self, quotient: Quotient) -> Result<Expression, String> {
        let Quotient { left, right, by_zero_default } = quotient;
        let (left, right) = (self.boxed(left)?, self.boxed(right)?);
        Ok(Expression::Quotient { left, right, by_zero: by_zero_default.map(f64::from) })
    }

    fn decay(&mut self, kind: Decay, params: DecayParams) -> Result<Expression, String> {
        let DecayParams { x, target, midpoint, scale } = params;
        let midpoint = f64::from(midpoint.unwrap_or(MIDPOINT));
        let scale = f64::from(scale.unwrap_or(SCALE));
        match kind {
            Decay::Linear if !(0.0..=1.0).contains(&midpoint) => {
                return Err(invalid(format_args!(
                    "Linear decay midpoint should be in the range [0.0, 1.0], got {midpoint}."
                )));
            }
            Decay::Exponential | Decay::Gaussian if midpoint <= 0.0 || midpoint >= 1.0 => {
                return Err(invalid(format_args!(
                    "Decay midpoint should be in the range (0.0, 1.0), got {midpoint}."
                )));
            }
            Decay::Linear | Decay::Exponential | Decay::Gaussian => {}
        }
        if scale <= 0.0 {
            return Err(invalid(format_args!(
                "Decay scale should be non-zero positive, got {scale}."
            )));
        }
        let x = self.boxed(x)?;
        let target = target.map(|target| self.boxed(target)).transpose()?;
        Ok(Expression::Decay { kind, x, target, rate: kind.rate(midpoint, scale) })
    }

    /// A condition of a filter, or a filter.
    fn condition(&mut self, object: Map<String, Value>) -> Result<Expression, String> {
        if self.conditions.len() == FORMULA_CONDITIONS_MAX {
            return Err(format!("a formula has at most {FORMULA_CONDITIONS_MAX} conditions"));
        }
        let filter = Filter::parse(json!({ "must": [object] }));
        // By its place in the formula, which is no filter's.
        let said =
            |invalid: Invalid| invalid.to_string().replacen("filter.must[0]", "condition", 1);
        self.conditions.push(filter.map_err(said)?);
        Ok(Expression::Condition(self.conditions.len() - 1))
    }
}

/// A number of 32 bits, as messages have it.
fn constant(number: Option<f64>) -> Result<Expression, String> {
    let narrow = number.map(|number| f64::from(number as f32)).filter(|number| number.is_finite());
    narrow.map(Expression::Constant).ok_or_else(|| "a constant is a number of 32 bits".into())
}

/// `$score`, `$score[i]`, or a path of the payload.
fn variable(name: &str) -> Result<Expression, String> {
    let failed =
        |what: &str| invalid(format_args!("failed to parse variable ID {name}: {what}: {name}"));
    let Some(reserved) = name.strip_prefix('$') else {
        let path = name.parse().map_err(|_| failed("Invalid payload variable"))?;
        return Ok(Expression::Value(path));
    };
    let path: JsonPath = reserved.parse().map_err(|_| failed("Invalid reserved variable"))?;
    if path.root() != SCORE {
        return Err(failed("Invalid reserved word"));
    }
    match path.rest() {
        [] => Ok(Expression::Score(0)),
        [Step::At(prefetch)] => Ok(Expression::Score(*prefetch)),
        _ => Err(failed("Invalid reserved variable")),
    }
}

fn distance(distance: GeoDistance) -> Result<Expression, String> {
    let GeoDistance { origin, to } = distance;
    let origin = Point::of_value(&origin).ok_or(
        "geo_distance: `origin` is an object with `lon` and `lat`, in degrees on the earth",
    )?;
    Ok(Expression::Distance { origin, to })
}

fn datetime(text: &str) -> Result<Expression, String> {
    let datetime = Datetime::parse(text).ok_or_else(|| {
        invalid(format_args!("failed to parse date-time {text}: it is not one of RFC 3339"))
    })?;
    Ok(Expression::Constant(datetime.micros() as f64 / MICROS_PER_SECOND))
}

fn read<T: for<'de> Deserialize<'de>>(name: &str, json: Value) -> Result<T, String> {
    ignored::read(json, name).map_err(|error| format!("{name}: {error}"))
}

fn invalid(what: std::fmt::Arguments<'_>) -> String {
    format!("{INVALID}{what}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: Value) -> Result<Formula, String> {
        formula(json, Map::new())
    }

    #[test]
    fn expressions_nest_and_conditions_are_numbered() {
        let red = json!({ "key": "color", "match": { "value": "red" } });
        let all = json!({ "sum": ["$score", { "mult": [0.5, red, "$score[2]"] },
            { "neg": { "must": [red] } }, { "has_id": [1] }, "a.b" ] });
        let formula = read(all).unwrap();
        let value = Expression::Value("a.b".parse().unwrap());
        let product =
            vec![Expression::Constant(0.5), Expression::Condition(0), Expression::Score(2)];
        assert_eq!(
            formula.expression,
            Expression::Sum(vec![
                Expression::Score(0),
                Expression::Product(product),
                Expression::Function(Function::Negative, Box::new(Expression::Condition(1))),
                Expression::Condition(2),
                value,
            ])
        );
        assert_eq!(formula.conditions[0], Filter::parse(json!({ "must": [red] })).unwrap());
    }

    #[test]
    fn every_operation_is_read_with_its_defaults() {
        let number = |number| Box::new(Expression::Constant(number));
        let rate = 0.5_f64.ln();
        for (json, expected) in [
            (
                json!({ "div": { "left": 1, "right": 2, "by_zero_default": 3 } }),
                Expression::Quotient { left: number(1.0), right: number(2.0), by_zero: Some(3.0) },
            ),
            (
                json!({ "pow": { "base": 2, "exponent": 3 } }),
                Expression::Power { base: number(2.0), exponent: number(3.0) },
            ),
            (json!({ "max": [1] }), Expression::Max(vec![*number(1.0)])),
            (json!({ "min": [1] }), Expression::Min(vec![*number(1.0)])),
            (json!({ "acosh": 1 }), Expression::Function(Function::Acosh, number(1.0))),
            (json!({ "datetime": "1970-01-02" }), Expression::Constant(86_400.0)),
            (json!({ "datetime_key": "t" }), Expression::Datetime("t".parse().unwrap())),
            (
                json!({ "geo_distance": { "origin": { "lon": 1, "lat": 2 }, "to": "p" } }),
                Expression::Distance {
                    origin: Point { lon: 1.0, lat: 2.0 },
                    to: "p".parse().unwrap(),
                },
            ),
            (
                json!({ "exp_decay": { "x": 1 } }),
                Expression::Decay { kind: Decay::Exponential, x: number(1.0), target: None, rate },
            ),
            (
                json!({ "lin_decay": { "x": 1, "target": 2, "midpoint": 0.25, "scale": 4 } }),
                Expression::Decay {
                    kind: Decay::Linear,
                    x: number(1.0),
                    target: Some(number(2.0)),
                    rate: 0.1875,
                },
            ),
        ] {
            assert_eq!(
                read(json.clone()).map(|formula| formula.expression),
                Ok(expected),
                "{json}"
            );
        }
        let defaults = json!({ "$score[1]": 7, "$score": "x", "a": { "lon": 1 }, "b": null });
        let formula = formula(json!(1), defaults.as_object().unwrap().clone()).unwrap();
        assert_eq!(formula.default_scores, [(1, 7.0)].into());
        assert_eq!(formula.default_values.len(), 2);
    }

    #[test]
    fn mistakes_are_said() {
        let many = json!({ "sum": vec![1; FORMULA_TERMS_MAX] });
        let conditions =
            json!({ "sum": vec![json!({ "has_id": [1] }); FORMULA_CONDITIONS_MAX + 1] });
        for (json, named) in [
            (json!(null), "an expression is"),
            (json!([1]), "an expression is"),
            (json!(1e300), "a number of 32 bits"),
            (json!({ "sum": 1 }), "sum: "),
            (json!({ "max": [] }), "max: one expression"),
            (json!({ "div": { "left": 1 } }), "div: missing field `right`"),
            (json!({ "sim": [1] }), "sim"),
            (json!({ "sum": [1], "mult": [1] }), "condition: unknown member `mult`"),
            (
                json!({ "geo_distance": { "origin": { "lon": 999, "lat": 0 }, "to": "p" } }),
                "origin",
            ),
            (many, "at most 512 terms"),
            (conditions, "at most 64 conditions"),
            (json!("$score.x"), "Validation failed: failed to parse variable ID $score.x: "),
            (json!("$nope"), "Invalid reserved word: $nope"),
            (json!(""), "Invalid payload variable"),
            (json!({ "datetime": "soon" }), "Validation failed: failed to parse date-time soon"),
            (
                json!({ "lin_decay": { "x": 1, "midpoint": 1.5 } }),
                "Validation failed: Linear decay midpoint should be in the range [0.0, 1.0], got 1.5.",
            ),
            (
                json!({ "exp_decay": { "x": 1, "midpoint": 1 } }),
                "Decay midpoint should be in the range (0.0, 1.0), got 1.",
            ),
            (
                json!({ "gauss_decay": { "x": 1, "scale": 0 } }),
                "Decay scale should be non-zero positive, got 0.",
            ),
        ] {
            let error = read(json.clone()).unwrap_err();
            assert!(error.contains(named), "{json}: {error}");
        }
    }
}
