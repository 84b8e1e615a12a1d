//! Collections: made once, deleted with all that is theirs, divided over shards.

use proptest::prelude::*;
use vane_types::{PointId, RangeEpoch};

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

/// A collection with so many shards, of which nothing else matters.
fn divided(shards: usize) -> CollectionEntry {
    CollectionEntry {
        config: config(),
        shards: (1..=shards as u64).map(GroupId).collect(),
        replication_factor: 1,
        write_consistency_factor: 1,
        key: String::new(),
    }
}

fn any_id() -> impl Strategy<Value = PointId> {
    prop_oneof![
        any::<u64>().prop_map(PointId::Num),
        any::<u128>().prop_map(|number| PointId::Uuid(Uuid::from_u128(number))),
    ]
}

#[test]
fn a_collection_without_shards_routes_nowhere() {
    assert_eq!(divided(0).route(PointId::Num(1)), None);
}

#[test]
fn a_shard_knows_the_range_that_points_are_routed_by() {
    let state = founded();
    let collection = &state.collections["c"];
    for id in (0..100).map(PointId::Num) {
        let route = collection.route(id).unwrap();
        let shard = &state.shards[&route.group];
        assert_eq!(
            (shard.ordinal, shard.range(collection.shards.len())),
            (route.ordinal, route.range)
        );
    }
}

proptest! {
    /// The formula by which stored points lie in their shards.
    #[test]
    fn a_point_is_where_it_always_was(id in any_id(), shards in 1_usize..=1024) {
        let by_formula = ((u128::from(id.routing_hash()) * shards as u128) >> 64) as usize;
        let route = divided(shards).route(id).unwrap();
        prop_assert_eq!(route.ordinal, by_formula);
        prop_assert_eq!(route.group, GroupId(by_formula as u64 + 1));
        prop_assert!(route.range.contains(id.routing_hash()));
        prop_assert_eq!(route.epoch, RangeEpoch::FIRST);
    }

    /// Every point is in one shard, and shards halve: a point of shard k of n is in 2k or 2k+1 of 2n.
    #[test]
    fn shards_are_ranges_that_halve(id in any_id(), shards in 1_usize..500) {
        let shard = divided(shards).shard_of(id);
        prop_assert!(shard < shards);
        prop_assert_eq!(divided(shards * 2).shard_of(id) / 2, shard);
    }
}
