//! 64-bit integers, big-endian with the sign turned.

use std::ops::Bound;

use roaring::RoaringBitmap;
use serde_json::Value;

use super::{Kind, exactly};
use crate::bounds::Bounds;
use crate::filter::{Match, Range, Scalar, Scalars};
use crate::payload_index::PayloadIndex;
use crate::resolve::Resolved;

/// 2^63: the first f64 above every i64.
const I64_END: f64 = 9_223_372_036_854_775_808.0;

pub(super) struct Integer;

impl Kind for Integer {
    fn key(&self, value: &Value) -> Option<Vec<u8>> {
        integer_of(value).map(|n| key(n).to_vec())
    }

    fn matching(&self, matching: &Match, index: &PayloadIndex) -> Option<Resolved> {
        match matching {
            Match::Value(Scalar::Integer(n)) => exactly(index.any_of([key(*n)])),
            Match::Any(Scalars::Integers(list)) => {
                exactly(index.any_of(list.iter().map(|n| key(*n))))
            }
            // Among integers only: so clients know `except` on an integer index.
            Match::Except(Scalars::Integers(list)) => {
                exactly(index.any_beside(list.iter().map(|n| key(*n))))
            }
            Match::Value(_) | Match::Any(_) | Match::Except(_) => None,
        }
    }

    fn range(&self, range: &Range, index: &PayloadIndex) -> Option<Resolved> {
        match range {
            Range::Number(bounds) => exactly(integers_between(index, bounds)),
            Range::Datetime(_) => None,
        }
    }
}

pub(super) fn key(n: i64) -> [u8; 8] {
    // Without its sign bit turned a negative number would order behind the positive ones.
    (n ^ i64::MIN).to_be_bytes()
}

/// The integer an index takes a number for: `1.0` is `1`, and what is outside of i64 is none.
fn integer_of(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64()?;
            let is_whole = number.fract() == 0.0 && (-I64_END..I64_END).contains(&number);
            is_whole.then_some(number as i64)
        }
        _ => value.as_i64(),
    }
}

/// Slots with an integer that keeps the bounds when both are compared as f64. Several
/// integers round to one f64, so the ends are searched for rather than computed.
fn integers_between(index: &PayloadIndex, bounds: &Bounds<f64>) -> RoaringBitmap {
    let Bounds { lt, gt, gte, lte } = bounds;
    let from = first(|n| {
        gt.is_none_or(|bound| n as f64 > bound) && gte.is_none_or(|bound| n as f64 >= bound)
    });
    let end = first(|n| {
        lt.is_some_and(|bound| n as f64 >= bound) || lte.is_some_and(|bound| n as f64 > bound)
    });
    let Some(from) = from else { return RoaringBitmap::new() };
    let from = key(from);
    match end {
        Some(end) => index.between(Bound::Included(&from), Bound::Excluded(&key(end))),
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_as_integers(a: i64, b: i64) {
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }
    }
}
