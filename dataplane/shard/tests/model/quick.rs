//! Searches that are done at once, on the thread that read the request.

use vane_shard::{Alone, Search, SearchParams, Write};
use vane_storage::MemoryKv;
use vane_types::FieldSchema;

use crate::world::{Replica, number_is, search, soon, upsert};

fn is_quick(replica: &Replica, search: &Search) -> bool {
    replica.shard.prepare_quick(search, soon()).unwrap().is_some()
}

#[test]
fn a_filter_is_quick_where_an_index_alone_answers_it() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..200)));
    (0..12).for_each(|_| replica.run_jobs());
    let plain = search(70.0, None, 5);
    let filtered = search(70.0, Some(number_is(2)), 5);
    assert!(is_quick(&replica, &plain));
    assert!(!is_quick(&replica, &filtered), "points are read, from a disk perhaps");
    let field = "n".parse().unwrap();
    assert!(replica.write(Write::CreateIndex { field, field_type: FieldSchema::Integer }));
    assert!(!is_quick(&replica, &filtered), "the index lacks points");
    while replica.fill() {}
    assert!(is_quick(&replica, &filtered));
    let params = SearchParams { exact: true, ..plain.params };
    for search in [Search { params, ..plain }, Search { params, ..filtered.clone() }] {
        assert!(!is_quick(&replica, &search), "all rows are looked at");
    }
    // The same answer either way.
    let found = |found: Vec<vane_shard::Scored>| {
        found.into_iter().map(|scored| scored.record.id).collect::<Vec<_>>()
    };
    let prepared = replica.shard.prepare_quick(&filtered, soon()).unwrap().unwrap();
    let at_once = replica.shard.search_prepared(prepared, &filtered, &Alone).unwrap();
    let later = replica.shard.search(&filtered, soon(), &Alone).unwrap();
    assert_eq!(found(at_once), found(later));
}

#[test]
fn a_search_that_fits_nothing_is_refused_at_once() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..10)));
    let unknown = Search { using: "other".into(), ..search(1.0, None, 1) };
    assert!(replica.shard.prepare_quick(&unknown, soon()).is_err());
}
