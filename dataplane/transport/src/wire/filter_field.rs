//! What a filter asks of one field.

use vane_filter::{
    BoundingBox, Bounds, Datetime, FieldCondition, Match, Number, Point, Polygon, Radius, Range,
    Ring, Scalar, Scalars,
};
use vane_proto::peer;
use vane_proto::peer::field_condition::{Matching as WireMatch, Range as WireRange};

use super::{Unreadable, Wire, message};

message!(FieldCondition {
    key,
    matching,
    range,
    geo_bounding_box,
    geo_radius,
    geo_polygon,
    values_count,
    is_empty,
    is_null,
});
message!(Bounds<Number> as (Bounds { lt, gt, gte, lte }) => NumberBounds { lt, gt, gte, lte });
message!(Bounds<Datetime> as (Bounds { lt, gt, gte, lte }) => DatetimeBounds { lt, gt, gte, lte });
message!(Bounds<u64> as (Bounds { lt, gt, gte, lte }) => CountBounds { lt, gt, gte, lte });
message!(
    BoundingBox as (BoundingBox {
        top_left: Point { lat: top_lat, lon: left_lon },
        bottom_right: Point { lat: bottom_lat, lon: right_lon },
    }) => GeoBoundingBox { top_lat, left_lon, bottom_lat, right_lon }
);
message!(
    Radius as (Radius { center: Point { lat, lon }, radius }) => GeoRadius { lat, lon, radius }
);

message!(Polygon => GeoPolygon { exterior = "the outer line of a polygon", interiors });

impl Wire for Ring {
    type Message = peer::GeoRing;

    fn into_message(self) -> peer::GeoRing {
        let (lats, lons) = self.points.into_iter().map(|Point { lat, lon }| (lat, lon)).unzip();
        peer::GeoRing { lats, lons }
    }

    fn from_message(peer::GeoRing { lats, lons }: peer::GeoRing) -> Result<Self, Unreadable> {
        if lats.len() != lons.len() {
            return Err(Unreadable::Missing("a coordinate of a polygon"));
        }
        let points = lats.into_iter().zip(lons).map(|(lat, lon)| Point { lon, lat }).collect();
        Ok(Self { points })
    }
}

impl Wire for Match {
    type Message = WireMatch;

    fn into_message(self) -> WireMatch {
        match self {
            Self::Value(Scalar::Bool(value)) => WireMatch::BoolValue(value),
            Self::Value(Scalar::Integer(value)) => WireMatch::IntegerValue(value),
            Self::Value(Scalar::String(value)) => WireMatch::StringValue(value),
            Self::Any(Scalars::Strings(set)) => WireMatch::AnyString(set.into_message()),
            Self::Any(Scalars::Integers(set)) => WireMatch::AnyInteger(set.into_message()),
            Self::Except(Scalars::Strings(set)) => WireMatch::ExceptStrings(set.into_message()),
            Self::Except(Scalars::Integers(set)) => WireMatch::ExceptIntegers(set.into_message()),
            Self::Text(text) => WireMatch::Text(text),
            Self::TextAny(text) => WireMatch::TextAny(text),
            Self::Phrase(text) => WireMatch::Phrase(text),
            Self::Prefix(text) => WireMatch::Prefix(text),
            Self::Substring(text) => WireMatch::Substring(text),
        }
    }

    fn from_message(matching: WireMatch) -> Result<Self, Unreadable> {
        Ok(match matching {
            WireMatch::BoolValue(value) => Self::Value(Scalar::Bool(value)),
            WireMatch::IntegerValue(value) => Self::Value(Scalar::Integer(value)),
            WireMatch::StringValue(value) => Self::Value(Scalar::String(value)),
            WireMatch::AnyString(set) => Self::Any(Scalars::Strings(set.values.into())),
            WireMatch::AnyInteger(set) => Self::Any(Scalars::Integers(set.values.into())),
            WireMatch::ExceptStrings(set) => Self::Except(Scalars::Strings(set.values.into())),
            WireMatch::ExceptIntegers(set) => Self::Except(Scalars::Integers(set.values.into())),
            WireMatch::Text(text) => Self::Text(text),
            WireMatch::TextAny(text) => Self::TextAny(text),
            WireMatch::Phrase(text) => Self::Phrase(text),
            WireMatch::Prefix(text) => Self::Prefix(text),
            WireMatch::Substring(text) => Self::Substring(text),
        })
    }
}

impl Wire for Range {
    type Message = WireRange;

    fn into_message(self) -> WireRange {
        match self {
            Self::Number(bounds) => WireRange::NumberRange(bounds.into_message()),
            Self::Datetime(bounds) => WireRange::DatetimeRange(bounds.into_message()),
        }
    }

    fn from_message(range: WireRange) -> Result<Self, Unreadable> {
        Ok(match range {
            WireRange::NumberRange(bounds) => Self::Number(Wire::from_message(bounds)?),
            WireRange::DatetimeRange(bounds) => Self::Datetime(Wire::from_message(bounds)?),
        })
    }
}
