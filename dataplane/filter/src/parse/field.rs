//! Reads the operators of a field condition.

use serde_json::Value;

use super::members::Members;
use super::path;
use crate::bounds::Bounds;
use crate::datetime::Datetime;
use crate::filter::{FieldCondition, Match, Range, Scalar, Scalars};
use crate::geo::{BoundingBox, Point, Polygon, Radius, Ring};
use crate::invalid::{At, Invalid};
use crate::number::Number;

const OPERATORS: &str = "key, match, range, geo_bounding_box, geo_radius, geo_polygon, \
                         values_count, is_empty, is_null";
const BOUNDS: [&str; 4] = ["lt", "gt", "gte", "lte"];
const MATCHES: &str = "value, any, except, text, text_any, phrase, prefix, substring";

/// Reads the members of an object that has `key`.
pub(super) fn condition(mut members: Members<'_>) -> Result<FieldCondition, Invalid> {
    let at = members.at();
    let key = path(members.string("key")?, at)?;
    let condition = FieldCondition {
        key,
        matching: members.read("match", matching)?,
        range: members.read("range", range)?,
        geo_bounding_box: members.read("geo_bounding_box", bounding_box)?,
        geo_radius: members.read("geo_radius", radius)?,
        geo_polygon: members.read("geo_polygon", polygon)?,
        values_count: members.read("values_count", |json, at| bounds(json, at, count))?,
        is_empty: members.boolean("is_empty")?,
        is_null: members.boolean("is_null")?,
    };
    members.finish(OPERATORS)?;
    Ok(condition)
}

fn matching(json: Value, at: &At<'_>) -> Result<Match, Invalid> {
    let mut members = Members::of(json, at, &format!("an object with one of {MATCHES}"))?;
    let matching = if let Some(json) = members.take("value") {
        Match::Value(scalar(json, &at.key("value"))?)
    } else if let Some(json) = members.take("any") {
        Match::Any(scalars(json, &at.key("any"))?)
    } else if let Some(json) = members.take("except") {
        Match::Except(scalars(json, &at.key("except"))?)
    } else if let Some(matching) = text_matching(&mut members)? {
        matching
    } else {
        return members.refuse(&format!("one of {MATCHES}"));
    };
    members.finish(&format!("only one of {MATCHES}"))?;
    Ok(matching)
}

/// One of those that a text is given to.
fn text_matching(members: &mut Members<'_>) -> Result<Option<Match>, Invalid> {
    for (name, kind) in [
        ("text", Match::Text as fn(String) -> Match),
        ("text_any", Match::TextAny),
        ("phrase", Match::Phrase),
        ("prefix", Match::Prefix),
        ("substring", Match::Substring),
    ] {
        if members.has(name) {
            return members.string(name).map(|text| Some(kind(text)));
        }
    }
    Ok(None)
}

fn scalar(json: Value, at: &At<'_>) -> Result<Scalar, Invalid> {
    match json {
        Value::Bool(value) => Ok(Scalar::Bool(value)),
        Value::String(text) => Ok(Scalar::String(text)),
        other => match other.as_i64() {
            Some(n) => Ok(Scalar::Integer(n)),
            None => Err(not_matchable(&other, "a boolean, a 64-bit integer or a string", at)),
        },
    }
}

fn scalars(json: Value, at: &At<'_>) -> Result<Scalars, Invalid> {
    let Value::Array(list) = json else {
        return Err(at.found(&json, "a list"));
    };
    // The first element decides: a list is of one type.
    if list.first().is_some_and(Value::is_number) {
        let mut integers = Vec::with_capacity(list.len());
        for (i, json) in list.iter().enumerate() {
            let expected = "a 64-bit integer like those before it";
            let integer = json.as_i64();
            integers.push(integer.ok_or_else(|| not_matchable(json, expected, &at.index(i)))?);
        }
        return Ok(Scalars::Integers(integers.into()));
    }
    // The empty list comes here too: it is of either type.
    let mut strings = Vec::with_capacity(list.len());
    for (i, json) in list.into_iter().enumerate() {
        let expected = "only strings or only 64-bit integers";
        match json {
            Value::String(text) => strings.push(text),
            other => return Err(not_matchable(&other, expected, &at.index(i))),
        }
    }
    Ok(Scalars::Strings(strings.into()))
}

