use proptest::prelude::*;
use serde_json::json;

use super::*;
use Expression::Constant;

fn formula(expression: Expression) -> Formula {
    Formula {
        expression,
        conditions: Vec::new(),
        default_scores: [(3, 1.5)].into(),
        default_values: [("none", 9), ("a", 8), ("unset", 7)]
            .map(|(path, value)| (path.parse().unwrap(), json!(value)))
            .into(),
    }
}

fn score(expression: Expression) -> Result<f32, String> {
    let payload = json!({
        "n": 85.0, "one": [1.5], "two": [1, 2], "text": "x", "none_here": null, "unset": null,
        "a": { "b": 2 }, "l": [{ "b": 3 }], "place": { "lon": 13.0, "lat": 52.0 },
        "time": "1970-01-01T00:00:01.5Z",
    });
    let facts = Facts {
        scores: &[Some(0.5), Some(-2.0), None],
        payload: payload.as_object().unwrap(),
        conditions: &[true, false],
    };
    formula(expression).score(facts).map_err(|error| error.detail)
}

fn value(path: &str) -> Expression {
    Expression::Value(path.parse().unwrap())
}

fn boxed(number: f64) -> Box<Expression> {
    Box::new(Constant(number))
}

fn function(function: Function, x: f64) -> Expression {
    Expression::Function(function, boxed(x))
}

fn quotient(left: f64, right: f64, by_zero: Option<f64>) -> Expression {
    Expression::Quotient { left: boxed(left), right: boxed(right), by_zero }
}

fn power(base: f64, exponent: f64) -> Expression {
    Expression::Power { base: boxed(base), exponent: boxed(exponent) }
}

fn decay_at(kind: Decay, x: f64, target: Option<f64>, rate: f64) -> Expression {
    Expression::Decay { kind, x: boxed(x), target: target.map(boxed), rate }
}

#[test]
fn every_expression_comes_to_what_it_says() {
    let origin = Point { lon: 13.0, lat: 51.0 };
    for (expression, expected) in [
        (Constant(5.0), 5.0),
        // A null is no value, so the default stands in.
        (value("unset"), 7.0),
        (Expression::Score(0), 0.5),
        (Expression::Score(1), -2.0),
        (Expression::Score(2), 0.0),
        (Expression::Score(3), 1.5),
        (Expression::Score(77), 0.0),
        (Expression::Condition(0), 1.0),
        (Expression::Condition(1), 0.0),
        (value("n"), 85.0),
        (value("one"), 1.5),
        (value("one[]"), 1.5),
        (value("two[1]"), 2.0),
        (value("a.b"), 2.0),
        (value("l[].b"), 3.0),
        (value("none"), 9.0),
        (Expression::Sum(vec![Constant(1.0), Expression::Score(0), value("n")]), 86.5),
        (Expression::Sum(Vec::new()), 0.0),
        (Expression::Product(vec![Constant(2.0), Expression::Score(0), value("n")]), 85.0),
        (Expression::Product(vec![Constant(0.0), value("nowhere")]), 0.0),
        (Expression::Product(Vec::new()), 1.0),
        (Expression::Max(vec![Constant(-3.0), Constant(2.0), Constant(1.0)]), 2.0),
        (Expression::Min(vec![Constant(3.0), Constant(-2.0), Constant(1.0)]), -2.0),
        (quotient(1.0, 4.0, None), 0.25),
        (quotient(0.0, 0.0, None), 0.0),
        (quotient(1.0, 0.0, Some(7.0)), 7.0),
        (power(2.0, 10.0), 1024.0),
        (function(Function::Negative, 4.0), -4.0),
        (function(Function::Magnitude, -4.0), 4.0),
        (function(Function::Root, 9.0), 3.0),
        (function(Function::Exp, 0.0), 1.0),
        (function(Function::Log10, 1000.0), 3.0),
        (function(Function::Ln, 1.0), 0.0),
        (function(Function::Acosh, 1.0), 0.0),
        (Expression::Datetime("time".parse().unwrap()), 1.5),
        // A degree of a meridian of a sphere of the earth's mean radius.
        (Expression::Distance { origin, to: "place".parse().unwrap() }, 111_195.08),
    ] {
        let found = score(expression.clone()).unwrap();
        assert!((found - expected).abs() <= expected.abs() * 1e-6, "{expression:?}: {found}");
    }
}

