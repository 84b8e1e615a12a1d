//! Collections: made once, deleted with all that is theirs, divided over shards.

use proptest::prelude::*;
use vane_types::limits::COLLECTIONS_MAX;
use vane_types::{KeyRange, PointId, RangeEpoch, Refusal};

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

#[test]
fn a_collection_is_made_with_its_shards_where_they_were_placed() {
    let state = founded();
    let collection = &state.collections["c"];
    assert_eq!(collection.shards, [GroupId(1), GroupId(2)]);
    assert_eq!((collection.replication_factor, collection.write_consistency_factor), (3, 2));
    for (ordinal, nodes) in [[1, 2, 3], [2, 3, 4]].iter().enumerate() {
        let shard = &state.shards[&collection.shards[ordinal]];
        let peers: Vec<PeerId> = nodes.iter().map(|node| peer(*node, 1)).collect();
        assert_eq!((shard.ordinal, shard.collection.as_str()), (ordinal, "c"));
        assert_eq!((&shard.first, &shard.conf.voters), (&peers, &peers));
        assert_eq!((shard.epoch, shard.revision, &shard.target), (0, 0, &None));
        assert_eq!(shard.nodes(), numbered(nodes));
    }
}

#[test]
fn a_name_that_is_an_alias_is_taken() {
    let mut state = founded();
    let alias = AliasChange::Create { collection: "c".into(), alias: "a".into() };
    state.apply(MetaCommand::Aliases(vec![alias])).unwrap();
    let refused = state.apply(create("a", &[&[1]], "")).unwrap_err();
    assert_eq!(refused, Refusal::AlreadyExists("Alias `a`".into()));
}

#[test]
fn there_are_no_more_collections_than_the_limit() {
    let mut state = founded();
    for number in 1..COLLECTIONS_MAX {
        state.apply(create(&format!("c{number}"), &[&[1]], "")).unwrap();
    }
    let refused = state.apply(create("one-more", &[&[1]], "")).unwrap_err();
    assert!(matches!(&refused, Refusal::Invalid(text) if text.contains("10000")), "{refused}");
    state.apply(MetaCommand::Delete { name: "c".into(), key: String::new() }).unwrap();
    state.apply(create("one-more", &[&[1]], "")).unwrap();
}

#[test]
fn a_configuration_changes_without_payload_indexes_and_keeps_what_is_not_named() {
    let mut state = founded();
    let mut changed = config();
    changed.hnsw.m = 99;
    changed.payload_schema =
        BTreeMap::from([("k".parse().unwrap(), vane_types::FieldType::Keyword)]);
    let configure = |factor| {
        MetaCommand::Configure(Configure {
            name: "c".into(),
            config: changed.clone(),
            write_consistency_factor: factor,
        })
    };
    state.apply(configure(None)).unwrap();
    let entry = &state.collections["c"];
    assert_eq!((entry.config.hnsw.m, entry.write_consistency_factor), (99, 2));
    assert!(entry.config.payload_schema.is_empty(), "they are each shard's own");
    state.apply(configure(Some(1))).unwrap();
    assert_eq!(state.collections["c"].write_consistency_factor, 1);
    let unknown = Configure { name: "d".into(), config: config(), write_consistency_factor: None };
    let refused = state.apply(MetaCommand::Configure(unknown)).unwrap_err();
    assert_eq!(refused, collection_not_found("d"));
}

#[test]
fn a_deleted_collection_takes_its_aliases_and_shards_and_no_others() {
    let mut state = founded();
    state.apply(create("d", &[&[1]], "")).unwrap();
    let alias = |collection: &str, alias: &str| AliasChange::Create {
        collection: collection.into(),
        alias: alias.into(),
    };
    let aliases = vec![alias("c", "x"), alias("d", "y"), alias("c", "z")];
    state.apply(MetaCommand::Aliases(aliases)).unwrap();
    state.apply(MetaCommand::Delete { name: "c".into(), key: String::new() }).unwrap();
    assert_eq!(state.collections.keys().collect::<Vec<_>>(), ["d"]);
    assert_eq!(state.aliases, BTreeMap::from([("y".to_owned(), "d".to_owned())]));
    assert_eq!(state.shards.keys().collect::<Vec<_>>(), [&GroupId(3)]);
    let again = MetaCommand::Delete { name: "c".into(), key: String::new() };
    assert_eq!(state.apply(again), Err(collection_not_found("c")));
    state.apply(create("c", &[&[1]], "")).unwrap();
    assert_eq!(state.collections["c"].shards, [GroupId(4)], "a group is never used twice");
}

