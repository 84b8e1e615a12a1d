//! Filters to send: every kind of condition, nested in one another.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use vane_filter::{
    BoundingBox, Bounds, Clause, Condition, Datetime, FieldCondition, FieldRef, Filter, Match,
    MinShould, Nested, Number, Point, Polygon, Radius, Range, Ring, Scalar, Scalars, Slice,
    ValueSet,
};

use super::value_of::{path, point_id, tenant, text};

pub(super) fn filter() -> BoxedStrategy<Filter> {
    let flat = clauses(flat_condition().boxed());
    flat.prop_recursive(4, 24, 3, |inner| {
        let nested = (path(), inner.clone()).prop_map(|(key, filter)| Condition::Nested {
            nested: Nested { key, filter: Box::new(filter) },
        });
        let condition =
            prop_oneof![flat_condition(), nested, inner.prop_map(Condition::Filter)].boxed();
        clauses(condition)
    })
    .boxed()
}

fn clauses(condition: BoxedStrategy<Condition>) -> BoxedStrategy<Filter> {
    let clause = prop_oneof![
        condition.clone().prop_map(|condition| Clause::One(Box::new(condition))),
        vec(condition.clone(), 0..3).prop_map(Clause::List),
    ]
    .boxed();
    let min_should = (vec(condition, 0..3), 1_usize..4)
        .prop_map(|(conditions, min_count)| MinShould { conditions, min_count });
    (of(clause.clone()), of(min_should), of(clause.clone()), of(clause))
        .prop_map(|(should, min_should, must, must_not)| Filter {
            should,
            min_should,
            must,
            must_not,
        })
        .boxed()
}

fn flat_condition() -> BoxedStrategy<Condition> {
    let ids = vec(point_id(), 0..4).prop_map(ValueSet::from);
    prop_oneof![
        field().prop_map(|field| Condition::Field(Box::new(field))),
        path().prop_map(|key| Condition::IsEmpty { is_empty: FieldRef { key } }),
        path().prop_map(|key| Condition::IsNull { is_null: FieldRef { key } }),
        ids.prop_map(|has_id| Condition::HasId { has_id }),
        vec(tenant(), 0..4).prop_map(|tenants| Condition::OfTenants { of_tenants: tenants.into() }),
        text().prop_map(|has_vector| Condition::HasVector { has_vector }),
        (any::<u32>(), any::<u32>())
            .prop_map(|(total, index)| Condition::Slice { slice: Slice { total, index } }),
    ]
    .boxed()
}

fn field() -> BoxedStrategy<FieldCondition> {
    let geo = (of((point(), point())), of((point(), 0.0..1e7)), of((ring(), vec(ring(), 0..2))));
    let absence = (of(any::<bool>()), of(any::<bool>()));
    (path(), of(matching()), of(range()), geo, of(bounds(any::<u64>())), absence)
        .prop_map(
            |(key, matching, range, (area, circle, polygon), values_count, (is_empty, is_null))| {
                FieldCondition {
                    key,
                    matching,
                    range,
                    geo_bounding_box: area
                        .map(|(top_left, bottom_right)| BoundingBox { top_left, bottom_right }),
                    geo_radius: circle.map(|(center, radius)| Radius { center, radius }),
                    geo_polygon: polygon
                        .map(|(exterior, interiors)| Polygon { exterior, interiors }),
                    values_count,
                    is_empty,
                    is_null,
                }
            },
        )
        .boxed()
}

fn point() -> BoxedStrategy<Point> {
    (-180.0..180.0, -90.0..90.0).prop_map(|(lon, lat)| Point { lon, lat }).boxed()
}

fn ring() -> BoxedStrategy<Ring> {
    vec(point(), 0..5).prop_map(|points| Ring { points }).boxed()
}

fn matching() -> BoxedStrategy<Match> {
    let scalars = prop_oneof![
        vec(text(), 0..4).prop_map(|list| Scalars::Strings(ValueSet::from(list))),
        vec(any::<i64>(), 0..4).prop_map(|list| Scalars::Integers(ValueSet::from(list))),
    ];
    prop_oneof![
        any::<bool>().prop_map(|value| Match::Value(Scalar::Bool(value))),
        any::<i64>().prop_map(|value| Match::Value(Scalar::Integer(value))),
        text().prop_map(|value| Match::Value(Scalar::String(value))),
        scalars.clone().prop_map(Match::Any),
        scalars.prop_map(Match::Except),
        text().prop_map(Match::Text),
        text().prop_map(Match::TextAny),
        text().prop_map(Match::Phrase),
        text().prop_map(Match::Prefix),
        text().prop_map(Match::Substring),
    ]
    .boxed()
}

fn range() -> BoxedStrategy<Range> {
    let datetime = prop_oneof![
        Just("2024-02-29"),
        Just("2024-02-29T12:00:00.25+02:00"),
        Just("1969-12-31 23:59")
    ]
    .prop_map(|text| Datetime::parse(text).unwrap());
    prop_oneof![
        bounds(number()).prop_map(Range::Number),
        bounds(datetime).prop_map(Range::Datetime)
    ]
    .boxed()
}

fn number() -> BoxedStrategy<Number> {
    prop_oneof![
        any::<i64>().prop_map(|whole| Number::Whole(whole.into())),
        any::<u64>().prop_map(|whole| Number::Whole(whole.into())),
        (-1e300..1e300).prop_map(Number::Float),
    ]
    .boxed()
}

fn bounds<T: Clone + std::fmt::Debug>(
    bound: impl Strategy<Value = T> + Clone + 'static,
) -> BoxedStrategy<Bounds<T>> {
    (of(bound.clone()), of(bound.clone()), of(bound.clone()), of(bound))
        .prop_map(|(lt, gt, gte, lte)| Bounds { lt, gt, gte, lte })
        .boxed()
}
