//! Collections.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vane_raft::Conf;
use vane_types::limits::COLLECTIONS_MAX;
use vane_types::{CollectionConfig, GroupId, PeerId, PointId, Refusal};

use super::members::no_node;
use super::shards::ShardEntry;
use super::{Changed, State, Touched};
use crate::command::{Configure, Create};

/// A collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectionEntry {
    /// Parameters. Payload indexes are each shard's own.
    pub config: CollectionConfig,
    /// Its shards by ordinal.
    pub shards: Vec<GroupId>,
    /// Voters of each shard.
    pub replication_factor: u32,
    /// Replicas that must have a write on disk before it is acknowledged.
    pub write_consistency_factor: u32,
    /// Key of the call that made it.
    pub key: String,
}

impl CollectionEntry {
    /// Ordinal of the shard that a point belongs to: shards are equal ranges of the hash.
    pub fn shard_of(&self, id: PointId) -> usize {
        shard_of(id, self.shards.len())
    }
}

/// Ordinal of the shard, of so many, that a point belongs to.
pub fn shard_of(id: PointId, shards: usize) -> usize {
    ((u128::from(id.routing_hash()) * shards as u128) >> 64) as usize
}

impl State {
    pub(super) fn create(&mut self, create: Create) -> Changed {
        let Create { name, config, replication_factor, write_consistency_factor, placement, key } =
            create;
        if let Some(known) = self.collections.get(&name) {
            let same = !key.is_empty() && known.key == key;
            return if same {
                Ok(Vec::new())
            } else {
                Err(Refusal::AlreadyExists(format!("Collection `{name}`")))
            };
        }
        if self.aliases.contains_key(&name) {
            return Err(Refusal::AlreadyExists(format!("Alias `{name}`")));
        }
        if self.collections.len() >= COLLECTIONS_MAX {
            let text = format!(
                "there are {COLLECTIONS_MAX} collections, which is the most; delete one first"
            );
            return Err(Refusal::Invalid(text));
        }
        if let Some(node) = placement.iter().flatten().find(|it| !self.nodes.contains_key(it)) {
            return Err(no_node(*node));
        }
        let mut touched = vec![Touched::Counters, Touched::Collection(name.clone())];
        let mut shards = Vec::with_capacity(placement.len());
        for (ordinal, nodes) in placement.into_iter().enumerate() {
            let group = GroupId(self.next_group);
            self.next_group += 1;
            let first: Vec<PeerId> = nodes.iter().map(|node| PeerId::new(*node, 1)).collect();
            let (conf, incarnations) =
                (Conf::founding(&first), nodes.into_iter().map(|it| (it, 1)).collect());
            let collection = name.clone();
            let (epoch, target, revision) = (0, None, 0);
            let entry = ShardEntry {
                collection,
                ordinal,
                first,
                conf,
                epoch,
                target,
                revision,
                incarnations,
            };
            self.shards.insert(group, entry);
            shards.push(group);
            touched.push(Touched::Shard(group));
        }
        self.collections.insert(
            name,
            CollectionEntry { config, shards, replication_factor, write_consistency_factor, key },
        );
        Ok(touched)
    }

    pub(super) fn configure(&mut self, configure: Configure) -> Changed {
        let Configure { name, config, write_consistency_factor } = configure;
        let known = self.collections.get_mut(&name).ok_or_else(|| collection_not_found(&name))?;
        known.config = CollectionConfig { payload_schema: BTreeMap::new(), ..config };
        known.write_consistency_factor =
            write_consistency_factor.unwrap_or(known.write_consistency_factor);
        Ok(vec![Touched::Collection(name)])
    }

    pub(super) fn delete(&mut self, name: &str, key: &str) -> Changed {
        let known = self.collections.get(name).ok_or_else(|| collection_not_found(name))?;
        if !key.is_empty() && known.key != key {
            return Err(Refusal::NotFound(format!("Collection `{name}` with the key `{key}`")));
        }
        let mut touched = vec![Touched::Collection(name.to_owned())];
        for group in self.collections.remove(name).into_iter().flat_map(|it| it.shards) {
            self.shards.remove(&group);
            touched.push(Touched::Shard(group));
        }
        let gone = self
            .aliases
            .iter()
            .filter(|(_, it)| *it == name)
            .map(|(alias, _)| Touched::Alias(alias.clone()));
        touched.extend(gone);
        self.aliases.retain(|_, it| it != name);
        Ok(touched)
    }
}

/// The refusal, and the text of every request to a collection that is not there.
pub fn collection_not_found(name: &str) -> Refusal {
    Refusal::NotFound(format!("Collection `{name}`"))
}
