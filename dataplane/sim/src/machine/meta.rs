//! The real catalog of the meta group. For clients a point is a node and its number the zone
//! of the node, which decides nothing here: that makes it a register to read and write.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;
use vane_catalog::{
    Catalog, FeatureLevel, Logged, Member, MetaCommand, NodeEntry, Seen, ShardEntry, State,
};
use vane_raft::{
    Answer, ApplyError, Conf, Entry, Exported, INITIAL_INDEX, StateMachine, StoreError,
};
use vane_shard::Shard;
use vane_storage::ShardStore;
use vane_types::command::RequestId;
use vane_types::{GroupId, LogIndex, NodeId};
use xxhash_rust::xxh3::Xxh3;

use super::{Machine, NOTHING};
use crate::write::Write;

/// A replica of the meta group.
pub(crate) struct Meta {
    pub(crate) catalog: Arc<Catalog>,
    store: ShardStore,
}

/// How a node presents itself in one of its starts.
pub(crate) fn entry_of(node: NodeId, start: u64) -> NodeEntry {
    NodeEntry {
        disk_id: Uuid::from_u128(node.0.into()),
        name: format!("node-{node}"),
        address: String::new(),
        rest_address: String::new(),
        version: String::new(),
        start,
        level: FeatureLevel::SPOKEN,
    }
}

impl Meta {
    /// Writes what the group's founder begins with, or a node that joins.
    pub(crate) fn create(store: &ShardStore, founding: Option<&Conf>) -> Result<(), String> {
        let nobody = Conf::default();
        let (applied, conf) = founding.map_or((NOTHING, &nobody), |conf| (INITIAL_INDEX, conf));
        let founder = founding.map(|_| entry_of(NodeId(1), 0));
        Catalog::create(store, Uuid::from_u128(1), applied, conf, founder)
            .map_err(|error| error.to_string())
    }

    pub(crate) fn open(store: ShardStore) -> Result<Self, String> {
        let catalog = Catalog::open(store.clone()).map_err(|error| error.to_string())?;
        Ok(Self { catalog: Arc::new(catalog), store })
    }
}

fn digest(catalog: &Catalog) -> u64 {
    catalog.read(|state| {
        let mut hash = Xxh3::new();
        state.nodes.values().for_each(|member| add_member(&mut hash, member));
        for (node, disk) in &state.removed {
            hash.update(&node.0.to_be_bytes());
            hash.update(disk.as_bytes());
        }
        for (group, shard) in &state.shards {
            hash.update(&group.0.to_be_bytes());
            add_shard(&mut hash, shard);
        }
        for (name, collection) in &state.collections {
            hash.update(name.as_bytes());
            hash.update(&collection.shards.len().to_be_bytes());
            hash.update(&collection.config.ids.revision().to_be_bytes());
            for (id, name, _) in collection.config.identified() {
                hash.update(&id.0.to_be_bytes());
                hash.update(name.as_bytes());
            }
            hash.update(&[u8::from(collection.is_untold)]);
        }
        for (name, value) in &state.settings {
            hash.update(name.as_bytes());
            hash.update(value.as_bytes());
        }
        hash.update(&[u8::from(state.level_is_held)]);
        // A replica that forgets a copy is found before it meets one.
        hash.update(&state.requests.len().to_be_bytes());
        hash.digest()
    })
}

fn add_member(hash: &mut Xxh3, member: &Member) {
    hash.update(&member.id.0.to_be_bytes());
    hash.update(&member.entry.start.to_be_bytes());
    hash.update(member.zone.as_deref().unwrap_or("").as_bytes());
    hash.update(&[u8::from(member.leaving)]);
    hash.update(&member.follows_only.unwrap_or_default().to_be_bytes());
}

fn add_shard(hash: &mut Xxh3, shard: &ShardEntry) {
    hash.update(&shard.epoch.to_be_bytes());
    hash.update(&shard.revision.to_be_bytes());
    for peer in shard.conf.members() {
        hash.update(&peer.0.to_be_bytes());
    }
    for replica in shard.target.iter().flatten() {
        hash.update(&replica.peer.0.to_be_bytes());
        hash.update(&[u8::from(replica.learner)]);
    }
}

