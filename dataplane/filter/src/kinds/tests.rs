use serde_json::json;

use super::*;

fn keys(ty: FieldType, value: Value) -> Vec<Vec<u8>> {
    let payload = Payload::from_iter([("f".to_owned(), value)]);
    index_keys(&"f".parse().unwrap(), ty, &payload)
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
    assert_eq!(keys(FieldType::Integer, json!([2, 1, 1.0])), [integer::key(1), integer::key(2)]);
    assert_eq!(keys(FieldType::Float, json!([0.0, -0.0, 0])), [float::key(0.0)]);
    let id = "550e8400-e29b-41d4-a716-446655440000";
    assert_eq!(keys(FieldType::Uuid, json!([id, id.to_uppercase(), id.replace('-', "")])).len(), 1);
    assert_eq!(keys(FieldType::Datetime, json!(["2024-01-01", "2024-01-01T00:00:00Z"])).len(), 1);
}

#[test]
fn integers_beyond_i64_are_not_indexed() {
    for big in [json!(u64::MAX), json!(1e19), json!(9_223_372_036_854_775_808.0), json!(-1e300)] {
        assert!(keys(FieldType::Integer, big).is_empty());
    }
    assert_eq!(
        keys(FieldType::Integer, json!(-9_223_372_036_854_775_808.0)),
        [integer::key(i64::MIN)]
    );
}
