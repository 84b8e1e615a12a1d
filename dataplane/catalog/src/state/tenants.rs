//! Tenants of collections: which number stands for which shard key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vane_types::limits::{SHARD_KEY_CHARS_MAX, SHARD_KEYS_MAX};
use vane_types::{Refusal, ShardKey, TenantId};

use super::collections::collection_not_found;
use super::{Changed, State, Touched};

/// Tenants of all collections, by number and by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tenants {
    entries: BTreeMap<TenantId, TenantEntry>,
    by_key: BTreeMap<String, BTreeMap<ShardKey, TenantId>>,
    /// The number that the last one got; none is given twice.
    pub(crate) last: u32,
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantEntry {
    /// Its collection.
    pub collection: String,
    /// What clients call it.
    pub key: ShardKey,
}

impl Tenants {
    /// The tenant of a collection that a key stands for.
    pub fn by_key(&self, collection: &str, key: &ShardKey) -> Option<TenantId> {
        self.by_key.get(collection)?.get(key).copied()
    }

    /// What clients call a tenant.
    pub fn key_of(&self, tenant: TenantId) -> Option<&ShardKey> {
        self.entries.get(&tenant).map(|entry| &entry.key)
    }

    /// Keys of a collection, numbers first, each in order.
    pub fn keys(&self, collection: &str) -> impl Iterator<Item = &ShardKey> {
        self.by_key.get(collection).into_iter().flat_map(BTreeMap::keys)
    }

    /// How many keys a collection has.
    pub fn count(&self, collection: &str) -> usize {
        self.by_key.get(collection).map_or(0, BTreeMap::len)
    }

    pub(crate) fn get(&self, tenant: TenantId) -> Option<&TenantEntry> {
        self.entries.get(&tenant)
    }

    pub(crate) fn insert(&mut self, tenant: TenantId, entry: TenantEntry) {
        let keys = self.by_key.entry(entry.collection.clone()).or_default();
        keys.insert(entry.key.clone(), tenant);
        self.entries.insert(tenant, entry);
    }

    fn remove(&mut self, tenant: TenantId) {
        let Some(TenantEntry { collection, key }) = self.entries.remove(&tenant) else { return };
        if let Some(keys) = self.by_key.get_mut(&collection) {
            keys.remove(&key);
            if keys.is_empty() {
                self.by_key.remove(&collection);
            }
        }
    }
}

impl State {
    pub(super) fn create_tenant(&mut self, collection: String, key: ShardKey) -> Changed {
        let known =
            self.collections.get(&collection).ok_or_else(|| collection_not_found(&collection))?;
        // In Qdrant's words.
        if !known.config.by_tenant {
            return Err(Refusal::Invalid(format!(
                "Shard Key {key} cannot be created with Auto sharding method: make the collection \
                 with sharding_method `custom`"
            )));
        }
        if self.tenants.by_key(&collection, &key).is_some() {
            return Err(Refusal::Invalid(format!(
                "Sharding key {key} already exists for collection {collection}"
            )));
        }
        if let ShardKey::Text(text) = &key
            && (text.is_empty() || text.chars().count() > SHARD_KEY_CHARS_MAX)
        {
            return Err(Refusal::Invalid(format!(
                "a shard key that is a text has 1 to {SHARD_KEY_CHARS_MAX} characters"
            )));
        }
        if self.tenants.entries.len() >= SHARD_KEYS_MAX {
            return Err(Refusal::Invalid(format!(
                "there are {SHARD_KEYS_MAX} shard keys, which is the most; delete one first"
            )));
        }
        let number = self.tenants.last.checked_add(1);
        let (Some(last), Some(tenant)) = (number, number.and_then(TenantId::from_number)) else {
            return Err(Refusal::Invalid("all numbers of shard keys were given away".into()));
        };
        self.tenants.last = last;
        self.tenants.insert(tenant, TenantEntry { collection, key });
        Ok(vec![Touched::LastTenant, Touched::Tenant(tenant)])
    }

    pub(super) fn delete_tenant(&mut self, collection: &str, tenant: TenantId) -> Changed {
        match self.tenants.get(tenant) {
            Some(entry) if entry.collection == collection => {
                self.tenants.remove(tenant);
                Ok(vec![Touched::Tenant(tenant)])
            }
            // It may be that another call deleted it.
            Some(_) | None => Err(Refusal::NotFound(format!("A shard key of `{collection}`"))),
        }
    }

    /// Removes the tenants of a collection that is no more.
    pub(super) fn remove_tenants_of(&mut self, collection: &str) -> Vec<Touched> {
        let gone = self.tenants.by_key.get(collection).into_iter().flat_map(BTreeMap::values);
        let gone: Vec<TenantId> = gone.copied().collect();
        gone.iter().for_each(|tenant| self.tenants.remove(*tenant));
        gone.into_iter().map(Touched::Tenant).collect()
    }
}