/// A collection with so many shards, of which nothing else matters.
fn divided(shards: usize) -> CollectionEntry {
    let groups = (1..=shards as u64).map(GroupId).collect();
    CollectionEntry::new(config(), groups, (1, 1), String::new())
}

fn any_id() -> impl Strategy<Value = PointId> {
    prop_oneof![
        any::<u64>().prop_map(PointId::num),
        any::<u128>().prop_map(|number| PointId::uuid(Uuid::from_u128(number))),
    ]
}

#[test]
fn a_collection_without_shards_routes_nowhere() {
    assert_eq!(divided(0).route(PointId::num(1)), None);
}

#[test]
fn a_shard_knows_the_range_that_points_are_routed_by() {
    let state = founded();
    let collection = &state.collections["c"];
    for id in (0..100).map(PointId::num) {
        let route = collection.route(id).unwrap();
        assert_eq!(state.shards[&route.group].ordinal, route.ordinal);
        assert_eq!(state.range_of(route.group), Some(route.range));
    }
    assert_eq!(state.range_of(GroupId(99)), None);
}

#[test]
fn the_shards_of_a_range_are_those_that_share_a_hash_with_it() {
    let collection = divided(4);
    let ordinals =
        |keys| -> Vec<usize> { collection.routes_in(keys).map(|route| route.ordinal).collect() };
    assert_eq!(ordinals(KeyRange::ALL), [0, 1, 2, 3]);
    assert_eq!(ordinals(KeyRange::equal_part(1, 2)), [2, 3]);
    assert_eq!(ordinals(KeyRange::equal_part(5, 8)), [2], "a half of what is one shard by now");
}

proptest! {
    /// The formula by which stored points lie in their shards.
    #[test]
    fn a_point_is_where_it_always_was(id in any_id(), shards in 1_usize..=1024) {
        let by_formula = ((u128::from(id.routing_hash()) * shards as u128) >> 64) as usize;
        let route = divided(shards).route(id).unwrap();
        prop_assert_eq!(route.ordinal, by_formula);
        prop_assert_eq!(route.group, GroupId(by_formula as u64 + 1));
        prop_assert!(route.range.keys.contains(id.routing_hash()));
        prop_assert_eq!(route.range.epoch, RangeEpoch::FIRST);
    }

    /// Every point is in one shard, and shards halve: a point of shard k of n is in 2k or 2k+1
    /// of 2n.
    #[test]
    fn shards_are_ranges_that_halve(id in any_id(), shards in 1_usize..500) {
        let shard = divided(shards).shard_of(id);
        prop_assert!(shard < shards);
        prop_assert_eq!(divided(shards * 2).shard_of(id) / 2, shard);
    }
}

#[test]
fn a_collection_is_to_have_more_replicas_or_fewer_and_writes_wait_for_no_more_than_there_are() {
    let mut state = founded();
    let set = |factor| MetaCommand::SetReplicationFactor { collection: "c".into(), factor };
    let stored = br#"{"set_replication_factor":{"collection":"c","factor":1}}"#;
    assert_eq!(set(1).encode_stored(), [&[1], &stored[..]].concat());
    assert_eq!(set(1).level(), FeatureLevel::CHANGING);
    let factors = |state: &State| {
        let known = &state.collections["c"];
        (known.replication_factor, known.write_consistency_factor)
    };
    state.apply(set(5)).unwrap();
    assert_eq!(factors(&state), (5, 2));
    state.apply(set(1)).unwrap();
    assert_eq!(factors(&state), (1, 1));
    for wrong in [0, 10, u32::MAX] {
        assert!(matches!(state.apply(set(wrong)), Err(Refusal::Invalid(_))));
    }
    let other = MetaCommand::SetReplicationFactor { collection: "none".into(), factor: 1 };
    assert!(matches!(state.apply(other), Err(Refusal::NotFound(_))));
}
