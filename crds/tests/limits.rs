//! The bounds of the API beside the limits of the database.

use vane_crds::limits as api;
use vane_types::limits as database;

/// Bytes of the longest character in UTF-8.
const CHAR_BYTES_MAX: usize = 4;

fn count(bound: i32) -> usize {
    usize::try_from(bound).expect("a bound is not negative")
}

#[test]
fn names_sizes_and_copies_have_the_same_bound_on_both_sides() {
    assert_eq!(api::COLLECTION_NAME_CHARS_MAX, database::COLLECTION_NAME_CHARS_MAX);
    assert_eq!(api::VECTOR_NAME_CHARS_MAX, database::VECTOR_NAME_CHARS_MAX);
    assert_eq!(count(api::VECTOR_SIZE_MAX), database::VECTOR_DIM_MAX);
    assert_eq!(api::REPLICAS_MAX.cast_unsigned(), database::REPLICAS_MAX);
    assert_eq!(api::DATABASE_SHARDS_MAX.cast_unsigned(), database::SHARDS_MAX);
}

#[test]
fn the_database_takes_whatever_the_api_server_accepts() {
    for (what, bound, limit) in [
        ("shards", count(api::SHARDS_MAX), database::SHARDS_MAX as usize),
        ("vectors", api::VECTORS_MAX, database::NAMED_VECTORS_MAX),
        ("payload indexes", api::PAYLOAD_INDEXES_MAX, database::PAYLOAD_INDEXES_MAX),
        (
            "bytes of a payload field's path",
            api::PAYLOAD_FIELD_CHARS_MAX * CHAR_BYTES_MAX,
            database::PAYLOAD_KEY_BYTES_MAX,
        ),
    ] {
        assert!(bound <= limit, "{what}: {bound} here, {limit} in the database");
    }
}
