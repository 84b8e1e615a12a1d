use serde_json::json;

use super::*;

fn keys(schema: FieldSchema, value: Value) -> Vec<Vec<u8>> {
    let payload = Payload::from_iter([("f".to_owned(), value)]);
    index_keys(&"f".parse().unwrap(), &schema, &payload)
}

#[test]
fn values_of_other_types_yield_no_key() {
    let all = json!([null, true, 1, 1.5, "x", "2024-01-01", {"lon": 1, "lat": 2}, [1], {}]);
    for (schema, count) in [
        (FieldSchema::Keyword, 2),
        // The integer, the fraction, and one for all that is no number.
        (FieldSchema::Integer, 3),
        (FieldSchema::Float, 2),
        (FieldSchema::Bool, 1),
        (FieldSchema::Geo, 1),
        (FieldSchema::Datetime, 1),
        (FieldSchema::Uuid, 0),
    ] {
        assert_eq!(keys(schema.clone(), all.clone()).len(), count, "{schema:?}");
    }
    assert!(keys(FieldSchema::Geo, json!({"lon": 181, "lat": 0})).is_empty());
    assert!(keys(FieldSchema::Geo, json!({"lon": "1", "lat": 0})).is_empty());
}

#[test]
fn equal_values_share_a_key_and_are_listed_once() {
    assert_eq!(keys(FieldSchema::Integer, json!([2, 1, 2])), [integer::key(1), integer::key(2)]);
    assert_eq!(keys(FieldSchema::Integer, json!([1.5, 1.0, "x", true])).len(), 2);
    assert_eq!(keys(FieldSchema::Float, json!([0.0, -0.0, 0])), [float::key(0.0)]);
    let id = "550e8400-e29b-41d4-a716-446655440000";
    assert_eq!(
        keys(FieldSchema::Uuid, json!([id, id.to_uppercase(), id.replace('-', "")])).len(),
        1
    );
    assert_eq!(keys(FieldSchema::Datetime, json!(["2024-01-01", "2024-01-01T00:00:00Z"])).len(), 1);
}

#[test]
fn numbers_that_are_no_integers_are_no_values_of_an_integer_index() {
    let others = [json!(u64::MAX), json!(1e19), json!(1.0), json!(-1e300), json!("1"), json!([1])];
    let mut index = PayloadIndex::new(FieldSchema::Integer);
    for (slot, value) in (0..).zip([json!(i64::MIN)].iter().chain(&others)) {
        let key = integer::Integer.key(value).expect("only null has no key");
        index.insert(&key, slot);
    }
    assert_eq!(index.slots_with_value().len(), 7);
    assert_eq!(slots_of_type(&index), RoaringBitmap::from_iter([0]));
}
