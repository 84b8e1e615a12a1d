//! What a shard says of its memory and its segments.

use vane_shard::{Memory, SegmentFigures, Write};
use vane_storage::MemoryKv;

use crate::world::{Replica, selection, upsert};

#[test]
fn memory_is_told_by_what_it_is_for() {
    let replica = Replica::founded(MemoryKv::default());
    assert_eq!(replica.shard.memory(), Memory::default());
    assert!(replica.write(upsert(0..80)));
    let growing = replica.shard.memory();
    assert_eq!(growing.rows, 80 * 4 * size_of::<f32>());
    assert!(growing.ids >= 80 * 24 && growing.places >= 80 * 8, "{growing:?}");
    assert_eq!((growing.indexes, growing.graphs), (0, 0));
    (0..12).for_each(|_| replica.run_jobs());
    let sealed = replica.shard.memory();
    assert_eq!(sealed.rows, 0, "they are in a file");
    assert!(sealed.places > growing.places, "which of them are dead is");
    let total: usize = sealed.parts().iter().map(|(_, bytes)| bytes).sum();
    assert_eq!(total, sealed.ids + sealed.places + sealed.graphs);
}

#[test]
fn segments_are_told_of_from_memory_to_file() {
    let replica = Replica::founded(MemoryKv::default());
    let info = || replica.shard.info();
    assert!(replica.write(upsert(0..80)));
    assert!(replica.write(Write::Delete(selection(&[1, 2, 3]))));
    let growing = replica.shard.segment_figures();
    assert_eq!(growing.len(), info().segments);
    let sums = |all: &[SegmentFigures]| {
        let alive: usize = all.iter().map(|segment| segment.of.points).sum();
        (alive, all.iter().map(|segment| segment.dead).sum::<usize>())
    };
    assert_eq!(sums(&growing), (77, 3));
    assert!(growing.iter().all(|segment| segment.in_memory && !segment.is_indexed), "{growing:?}");
    (0..12).for_each(|_| replica.run_jobs());
    let sealed = replica.shard.segment_figures();
    assert_eq!(sealed.len(), info().segments);
    assert_eq!(sums(&sealed).0, 77);
    for segment in &sealed {
        // Rows are added to what is in memory alone, and there is one such for a vector.
        assert_eq!(
            (segment.takes_rows, segment.in_memory),
            (segment.in_memory, segment.of.points == 0),
            "{segment:?}"
        );
    }
    let rows: u64 = sealed.iter().map(|segment| segment.row_bytes).sum();
    assert_eq!(rows, info().vector_bytes);
    let indexed = sealed.iter().filter(|segment| segment.is_indexed);
    assert_eq!(indexed.map(|segment| segment.of.points).sum::<usize>(), info().indexed_vectors);
}
