use vane_types::{MultiVector, SparseVector, Vector};

use super::{AnyVector, Columns, NOT_SUPPORTED, PointVectors};

fn read(json: &str) -> Result<Vector, serde_json::Error> {
    serde_json::from_str(json).map(|AnyVector(vector)| vector)
}

#[test]
fn both_forms_of_point_vectors_are_read() {
    let unnamed: PointVectors = serde_json::from_str("[1, -2, 0.5e0]").unwrap();
    assert_eq!(unnamed.0[""], vec![1.0, -2.0, 0.5].into());
    let named: PointVectors = serde_json::from_str(r#"{"a": [1], "b": []}"#).unwrap();
    assert_eq!((&named.0["a"], &named.0["b"]), (&vec![1.0].into(), &Vec::new().into()));
    assert!(serde_json::from_str::<PointVectors>(r#"{"a": [1], "a": [2]}"#).is_err());
    let columns: Columns = serde_json::from_str(r#"{"a": [[1], null]}"#).unwrap();
    assert_eq!(columns.0["a"], [Some(AnyVector(vec![1.0].into())), None]);
}

#[test]
fn every_kind_of_vector_is_read() {
    let rows: Vector = MultiVector::of_rows(&[[1.0, 2.0], [3.5, -4.0]]).unwrap().into();
    assert_eq!(read("[[1, 2], [3.5, -4]]").unwrap(), rows);
    let unnamed: PointVectors = serde_json::from_str("[[1, 2], [3.5, -4]]").unwrap();
    assert_eq!(unnamed.0[""], rows);
    let sparse: Vector = SparseVector::new(vec![2, 9], vec![0.5, 1.0]).unwrap().into();
    for json in
        [r#"{"indices": [9, 2], "values": [1, 0.5]}"#, r#"{"values": [0.5, 1], "indices": [2, 9]}"#]
    {
        assert_eq!(read(json).unwrap(), sparse);
    }
    let named = r#"{"s": {"indices": [2, 9], "values": [0.5, 1]}, "m": [[1, 2], [3.5, -4]]}"#;
    let named: PointVectors = serde_json::from_str(named).unwrap();
    assert_eq!((&named.0["s"], &named.0["m"]), (&sparse, &rows));
}

#[test]
fn numbers_beyond_f32_are_infinite_and_beyond_f64_an_error() {
    let infinite = [f32::INFINITY, f32::NEG_INFINITY];
    for json in
        ["[1e39, -1e39]", "[[1e39, -1e39]]", r#"{"indices": [1, 2], "values": [1e39, -1e39]}"#]
    {
        assert_eq!(read(json).unwrap().values(), infinite, "{json}");
    }
    assert!(read("[1e999]").is_err());
}

#[test]
fn what_is_no_vector_is_refused_and_inference_named() {
    for json in [r#"{"text": "x", "model": "m"}"#, "{}"] {
        let error = read(json).unwrap_err().to_string();
        assert!(error.contains("inference") && error.contains(NOT_SUPPORTED), "{json}: {error}");
    }
    for json in ["[null]", "[\"1\"]", "1", "null", "\"x\"", "[true]", "[NaN]"] {
        assert!(read(json).is_err(), "{json}");
    }
    for (json, named) in [
        ("[1, [2]]", "a number"),
        ("[[1], 2]", "a list of numbers"),
        (
            "[[1], [2, 3]]",
            "data: all vectors must have the same dimension, found vector with dimension 2",
        ),
        ("[[]]", "data: all vectors must be non-empty"),
        ("[[1], []]", "data: all vectors must be non-empty"),
        ("[[[1]]]", "a number"),
        (r#"{"indices": [1]}"#, "`indices` and `values`"),
        (r#"{"indices": [1], "values": [1], "x": 1}"#, "`indices` and `values`"),
        (
            r#"{"indices": [1, 2], "values": [1]}"#,
            "values: Validation error: must be the same length as indices [{}]",
        ),
        (
            r#"{"indices": [7, 7], "values": [1, 2]}"#,
            "indices: Validation error: must be unique [{}]",
        ),
        (r#"{"indices": [-1], "values": [1]}"#, "u32"),
        (r#"{"indices": [1], "values": [[1]]}"#, "a number"),
    ] {
        let error = read(json).unwrap_err().to_string();
        assert!(error.contains(named) && !error.contains(NOT_SUPPORTED), "{json}: {error}");
    }
}
