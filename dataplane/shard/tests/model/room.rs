//! Background jobs where the disk has little room.

use std::sync::atomic::AtomicBool;

use vane_shard::{JobKind, NewPoint, Write};
use vane_storage::MemoryKv;
use vane_types::PointId;

use crate::world::{Replica, payload, vector};

#[test]
fn a_job_that_has_no_room_leaves_its_largest_segments_out() {
    let replica = Replica::founded(MemoryKv::default());
    let never = AtomicBool::new(false);
    let point = |id: u64| NewPoint {
        id: PointId::num(id),
        vectors: [(String::new(), vector(id as f32))].into(),
        payload: payload(0),
    };
    // Four segments of 32 rows, 512 bytes each.
    for ids in (0..128).collect::<Vec<_>>().chunks(32) {
        assert!(replica.write(Write::Upsert(ids.iter().copied().map(point).collect())));
        while replica.shard.run_job(JobKind::Seal, &|_| true, &never).unwrap() {}
    }
    let before = replica.contents();
    // Half as much again as two segments have.
    let room = |bytes| bytes <= 1536;
    while replica.shard.run_job(JobKind::Build, &room, &never).unwrap() {}
    let info = replica.shard.info();
    assert_eq!((info.indexed_vectors, info.segments), (128, 3), "two, and one in memory");
    while replica.shard.run_job(JobKind::Build, &|_| true, &never).unwrap() {}
    assert_eq!(replica.shard.info().segments, 2);
    assert_eq!(replica.contents(), before);
}
