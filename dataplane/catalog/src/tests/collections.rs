//! Collections: made once, deleted with all that is theirs, divided over shards.

use proptest::prelude::*;
use vane_types::PointId;

use super::*;

#[test]
fn a_second_creation_with_the_same_key_changes_nothing() {
    let mut state = founded();
    let before = state.clone();
    assert!(state.apply(create("c", &[&[1]], "key")).is_ok());
    assert!(state.apply(create("c", &[&[1]], "other")).is_err());
    assert!(state.apply(create("d", &[&[77]], "")).is_err(), "there is no such node");
    assert_eq!(state, before);
    let wrong_key = MetaCommand::Delete { name: "c".into(), key: "other".into() };
    assert!(state.apply(wrong_key).is_err());
    state.apply(MetaCommand::Delete { name: "c".into(), key: "key".into() }).unwrap();
    assert!(state.shards.is_empty() && state.collections.is_empty());
}

proptest! {
    /// Every point is in one shard, and shards halve: a point of shard k of n is in 2k or 2k+1 of 2n.
    #[test]
    fn shards_are_ranges_that_halve(id in any::<u64>(), shards in 1_usize..500) {
        let shard = shard_of(PointId::Num(id), shards);
        prop_assert!(shard < shards);
        prop_assert_eq!(shard_of(PointId::Num(id), shards * 2) / 2, shard);
    }
}
