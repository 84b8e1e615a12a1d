use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

fn vector() -> impl Strategy<Value = Vector> {
    let values = || -1e30..1e30_f32;
    prop_oneof![
        vec(values(), 0..5).prop_map(Vector::from),
        btree_map(any::<u32>(), values(), 0..5).prop_map(|pairs| {
            let (indices, values) = pairs.into_iter().unzip();
            SparseVector::new(indices, values).unwrap().into()
        }),
        vec([values(), values()], 1..4)
            .prop_map(|rows| MultiVector::of_rows(&rows).unwrap().into()),
    ]
}

proptest! {
    #[test]
    fn every_kind_is_read_as_it_was_logged(name in ".{0,4}", vector in vector()) {
        let logged = LoggedVector::new(name.clone(), vector.clone()).encode_to_vec();
        let read = LoggedVector::decode(logged.as_slice()).unwrap().into_parts();
        prop_assert_eq!(read, Ok((name, vector)));
    }
}

/// Bytes that logs hold since the first version, for dense ones.
#[test]
fn logged_bytes_stay_as_they_are() {
    let logged = |vector: Vector| LoggedVector::new("a".into(), vector).encode_to_vec();
    let half = 0.5_f32.to_le_bytes();
    assert_eq!(logged(vec![0.5, 0.5].into()), [&[10, 1, 97, 18, 8], &half[..], &half].concat());
    assert_eq!(logged(Vec::new().into()), [10, 1, 97]);
    let later = LoggedVector { id: 300, ..LoggedVector::new("a".into(), Vec::new().into()) };
    assert_eq!(later.encode_to_vec(), [10, 1, 97, 40, 172, 2]);
    let sparse = SparseVector::new(vec![7], vec![0.5]).unwrap();
    let expected = [&[10, 1, 97, 26, 9, 10, 1, 7, 18, 4], &half[..]].concat();
    assert_eq!(logged(sparse.into()), expected);
    let rows = MultiVector::of_rows(&[[0.5], [0.5]]).unwrap();
    let expected = [&[10, 1, 97, 34, 12, 8, 1, 18, 8], &half[..], &half].concat();
    assert_eq!(logged(rows.into()), expected);
}

#[test]
fn what_was_logged_damaged_is_no_vector() {
    let sparse = Sparse { indices: vec![1, 1], values: vec![0.5; 2] };
    let multi = Multi { dim: 0, values: vec![0.5] };
    for other in [OtherKind::Sparse(sparse.into()), OtherKind::Multi(multi.into())] {
        let empty = LoggedVector::new(String::new(), Vec::new().into());
        let logged = LoggedVector { other: Some(other), ..empty };
        assert!(logged.into_parts().is_err());
    }
}

/// As it is read by versions that have a list of floats there, and as theirs is read here.
#[derive(Clone, PartialEq, Message)]
struct OfFloats {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(float, repeated, tag = "2")]
    values: Vec<f32>,
}

proptest! {
    #[test]
    fn dense_ones_are_a_list_of_floats(name in ".{0,4}", values in vec(any::<f32>(), 0..40)) {
        let logged = LoggedVector::new(name.clone(), values.clone().into()).encode_to_vec();
        prop_assert_eq!(&logged, &OfFloats { name, values }.encode_to_vec());
    }
}

#[test]
fn bytes_that_are_no_floats_are_no_vector() {
    for bytes in [1, 2, 3, 5, 1023] {
        let logged = LoggedVector { values: vec![0; bytes], ..LoggedVector::default() };
        assert_eq!(logged.into_parts(), Err(NoVector::Bytes(bytes)));
    }
}