#[test]
fn a_decay_is_one_at_its_target_and_the_midpoint_at_its_scale() {
    for kind in [Decay::Linear, Decay::Exponential, Decay::Gaussian] {
        let rate = kind.rate(0.25, 4.0);
        let at = |x, target| score(decay_at(kind, x, target, rate)).unwrap();
        assert_eq!((at(7.0, Some(7.0)), at(0.0, None)), (1.0, 1.0));
        for x in [3.0, 11.0] {
            assert!((at(x, Some(7.0)) - 0.25).abs() < 1e-6, "{kind:?}");
        }
        assert!(at(100.0, None) < 0.01 && at(100.0, None) >= 0.0);
    }
    assert_eq!(score(decay_at(Decay::Linear, 99.0, None, 0.5)), Ok(0.0));
}

#[test]
fn what_has_no_number_is_said_in_qdrants_words() {
    let of = |what: &str, path: &str, why: &str| {
        format!(
            "Expected {what} value for {path} in the payload and/or in the formula defaults. \
             Error: {why}"
        )
    };
    let missing = "No value found in a payload nor defaults";
    let path = |path: &str| path.parse::<JsonPath>().unwrap();
    let origin = Point { lon: 0.0, lat: 0.0 };
    for (expression, expected) in [
        (value("nowhere"), of("number", "nowhere", missing)),
        (value("two"), of("number", "two", "Value is not a number")),
        (value("text"), of("number", "text", "Value is not a number")),
        (value("none_here"), of("number", "none_here", missing)),
        // What is there counts, although there is a default.
        (value("a"), of("number", "a", "Value is not a number")),
        (Expression::Datetime(path("n")), of("datetime", "n", "Value is not a string")),
        (Expression::Datetime(path("text")), of("datetime", "text", "\"x\" is no datetime")),
        (Expression::Distance { origin, to: path("nowhere") }, of("geo point", "nowhere", missing)),
        (
            Expression::Distance { origin, to: path("n") },
            of("geo point", "n", "Value is not a geo point"),
        ),
    ] {
        assert_eq!(score(expression), Err(expected));
    }
    for (expression, shown) in [
        (quotient(1.0, 0.0, None), "1/0 = inf"),
        (power(-1.0, 0.5), "-1^0.5 = NaN"),
        (power(0.0, -1.0), "0^-1 = inf"),
        (function(Function::Root, -1.0), "√-1 = NaN"),
        (function(Function::Exp, 1e3), "exp(1000) = inf"),
        (function(Function::Log10, 0.0), "log10(0) = -inf"),
        (function(Function::Ln, -2.0), "ln(-2) = NaN"),
        (function(Function::Acosh, 0.5), "acosh(0.5) = NaN"),
        (Expression::Max(Vec::new()), "NaN as f32 = NaN"),
    ] {
        let expected = format!("The expression {shown} produced a non-finite number");
        assert_eq!(score(expression), Err(expected));
    }
    let large = score(Constant(1e39)).unwrap_err();
    assert!(large.ends_with(" as f32 = inf produced a non-finite number"), "{large}");
}

#[test]
fn the_paths_of_a_formula_are_those_that_it_reads() {
    let inner = Expression::Product(vec![value("b"), value("a"), Constant(1.0)]);
    let far =
        Expression::Distance { origin: Point { lon: 0.0, lat: 0.0 }, to: "p".parse().unwrap() };
    let decay = Expression::Decay {
        kind: Decay::Linear,
        x: Box::new(far),
        target: Some(Box::new(Expression::Datetime("t".parse().unwrap()))),
        rate: 1.0,
    };
    let whole =
        Expression::Quotient { left: Box::new(inner), right: Box::new(decay), by_zero: None };
    let paths: Vec<String> = formula(whole).paths().iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["a", "b", "p", "t"]);
}

proptest! {
    #[test]
    fn sums_and_products_are_those_of_their_parts(
        numbers in prop::collection::vec(-9.0..9.0f64, 0..9), b in -3.0..3.0f64,
    ) {
        let parts = || numbers.iter().copied().map(Constant).collect::<Vec<_>>();
        let sum: f64 = numbers.iter().sum();
        let product: f64 = numbers.iter().product();
        prop_assert_eq!(score(Expression::Sum(parts())), Ok(sum as f32));
        prop_assert_eq!(score(Expression::Product(parts())), Ok(product as f32));
        let both = Expression::Sum(vec![
            Expression::Product(vec![Expression::Sum(parts()), Constant(b)]),
            Expression::Function(Function::Negative, Box::new(Constant(b))),
        ]);
        prop_assert!((score(both).unwrap() - (sum * b - b) as f32).abs() < 1e-4);
    }
}
