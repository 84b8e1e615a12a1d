//! The real catalogue of the meta group. A point is a node's disk, its value the node's name.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;
use vane_catalog::{Catalog, MetaCommand, NodeEntry};
use vane_raft::{Answer, Conf, Entry, Exported, INITIAL_INDEX, StateMachine, StoreError};
use vane_storage::ShardStore;
use vane_types::LogIndex;
use vane_types::command::RequestId;
use xxhash_rust::xxh3::xxh3_64;

use super::{Kind, Machine, Write};

/// The kind. Its commands carry no numbers of requests: copies of one are applied again.
pub(crate) struct Catalogue;

struct Opened {
    meta: Catalog,
    store: ShardStore,
}

fn digest(meta: &Catalog) -> u64 {
    meta.read(|state| {
        let of_node = |node: &vane_catalog::Member| {
            let entry = &node.entry;
            let text = [&entry.name, &entry.version].map(|it| it.as_bytes()).concat();
            xxh3_64(&[&node.id.to_be_bytes(), &entry.disk_id.as_bytes()[..], &text].concat())
        };
        state.nodes.values().map(of_node).fold(state.nodes.len() as u64, u64::wrapping_add)
    })
}

/// Which request an entry is of stands where the version of the node would.
fn decode(command: &[u8]) -> Option<RequestId> {
    let MetaCommand::PutNode(entry) = MetaCommand::decode_stored(command).ok()? else {
        return None;
    };
    let mut numbers = entry.version.split('-').map(|it| it.parse::<u64>().ok());
    let mut next = || numbers.next().flatten();
    Some(RequestId { session: next()?, sequence: next()?, basis: next()? })
}

impl Kind for Catalogue {
    fn create(&self, store: &ShardStore, first: Option<&Conf>) -> Result<(), String> {
        let nobody = Conf::default();
        let (applied, conf) = first.map_or((0, &nobody), |it| (INITIAL_INDEX, it));
        Catalog::create(store, Uuid::from_u128(1), applied, conf, None).map_err(|e| e.to_string())
    }

    fn open(&self, store: ShardStore) -> Result<Arc<dyn Machine>, String> {
        let meta = Catalog::open(store.clone()).map_err(|e| e.to_string())?;
        Ok(Arc::new(Opened { meta, store }))
    }

    fn encode(&self, write: Write, id: Option<RequestId>) -> Vec<u8> {
        let number = |it: RequestId| format!("{}-{}-{}", it.session, it.sequence, it.basis);
        let entry = NodeEntry {
            disk_id: Uuid::from_u128(write.point.into()),
            name: write.value.map(|it| it.to_string()).unwrap_or_default(),
            address: String::new(),
            rest_address: String::new(),
            version: id.map(number).unwrap_or_default(),
            start: 0,
            level: vane_catalog::FeatureLevel::FIRST,
        };
        MetaCommand::PutNode(entry).encode_stored()
    }

    fn request_of(&self, command: &[u8]) -> Option<RequestId> {
        decode(command)
    }

    fn without_request(&self, command: &[u8]) -> Vec<u8> {
        command.to_vec()
    }
}

impl Machine for Opened {
    fn digest(&self) -> Result<u64, String> {
        Ok(digest(&self.meta))
    }

    fn scrub(&self) -> Result<u64, String> {
        Catalog::open(self.store.clone()).map(|it| digest(&it)).map_err(|e| e.to_string())
    }

    fn read(&self, point: u64) -> Result<Option<u64>, String> {
        let disk = Uuid::from_u128(point.into());
        let name = self.meta.read(|state| state.node_of_disk(disk).map(|it| it.entry.name.clone()));
        match name.filter(|it| !it.is_empty()) {
            Some(name) => name.parse().map(Some).map_err(|e| format!("{name}: {e}")),
            None => Ok(None),
        }
    }
}

impl StateMachine for Opened {
    fn applied(&self) -> LogIndex {
        self.meta.applied()
    }

    fn conf(&self) -> Conf {
        self.meta.conf()
    }

    fn apply(&self, entry: &Entry) -> Result<Answer, StoreError> {
        self.meta.apply(entry)
    }

    fn snapshot(&self, dir: &Path) -> Result<Exported, StoreError> {
        self.meta.snapshot(dir)
    }

    fn install(&self, dir: &Path) -> Result<(), StoreError> {
        self.meta.install(dir)
    }
}
