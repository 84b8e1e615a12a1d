//! Reads the operators of a field condition.

use serde_json::Value;

use super::members::Members;
use super::path;
use crate::bounds::Bounds;
use crate::datetime::Datetime;
use crate::filter::{FieldCondition, Match, Range, Scalar, Scalars};
use crate::geo::{BoundingBox, Point, Radius};
use crate::invalid::{At, Invalid};
use crate::number::Number;

const OPERATORS: &str =
    "key, match, range, geo_bounding_box, geo_radius, values_count, is_empty, is_null";
const BOUNDS: [&str; 4] = ["lt", "gt", "gte", "lte"];
/// Kinds of `match` that need a text index.
const TEXT_MATCHES: [&str; 5] = ["text", "phrase", "text_any", "prefix", "substring"];

/// Reads the members of an object that has `key`.
pub(super) fn condition(mut members: Members<'_>) -> Result<FieldCondition, Invalid> {
    let at = members.at();
    let key = path(members.string("key")?, at)?;
    // It is part of Qdrant's API: as an unknown member it would look like a slip.
    if members.take("geo_polygon").is_some() {
        return Err(at.key("geo_polygon").malformed(
            "polygons are not supported by this version of Vane: \
                 use geo_bounding_box or geo_radius",
        ));
    }
    let condition = FieldCondition {
        key,
        matching: members.read("match", matching)?,
        range: members.read("range", range)?,
        geo_bounding_box: members.read("geo_bounding_box", bounding_box)?,
        geo_radius: members.read("geo_radius", radius)?,
        values_count: members.read("values_count", |json, at| bounds(json, at, count))?,
        is_empty: members.boolean("is_empty")?,
        is_null: members.boolean("is_null")?,
    };
    members.finish(OPERATORS)?;
    Ok(condition)
}

fn matching(json: Value, at: &At<'_>) -> Result<Match, Invalid> {
    let mut members = Members::of(json, at, "an object with value, any or except")?;
    if let Some(name) = TEXT_MATCHES.into_iter().find(|name| members.take(name).is_some()) {
        return Err(at.key(name).malformed(format!(
            "{name} match is not supported by this version of Vane: \
             use match.value or match.any on whole strings"
        )));
    }
    let matching = if let Some(json) = members.take("value") {
        Match::Value(scalar(json, &at.key("value"))?)
    } else if let Some(json) = members.take("any") {
        Match::Any(scalars(json, &at.key("any"))?)
    } else if let Some(json) = members.take("except") {
        Match::Except(scalars(json, &at.key("except"))?)
    } else {
        return members.refuse("one of value, any, except");
    };
    members.finish("only one of value, any, except")?;
    Ok(matching)
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

fn point(json: Value, at: &At<'_>) -> Result<Point, Invalid> {
    let mut members = Members::of(json, at, "an object with lon and lat")?;
    let point = Point { lon: members.number("lon")?, lat: members.number("lat")? };
    members.finish("lon, lat")?;
    Ok(point)
}
