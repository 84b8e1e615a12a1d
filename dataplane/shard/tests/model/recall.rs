//! What a shard measures of its own searches.

use std::sync::Arc;

use vane_shard::{Helpers, Search, SearchParams};
use vane_storage::MemoryKv;
use vane_types::{FilterClass, Recall};

use crate::world::{Replica, number_is, search, soon, upsert};

/// A thread that is always idle, and done at once.
struct Idle;

impl Helpers for Idle {
    fn offer(&self, _most: usize, work: &Arc<dyn Fn() + Send + Sync>) {
        work();
    }
}

fn recall(replica: &Replica) -> Recall {
    replica.shard.info().recall
}

#[test]
fn searches_by_graphs_are_measured_where_a_thread_is_idle() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..80)));
    let plain = search(5.0, None, 3);
    replica.shard.search(&plain, soon(), &Idle).unwrap();
    assert_eq!(recall(&replica), Recall::default(), "there is no graph yet");
    (0..12).for_each(|_| replica.run_jobs());
    let exact = Search { params: SearchParams { exact: true, ..plain.params }, ..plain.clone() };
    replica.shard.search(&exact, soon(), &Idle).unwrap();
    assert_eq!(recall(&replica), Recall::default(), "it is what others are held against");
    // One of the first four is measured; the others wait for the pause that follows it.
    for n in 0..40 {
        replica.shard.search(&search(n as f32, None, 3), soon(), &Idle).unwrap();
        let filtered = search(n as f32, Some(number_is(0)), 3);
        replica.shard.search(&filtered, soon(), &Idle).unwrap();
    }
    let measured = recall(&replica);
    let of_all = measured.0[&FilterClass::None];
    assert!(of_all.searches >= 1, "{measured:?}");
    assert_eq!(of_all.mean(), Some(1.0), "so few rows are all looked at");
}
