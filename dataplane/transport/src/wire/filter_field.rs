//! What a filter asks of one field.

use vane_filter::{
    BoundingBox, Bounds, Datetime, FieldCondition, Match, Point, Radius, Range, Scalar, Scalars,
    ValueSet,
};
use vane_proto::peer;
use vane_proto::peer::field_condition::{Matching as WireMatch, Range as WireRange};

use super::{Unreadable, path};

pub(crate) fn field_to_wire(condition: FieldCondition) -> peer::FieldCondition {
    let FieldCondition {
        key,
        matching,
        range,
        geo_bounding_box,
        geo_radius,
        values_count,
        is_empty,
        is_null,
    } = condition;
    peer::FieldCondition {
        key: key.to_string(),
        matching: matching.map(match_to_wire),
        range: range.map(range_to_wire),
        geo_bounding_box: geo_bounding_box.map(box_to_wire),
        geo_radius: geo_radius.map(radius_to_wire),
        values_count: values_count.map(|Bounds { lt, gt, gte, lte }| peer::CountBounds {
            lt,
            gt,
            gte,
            lte,
        }),
        is_empty,
        is_null,
    }
}

pub(crate) fn field_from_wire(
    condition: peer::FieldCondition,
) -> Result<FieldCondition, Unreadable> {
    let peer::FieldCondition {
        key,
        matching,
        range,
        geo_bounding_box,
        geo_radius,
        values_count,
        is_empty,
        is_null,
    } = condition;
    Ok(FieldCondition {
        key: path(&key)?,
        matching: matching.map(match_from_wire),
        range: range.map(range_from_wire).transpose()?,
        geo_bounding_box: geo_bounding_box.map(box_from_wire),
        geo_radius: geo_radius.map(radius_from_wire),
        values_count: values_count.map(|peer::CountBounds { lt, gt, gte, lte }| Bounds {
            lt,
            gt,
            gte,
            lte,
        }),
        is_empty,
        is_null,
    })
}

fn match_to_wire(matching: Match) -> WireMatch {
    match matching {
        Match::Value(Scalar::Bool(value)) => WireMatch::BoolValue(value),
        Match::Value(Scalar::Integer(value)) => WireMatch::IntegerValue(value),
        Match::Value(Scalar::String(value)) => WireMatch::StringValue(value),
        Match::Any(Scalars::Strings(set)) => WireMatch::AnyString(strings_to_wire(&set)),
        Match::Any(Scalars::Integers(set)) => WireMatch::AnyInteger(integers_to_wire(&set)),
        Match::Except(Scalars::Strings(set)) => WireMatch::ExceptStrings(strings_to_wire(&set)),
        Match::Except(Scalars::Integers(set)) => WireMatch::ExceptIntegers(integers_to_wire(&set)),
    }
}

fn match_from_wire(matching: WireMatch) -> Match {
    match matching {
        WireMatch::BoolValue(value) => Match::Value(Scalar::Bool(value)),
        WireMatch::IntegerValue(value) => Match::Value(Scalar::Integer(value)),
        WireMatch::StringValue(value) => Match::Value(Scalar::String(value)),
        WireMatch::AnyString(set) => Match::Any(Scalars::Strings(ValueSet::from(set.values))),
        WireMatch::AnyInteger(set) => Match::Any(Scalars::Integers(ValueSet::from(set.values))),
        WireMatch::ExceptStrings(set) => {
            Match::Except(Scalars::Strings(ValueSet::from(set.values)))
        }
        WireMatch::ExceptIntegers(set) => {
            Match::Except(Scalars::Integers(ValueSet::from(set.values)))
        }
    }
}

fn strings_to_wire(set: &ValueSet<String>) -> peer::Strings {
    peer::Strings { values: set.given().to_vec() }
}

fn integers_to_wire(set: &ValueSet<i64>) -> peer::Integers {
    peer::Integers { values: set.given().to_vec() }
}

fn range_to_wire(range: Range) -> WireRange {
    match range {
        Range::Number(Bounds { lt, gt, gte, lte }) => {
            WireRange::NumberRange(peer::NumberBounds { lt, gt, gte, lte })
        }
        Range::Datetime(Bounds { lt, gt, gte, lte }) => {
            WireRange::DatetimeRange(peer::DatetimeBounds {
                lt: text(lt),
                gt: text(gt),
                gte: text(gte),
                lte: text(lte),
            })
        }
    }
}

fn range_from_wire(range: WireRange) -> Result<Range, Unreadable> {
    Ok(match range {
        WireRange::NumberRange(peer::NumberBounds { lt, gt, gte, lte }) => {
            Range::Number(Bounds { lt, gt, gte, lte })
        }
        WireRange::DatetimeRange(peer::DatetimeBounds { lt, gt, gte, lte }) => {
            Range::Datetime(Bounds {
                lt: datetime(lt)?,
                gt: datetime(gt)?,
                gte: datetime(gte)?,
                lte: datetime(lte)?,
            })
        }
    })
}

fn text(bound: Option<Datetime>) -> Option<String> {
    // As it was written: both sides then read the same text.
    bound.map(|datetime| datetime.text().to_owned())
}

fn datetime(text: Option<String>) -> Result<Option<Datetime>, Unreadable> {
    match text {
        Some(text) => Datetime::parse(&text).map(Some).ok_or(Unreadable::Datetime(text)),
        None => Ok(None),
    }
}

fn box_to_wire(area: BoundingBox) -> peer::GeoBoundingBox {
    let BoundingBox { top_left, bottom_right } = area;
    peer::GeoBoundingBox {
        top_lat: top_left.lat,
        left_lon: top_left.lon,
        bottom_lat: bottom_right.lat,
        right_lon: bottom_right.lon,
    }
}

fn box_from_wire(area: peer::GeoBoundingBox) -> BoundingBox {
    let peer::GeoBoundingBox { top_lat, left_lon, bottom_lat, right_lon } = area;
    BoundingBox {
        top_left: Point { lon: left_lon, lat: top_lat },
        bottom_right: Point { lon: right_lon, lat: bottom_lat },
    }
}

fn radius_to_wire(circle: Radius) -> peer::GeoRadius {
    let Radius { center: Point { lon, lat }, radius } = circle;
    peer::GeoRadius { lat, lon, radius }
}

fn radius_from_wire(circle: peer::GeoRadius) -> Radius {
    let peer::GeoRadius { lat, lon, radius } = circle;
    Radius { center: Point { lon, lat }, radius }
}
