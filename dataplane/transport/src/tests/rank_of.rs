//! Orders, draws and counts to send.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use vane_filter::{FacetValue, Number, Order, OrderValue};
use vane_shard::{Drawn, Facet, FacetHit, Ordered, Sample};

use super::filter_of::filter;
use super::value_of::{count, path, point_id, text, want};

pub(super) fn order_value() -> BoxedStrategy<OrderValue> {
    prop_oneof![
        any::<i64>().prop_map(OrderValue::Integer),
        (-1e300..1e300).prop_map(OrderValue::Float),
    ]
    .boxed()
}

pub(super) fn ordered() -> BoxedStrategy<Ordered> {
    let from = prop_oneof![
        any::<i64>().prop_map(|whole| Number::Whole(whole.into())),
        (-1e300..1e300).prop_map(Number::Float),
    ];
    let order = (path(), any::<bool>(), of(from)).prop_map(|(by, descending, from)| Order {
        by,
        descending,
        from,
    });
    (order, of(filter()), count(), want())
        .prop_map(|(order, filter, limit, want)| Ordered { order, filter, limit, want })
        .boxed()
}

pub(super) fn sample() -> BoxedStrategy<Sample> {
    (of(filter()), count()).prop_map(|(filter, limit)| Sample { filter, limit }).boxed()
}

pub(super) fn facet() -> BoxedStrategy<Facet> {
    (path(), of(filter()), of(count()))
        .prop_map(|(field, filter, limit)| Facet { field, filter, limit })
        .boxed()
}

pub(super) fn drawn() -> BoxedStrategy<Vec<Drawn>> {
    vec((point_id(), 0.0..1.0).prop_map(|(id, lot)| Drawn { id, lot }), 0..4).boxed()
}

pub(super) fn facet_hits() -> BoxedStrategy<Vec<FacetHit>> {
    let value = prop_oneof![
        any::<bool>().prop_map(FacetValue::Bool),
        any::<i64>().prop_map(FacetValue::Integer),
        text().prop_map(FacetValue::Text),
    ];
    vec((value, any::<u64>()).prop_map(|(value, count)| FacetHit { value, count }), 0..4).boxed()
}
