//! Points in the order of their numbers, counted by them, and drawn: as their payloads say.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vane_filter::{FacetValue, Filter, Number, Order, OrderValue};
use vane_shard::{BadInput, Error, Facet, FacetHit, Ordered, Sample, Want, Write};
use vane_storage::MemoryKv;
use vane_types::{FieldSchema, OwnId, PointId};

use crate::world::{Replica, number_is, payload, selection, soon, upsert};

fn numbered(points: u64, is_filled: bool) -> Replica {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..points)));
    let field = "n".parse().unwrap();
    assert!(replica.write(Write::CreateIndex { field, field_type: FieldSchema::Integer }));
    while is_filled && replica.fill() {}
    replica
}

fn ordered(
    replica: &Replica,
    (descending, from): (bool, Option<i64>),
    filter: Option<Filter>,
    limit: usize,
) -> Vec<(i64, u64)> {
    let from = from.map(|from| Number::Whole(from.into()));
    let order = Order { by: "n".parse().unwrap(), descending, from };
    let ordered = Ordered { order, filter, limit, want: Want::default() };
    let records = replica.shard.ordered(&ordered, soon()).unwrap();
    let entry = |record: vane_shard::Record| match (record.order_value, record.id.own) {
        (Some(OrderValue::Integer(value)), OwnId::Num(id)) => (value, id),
        other => panic!("{other:?}"),
    };
    records.into_iter().map(entry).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn points_stand_in_the_order_of_their_numbers(
        numbers in prop::collection::btree_map(0u64..60, -3i64..9, 0..40),
        gone in prop::collection::btree_set(0u64..60, 0..9),
        is_filled: bool, descending: bool, from in prop::option::of(-4i64..10),
        limit in 0usize..70, only in prop::option::of(0i64..4),
    ) {
        let replica = numbered(60, is_filled);
        for (id, n) in &numbers {
            let points = selection(&[*id]);
            let set = Write::SetPayload { points, payload: payload(*n), key: None };
            prop_assert!(replica.write(set));
        }
        for id in &gone {
            prop_assert!(replica.write(Write::Delete(selection(&[*id]))));
        }
        let number = |id: &u64| numbers.get(id).copied().unwrap_or(*id as i64 % 4);
        let left = (0..60).filter(|id| !gone.contains(id));
        let left = left.filter(|id| only.is_none_or(|only| number(id) == only));
        let mut expected: Vec<(i64, u64)> = left.clone().map(|id| (number(&id), id)).collect();
        expected.sort_unstable();
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        left.for_each(|id| *counts.entry(number(&id)).or_default() += 1);
        if descending {
            expected.reverse();
            expected.retain(|(n, _)| from.is_none_or(|from| *n <= from));
        } else {
            expected.retain(|(n, _)| from.is_none_or(|from| *n >= from));
        }
        expected.truncate(limit);
        let filter = only.map(number_is);
        let found = ordered(&replica, (descending, from), filter.clone(), limit);
        prop_assert_eq!(found, expected);
        let facet = Facet { field: "n".parse().unwrap(), filter, limit: Some(limit) };
        let mut counts: Vec<FacetHit> = counts
            .into_iter()
            .map(|(n, count)| FacetHit { value: FacetValue::Integer(n), count })
            .collect();
        counts.sort_by(FacetHit::compare);
        counts.truncate(limit);
        prop_assert_eq!(replica.shard.facet(&facet, soon()).unwrap(), counts);
    }
}

#[test]
fn a_field_without_an_index_of_its_kind_has_no_order_and_no_counts() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..9)));
    let order = Order { by: "n".parse().unwrap(), descending: false, from: None };
    let ordered = Ordered { order, filter: None, limit: 3, want: Want::default() };
    let facet = Facet { field: "n".parse().unwrap(), filter: None, limit: None };
    let is_refused = |ordered_too: bool| {
        let error = replica.shard.ordered(&ordered, soon()).err();
        assert_eq!(matches!(error, Some(Error::BadInput(BadInput::NoRangeIndex(_)))), ordered_too);
        matches!(
            replica.shard.facet(&facet, soon()),
            Err(Error::BadInput(BadInput::NoMatchIndex(_)))
        )
    };
    assert!(is_refused(true));
    for (field_type, has_order, has_values) in [
        (FieldSchema::Keyword, false, true),
        (FieldSchema::Float, true, false),
        (FieldSchema::Geo, false, false),
    ] {
        let field = "n".parse().unwrap();
        assert!(replica.write(Write::CreateIndex { field, field_type }));
        assert_eq!(is_refused(!has_order), !has_values);
    }
}

#[test]
fn each_point_is_as_likely_to_be_drawn() {
    let replica = numbered(40, true);
    let (rounds, limit) = (3000, 4);
    let mut drawn: BTreeMap<PointId, u32> = BTreeMap::new();
    let mut firsts: BTreeMap<PointId, u32> = BTreeMap::new();
    for seed in 0..rounds {
        let sample = Sample { filter: Some(number_is(1)), limit };
        let found = replica.shard.sample(&sample, seed, soon()).unwrap();
        assert_eq!(found.len(), limit);
        assert!(found.windows(2).all(|pair| pair[0].lot < pair[1].lot && pair[0].id != pair[1].id));
        found.iter().for_each(|point| *drawn.entry(point.id).or_default() += 1);
        *firsts.entry(found[0].id).or_default() += 1;
    }
    // Ten points match; five deviations of a count of 1,200 and of 300.
    assert_eq!((drawn.len(), firsts.len()), (10, 10));
    assert!(drawn.values().all(|count| count.abs_diff(1200) < 5 * 27), "{drawn:?}");
    assert!(firsts.values().all(|count| count.abs_diff(300) < 5 * 17), "{firsts:?}");
    let all = Sample { filter: Some(number_is(1)), limit: 99 };
    assert_eq!(replica.shard.sample(&all, 1, soon()).unwrap().len(), 10);
    let none = Sample { filter: Some(number_is(77)), limit: 99 };
    assert_eq!(replica.shard.sample(&none, 1, soon()).unwrap(), []);
}