fn not_matchable(json: &Value, expected: &str, at: &At<'_>) -> Invalid {
    match json {
        // A fraction, or beyond i64: equality of floats is rarely what is meant.
        Value::Number(number) => {
            at.malformed(format!("expected {expected}, found {number}: match numbers by range"))
        }
        other => at.found(other, expected),
    }
}

/// One string among the bounds makes it a range of datetimes.
fn range(json: Value, at: &At<'_>) -> Result<Range, Invalid> {
    let is_datetime = BOUNDS.into_iter().any(|name| json.get(name).is_some_and(Value::is_string));
    if is_datetime {
        bounds(json, at, datetime).map(Range::Datetime)
    } else {
        bounds(json, at, number).map(Range::Number)
    }
}

fn bounds<T>(
    json: Value,
    at: &At<'_>,
    read: impl Fn(Value, &At<'_>) -> Result<T, Invalid>,
) -> Result<Bounds<T>, Invalid> {
    let mut members = Members::of(json, at, "an object with lt, gt, gte, lte")?;
    let [lt, gt, gte, lte] = BOUNDS.map(|name| members.read(name, &read));
    members.finish("lt, gt, gte, lte")?;
    Ok(Bounds { lt: lt?, gt: gt?, gte: gte?, lte: lte? })
}

fn number(json: Value, at: &At<'_>) -> Result<Number, Invalid> {
    Number::of_value(&json).ok_or_else(|| at.found(&json, "a number or a datetime string"))
}

fn datetime(json: Value, at: &At<'_>) -> Result<Datetime, Invalid> {
    let Value::String(text) = json else {
        return Err(at.found(&json, "a datetime string"));
    };
    Datetime::parse(&text).ok_or_else(|| {
        at.malformed(format!("\"{text}\" is not a datetime: expected a form of RFC 3339"))
    })
}

fn count(json: Value, at: &At<'_>) -> Result<u64, Invalid> {
    json.as_u64().ok_or_else(|| at.found(&json, "an unsigned integer"))
}

fn bounding_box(json: Value, at: &At<'_>) -> Result<BoundingBox, Invalid> {
    let mut members = Members::of(json, at, "an object with top_left and bottom_right")?;
    let top_left = point(members.need("top_left")?, &at.key("top_left"))?;
    let bottom_right = point(members.need("bottom_right")?, &at.key("bottom_right"))?;
    members.finish("top_left, bottom_right")?;
    Ok(BoundingBox { top_left, bottom_right })
}

fn radius(json: Value, at: &At<'_>) -> Result<Radius, Invalid> {
    let mut members = Members::of(json, at, "an object with center and radius")?;
    let center = point(members.need("center")?, &at.key("center"))?;
    let radius = members.number("radius")?;
    members.finish("center, radius")?;
    Ok(Radius { center, radius })
}

fn polygon(json: Value, at: &At<'_>) -> Result<Polygon, Invalid> {
    let mut members = Members::of(json, at, "an object with exterior and interiors")?;
    let exterior = ring(members.need("exterior")?, &at.key("exterior"))?;
    let interiors = match members.take("interiors") {
        None => Vec::new(),
        Some(Value::Array(list)) => {
            let at = at.key("interiors");
            let rings = list.into_iter().enumerate();
            rings.map(|(i, json)| ring(json, &at.index(i))).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(at.key("interiors").found(&other, "a list")),
    };
    members.finish("exterior, interiors")?;
    Ok(Polygon { exterior, interiors })
}

fn ring(json: Value, at: &At<'_>) -> Result<Ring, Invalid> {
    let mut members = Members::of(json, at, "an object with points")?;
    let (list, at_points) = (members.list("points")?, at.key("points"));
    let points = list.into_iter().enumerate();
    let points = points.map(|(i, json)| point(json, &at_points.index(i)));
    let ring = Ring { points: points.collect::<Result<_, _>>()? };
    members.finish("points")?;
    if ring.points.len() < Ring::POINTS_MIN {
        return Err(at.malformed(format!(
            "polygon invalid, a line has {} points at least, this one has {}",
            Ring::POINTS_MIN,
            ring.points.len()
        )));
    }
    if !ring.is_closed() {
        return Err(at.malformed("polygon invalid, the first and the last point are not the same"));
    }
    Ok(ring)
}

fn point(json: Value, at: &At<'_>) -> Result<Point, Invalid> {
    let mut members = Members::of(json, at, "an object with lon and lat")?;
    let point = Point { lon: members.number("lon")?, lat: members.number("lat")? };
    members.finish("lon, lat")?;
    Ok(point)
}
