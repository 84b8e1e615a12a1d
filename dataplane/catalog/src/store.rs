//! The meta group's state machine: [`State`] in memory, and object by object in `data.db`.

use std::path::Path;

use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use uuid::Uuid;
use vane_raft::{Answer, Conf, Entry, Exported, StateMachine, StoreError};
use vane_storage::{Batch, ShardStore};
use vane_types::{GroupId, LogIndex, NodeId};

use crate::command::{MetaCommand, NodeEntry};
use crate::state::{Member, ShardEntry, State, Touched};

const NODE: &str = "node/";
const COLLECTION: &str = "collection/";
const ALIAS: &str = "alias/";
const SHARD: &str = "shard/";
const COUNTERS: &str = "counters";
const CLUSTER: &str = "cluster";
const CONF: &str = "conf";

/// What the cluster agrees on, as this node has applied it.
pub struct Catalog {
    store: ShardStore,
    inner: RwLock<Inner>,
    writer: Mutex<()>,
    changed: watch::Sender<LogIndex>,
}

#[derive(Default)]
struct Inner {
    applied: LogIndex,
    conf: Conf,
    state: State,
}

impl Catalog {
    /// Writes what the meta group begins with, durably: its founder, or nothing on a node
    /// that joins.
    pub fn create(
        store: &ShardStore,
        cluster_id: Uuid,
        applied: LogIndex,
        conf: &Conf,
        founder: Option<NodeEntry>,
    ) -> Result<(), StoreError> {
        let mut batch = store.batch();
        put(&mut batch, CLUSTER, &cluster_id);
        let mut state = State { next_group: 1, ..State::default() };
        if let Some(entry) = founder {
            state.apply(MetaCommand::PutNode(entry)).map_err(|e| StoreError(e.to_string()))?;
        }
        for node in state.nodes.values() {
            put(&mut batch, &format!("{NODE}{}", node.id), node);
        }
        put(&mut batch, COUNTERS, &(state.next_node, state.next_group));
        put(&mut batch, CONF, conf);
        batch.put_applied(applied);
        batch.write().and_then(|()| store.sync()).map_err(failed)
    }

    /// Reads it from `data.db`.
    pub fn open(store: ShardStore) -> Result<Self, StoreError> {
        let inner = read(&store)?;
        let (changed, _) = watch::channel(inner.applied);
        Ok(Self { store, inner: RwLock::new(inner), writer: Mutex::new(()), changed })
    }

    /// What it holds now.
    pub fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.inner.read().state)
    }

    /// Tells of every applied entry.
    pub fn changes(&self) -> watch::Receiver<LogIndex> {
        self.changed.subscribe()
    }

    fn write_touched(&self, state: &State, touched: &[Touched], batch: &mut Batch<'_>) {
        for touched in touched {
            match touched {
                Touched::Node(id) => {
                    put_or_delete(batch, &format!("{NODE}{id}"), state.nodes.get(id))
                }
                Touched::Collection(name) => {
                    put_or_delete(
                        batch,
                        &format!("{COLLECTION}{name}"),
                        state.collections.get(name),
                    );
                }
                Touched::Alias(name) => {
                    put_or_delete(batch, &format!("{ALIAS}{name}"), state.aliases.get(name))
                }
                Touched::Shard(group) => {
                    put_or_delete(batch, &format!("{SHARD}{group}"), state.shards.get(group))
                }
                Touched::Counters => put(batch, COUNTERS, &(state.next_node, state.next_group)),
            }
        }
    }
}

impl StateMachine for Catalog {
    fn applied(&self) -> LogIndex {
        self.inner.read().applied
    }

    fn conf(&self) -> Conf {
        self.inner.read().conf.clone()
    }

