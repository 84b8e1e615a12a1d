//! What a shard says of its memory.

use vane_shard::Memory;
use vane_storage::MemoryKv;

use crate::world::{Replica, upsert};

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
