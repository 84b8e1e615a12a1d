//! Numbers as f64: their bits, turned so that they order as the numbers do.

use serde_json::Value;

use super::{Kind, between, exactly};
use crate::bounds::Bounds;
use crate::filter::Range;
use crate::number::Number;
use crate::payload_index::PayloadIndex;
use crate::resolve::Resolved;
use crate::stored_value::Stored;

pub(super) struct Float;

impl Kind for Float {
    fn key(&self, value: &Value) -> Option<Vec<u8>> {
        value.as_f64().map(|number| key(number).to_vec())
    }

    fn stored(&self, key: &[u8]) -> Stored {
        read(key).map_or(Stored::Untold, Stored::Float)
    }

    fn first_key(&self, from: Number, _: bool) -> Option<Vec<u8>> {
        Some(key(from.as_f64()).to_vec())
    }

    fn range(&self, range: &Range, index: &PayloadIndex) -> Option<Resolved> {
        match range {
            Range::Number(bounds) if is_exact(bounds) => {
                exactly(between(index, bounds, |bound| key(bound.as_f64())))
            }
            Range::Number(bounds) => {
                let slots = between(index, &inclusive(bounds), |bound| key(bound.as_f64()));
                // Of the numbers that share the f64 of a bound some may lie beyond it.
                Some(Resolved { slots, exact: false })
            }
            Range::Datetime(_) => None,
        }
    }
}

/// 2^53: whole numbers below it are exact as f64, so that none shares its key.
const ROUNDED_FROM: f64 = 9_007_199_254_740_992.0;

/// Whether a key on the wrong side of every bound is that of a value on the wrong side.
fn is_exact(Bounds { lt, gt, gte, lte }: &Bounds<Number>) -> bool {
    [lt, gt, gte, lte].into_iter().flatten().all(|bound| bound.as_f64().abs() < ROUNDED_FROM)
}

/// The same bounds with what is equal to them. Rounding keeps the order, so that whatever keeps
/// the bounds keeps these by its key.
fn inclusive(Bounds { lt, gt, gte, lte }: &Bounds<Number>) -> Bounds<Number> {
    let greater = |a: Number, b: Number| if a > b { a } else { b };
    let smaller = |a: Number, b: Number| if a < b { a } else { b };
    Bounds {
        lt: None,
        gt: None,
        gte: [*gt, *gte].into_iter().flatten().reduce(greater),
        lte: [*lt, *lte].into_iter().flatten().reduce(smaller),
    }
}

/// Both zeros have one key. `n` is not NaN: JSON has none.
pub(super) fn key(n: f64) -> [u8; 8] {
    // The addition turns -0 into 0, and nothing else into anything else.
    let bits = (n + 0.0).to_bits();
    // Larger magnitudes below zero are smaller numbers, hence all bits turn there.
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    ordered.to_be_bytes()
}

/// The number of a key.
fn read(key: &[u8]) -> Option<f64> {
    let ordered = u64::from_be_bytes(key.try_into().ok()?);
    let bits = if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered };
    Some(f64::from_bits(bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_as_numbers(x in -1e300..1e300, y in -1e300..1e300) {
            prop_assert_eq!(key(x).cmp(&key(y)), x.total_cmp(&y));
            prop_assert_eq!(read(&key(x)), Some(x));
        }
    }
}
