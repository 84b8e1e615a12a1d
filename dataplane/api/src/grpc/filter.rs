//! Filters, as REST writes them.

use prost_types::Timestamp;
use serde_json::{Value, json};
use vane_wire::qdrant::condition::ConditionOneOf;
use vane_wire::qdrant::r#match::MatchValue;
use vane_wire::qdrant::{
    Condition, DatetimeRange, FieldCondition, Filter, GeoBoundingBox, GeoLineString, GeoPoint,
    GeoPolygon, GeoRadius, Match, MinShould, Range, ValuesCount,
};

use super::select::point_ids;
use super::value::number;
use super::{Fields, needed, put};
use crate::error::Error;

/// A filter, as deep as prost reads messages, which is bounded. An empty one constrains nothing.
pub(super) fn filter(filter: Filter) -> Result<Value, Error> {
    let Filter { should, must, must_not, min_should } = filter;
    let mut fields = Fields::new();
    for (name, clause) in [("should", should), ("must", must), ("must_not", must_not)] {
        // A list that nobody set and an empty one are the same here.
        if !clause.is_empty() {
            put(&mut fields, name, Some(conditions(clause)?));
        }
    }
    if let Some(MinShould { conditions, min_count }) = min_should {
        let conditions = self::conditions(conditions)?;
        let wanted = json!({ "conditions": conditions, "min_count": min_count });
        put(&mut fields, "min_should", Some(wanted));
    }
    Ok(fields.into())
}

/// A filter that need not be there.
pub(super) fn maybe(fields: &mut Fields, filter: Option<Filter>) -> Result<(), Error> {
    put(fields, "filter", filter.map(self::filter).transpose()?);
    Ok(())
}

fn conditions(list: Vec<Condition>) -> Result<Value, Error> {
    list.into_iter().map(condition).collect()
}

/// One condition.
pub(super) fn condition(condition: Condition) -> Result<Value, Error> {
    Ok(match needed(condition.condition_one_of, "condition_one_of")? {
        ConditionOneOf::Field(field) => self::field(field)?,
        ConditionOneOf::IsEmpty(field) => json!({ "is_empty": { "key": field.key } }),
        ConditionOneOf::IsNull(field) => json!({ "is_null": { "key": field.key } }),
        ConditionOneOf::HasId(ids) => json!({ "has_id": point_ids(ids.has_id)? }),
        ConditionOneOf::Filter(part) => filter(part)?,
        ConditionOneOf::Nested(nested) => {
            let inner = filter(needed(nested.filter, "nested.filter")?)?;
            json!({ "nested": { "key": nested.key, "filter": inner } })
        }
        ConditionOneOf::HasVector(vector) => json!({ "has_vector": vector.has_vector }),
        ConditionOneOf::Slice(slice) => {
            json!({ "slice": { "total": slice.total, "index": slice.index } })
        }
    })
}

fn field(condition: FieldCondition) -> Result<Value, Error> {
    let mut fields = Fields::new();
    put(&mut fields, "key", Some(condition.key));
    put(&mut fields, "match", condition.r#match.map(matching).transpose()?);
    put(&mut fields, "range", range(condition.range, condition.datetime_range)?);
    let bounding_box = condition.geo_bounding_box.map(bounding_box).transpose()?;
    put(&mut fields, "geo_bounding_box", bounding_box);
    put(&mut fields, "geo_radius", condition.geo_radius.map(radius).transpose()?);
    put(&mut fields, "geo_polygon", condition.geo_polygon.map(polygon).transpose()?);
    put(&mut fields, "values_count", condition.values_count.map(count));
    put(&mut fields, "is_empty", condition.is_empty);
    put(&mut fields, "is_null", condition.is_null);
    Ok(fields.into())
}

fn matching(matching: Match) -> Result<Value, Error> {
    Ok(match needed(matching.match_value, "match.match_value")? {
        MatchValue::Keyword(text) => json!({ "value": text }),
        MatchValue::Integer(number) => json!({ "value": number }),
        MatchValue::Boolean(value) => json!({ "value": value }),
        MatchValue::Keywords(list) => json!({ "any": list.strings }),
        MatchValue::Integers(list) => json!({ "any": list.integers }),
        MatchValue::ExceptKeywords(list) => json!({ "except": list.strings }),
        MatchValue::ExceptIntegers(list) => json!({ "except": list.integers }),
        MatchValue::Text(text) => json!({ "text": text }),
        MatchValue::Phrase(text) => json!({ "phrase": text }),
        MatchValue::TextAny(text) => json!({ "text_any": text }),
        MatchValue::Prefix(text) => json!({ "prefix": text }),
        MatchValue::Substring(text) => json!({ "substring": text }),
    })
}

/// The one range that a condition has: REST has one name for both kinds.
fn range(numbers: Option<Range>, times: Option<DatetimeRange>) -> Result<Option<Value>, Error> {
    let number = |bound: Option<f64>| bound.map(number).transpose();
    let time = |bound: Option<Timestamp>| bound.map(|bound| bound.to_string());
    let mut fields = Fields::new();
    match (numbers, times) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(Error::malformed("`range` and `datetime_range` exclude each other"));
        }
        (Some(Range { lt, gt, gte, lte }), None) => {
            for (name, bound) in [("lt", lt), ("gt", gt), ("gte", gte), ("lte", lte)] {
                put(&mut fields, name, number(bound)?);
            }
        }
        (None, Some(DatetimeRange { lt, gt, gte, lte })) => {
            for (name, bound) in [("lt", lt), ("gt", gt), ("gte", gte), ("lte", lte)] {
                put(&mut fields, name, time(bound));
            }
        }
    }
    Ok(Some(fields.into()))
}

fn count(count: ValuesCount) -> Value {
    let ValuesCount { lt, gt, gte, lte } = count;
    let mut fields = Fields::new();
    for (name, bound) in [("lt", lt), ("gt", gt), ("gte", gte), ("lte", lte)] {
        put(&mut fields, name, bound);
    }
    fields.into()
}

/// A point on earth.
pub(super) fn point(point: Option<GeoPoint>, what: &str) -> Result<Value, Error> {
    let GeoPoint { lon, lat } = needed(point, what)?;
    Ok(json!({ "lon": number(lon)?, "lat": number(lat)? }))
}

fn bounding_box(area: GeoBoundingBox) -> Result<Value, Error> {
    let top_left = point(area.top_left, "geo_bounding_box.top_left")?;
    let bottom_right = point(area.bottom_right, "geo_bounding_box.bottom_right")?;
    Ok(json!({ "top_left": top_left, "bottom_right": bottom_right }))
}

fn radius(area: GeoRadius) -> Result<Value, Error> {
    let center = point(area.center, "geo_radius.center")?;
    Ok(json!({ "center": center, "radius": number(area.radius.into())? }))
}

fn polygon(area: GeoPolygon) -> Result<Value, Error> {
    let exterior = line(needed(area.exterior, "geo_polygon.exterior")?)?;
    let interiors = area.interiors.into_iter().map(line).collect::<Result<Value, Error>>()?;
    Ok(json!({ "exterior": exterior, "interiors": interiors }))
}

fn line(line: GeoLineString) -> Result<Value, Error> {
    let points = line.points.into_iter().map(|corner| point(Some(corner), "geo_polygon.points"));
    Ok(json!({ "points": points.collect::<Result<Value, Error>>()? }))
}
