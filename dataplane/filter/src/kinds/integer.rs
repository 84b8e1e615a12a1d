//! 64-bit integers, big-endian with the sign turned. What else a field holds has a key too, one
//! for other numbers and one for the rest: so the index knows what it does not know.

use std::ops::Bound;

use roaring::RoaringBitmap;
use serde_json::Value;

use super::{Kind, exactly};
use crate::bounds::Bounds;
use crate::filter::{Match, Range, Scalar, Scalars};
use crate::number::Number;
use crate::payload_index::PayloadIndex;
use crate::resolve::Resolved;
use crate::stored_value::Stored;

/// Key of fractions, of whole numbers with a point, and of numbers beyond i64. It begins with that
/// of the greatest integer, and is longer.
const OTHER_NUMBER: [u8; 9] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
/// Key of what is neither a number nor null.
const NO_NUMBER: [u8; 9] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];

pub(super) struct Integer;

impl Kind for Integer {
    fn key(&self, value: &Value) -> Option<Vec<u8>> {
        match value {
            Value::Null => None,
            Value::Number(number) => Some(match number.as_i64() {
                Some(n) => key(n).to_vec(),
                None => OTHER_NUMBER.to_vec(),
            }),
            Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                Some(NO_NUMBER.to_vec())
            }
        }
    }

    fn stored(&self, key: &[u8]) -> Stored {
        read(key).map_or(Stored::Untold, Stored::Integer)
    }

    fn first_key(&self, from: Number, descending: bool) -> Option<Vec<u8>> {
        Some(first_key(from, descending))
    }

    fn matching(&self, matching: &Match, index: &PayloadIndex) -> Option<Resolved> {
        match matching {
            Match::Value(Scalar::Integer(n)) => exactly(index.any_of([key(*n)])),
            Match::Any(Scalars::Integers(list)) => {
                exactly(index.any_of(list.iter().map(|n| key(*n))))
            }
            // Whatever is not null and no integer has a key, and is beside all integers.
            Match::Except(Scalars::Integers(list)) => {
                exactly(index.any_beside(list.iter().map(|n| key(*n))))
            }
            Match::Value(_)
            | Match::Any(_)
            | Match::Except(_)
            | Match::Text(_)
            | Match::TextAny(_)
            | Match::Phrase(_)
            | Match::Prefix(_)
            | Match::Substring(_) => None,
        }
    }

    fn range(&self, range: &Range, index: &PayloadIndex) -> Option<Resolved> {
        let Range::Number(bounds) = range else { return None };
        // What the other numbers are the evaluator has to look at, where there are any.
        let others = index.any_of([OTHER_NUMBER]);
        let exact = others.is_empty();
        Some(Resolved { slots: integers_between(index, bounds) | others, exact })
    }

    fn of_type(&self, index: &PayloadIndex) -> RoaringBitmap {
        index.any_beside([OTHER_NUMBER, NO_NUMBER])
    }
}

pub(super) fn key(n: i64) -> [u8; 8] {
    // Without its sign bit turned a negative number would order behind the positive ones.
    (n ^ i64::MIN).to_be_bytes()
}

/// The integer of a key.
pub(super) fn read(key: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(key.try_into().ok()?) ^ i64::MIN)
}

/// The key of the first integer from a number on, or of the nearest to it.
pub(super) fn first_key(from: Number, descending: bool) -> Vec<u8> {
    let whole = if descending { from.floor() } else { from.ceil() };
    let (least, greatest) = (i64::MIN.into(), i64::MAX.into());
    key(i64::try_from(whole.clamp(least, greatest)).unwrap_or_default()).to_vec()
}

/// Slots with an integer that keeps the bounds.
fn integers_between(index: &PayloadIndex, bounds: &Bounds<Number>) -> RoaringBitmap {
    let Bounds { lt, gt, gte, lte } = bounds;
    // Bounds are of 64 bits or stop at the ends of i128, where one more stays where it is.
    let above = gt.map(|bound| bound.floor().saturating_add(1));
    let below = lt.map(|bound| bound.ceil().saturating_sub(1));
    let first = [above, gte.map(Number::ceil)].into_iter().flatten().max();
    let last = [below, lte.map(Number::floor)].into_iter().flatten().min();
    let first = first.unwrap_or(i64::MIN.into()).max(i64::MIN.into());
    let last = last.unwrap_or(i64::MAX.into()).min(i64::MAX.into());
    match (i64::try_from(first), i64::try_from(last)) {
        (Ok(first), Ok(last)) => {
            index.between(Bound::Included(&key(first)), Bound::Included(&key(last)))
        }
        // They begin beyond all integers, or end before them.
        _ => RoaringBitmap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_as_integers(a: i64, b: i64) {
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            prop_assert_eq!(read(&key(a)), Some(a));
        }
    }

    #[test]
    fn other_values_order_behind_all_integers() {
        assert_eq!((read(&OTHER_NUMBER), read(&NO_NUMBER)), (None, None));
        assert!(key(i64::MAX)[..] < OTHER_NUMBER[..] && OTHER_NUMBER < NO_NUMBER);
    }
}
