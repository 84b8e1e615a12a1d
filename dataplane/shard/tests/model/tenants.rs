//! Rows of tenants: those of one lie together.

use std::path::Path;

use vane_commands::{Change, Command, Configure};
use vane_filter::Filter;
use vane_shard::{Alone, Write};
use vane_storage::MemoryKv;
use vane_types::{CollectionConfig, FieldSchema, Hints};

use crate::world::{Replica, config, number_is, payload, search, selection, soon, upsert};

fn configure(replica: &Replica, config: &CollectionConfig) {
    let config = serde_json::to_string(config).unwrap();
    let change = Some(Change::Configure(Configure { config }));
    let command = Command { change, request: None, routed_by: None, bounds: None };
    assert!(replica.apply(command.encode_stored()).is_ok());
}

/// The slots of the one segment with a graph, as its rows lie: the file is read as
/// `vane_storage::segment_file` describes it.
fn slots(dir: &Path) -> Vec<u32> {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let slots = slots(&path);
            if !slots.is_empty() {
                return slots;
            }
        }
    }
    if !dir.join("graph.hnsw").exists() {
        return Vec::new();
    }
    let file = std::fs::read(dir.join("rows.bin")).unwrap();
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    let rows = number(&file[8..12]) as usize;
    file[64 + rows * 8..].chunks_exact(4).map(number).collect()
}

/// How often the number of a row's point is another than that of the row before. Points were
/// written once and in the order of their ids, so that their slots are these.
fn changes(replica: &Replica) -> usize {
    let slots = slots(replica.dir.path());
    assert_eq!(slots.len(), 200);
    slots.windows(2).filter(|pair| pair[0] % 4 != pair[1] % 4).count()
}

fn run(replica: &Replica) {
    (0..12).for_each(|_| replica.run_jobs());
}

fn found(replica: &Replica, filter: Option<Filter>) -> Vec<vane_types::PointId> {
    let found = replica.shard.search(&search(70.0, filter, 11), soon(), &Alone).unwrap();
    found.into_iter().map(|scored| scored.record.id).collect()
}

#[test]
fn rows_of_merged_segments_lie_in_the_order_of_their_tenants() {
    let plain = CollectionConfig { hints: Hints::default(), ..config() };
    let (replica, other) = [true, false]
        .map(|of_tenants| {
            let replica = Replica::founded(MemoryKv::default());
            if !of_tenants {
                configure(&replica, &plain);
            }
            let field = "n".parse().unwrap();
            assert!(replica.write(Write::CreateIndex { field, field_type: FieldSchema::Integer }));
            while replica.fill() {}
            // Their numbers go round.
            assert!(replica.write(upsert(0..200)));
            run(&replica);
            replica
        })
        .into();
    assert_eq!(replica.shard.info().indexed_vectors, 200);
    assert_eq!((changes(&replica), changes(&other)), (3, 199));
    for filter in [None, Some(number_is(2))] {
        assert_eq!(found(&replica, filter.clone()), found(&other, filter));
    }
    // A point that goes to another tenant is found there, wherever its row lies.
    let points = selection(&[70]);
    assert!(replica.write(Write::SetPayload { points, payload: payload(3), key: None }));
    assert!(found(&replica, Some(number_is(3))).contains(&70.into()));
    assert!(!found(&replica, Some(number_is(2))).contains(&70.into()));
    assert!(replica.write(upsert(200..400)));
    run(&replica);
    assert_eq!(replica.shard.recompute_digest().unwrap(), replica.shard.digest());
}
