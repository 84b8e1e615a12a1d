//! Formulas, as REST writes them.

use serde_json::{Value, json};
use vane_wire::qdrant::expression::Variant;
use vane_wire::qdrant::{
    DecayParamsExpression, DivExpression, Expression, Formula, GeoDistance, MaxExpression,
    MinExpression, MultExpression, PowExpression, SumExpression,
};

use super::filter::{condition, point};
use super::value::{number, payload};
use super::{Fields, needed, put};
use crate::error::Error;

/// A formula with its defaults.
pub(super) fn formula(formula: Formula) -> Result<Value, Error> {
    let Formula { expression, defaults } = formula;
    let expression = self::expression(needed(expression, "formula.expression")?)?;
    Ok(json!({ "formula": expression, "defaults": payload(defaults)? }))
}

/// As deep as prost reads messages, which is bounded.
fn expression(expression: Expression) -> Result<Value, Error> {
    Ok(match needed(expression.variant, "expression.variant")? {
        Variant::Constant(constant) => number(constant.into())?,
        Variant::Variable(name) => name.into(),
        Variant::Condition(part) => condition(part)?,
        Variant::GeoDistance(GeoDistance { origin, to }) => {
            let origin = point(origin, "geo_distance.origin")?;
            json!({ "geo_distance": { "origin": origin, "to": to } })
        }
        Variant::Datetime(text) => json!({ "datetime": text }),
        Variant::DatetimeKey(key) => json!({ "datetime_key": key }),
        Variant::Mult(MultExpression { mult }) => json!({ "mult": list(mult)? }),
        Variant::Sum(SumExpression { sum }) => json!({ "sum": list(sum)? }),
        Variant::Max(MaxExpression { max }) => json!({ "max": list(max)? }),
        Variant::Min(MinExpression { min }) => json!({ "min": list(min)? }),
        Variant::Div(div) => {
            let DivExpression { left, right, by_zero_default } = *div;
            let mut fields = Fields::new();
            put(&mut fields, "left", Some(boxed(left, "div.left")?));
            put(&mut fields, "right", Some(boxed(right, "div.right")?));
            let by_zero = by_zero_default.map(f64::from).map(number).transpose()?;
            put(&mut fields, "by_zero_default", by_zero);
            json!({ "div": fields })
        }
        Variant::Pow(pow) => {
            let PowExpression { base, exponent } = *pow;
            let (base, exponent) = (boxed(base, "pow.base")?, boxed(exponent, "pow.exponent")?);
            json!({ "pow": { "base": base, "exponent": exponent } })
        }
        Variant::Neg(part) => json!({ "neg": self::expression(*part)? }),
        Variant::Abs(part) => json!({ "abs": self::expression(*part)? }),
        Variant::Sqrt(part) => json!({ "sqrt": self::expression(*part)? }),
        Variant::Exp(part) => json!({ "exp": self::expression(*part)? }),
        Variant::Log10(part) => json!({ "log10": self::expression(*part)? }),
        Variant::Ln(part) => json!({ "ln": self::expression(*part)? }),
        Variant::Acosh(part) => json!({ "acosh": self::expression(*part)? }),
        Variant::ExpDecay(params) => json!({ "exp_decay": decay(*params)? }),
        Variant::GaussDecay(params) => json!({ "gauss_decay": decay(*params)? }),
        Variant::LinDecay(params) => json!({ "lin_decay": decay(*params)? }),
    })
}

fn list(list: Vec<Expression>) -> Result<Value, Error> {
    list.into_iter().map(expression).collect()
}

fn boxed(part: Option<Box<Expression>>, what: &str) -> Result<Value, Error> {
    expression(*needed(part, what)?)
}

fn decay(params: DecayParamsExpression) -> Result<Value, Error> {
    let DecayParamsExpression { x, target, scale, midpoint } = params;
    let mut fields = Fields::new();
    put(&mut fields, "x", Some(boxed(x, "decay.x")?));
    put(&mut fields, "target", target.map(|target| expression(*target)).transpose()?);
    put(&mut fields, "scale", scale.map(f64::from).map(number).transpose()?);
    put(&mut fields, "midpoint", midpoint.map(f64::from).map(number).transpose()?);
    Ok(fields.into())
}
