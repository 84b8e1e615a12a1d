//! Keys of indexed values. Bytes order as the values do, and no key is the beginning of
//! another, so a slot can follow one in a stored key.

use serde_json::Value;
use uuid::Uuid;
use vane_types::{FieldType, JsonPath, Payload};
use xxhash_rust::xxh3::xxh3_128;

use crate::datetime::parse_micros;
use crate::geo::{Point, cell};
use crate::operator::elements;

/// Bytes of a keyword that stand in its key; of a longer one a hash follows.
const KEYWORD_BYTES_MAX: usize = 256;
/// 2^63: the first f64 above every i64.
const I64_END: f64 = 9_223_372_036_854_775_808.0;

/// Keys that `payload` yields for an index of type `ty` on `field`: ascending, each once.
/// The elements of an array count as values, those of arrays within it do not. What is no
/// value of the type yields no key.
pub fn index_keys(field: &JsonPath, ty: FieldType, payload: &Payload) -> Vec<Vec<u8>> {
    let values = field.values(payload);
    let mut keys: Vec<_> =
        values.into_iter().flat_map(elements).filter_map(|it| key_of(ty, it)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn key_of(ty: FieldType, value: &Value) -> Option<Vec<u8>> {
    match ty {
        FieldType::Keyword => value.as_str().map(keyword),
        FieldType::Integer => integer_of(value).map(|it| integer(it).to_vec()),
        FieldType::Float => value.as_f64().map(|it| float(it).to_vec()),
        FieldType::Bool => value.as_bool().map(|it| boolean(it).to_vec()),
        FieldType::Geo => Point::of_value(value).map(|it| cell(it).morton().to_be_bytes().to_vec()),
        FieldType::Datetime => value.as_str().and_then(parse_micros).map(|it| integer(it).to_vec()),
        FieldType::Uuid => value.as_str().and_then(uuid),
    }
}

/// The integer an index takes a number for: `1.0` is `1`, and what is outside of i64 is none.
fn integer_of(value: &Value) -> Option<i64> {
    let whole = |it: &f64| it.fract() == 0.0 && (-I64_END..I64_END).contains(it);
    match value {
        Value::Number(number) if number.is_f64() => {
            number.as_f64().filter(whole).map(|it| it as i64)
        }
        _ => value.as_i64(),
    }
}

/// Whether two different keywords can have this one's key.
pub(crate) fn keyword_is_cut(text: &str) -> bool {
    text.len() > KEYWORD_BYTES_MAX
}

/// A zero byte becomes `00 FF`. Then `00 00` ends a whole keyword, `00 01` and the hash of
/// all its bytes one that was cut.
pub(crate) fn keyword(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let kept = &bytes[..bytes.len().min(KEYWORD_BYTES_MAX)];
    let mut key = Vec::with_capacity(kept.len() + 2);
    for &byte in kept {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    if keyword_is_cut(text) {
        key.extend([0, 1]);
        key.extend(xxh3_128(bytes).to_be_bytes());
    } else {
        key.extend([0, 0]);
    }
    key
}

pub(crate) fn integer(n: i64) -> [u8; 8] {
    (n ^ i64::MIN).to_be_bytes()
}

/// Both zeros have one key. `n` is not NaN: JSON has none.
pub(crate) fn float(n: f64) -> [u8; 8] {
    let bits = (n + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    ordered.to_be_bytes()
}

pub(crate) fn boolean(it: bool) -> [u8; 1] {
    [u8::from(it)]
}

/// The same for all spellings of a UUID; `None` for other text.
pub(crate) fn uuid(text: &str) -> Option<Vec<u8>> {
    Uuid::parse_str(text).ok().map(|it| it.into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn keys(ty: FieldType, value: Value) -> Vec<Vec<u8>> {
        let payload = Payload::from_iter([("f".to_owned(), value)]);
        index_keys(&"f".parse().unwrap(), ty, &payload)
    }

    proptest! {
        #[test]
        fn keys_order_as_values(a: i64, b: i64, x in -1e300..1e300, y in -1e300..1e300, s in "[\0a]{0,4}", t in "[\0a]{0,4}") {
            prop_assert_eq!(integer(a).cmp(&integer(b)), a.cmp(&b));
            prop_assert_eq!(float(x).cmp(&float(y)), x.total_cmp(&y));
            prop_assert_eq!(keyword(&s).cmp(&keyword(&t)), s.cmp(&t));
            prop_assert!(s == t || !keyword(&s).starts_with(&keyword(&t)));
        }
    }

    #[test]
    fn values_of_other_types_yield_no_key() {
        let all = json!([null, true, 1, 1.5, "x", "2024-01-01", {"lon": 1, "lat": 2}, [1], {}]);
        for (ty, count) in [
            (FieldType::Keyword, 2),
            (FieldType::Integer, 1),
            (FieldType::Float, 2),
            (FieldType::Bool, 1),
            (FieldType::Geo, 1),
            (FieldType::Datetime, 1),
            (FieldType::Uuid, 0),
        ] {
            assert_eq!(keys(ty, all.clone()).len(), count, "{ty:?}");
        }
        assert!(keys(FieldType::Geo, json!({"lon": 181, "lat": 0})).is_empty());
        assert!(keys(FieldType::Geo, json!({"lon": "1", "lat": 0})).is_empty());
    }

    #[test]
    fn equal_values_share_a_key_and_are_listed_once() {
        assert_eq!(keys(FieldType::Integer, json!([2, 1, 1.0])), [integer(1), integer(2)]);
        assert_eq!(keys(FieldType::Float, json!([0.0, -0.0, 0])), [float(0.0)]);
        let id = "550e8400-e29b-41d4-a716-446655440000";
        assert_eq!(
            keys(FieldType::Uuid, json!([id, id.to_uppercase(), id.replace('-', "")])).len(),
            1
        );
        assert_eq!(
            keys(FieldType::Datetime, json!(["2024-01-01", "2024-01-01T00:00:00Z"])).len(),
            1
        );
    }

    #[test]
    fn integers_beyond_i64_are_not_indexed() {
        for big in [json!(u64::MAX), json!(1e19), json!(9_223_372_036_854_775_808.0), json!(-1e300)]
        {
            assert!(keys(FieldType::Integer, big).is_empty());
        }
        assert_eq!(
            keys(FieldType::Integer, json!(-9_223_372_036_854_775_808.0)),
            [integer(i64::MIN)]
        );
    }

    #[test]
    fn long_keywords_have_short_keys_of_their_own() {
        let (a, b) = ("a".repeat(1000), "a".repeat(999) + "b");
        assert_ne!(keyword(&a), keyword(&b));
        assert_eq!(keyword(&a).len(), KEYWORD_BYTES_MAX + 2 + 16);
        assert!(keyword(&"a".repeat(256)) < keyword(&a));
        // Cut inside a character.
        assert!(keyword(&("a".repeat(255) + "éé")).len() <= KEYWORD_BYTES_MAX + 18);
    }
}
