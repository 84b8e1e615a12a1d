//! The catalogue: which collections and aliases there are. State machine of the meta group.

use std::collections::BTreeMap;

use parking_lot::{Mutex, RwLock};
use prost::{Message, Oneof};
use vane_raft::{Answer, Entry, StateMachine, StoreError};
use vane_storage::{Batch, ShardStore};
use vane_types::command::{decode_versioned, encode_versioned};
use vane_types::limits::COLLECTIONS_MAX;
use vane_types::{CollectionConfig, GroupId, LogIndex, Refusal};

const COLLECTION: &[u8] = b"collection/";
const ALIAS: &[u8] = b"alias/";
const NEXT_GROUP: &[u8] = b"next_group";

/// A change of one alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AliasChange {
    /// Makes an alias, or points an existing one elsewhere.
    Create { collection: String, alias: String },
    /// Removes an alias; nothing happens when there is none.
    Delete { alias: String },
    /// Gives an alias another name.
    Rename { old: String, new: String },
}

/// A collection as the catalogue knows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CollectionEntry {
    /// Group of its shard.
    pub(crate) group: GroupId,
    /// What the shard begins with; it keeps its own copy from then on.
    pub(crate) config: CollectionConfig,
}

/// A change of the catalogue, as logged.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CatalogueCommand {
    #[prost(oneof = "CatalogueChange", tags = "1, 2, 3")]
    change: Option<CatalogueChange>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum CatalogueChange {
    #[prost(message, tag = "1")]
    Create(Create),
    #[prost(string, tag = "2")]
    Delete(String),
    #[prost(message, tag = "3")]
    Aliases(Aliases),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Create {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    /// [`CollectionConfig`] as JSON.
    #[prost(string, tag = "2")]
    pub(crate) config: String,
}

/// Changes of aliases that happen together.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Aliases {
    #[prost(message, repeated, tag = "1")]
    changes: Vec<StoredAliasChange>,
}

/// `old` empty: create; `new` empty: delete; both: rename.
#[derive(Clone, PartialEq, Message)]
struct StoredAliasChange {
    #[prost(string, tag = "1")]
    old: String,
    #[prost(string, tag = "2")]
    new: String,
    #[prost(string, tag = "3")]
    collection: String,
}

impl CatalogueCommand {
    pub(crate) fn stored(change: CatalogueChange) -> Vec<u8> {
        encode_versioned(&Self { change: Some(change) })
    }
}

impl From<&[AliasChange]> for Aliases {
    fn from(changes: &[AliasChange]) -> Self {
        let stored = |it: &AliasChange| match it.clone() {
            AliasChange::Create { collection, alias } => {
                StoredAliasChange { old: String::new(), new: alias, collection }
            }
            AliasChange::Delete { alias } => StoredAliasChange { old: alias, ..Default::default() },
            AliasChange::Rename { old, new } => StoredAliasChange { old, new, collection: String::new() },
        };
        Self { changes: changes.iter().map(stored).collect() }
    }
}

/// The catalogue's memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    applied: LogIndex,
    next_group: u64,
    pub(crate) collections: BTreeMap<String, CollectionEntry>,
    /// Alias to collection.
    pub(crate) aliases: BTreeMap<String, String>,
}

/// The catalogue of this node.
pub(crate) struct Catalogue {
    store: ShardStore,
    known: RwLock<Known>,
    writer: Mutex<()>,
}

impl Catalogue {
    /// Reads the catalogue from `data.db`.
    pub(crate) fn open(store: ShardStore) -> Result<Self, vane_storage::Error> {
        let damaged =
            |detail: &str| vane_storage::Error::Damaged { what: "the catalogue".into(), detail: detail.into() };
        let mut known = Known { applied: store.applied()?, next_group: 1, ..Known::default() };
        if let Some(bytes) = store.meta(NEXT_GROUP)? {
            known.next_group = u64::from_be_bytes(bytes.try_into().map_err(|_| damaged("its next group"))?);
        }
        for (name, value) in store.metas(COLLECTION)? {
            let (group, config) = serde_json::from_slice(&value).map_err(|e| damaged(&e.to_string()))?;
            known.collections.insert(text(&name[COLLECTION.len()..]), CollectionEntry { group, config });
        }
        for (name, value) in store.metas(ALIAS)? {
            known.aliases.insert(text(&name[ALIAS.len()..]), text(&value));
        }
        Ok(Self { store, known: RwLock::new(known), writer: Mutex::new(()) })
    }

