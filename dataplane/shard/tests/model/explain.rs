//! What a shard tells of how a search goes.

use vane_shard::{PartExplained, Search, SearchParams, SearchWay, Selection, Write};
use vane_storage::MemoryKv;
use vane_types::PointId;

use crate::world::{Replica, number_is, search, soon, upsert};

fn explained(replica: &Replica, search: &Search) -> Vec<PartExplained> {
    replica.shard.explain(search, soon()).unwrap()
}

#[test]
fn each_part_says_how_it_was_looked_through_and_what_matches() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..80)));
    (0..12).for_each(|_| replica.run_jobs());
    assert!(replica.write(upsert(80..90)));
    let gone = (0..10).map(PointId::num).collect();
    assert!(replica.write(Write::Delete(Selection::Ids(gone))));
    let plain = search(40.0, None, 3);
    let parts = explained(&replica, &plain);
    let [sealed @ .., memory] = parts.as_slice() else { panic!("nothing is in memory: {parts:?}") };
    assert!(!sealed.is_empty() && sealed.iter().all(|part| part.segment.is_some()), "{parts:?}");
    assert_eq!((memory.segment, memory.rows, memory.way), (None, 10, SearchWay::Scan));
    let alive = |parts: &[PartExplained]| parts.iter().map(|part| part.rows).sum::<usize>();
    assert_eq!((alive(sealed), alive(&parts)), (70, 80), "what died is not counted");
    assert!(parts.iter().all(|part| part.matching == part.rows), "without a filter all match");
    assert!(parts.iter().all(|part| part.compared > 0 && part.found <= 3), "{parts:?}");

    let filtered = explained(&replica, &search(40.0, Some(number_is(1)), 3));
    let matching: usize = filtered.iter().map(|part| part.matching).sum();
    let count = replica.shard.count(Some(&number_is(1)), soon()).unwrap();
    assert_eq!(matching, count);
    assert!(filtered.iter().all(|part| part.estimated <= part.rows), "{filtered:?}");

    let exact = SearchParams { exact: true, ..SearchParams::default() };
    let parts = explained(&replica, &Search { params: exact, ..plain });
    assert!(parts.iter().all(|part| part.way == SearchWay::Scan && part.ef == 0), "{parts:?}");
    assert_eq!(parts.iter().map(|part| part.compared).sum::<u64>(), 80, "every row that lives");
}
