//! Points of tenants: each tenant's ids are its own, and its points alone answer what is asked of
//! it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;
use vane_filter::Filter;
use vane_shard::{Alone, NewPoint, Scroll, Selection, Want, Write};
use vane_storage::MemoryKv;
use vane_types::{PointId, Refusal, TenantId};

use crate::world::{Replica, Step, World, payload, search, soon, step, tenant, vector};

/// Points of a tenant, whose vectors are their numbers.
fn upsert(tenant: TenantId, ids: std::ops::Range<u64>) -> Write {
    let point = |id: u64| NewPoint {
        id: PointId::num(id).of(tenant),
        vectors: [(String::new(), vector(id as f32))].into(),
        payload: payload(id as i64 % 4),
    };
    Write::Upsert(ids.map(point).collect())
}

fn among(tenants: &[u32], filter: Option<Filter>) -> Option<Filter> {
    let tenants: Vec<TenantId> = tenants.iter().map(|number| tenant(*number)).collect();
    Some(Filter::of_tenants(filter, &tenants))
}

/// All ids of a scroll, by pages of three.
fn scrolled(replica: &Replica, filter: Option<Filter>) -> Vec<PointId> {
    let (mut found, mut offset) = (Vec::new(), None);
    loop {
        let page = Scroll { filter: filter.clone(), offset, limit: 3, want: Want::default() };
        let page = replica.shard.scroll(&page, soon()).unwrap();
        found.extend(page.records.into_iter().map(|record| record.id));
        offset = page.next;
        if offset.is_none() {
            return found;
        }
    }
}

fn found(replica: &Replica, filter: Option<Filter>, limit: usize) -> Vec<PointId> {
    let found = replica.shard.search(&search(0.0, filter, limit), soon(), &Alone).unwrap();
    found.into_iter().map(|scored| scored.record.id).collect()
}

/// Everything that is asked of some tenants is answered by their points, and by all of them.
fn check(world: &World, tenants: &[u32]) {
    let is_theirs = |id: &PointId| tenants.contains(&id.tenant.unwrap().number());
    let ids = world.expected.keys().map(|n| world.id(*n)).filter(is_theirs);
    let expected: BTreeSet<PointId> = ids.collect();
    let filter = among(tenants, None);
    let replica = &world.replica;
    assert!(scrolled(replica, filter.clone()).into_iter().eq(expected.iter().copied()));
    assert_eq!(replica.shard.count(filter.as_ref(), soon()).unwrap(), expected.len());
    let matching = replica.shard.matching_ids(filter.as_ref().unwrap(), soon()).unwrap();
    assert_eq!(matching.into_iter().collect::<BTreeSet<_>>(), expected);
    let with_vector = world.expected.iter().filter(|(_, point)| point.vector.is_some());
    let with_vector: BTreeSet<PointId> =
        with_vector.map(|(n, _)| world.id(*n)).filter(is_theirs).collect();
    let found = found(replica, filter, 100).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(found, with_vector);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32, max_shrink_iters: 200, ..ProptestConfig::default()
    })]

    #[test]
    fn a_tenant_is_answered_by_its_points(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new(true);
        for step in steps {
            world.take(step);
        }
        for _ in 0..2 {
            [&[1][..], &[2, 3], &[3, 9], &[9], &[1, 2, 3]].iter().for_each(|t| check(&world, t));
            world.take(Step::Reopen);
            (0..4).for_each(|_| world.take(Step::Jobs));
        }
    }
}

#[test]
fn ids_without_a_tenant_mean_those_of_all() {
    let replica = Replica::of_tenants(MemoryKv::default());
    [1, 2, 3].iter().for_each(|number| assert!(replica.write(upsert(tenant(*number), 0..10))));
    let ids = [PointId::num(7), PointId::num(3).of(tenant(2)), PointId::num(77)];
    let records = replica.shard.retrieve(&ids, &Want::default()).unwrap();
    let read: BTreeSet<PointId> = records.into_iter().map(|record| record.id).collect();
    let seven = [1, 2, 3].map(|number| PointId::num(7).of(tenant(number)));
    assert_eq!(read, seven.into_iter().chain([ids[1]]).collect());
    let has_id = || Some(Filter::parse(json!({"must": [{"has_id": [7, 77]}]})).unwrap());
    assert_eq!(scrolled(&replica, has_id()), seven);
    assert_eq!(scrolled(&replica, among(&[1, 3], has_id())), [seven[0], seven[2]]);
    assert_eq!(found(&replica, among(&[2], has_id()), 5), [seven[1]]);
}

#[test]
fn a_closed_tenant_takes_nothing_and_can_be_emptied() {
    let mut replica = Replica::of_tenants(MemoryKv::default());
    [1, 2].iter().for_each(|number| assert!(replica.write(upsert(tenant(*number), 0..10))));
    assert!(replica.write(Write::CloseTenant(tenant(1))));
    for reopened in [false, true] {
        if reopened {
            replica.reopen();
        }
        let late = replica.commands(upsert(tenant(1), 20..21)).remove(0);
        let refusal = replica.apply(late.encode_stored()).unwrap_err();
        assert!(matches!(refusal, Refusal::NotFound(_)), "{refusal}");
        assert!(replica.write(upsert(tenant(2), 20..21)));
        assert_eq!(scrolled(&replica, among(&[1], None)).len(), 10);
    }
    // A replica that is filled by a snapshot refuses the same.
    let mut other = Replica::joining();
    other.install(&replica);
    assert!(!other.write(upsert(tenant(1), 20..21)));
    assert!(replica.write(Write::Delete(Selection::Filter(among(&[1], None).unwrap()))));
    assert!(scrolled(&replica, among(&[1], None)).is_empty());
    assert_eq!(scrolled(&replica, None).len(), 11);
}

#[test]
fn points_fit_the_collection_or_are_refused() {
    let (of_tenants, plain) =
        (Replica::of_tenants(MemoryKv::default()), Replica::founded(MemoryKv::default()));
    assert!(!of_tenants.write(crate::world::upsert(0..1)));
    assert!(of_tenants.write(upsert(tenant(1), 0..1)));
    assert!(plain.write(crate::world::upsert(0..1)));
}
