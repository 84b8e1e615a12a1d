//! Writes of points that are as a condition says.

use vane_shard::{Condition, NewPoint, Scroll, UpdateMode, Want, WantPayload, WantVectors, Write};
use vane_storage::MemoryKv;
use vane_types::{OwnId, PointId};

use crate::world::{Replica, number_is, payload, soon, upsert, vector};

fn point(id: u64, n: i64) -> NewPoint {
    let vectors = [(String::new(), vector(n as f32))].into();
    NewPoint { id: PointId::num(id), vectors, payload: payload(n) }
}

/// Ids, and the numbers that points and their vectors have.
fn contents(replica: &Replica) -> Vec<(u64, i64, f32)> {
    let want = Want { payload: WantPayload::All, vectors: WantVectors::All };
    let scroll = Scroll { limit: 100, want, ..Scroll::default() };
    let page = replica.shard.scroll(&scroll, soon()).unwrap();
    assert_eq!(replica.shard.recompute_digest().unwrap(), replica.shard.digest());
    let of = |record: vane_shard::Record| {
        let OwnId::Num(id) = record.id.own else { panic!("only numbers were written") };
        let n = record.payload.unwrap()["n"].as_i64().unwrap();
        (id, n, record.vectors.unwrap()[""].values()[0])
    };
    page.records.into_iter().map(of).collect()
}

fn founded() -> Replica {
    let replica = Replica::founded(MemoryKv::default());
    // 0 to 3, each with its id as its number.
    assert!(replica.write(upsert(0..4)));
    replica
}

#[test]
fn an_upsert_writes_what_its_mode_and_filter_say() {
    let plain = |n: u64| (n, n as i64, n as f32);
    let cases = [
        // Point 1 is there and 9 is not; 1 has the number 1.
        (UpdateMode::Upsert, None, true, true),
        (UpdateMode::Upsert, Some(1), true, true),
        (UpdateMode::Upsert, Some(2), false, true),
        (UpdateMode::InsertOnly, None, false, true),
        (UpdateMode::InsertOnly, Some(1), false, true),
        (UpdateMode::UpdateOnly, None, true, false),
        (UpdateMode::UpdateOnly, Some(1), true, false),
        (UpdateMode::UpdateOnly, Some(2), false, false),
    ];
    for (mode, number, first, second) in cases {
        let replica = founded();
        let filter = number.map(number_is);
        let condition = Condition { mode, filter };
        assert!(replica.write(Write::UpsertIf(vec![point(1, 7), point(9, 7)], condition)));
        let mut expected: Vec<_> = (0..4).map(plain).collect();
        if first {
            expected[1] = (1, 7, 7.0);
        }
        if second {
            expected.push((9, 7, 7.0));
        }
        assert_eq!(contents(&replica), expected, "{mode:?} {number:?}");
    }
}

#[test]
fn vectors_of_points_that_do_not_match_stay() {
    let replica = founded();
    let update = |id: u64| (PointId::num(id), [(String::new(), vector(5.0))].into());
    let write = Write::UpdateVectorsIf(vec![update(1), update(2)], number_is(2));
    assert!(replica.write(write));
    let of_vectors: Vec<f32> = contents(&replica).into_iter().map(|(.., x)| x).collect();
    assert_eq!(of_vectors, [0.0, 1.0, 5.0, 3.0]);
    // One that is missing refuses all, as without a filter.
    let before = contents(&replica);
    assert!(!replica.write(Write::UpdateVectorsIf(vec![update(2), update(50)], number_is(2))));
    assert_eq!(contents(&replica), before);
}
