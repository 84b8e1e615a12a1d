//! What a command may come to: beyond it every replica refuses it, and has changed nothing.

use serde_json::json;
use vane_commands::Bounds;
use vane_shard::{Command, NewPoint, Selection, Write};
use vane_storage::MemoryKv;
use vane_types::{Payload, PointId, Refusal};

use crate::world::{Replica, selection, upsert, vector};

const BOUNDS: Bounds = Bounds { payload_bytes: 1000, work_bytes: 2000, slots: 20 };

fn text(bytes: usize) -> Payload {
    json!({"text": "x".repeat(bytes)}).as_object().unwrap().clone()
}

fn set(ids: &[u64], payload: Payload, key: Option<&str>) -> Write {
    let key = key.map(|key| key.parse().unwrap());
    Write::SetPayload { points: selection(ids), payload, key }
}

/// Applies the only command of a write, with these bounds; a refusal must leave no trace.
fn apply(replica: &Replica, write: Write, bounds: Option<Bounds>) -> Result<(), Refusal> {
    let [command] = <[Command; 1]>::try_from(replica.commands(write)).unwrap();
    let before = replica.contents();
    let answer = replica.apply(Command { bounds, ..command }.encode_stored());
    if answer.is_err() {
        assert_eq!(replica.contents(), before);
    }
    answer
}

#[test]
fn a_payload_does_not_grow_above_its_bound_and_may_become_smaller() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..2)));
    let too_large = |answer| match answer {
        Err(Refusal::Invalid(text)) => text.contains("the limit is 1000"),
        _ => false,
    };
    assert_eq!(apply(&replica, set(&[0], text(900), None), Some(BOUNDS)), Ok(()));
    let more: Payload = json!({"more": "x".repeat(200)}).as_object().unwrap().clone();
    assert!(too_large(apply(&replica, set(&[0], more.clone(), None), Some(BOUNDS))));
    // As it was logged before there were bounds.
    assert_eq!(apply(&replica, set(&[0], more, None), None), Ok(()));
    assert!(too_large(apply(&replica, set(&[0], text(900), None), Some(BOUNDS))));
    assert_eq!(apply(&replica, set(&[0], text(700), None), Some(BOUNDS)), Ok(()));
}

#[test]
fn a_path_into_lists_cannot_make_more_than_there_may_be() {
    let replica = Replica::founded(MemoryKv::default());
    let list = json!({"l": vec![0; 100]}).as_object().unwrap().clone();
    assert!(replica.write(upsert(0..1)) && replica.write(set(&[0], list, None)));
    let before = replica.contents();
    let bounds = Bounds { payload_bytes: 1 << 20, ..BOUNDS };
    // 100 copies of 100 KB: refused before one of them is made.
    let answer = apply(&replica, set(&[0], text(100_000), Some("l[]")), Some(bounds));
    assert!(matches!(answer, Err(Refusal::Invalid(_))), "{answer:?}");
    let nulls = json!({"x".repeat(100_000): null}).as_object().unwrap().clone();
    assert_eq!(apply(&replica, set(&[0], nulls, Some("l[]")), Some(bounds)), Ok(()));
    assert_ne!(replica.contents(), before);
}

#[test]
fn a_command_reads_and_writes_so_much_unless_it_is_of_one_point() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..10)) && replica.write(set(&[0, 1, 2, 3], text(900), None)));
    let few = json!({"n": 1}).as_object().unwrap().clone();
    for write in [
        set(&[0, 1, 2], few.clone(), None),
        Write::ClearPayload(selection(&[0, 1, 2])),
        Write::Delete(selection(&[0, 1, 2])),
        Write::DeleteVectors { points: selection(&[0, 1, 2]), names: vec![String::new()] },
        upsert(0..3),
    ] {
        assert_eq!(apply(&replica, write, Some(BOUNDS)), Err(Refusal::TooMuch));
    }
    assert_eq!(apply(&replica, set(&[7, 8, 9], few.clone(), None), Some(BOUNDS)), Ok(()));
    let one = Bounds { work_bytes: 1, ..BOUNDS };
    assert_eq!(apply(&replica, set(&[0], few, None), Some(one)), Ok(()));
    assert_eq!(apply(&replica, Write::Delete(selection(&[1])), Some(one)), Ok(()));
}

#[test]
fn points_are_refused_once_their_numbers_are_given_out() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..15)));
    assert_eq!(apply(&replica, Write::Delete(selection(&[0, 1, 2, 3, 4])), Some(BOUNDS)), Ok(()));
    assert_eq!(apply(&replica, upsert(100..106), Some(BOUNDS)), Err(Refusal::OutOfSlots));
    assert_eq!(apply(&replica, upsert(100..105), Some(BOUNDS)), Ok(()));
    assert_eq!(apply(&replica, upsert(105..106), Some(BOUNDS)), Err(Refusal::OutOfSlots));
    // What is there can still be replaced and deleted.
    let again = NewPoint {
        id: PointId::num(100),
        vectors: [(String::new(), vector(1.0))].into(),
        payload: Payload::new(),
    };
    assert_eq!(apply(&replica, Write::Upsert(vec![again]), Some(BOUNDS)), Ok(()));
    let all = Write::Delete(Selection::Ids((5..15).map(PointId::num).collect()));
    assert_eq!(apply(&replica, all, Some(BOUNDS)), Ok(()));
    assert_eq!(apply(&replica, upsert(105..106), Some(BOUNDS)), Err(Refusal::OutOfSlots));
}
