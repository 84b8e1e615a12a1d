//! Objects of the catalog on disk: each an attribute of the meta group, a name with JSON.
//!
//! ```text
//! cluster              id of the cluster
//! counters             [last member's number, next shard's group]
//! level                feature level; not there while it is the first
//! level_hold           whether the level waits to be raised; not there until it is said
//! settings             what all nodes have while they run; not there until it is said
//! quotas               what each node may use; not there until it is said
//! policy               how replicas are moved; not there until it is said
//! conf                 members of the meta group
//! removed/7            disk of a member that was removed
//! node/7               a member        collection/c    a collection
//! shard/12             a shard         alias/a         a collection's name
//! tenant/7             a tenant        last_tenant     the number that the last one got
//! metadata/k           what people keep for the cluster by a key
//! request/90           what became of the request that entry 90 is of
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use vane_raft::{Conf, StoreError};
use vane_storage::{Batch, ShardStore};
use vane_types::{GroupId, LogIndex, NodeId, TenantId, json};

use super::Current;
use crate::state::{Member, Remembered, ShardEntry, State, TenantEntry, Touched};

const NODE: &str = "node/";
const REMOVED: &str = "removed/";
const COLLECTION: &str = "collection/";
const ALIAS: &str = "alias/";
const SHARD: &str = "shard/";
const REQUEST: &str = "request/";
const TENANT: &str = "tenant/";
const METADATA: &str = "metadata/";
const LAST_TENANT: &str = "last_tenant";
const COUNTERS: &str = "counters";
const LEVEL: &str = "level";
const LEVEL_HOLD: &str = "level_hold";
const SETTINGS: &str = "settings";
const QUOTAS: &str = "quotas";
const POLICY: &str = "policy";
const CLUSTER: &str = "cluster";
const CONF: &str = "conf";

/// Writes what a catalog begins with.
pub(super) fn put_first(batch: &mut Batch<'_>, state: &State, conf: &Conf) {
    put(batch, CLUSTER, &state.cluster_id);
    let members = state.nodes.keys().map(|node| Touched::Node(*node));
    // The first level is not written: such a catalog looks as it did before levels.
    let level = (!state.level.is_first()).then_some(Touched::Level);
    let touched: Vec<Touched> = members.chain([Touched::Counters]).chain(level).collect();
    put_touched(batch, state, &touched);
    put_conf(batch, conf);
}

pub(super) fn put_conf(batch: &mut Batch<'_>, conf: &Conf) {
    put(batch, CONF, conf);
}

/// Writes the objects that a change touched as they are now.
pub(super) fn put_touched(batch: &mut Batch<'_>, state: &State, touched: &[Touched]) {
    for object in touched {
        match object {
            Touched::Node(id) => put_or_delete(batch, NODE, id, state.nodes.get(id)),
            Touched::Removed(id) => put_or_delete(batch, REMOVED, id, state.removed.get(id)),
            Touched::Collection(name) => {
                put_or_delete(batch, COLLECTION, name, state.collections.get(name));
            }
            Touched::Alias(name) => put_or_delete(batch, ALIAS, name, state.aliases.get(name)),
            Touched::Shard(group) => put_or_delete(batch, SHARD, group, state.shards.get(group)),
            Touched::Tenant(id) => {
                put_or_delete(batch, TENANT, id, state.tenants.get(*id));
            }
            Touched::LastTenant => put(batch, LAST_TENANT, &state.tenants.last),
            Touched::Metadata(key) => {
                put_or_delete(batch, METADATA, key, state.metadata.get(key));
            }
            Touched::Counters => put(batch, COUNTERS, &(state.next_node, state.next_group)),
            Touched::Level => put(batch, LEVEL, &state.level),
            Touched::LevelHold => put(batch, LEVEL_HOLD, &state.level_is_held),
            Touched::Settings => put(batch, SETTINGS, &state.settings),
            Touched::Quotas => put(batch, QUOTAS, &state.quotas),
            Touched::Policy => put(batch, POLICY, &state.policy),
            Touched::Request(index) => {
                put_or_delete(batch, REQUEST, index, state.requests.at(*index));
            }
        }
    }
}

