//! Payload indexes that are made while points are there: filled in slices, beside writes.

use vane_shard::{Selection, Write};
use vane_storage::MemoryKv;
use vane_types::FieldSchema;

use crate::world::{Replica, number_is, payload, selection, soon, upsert};

fn make(replica: &Replica) {
    let field = "n".parse().unwrap();
    assert!(replica.write(Write::CreateIndex { field, field_type: FieldSchema::Integer }));
}

fn is_filling(replica: &Replica) -> bool {
    !replica.shard.info().filling_indexes.is_empty()
}

/// Points with a number, as the index has them.
fn indexed(replica: &Replica) -> usize {
    replica.shard.info().payload_index_points[&"n".parse().unwrap()].1
}

fn count(replica: &Replica, n: i64) -> usize {
    replica.shard.count(Some(&number_is(n)), soon()).unwrap()
}

#[test]
fn an_index_is_filled_in_slices_and_filters_answer_meanwhile() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..100)));
    make(&replica);
    assert_eq!(
        (is_filling(&replica), indexed(&replica)),
        (true, 0),
        "the entry itself did nothing"
    );
    let mut slices = 0;
    while replica.fill() {
        slices += 1;
        assert_eq!(count(&replica, 1), 25);
    }
    assert_eq!((slices, indexed(&replica)), (15, 100), "7 points at a time");
    assert!(!is_filling(&replica));
    make(&replica);
    assert!(!is_filling(&replica), "it is there already");
}

#[test]
fn writes_before_and_behind_the_filled_part_are_in_the_index() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..100)));
    make(&replica);
    (0..7).for_each(|_| assert!(replica.fill()));
    for ids in [[1, 2], [90, 91]] {
        let points = selection(&ids);
        assert!(replica.write(Write::SetPayload { points, payload: payload(9), key: None }));
    }
    // The same payload again, and none.
    let points = selection(&[95]);
    assert!(replica.write(Write::SetPayload { points, payload: payload(95 % 4), key: None }));
    assert!(replica.write(Write::ClearPayload(selection(&[3, 96]))));
    assert!(replica.write(Write::Delete(selection(&[4, 97]))));
    assert!(replica.write(upsert(200..210)));
    while replica.fill() {}
    assert_eq!(indexed(&replica), 100 - 4 + 10);
    assert_eq!(count(&replica, 9), 4);
    let all: usize = (0..4).map(|n| count(&replica, n)).sum();
    assert_eq!(all, 100 - 4 - 4 + 10);
    assert!(replica.write(Write::Delete(Selection::Filter(number_is(9)))));
    assert_eq!(indexed(&replica), 102);
}

#[test]
fn a_restart_and_a_snapshot_go_on_where_filling_was() {
    let mut replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..100)));
    make(&replica);
    (0..5).for_each(|_| assert!(replica.fill()));
    replica.reopen();
    assert_eq!((is_filling(&replica), indexed(&replica)), (true, 35));
    let mut joined = Replica::joining();
    joined.install(&replica);
    for replica in [&mut replica, &mut joined] {
        assert_eq!((is_filling(replica), indexed(replica), count(replica, 2)), (true, 35, 25));
        let left = std::iter::repeat_with(|| replica.fill()).take_while(|filled| *filled).count();
        assert_eq!((left, indexed(replica), count(replica, 2)), (10, 100, 25));
        replica.reopen();
        assert_eq!((is_filling(replica), indexed(replica)), (false, 100));
    }
}

#[test]
fn an_index_that_is_dropped_half_way_leaves_nothing_to_the_next() {
    let mut replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..30)));
    make(&replica);
    assert!(replica.fill());
    let field = "n".parse().unwrap();
    assert!(replica.write(Write::DropIndex { field }));
    assert!(!replica.fill());
    make(&replica);
    assert_eq!(indexed(&replica), 0);
    let field = "n".parse().unwrap();
    // Of another type: no point has such a value.
    assert!(replica.write(Write::CreateIndex { field, field_type: FieldSchema::Keyword }));
    while replica.fill() {}
    assert_eq!((indexed(&replica), count(&replica, 2)), (0, 7));
    replica.reopen();
    assert_eq!((indexed(&replica), count(&replica, 2)), (0, 7));
}

#[test]
fn a_filter_that_is_asked_again_sees_what_was_written_since() {
    let mut replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..100)));
    make(&replica);
    while replica.fill() {}
    let before = replica.shard.memory().indexes;
    let expect = |replica: &Replica, ones: usize, twos: usize| {
        for _ in 0..2 {
            assert_eq!((count(replica, 1), count(replica, 2)), (ones, twos));
        }
    };
    expect(&replica, 25, 25);
    assert!(replica.shard.memory().indexes > before, "what is kept is counted");
    let points = selection(&[1]);
    assert!(replica.write(Write::SetPayload { points, payload: payload(2), key: None }));
    expect(&replica, 24, 26);
    assert!(replica.write(Write::Delete(selection(&[1, 5]))));
    expect(&replica, 23, 25);
    assert!(replica.write(Write::ClearPayload(selection(&[2, 9]))));
    expect(&replica, 22, 24);
    assert!(replica.write(upsert(100..104)));
    expect(&replica, 23, 25);
    let field = || "n".parse().unwrap();
    assert!(replica.write(Write::DropIndex { field: field() }));
    expect(&replica, 23, 25);
    let points = selection(&[13]);
    assert!(replica.write(Write::SetPayload { points, payload: payload(2), key: None }));
    make(&replica);
    expect(&replica, 22, 26);
    while replica.fill() {}
    expect(&replica, 22, 26);
    replica.reopen();
    expect(&replica, 22, 26);
    let points = selection(&[17]);
    assert!(replica.write(Write::SetPayload { points, payload: payload(2), key: None }));
    expect(&replica, 21, 27);
    let mut joined = Replica::joining();
    joined.install(&replica);
    expect(&joined, 21, 27);
}