    /// What the catalogue holds now.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Known) -> T) -> T {
        read(&self.known.read())
    }
}

impl StateMachine for Catalogue {
    fn applied(&self) -> LogIndex {
        self.known.read().applied
    }

    fn apply(&self, entry: &Entry) -> Result<Answer, StoreError> {
        let failed = |e: &dyn std::fmt::Display| StoreError(format!("catalogue: entry {}: {e}", entry.index));
        let _only_writer = self.writer.lock();
        let command: CatalogueCommand = decode_versioned(&entry.data).map_err(|e| failed(&e))?;
        let change = command.change.ok_or_else(|| failed(&"a kind of change this version does not know"))?;
        let before = self.known.read().clone();
        let (mut known, mut batch) = (before.clone(), self.store.batch());
        let answer = match change {
            CatalogueChange::Create(it) => known.create(&it, &mut batch).map_err(|e| failed(&e))?,
            CatalogueChange::Delete(it) => known.delete(&it, &mut batch),
            CatalogueChange::Aliases(it) => known.change_aliases(&it, &mut batch),
        };
        if answer.is_err() {
            (known, batch) = (before, self.store.batch());
        }
        known.applied = entry.index;
        batch.put_applied(entry.index);
        let mut current = self.known.write();
        batch.write().map_err(|e| failed(&e))?;
        *current = known;
        Ok(answer)
    }
}

impl Known {
    fn create(&mut self, create: &Create, batch: &mut Batch<'_>) -> Result<Answer, serde_json::Error> {
        let Create { name, config } = create;
        let config: CollectionConfig = serde_json::from_str(config)?;
        if self.collections.contains_key(name) {
            return Ok(Err(Refusal::AlreadyExists(format!("Collection `{name}`"))));
        }
        if self.aliases.contains_key(name) {
            return Ok(Err(Refusal::AlreadyExists(format!("Alias `{name}`"))));
        }
        if self.collections.len() >= COLLECTIONS_MAX {
            let text = format!("there are {COLLECTIONS_MAX} collections, which is the most; delete one first");
            return Ok(Err(Refusal::Invalid(text)));
        }
        let group = GroupId(self.next_group);
        self.next_group += 1;
        batch.put_meta(NEXT_GROUP, &self.next_group.to_be_bytes());
        batch.put_meta(&[COLLECTION, name.as_bytes()].concat(), &serde_json::to_vec(&(group, &config))?);
        self.collections.insert(name.clone(), CollectionEntry { group, config });
        Ok(Ok(()))
    }

    fn delete(&mut self, name: &str, batch: &mut Batch<'_>) -> Answer {
        if self.collections.remove(name).is_none() {
            return Err(collection_not_found(name));
        }
        batch.delete_meta(&[COLLECTION, name.as_bytes()].concat());
        let aliases: Vec<String> =
            self.aliases.iter().filter(|(_, it)| *it == name).map(|(it, _)| it.clone()).collect();
        aliases.iter().for_each(|alias| self.remove_alias(alias, batch));
        Ok(())
    }

    fn change_aliases(&mut self, aliases: &Aliases, batch: &mut Batch<'_>) -> Answer {
        for StoredAliasChange { old, new, collection } in &aliases.changes {
            let target = match (old.is_empty(), self.aliases.get(old)) {
                (true, _) => collection.clone(),
                (false, Some(target)) => target.clone(),
                (false, None) if new.is_empty() => continue,
                (false, None) => return Err(Refusal::NotFound(format!("Alias `{old}`"))),
            };
            self.remove_alias(old, batch);
            if new.is_empty() {
                continue;
            }
            if !self.collections.contains_key(&target) {
                return Err(collection_not_found(&target));
            }
            if self.collections.contains_key(new) {
                return Err(Refusal::AlreadyExists(format!("Collection `{new}`")));
            }
            batch.put_meta(&[ALIAS, new.as_bytes()].concat(), target.as_bytes());
            self.aliases.insert(new.clone(), target);
        }
        Ok(())
    }

    fn remove_alias(&mut self, alias: &str, batch: &mut Batch<'_>) {
        if self.aliases.remove(alias).is_some() {
            batch.delete_meta(&[ALIAS, alias.as_bytes()].concat());
        }
    }
}

/// The refusal, and the text of every request to a collection that is not there.
pub(crate) fn collection_not_found(name: &str) -> Refusal {
    Refusal::NotFound(format!("Collection `{name}`"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
