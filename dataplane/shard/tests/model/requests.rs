//! A request that comes more than once is applied once.

use proptest::prelude::*;
use vane_shard::{Command, NewPoint, Write};
use vane_storage::MemoryKv;
use vane_types::command::{DEDUPE_WINDOW, RequestId};
use vane_types::{PointId, Refusal};

use crate::world::{Replica, payload, selection, vector};

const REQUESTS: u64 = 20;

fn point(id: u64, x: f32) -> Write {
    let vectors = [(String::new(), vector(x))].into();
    Write::Upsert(vec![NewPoint { id: PointId::num(id), vectors, payload: payload(0) }])
}

/// Some write for each number. Those that set payloads are refused while the point is absent.
fn write(n: u64) -> Write {
    let id = n % 4;
    match n % 3 {
        0 => point(id, n as f32),
        1 => Write::Delete(selection(&[id])),
        _ => Write::SetPayload { points: selection(&[id]), payload: payload(n as i64), key: None },
    }
}

fn command(replica: &Replica, n: u64, basis: u64) -> Vec<u8> {
    let [command] = <[Command; 1]>::try_from(replica.commands(write(n))).unwrap();
    command.with_request(RequestId { session: 5, sequence: n, basis }).encode_stored()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, max_shrink_iters: 200, ..ProptestConfig::default()
    })]

    /// However often and in whatever order copies are logged, it is as if only the first of
    /// each was.
    #[test]
    fn copies_change_nothing(
        log in prop::collection::vec((0..REQUESTS, prop::bool::weighted(0.1)), 1..80)
    ) {
        let mut with_copies = Replica::founded(MemoryKv::default());
        let once = Replica::founded(MemoryKv::default());
        let basis = once.shard.applied().0;
        let mut first = std::collections::HashMap::new();
        for (n, reopen) in log {
            let data = command(&once, n, basis);
            let answer = with_copies.apply(data.clone());
            if let Some(first) = first.get(&n) {
                prop_assert_eq!(&answer, first);
                once.apply(Vec::new()).unwrap();
            } else {
                prop_assert_eq!(&once.apply(data), &answer);
                first.insert(n, answer);
            }
            if reopen {
                with_copies.reopen();
            }
        }
        prop_assert_eq!(with_copies.contents(), once.contents());
    }
}

#[test]
fn a_copy_from_beyond_the_window_is_refused() {
    let mut replica = Replica::founded(MemoryKv::default());
    let basis = replica.shard.applied().0;
    let (taken, refused) = (command(&replica, 0, basis), command(&replica, 5, basis));
    assert_eq!(replica.apply(refused.clone()), Err(Refusal::PointNotFound(PointId::num(1))));
    assert_eq!(replica.apply(taken.clone()), Ok(()));
    // From here on neither would come to the same if it were applied.
    assert!(replica.write(Write::Delete(selection(&[0]))));
    assert!(replica.write(point(1, 1.0)));
    while replica.shard.applied().0 < basis + DEDUPE_WINDOW - 2 {
        replica.apply(Vec::new()).unwrap();
    }
    let before = replica.contents();
    assert_eq!(replica.apply(refused.clone()), Err(Refusal::PointNotFound(PointId::num(1))));
    replica.reopen();
    assert_eq!(replica.apply(taken.clone()), Ok(()), "the last index that it is known at");
    for _ in 0..2 {
        assert_eq!(replica.apply(taken.clone()), Err(Refusal::Expired));
        assert_eq!(replica.apply(refused.clone()), Err(Refusal::Expired));
        replica.reopen();
    }
    assert_eq!(replica.contents(), before);
    assert!(
        replica.shard.store().attributes(b"request/").unwrap().is_empty(),
        "outcomes leave the table"
    );
}