    fn apply(&self, entry: &Entry) -> Result<Answer, StoreError> {
        let _only_writer = self.writer.lock();
        let mut batch = self.store.batch();
        let mut answer = Ok(());
        let mut inner = self.inner.write();
        if let Some(conf) = &entry.conf {
            put(&mut batch, CONF, conf);
            inner.conf = conf.clone();
        }
        if !entry.data.is_empty() {
            match inner.state.apply(MetaCommand::decode_stored(&entry.data)?) {
                Ok(touched) => self.write_touched(&inner.state, &touched, &mut batch),
                Err(refusal) => answer = Err(refusal),
            }
        }
        batch.put_applied(entry.index);
        // A failed write ends the process, so that memory ahead of the disk is never seen.
        // Synced, other than shards' writes: replicas are made and removed by what is read
        // here, and must never be older than it.
        let written = batch
            .write()
            .and_then(|()| if entry.data.is_empty() { Ok(()) } else { self.store.sync() });
        written.map_err(|e| StoreError(format!("catalogue: entry {}: {e}", entry.index)))?;
        inner.applied = entry.index;
        drop(inner);
        self.changed.send_replace(entry.index);
        Ok(answer)
    }

    fn snapshot(&self, dir: &Path) -> Result<Exported, StoreError> {
        let (exported, view) = {
            let _only_writer = self.writer.lock();
            let inner = self.inner.read();
            (Exported { index: inner.applied, conf: inner.conf.clone() }, self.store.read_view())
        };
        view.export(dir).map_err(failed)?;
        Ok(exported)
    }

    fn install(&self, dir: &Path) -> Result<(), StoreError> {
        let _only_writer = self.writer.lock();
        self.store.import(dir).map_err(failed)?;
        let inner = read(&self.store)?;
        let applied = inner.applied;
        *self.inner.write() = inner;
        self.changed.send_replace(applied);
        Ok(())
    }
}

fn read(store: &ShardStore) -> Result<Inner, StoreError> {
    let one = |name: &str| store.attribute(name.as_bytes()).map_err(failed);
    let (next_node, next_group) = one(COUNTERS)?.map_or(Ok((0, 1)), |it| parse(COUNTERS, &it))?;
    let mut state = State { next_node, next_group, ..State::default() };
    state.cluster_id = one(CLUSTER)?.map_or(Ok(Uuid::nil()), |it| parse(CLUSTER, &it))?;
    for (name, node) in all::<Member>(store, NODE)? {
        state.nodes.insert(NodeId(number(NODE, &name)?), node);
    }
    state.collections = all(store, COLLECTION)?.into_iter().collect();
    state.aliases = all(store, ALIAS)?.into_iter().collect();
    for (name, shard) in all::<ShardEntry>(store, SHARD)? {
        state.shards.insert(GroupId(number(SHARD, &name)?), shard);
    }
    let conf = one(CONF)?.map_or(Ok(Conf::default()), |it| parse(CONF, &it))?;
    Ok(Inner { applied: store.applied().map_err(failed)?, conf, state })
}

fn all<T: DeserializeOwned>(
    store: &ShardStore,
    prefix: &str,
) -> Result<Vec<(String, T)>, StoreError> {
    let found = store.attributes(prefix.as_bytes()).map_err(failed)?;
    let one = |(name, value): (Vec<u8>, Vec<u8>)| {
        let name = String::from_utf8_lossy(&name[prefix.len()..]).into_owned();
        let value = parse(&name, &value)?;
        Ok((name, value))
    };
    found.into_iter().map(one).collect()
}

fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes)
        .map_err(|e| StoreError(format!("the catalogue in data.db is damaged: `{name}`: {e}")))
}

fn number(kind: &str, text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_| {
        StoreError(format!("the catalogue in data.db is damaged: `{kind}{text}` has no number"))
    })
}

fn put<T: Serialize>(batch: &mut Batch<'_>, name: &str, value: &T) {
    let json = serde_json::to_vec(value).expect("the catalogue is plain data");
    batch.put_attribute(name.as_bytes(), &json);
}

fn put_or_delete<T: Serialize>(batch: &mut Batch<'_>, name: &str, value: Option<&T>) {
    match value {
        Some(value) => put(batch, name, value),
        None => batch.delete_attribute(name.as_bytes()),
    }
}

fn failed(error: vane_storage::Error) -> StoreError {
    StoreError(error.to_string())
}