/// Reads everything.
///
/// # Errors
/// When the database fails, or holds what no version wrote there.
pub(super) fn read(store: &ShardStore) -> Result<Current, StoreError> {
    let (next_node, next_group) = named(store, COUNTERS)?.unwrap_or((0, 1));
    let mut state = State { next_node, next_group, ..State::default() };
    state.cluster_id = named(store, CLUSTER)?.unwrap_or(Uuid::nil());
    state.level = named(store, LEVEL)?.unwrap_or_default();
    state.level_is_held = named(store, LEVEL_HOLD)?.unwrap_or_default();
    state.settings = named(store, SETTINGS)?.unwrap_or_default();
    state.quotas = named(store, QUOTAS)?.unwrap_or_default();
    state.policy = named(store, POLICY)?.unwrap_or_default();
    for (name, member) in all::<Member>(store, NODE)? {
        state.nodes.insert(NodeId(number(NODE, &name)?), member);
    }
    for (name, disk) in all::<Uuid>(store, REMOVED)? {
        state.removed.insert(NodeId(number(REMOVED, &name)?), disk);
    }
    state.collections = all(store, COLLECTION)?.into_iter().collect();
    state.aliases = all(store, ALIAS)?.into_iter().collect();
    for (name, shard) in all::<ShardEntry>(store, SHARD)? {
        state.shards.insert(GroupId(number(SHARD, &name)?), shard);
    }
    for (name, entry) in all::<TenantEntry>(store, TENANT)? {
        let id = u32::try_from(number(TENANT, &name)?).ok().and_then(TenantId::from_number);
        let id = id.ok_or_else(|| {
            StoreError(format!("the catalog in data.db is damaged: `{TENANT}{name}` is none"))
        })?;
        state.tenants.insert(id, entry);
    }
    state.tenants.last = named(store, LAST_TENANT)?.unwrap_or_default();
    state.metadata = all(store, METADATA)?.into_iter().collect();
    for (index, remembered) in all::<Remembered>(store, REQUEST)? {
        state.requests.insert(LogIndex(number(REQUEST, &index)?), remembered);
    }
    let conf = read_conf(store)?;
    Ok(Current { applied: store.applied().map_err(failed)?, conf, state })
}

pub(super) fn read_conf(store: &ShardStore) -> Result<Conf, StoreError> {
    Ok(named(store, CONF)?.unwrap_or_default())
}

pub(super) fn failed(error: vane_storage::Error) -> StoreError {
    StoreError(error.to_string())
}

fn named<T: DeserializeOwned>(store: &ShardStore, name: &str) -> Result<Option<T>, StoreError> {
    let value = store.attribute(name.as_bytes()).map_err(failed)?;
    value.map(|json| parse(name, &json)).transpose()
}

fn all<T: DeserializeOwned>(
    store: &ShardStore,
    prefix: &str,
) -> Result<Vec<(String, T)>, StoreError> {
    let mut objects = Vec::new();
    for (name, json) in store.attributes(prefix.as_bytes()).map_err(failed)? {
        let name = String::from_utf8_lossy(&name[prefix.len()..]).into_owned();
        let object = parse(&name, &json)?;
        objects.push((name, object));
    }
    Ok(objects)
}

fn parse<T: DeserializeOwned>(name: &str, stored: &[u8]) -> Result<T, StoreError> {
    json::read(stored)
        .map_err(|e| StoreError(format!("the catalog in data.db is damaged: `{name}`: {e}")))
}

fn number(kind: &str, text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_| {
        StoreError(format!("the catalog in data.db is damaged: `{kind}{text}` has no number"))
    })
}

fn put<T: Serialize>(batch: &mut Batch<'_>, name: &str, value: &T) {
    let json = serde_json::to_vec(value).expect("the catalog is plain data");
    batch.put_attribute(name.as_bytes(), &json);
}

fn put_or_delete<T: Serialize>(
    batch: &mut Batch<'_>,
    kind: &str,
    name: impl std::fmt::Display,
    value: Option<&T>,
) {
    let name = format!("{kind}{name}");
    match value {
        Some(value) => put(batch, &name, value),
        None => batch.delete_attribute(name.as_bytes()),
    }
}
