//! What this node has memory for.

use std::collections::BTreeMap;

use vane_catalog::Catalog;
use vane_shard::Memory;
use vane_storage::Held;
use vane_storage::segment_file::pinned_bytes;
use vane_transport::NodeMemory;

use crate::replicas::Replicas;

/// Of the process as a whole, also while it belongs to no cluster.
pub fn of_process() -> NodeMemory {
    NodeMemory {
        resident: bytes("VmRSS:"),
        anonymous: bytes("RssAnon:"),
        pinned: pinned_bytes(),
        ..NodeMemory::default()
    }
}

/// Of the process, its databases and its replicas. Looks at every value of each payload index, so
/// it is not for a thread that answers requests.
pub(crate) fn of_node(replicas: &Replicas, catalog: &Catalog) -> NodeMemory {
    // Each collection has its entry, also without a replica here: zero is not the same as gone.
    let names: Vec<String> = catalog.read(|state| state.collections.keys().cloned().collect());
    let mut collections: BTreeMap<String, Memory> =
        names.into_iter().map(|name| (name, Memory::default())).collect();
    for (group, replica) in replicas.all() {
        let name = catalog.read(|state| state.shards.get(&group).map(|it| it.collection.clone()));
        if let Some(memory) = name.and_then(|name| collections.get_mut(&name)) {
            memory.add(replica.shard.memory());
        }
    }
    let Held { memtables, block_cache } = replicas.in_memory();
    NodeMemory { memtables, block_cache, collections, ..of_process() }
}

/// Memory of this process, of the kind that the system calls so; 0 where it does not say.
fn bytes(kind: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(kind)).unwrap_or_default();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    kilobytes << 10
}

#[cfg(test)]
mod tests {
    use super::of_process;

    #[test]
    fn what_the_system_can_take_back_is_not_anonymous() {
        let memory = of_process();
        assert!(memory.anonymous > 0 && memory.anonymous < memory.resident, "{memory:?}");
    }
}
