//! Numbers as f64: their bits, turned so that they order as the numbers do.

use serde_json::Value;

use super::{Kind, between, exactly};
use crate::filter::Range;
use crate::payload_index::PayloadIndex;
use crate::resolve::Resolved;

pub(super) struct Float;

impl Kind for Float {
    fn key(&self, value: &Value) -> Option<Vec<u8>> {
        value.as_f64().map(|number| key(number).to_vec())
    }

    fn range(&self, range: &Range, index: &PayloadIndex) -> Option<Resolved> {
        match range {
            Range::Number(bounds) => exactly(between(index, bounds, |bound| key(*bound))),
            Range::Datetime(_) => None,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_as_numbers(x in -1e300..1e300, y in -1e300..1e300) {
            prop_assert_eq!(key(x).cmp(&key(y)), x.total_cmp(&y));
        }
    }
}