/// What the members of each shard were seen at, as far as they are recorded.
fn seen(state: &State) -> BTreeMap<GroupId, Seen> {
    let recorded = state.shards.iter();
    recorded.filter_map(|(group, shard)| Some((*group, shard.seen?))).collect()
}

/// A zone that is a number; none for a removal.
pub(crate) fn set_zone(write: &Write) -> MetaCommand {
    let (point, number) = match write {
        Write::Put(points) => points.first().map_or((1, None), |(at, it)| (*at, Some(*it))),
        other => (other.points().first().copied().unwrap_or(1), None),
    };
    MetaCommand::SetZone { node: NodeId(point), zone: number.map(|number| number.to_string()) }
}

/// The number of a node, as its zone has it.
pub(crate) fn number_of_zone(state: &State, node: u64) -> Result<Option<u64>, String> {
    let zone = state.nodes.get(&NodeId(node)).and_then(|member| member.zone.as_deref());
    zone.map(|number| number.parse().map_err(|error| format!("{number}: {error}"))).transpose()
}

/// The node that a command removes, and with it its zone.
pub(super) fn removal_of(command: &[u8]) -> Option<u64> {
    match Logged::decode_stored(command).ok()?.command {
        MetaCommand::RemoveNode { node, .. } => Some(node.0),
        _ => None,
    }
}

pub(super) fn request_of(command: &[u8]) -> Option<RequestId> {
    Logged::decode_stored(command).ok()?.request
}

pub(super) fn without_request(command: &[u8]) -> Vec<u8> {
    match Logged::decode_stored(command) {
        Ok(logged) => logged.command.encode_stored(),
        Err(_) => command.to_vec(),
    }
}

impl Machine for Meta {
    fn digest(&self) -> Result<u64, String> {
        Ok(digest(&self.catalog))
    }

    fn scrub(&self) -> Result<u64, String> {
        let stored = Catalog::open(self.store.clone()).map_err(|error| error.to_string())?;
        let is_same = stored.read(|disk| self.catalog.read(|memory| disk == memory));
        if is_same { Ok(digest(&stored)) } else { Err("memory and disk differ".into()) }
    }

    fn read(&self, point: u64) -> Result<Option<u64>, String> {
        self.catalog.read(|state| number_of_zone(state, point))
    }

    fn vectors(&self) -> Result<BTreeMap<u64, BTreeSet<String>>, String> {
        Ok(BTreeMap::new())
    }

    fn of_class(&self, _: u64) -> Result<Vec<u64>, String> {
        Ok(Vec::new())
    }

    fn run_job(&self) -> Result<bool, String> {
        Ok(false)
    }

    fn close(&self) {}

    fn shard(self: Arc<Self>) -> Option<Arc<Shard>> {
        None
    }
}

impl StateMachine for Meta {
    fn applied(&self) -> LogIndex {
        self.catalog.applied()
    }

    fn conf(&self) -> Conf {
        self.catalog.conf()
    }

    fn apply(&self, entry: &Entry) -> Result<Answer, ApplyError> {
        let before = self.catalog.read(seen);
        let answer = self.catalog.apply(entry)?;
        let after = self.catalog.read(seen);
        for (group, before) in before {
            // A shard that was deleted meanwhile has none.
            if let Some(after) = after.get(&group).filter(|after| after.index < before.index) {
                // Ends the run, as any panic of the code that is tested does.
                panic!("members of group {group} as of {before:?} gave way to older: {after:?}");
            }
        }
        Ok(answer)
    }

    fn snapshot(&self, dir: &Path) -> Result<Exported, StoreError> {
        self.catalog.snapshot(dir)
    }

    fn install(&self, dir: &Path) -> Result<(), ApplyError> {
        self.catalog.install(dir)
    }
}
