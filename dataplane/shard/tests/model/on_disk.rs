//! Vectors whose rows are wanted on the disk.

use vane_commands::{Change, Command, Configure};
use vane_shard::Alone;
use vane_storage::MemoryKv;
use vane_types::{CollectionConfig, Residence};

use crate::world::{Replica, config, search, soon, upsert};

/// Whether a search is done at once.
fn is_quick(replica: &Replica) -> bool {
    replica.shard.prepare_quick(&search(70.0, None, 11), soon()).unwrap().is_some()
}

/// Has the rows of the vector on the disk from now on.
fn put_on_disk(replica: &Replica) {
    configure(replica, |config| {
        config.vectors.values_mut().for_each(|vector| vector.on_disk = Some(true));
    });
}

fn configure(replica: &Replica, change: impl FnOnce(&mut CollectionConfig)) {
    let mut config = config();
    change(&mut config);
    let config = serde_json::to_string(&config).unwrap();
    let change = Some(Change::Configure(Configure { config }));
    let command = Command { change, request: None, routed_by: None, bounds: None };
    assert!(replica.apply(command.encode_stored()).is_ok());
}

#[test]
fn rows_on_the_disk_are_found_as_those_in_memory() {
    let mut replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..200)));
    (0..12).for_each(|_| replica.run_jobs());
    let found = |replica: &Replica| {
        let found = replica.shard.search(&search(70.0, None, 11), soon(), &Alone).unwrap();
        found.into_iter().map(|scored| scored.record.id).collect::<Vec<_>>()
    };
    let (before, contents) = (found(&replica), replica.contents());
    assert!(is_quick(&replica), "all is in memory");
    put_on_disk(&replica);
    assert!(!is_quick(&replica), "each look may wait for a disk");
    assert_eq!((found(&replica), &replica.contents().0), (before.clone(), &contents.0));
    // Segments that are opened, and such that are made.
    replica.reopen();
    assert_eq!(found(&replica), before);
    assert!(replica.write(upsert(200..400)));
    (0..12).for_each(|_| replica.run_jobs());
    assert_eq!(replica.shard.info().indexed_vectors, 400);
    assert_eq!(found(&replica), before);
}

#[test]
fn what_is_kept_in_memory_changes_no_answer_and_counts_at_once() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..200)));
    (0..12).for_each(|_| replica.run_jobs());
    let contents = replica.contents();
    for (rows, graph) in [
        (Residence::Cached, Residence::Cold),
        (Residence::Pinned, Residence::Pinned),
        (Residence::Cold, Residence::Cached),
        (Residence::Cached, Residence::Cached),
    ] {
        configure(&replica, |config| {
            config.hnsw.memory = Some(graph);
            config.vectors.values_mut().for_each(|vector| vector.memory = Some(rows));
        });
        assert_eq!(replica.contents().0, contents.0, "{rows:?} {graph:?}");
        let is_cold = [rows, graph].contains(&Residence::Cold);
        assert_eq!(is_quick(&replica), !is_cold);
    }
}
