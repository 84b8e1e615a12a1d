//! Points of equal score come in the order of their ids, however they are found.

use vane_shard::{Alone, NewPoint, Write};
use vane_storage::MemoryKv;
use vane_types::PointId;

use crate::world::{Replica, number_is, payload, search, soon, vector};

const IDS: u64 = 8000;

/// Segments with a graph over points of one vector; of one of them more than 500 points match.
fn alike() -> Replica {
    let replica = Replica::founded(MemoryKv::default());
    let point = |id: u64| NewPoint {
        id: PointId::num(id),
        vectors: [(String::new(), vector(1.0))].into(),
        payload: payload(id as i64 % 4),
    };
    // A merge puts what came last first: so rows lie in another order than ids.
    let ids: Vec<u64> = (0..IDS).collect();
    for part in ids.chunks(100) {
        assert!(replica.write(Write::Upsert(part.iter().copied().map(point).collect())));
        (0..8).for_each(|_| replica.run_jobs());
    }
    (0..40).for_each(|_| replica.run_jobs());
    assert_eq!(replica.shard.info().indexed_vectors as u64, IDS);
    replica
}

#[test]
fn a_page_of_many_that_match_a_filter_ends_at_an_id() {
    let replica = alike();
    for limit in [10, 20, 60] {
        let found = replica.shard.search(&search(1.0, Some(number_is(0)), limit), soon(), &Alone);
        let ids: Vec<_> = found.unwrap().into_iter().map(|scored| scored.record.id).collect();
        let first: Vec<_> = (0..limit as u64).map(|n| PointId::num(n * 4)).collect();
        assert_eq!(ids, first, "{limit}");
    }
}
