//! Operators of a field condition, each answered by an index of the type that can.

use std::ops::Bound;

use roaring::RoaringBitmap;
use vane_types::FieldType;

use super::Resolved;
use crate::bounds::Bounds;
use crate::datetime::Datetime;
use crate::filter::{FieldCondition, Match, Range, Scalar, Scalars};
use crate::geo::{Area, Cell, cover};
use crate::key;
use crate::payload_index::PayloadIndex;

/// What the index tells about each operator that is set; `None` when it is of a type that
/// cannot tell.
pub(super) fn operators(condition: &FieldCondition, index: &PayloadIndex) -> Vec<Option<Resolved>> {
    let FieldCondition {
        key: _,
        matching,
        range,
        geo_bounding_box,
        geo_radius,
        values_count: _,
        is_empty: _,
        is_null: _,
    } = condition;
    let mut found = Vec::new();
    found.extend(matching.as_ref().map(|it| matching_slots(it, index)));
    found.extend(range.as_ref().map(|it| range_slots(it, index)));
    found.extend(geo_bounding_box.map(|it| area_slots(&it.areas(), index)));
    found.extend(geo_radius.map(|it| area_slots(&it.areas(), index)));
    found
}

fn exactly(slots: RoaringBitmap) -> Option<Resolved> {
    Some(Resolved { slots, exact: true })
}

fn matching_slots(matching: &Match, index: &PayloadIndex) -> Option<Resolved> {
    match (matching, index.ty()) {
        (Match::Value(Scalar::Bool(it)), FieldType::Bool) => {
            exactly(index.any_of([key::boolean(*it)]))
        }
        (Match::Value(Scalar::Integer(it)), FieldType::Integer) => {
            exactly(index.any_of([key::integer(*it)]))
        }
        (Match::Any(Scalars::Integers(it)), FieldType::Integer) => {
            exactly(index.any_of(it.iter().map(|it| key::integer(*it))))
        }
        (Match::Except(Scalars::Integers(it)), FieldType::Integer) => {
            exactly(index.any_beside(it.iter().map(|it| key::integer(*it))))
        }
        (Match::Value(Scalar::String(it)), _) => string_slots(&[it], index),
        (Match::Any(Scalars::Strings(it)), _) => {
            string_slots(&it.iter().collect::<Vec<_>>(), index)
        }
        // A keyword index does not hold the values of other types that `except` passes.
        (Match::Value(_) | Match::Any(_) | Match::Except(_), _) => None,
    }
}

/// Slots with one of the strings. A UUID index holds all spellings of one id together while
/// `match` compares text, and cut keywords are told apart by a hash alone: both only narrow.
fn string_slots(strings: &[&String], index: &PayloadIndex) -> Option<Resolved> {
    let (keys, exact): (Vec<Vec<u8>>, bool) = match index.ty() {
        FieldType::Keyword => {
            let exact = !strings.iter().any(|it| key::keyword_is_cut(it));
            (strings.iter().map(|it| key::keyword(it)).collect(), exact)
        }
        FieldType::Uuid => (strings.iter().map(|it| key::uuid(it)).collect::<Option<_>>()?, false),
        FieldType::Integer
        | FieldType::Float
        | FieldType::Bool
        | FieldType::Geo
        | FieldType::Datetime => {
            return None;
        }
    };
    Some(Resolved { slots: index.any_of(keys), exact })
}

fn range_slots(range: &Range, index: &PayloadIndex) -> Option<Resolved> {
    match (range, index.ty()) {
        (Range::Number(bounds), FieldType::Float) => {
            exactly(between(index, bounds, |it| key::float(*it)))
        }
        (Range::Number(bounds), FieldType::Integer) => exactly(integers_between(index, bounds)),
        (Range::Datetime(bounds), FieldType::Datetime) => {
            exactly(between(index, bounds, |it: &Datetime| key::integer(it.micros())))
        }
        (Range::Number(_) | Range::Datetime(_), _) => None,
    }
}

/// Slots with a key that keeps the bounds.
fn between<T>(
    index: &PayloadIndex,
    bounds: &Bounds<T>,
    key: impl Fn(&T) -> [u8; 8],
) -> RoaringBitmap {
    let Bounds { lt, gt, gte, lte } = bounds;
    let key = |it: &Option<T>| it.as_ref().map(&key);
    // Of two bounds on one side the narrower holds, at the same value the strict one.
    let from = match (key(gt), key(gte)) {
        (Some(gt), gte) if gte.is_none_or(|it| gt >= it) => Some((gt, true)),
        (_, gte) => gte.map(|it| (it, false)),
    };
    let to = match (key(lt), key(lte)) {
        (Some(lt), lte) if lte.is_none_or(|it| lt <= it) => Some((lt, true)),
        (_, lte) => lte.map(|it| (it, false)),
    };
    fn bound(it: &Option<([u8; 8], bool)>) -> Bound<&[u8]> {
        match it {
            None => Bound::Unbounded,
            Some((key, true)) => Bound::Excluded(key),
            Some((key, false)) => Bound::Included(key),
        }
    }
    index.between(bound(&from), bound(&to))
}

/// Slots with an integer that keeps the bounds when both are compared as f64. Several
/// integers round to one f64, so the ends are searched for rather than computed.
fn integers_between(index: &PayloadIndex, bounds: &Bounds<f64>) -> RoaringBitmap {
    let Bounds { lt, gt, gte, lte } = bounds;
    let above = |n: i64| gt.is_none_or(|it| n as f64 > it) && gte.is_none_or(|it| n as f64 >= it);
    let beyond =
        |n: i64| lt.is_some_and(|it| n as f64 >= it) || lte.is_some_and(|it| n as f64 > it);
    let Some(from) = first(above) else { return RoaringBitmap::new() };
    let from = key::integer(from);
    match first(beyond) {
        Some(end) => index.between(Bound::Included(&from), Bound::Excluded(&key::integer(end))),
        None => index.between(Bound::Included(&from), Bound::Unbounded),
    }
}

/// The least integer for which `holds` is true, as it is for all that are greater.
fn first(holds: impl Fn(i64) -> bool) -> Option<i64> {
    if !holds(i64::MAX) {
        return None;
    }
    let (mut low, mut high) = (i64::MIN, i64::MAX);
    while low < high {
        let middle = low.midpoint(high);
        // Rounds toward zero, so it can be `high` itself below zero.
        let middle = if middle == high { low } else { middle };
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    Some(high)
}

/// Slots with a point in a cell of the areas, which reach over what is asked for.
fn area_slots(areas: &[Area], index: &PayloadIndex) -> Option<Resolved> {
    if index.ty() != FieldType::Geo {
        return None;
    }
    let mut slots = RoaringBitmap::new();
    for cover in areas.iter().filter_map(cover) {
        let inside = |key: &[u8]| {
            let code = key.try_into().map(u64::from_be_bytes);
            code.is_ok_and(|it| cover.holds(Cell::from_morton(it)))
        };
        for (from, to) in cover.ranges() {
            slots |= index.between_where(&from.to_be_bytes(), &to.to_be_bytes(), inside);
        }
    }
    Some(Resolved { slots, exact: false })
}
