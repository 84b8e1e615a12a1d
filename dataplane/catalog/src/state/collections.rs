//! Collections: made with all their shards, configured, deleted with all that is theirs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vane_types::limits::{COLLECTIONS_MAX, REPLICAS_MAX};
use vane_types::{CollectionConfig, GroupId, KeyRange, PointId, RangeEpoch, Refusal, ShardRange};

use super::shards::ShardEntry;
use super::vectors::FirstVectors;
use super::{Changed, State, Touched};
use crate::command::{Configure, Create};

/// A collection as the cluster has agreed on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectionEntry {
    /// How its points are stored and searched. Payload indexes are not in it: they are each
    /// shard's own.
    pub config: CollectionConfig,
    /// Its shards by ordinal.
    pub shards: Vec<GroupId>,
    /// Voters of each shard.
    pub replication_factor: u32,
    /// Replicas that must have a write on disk before it is acknowledged.
    pub write_consistency_factor: u32,
    /// Idempotency key of the call that made it; empty for a call without one.
    pub key: String,
    /// The vectors that it was made with, once it got or lost one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_vectors: Option<FirstVectors>,
    /// Some shard may not have heard of the last vector that came or went.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_untold: bool,
}

/// Where requests about a point go, and by which state of the shard's range that was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The shard's place among the collection's shards, from 0.
    pub ordinal: usize,
    /// Group of the shard.
    pub group: GroupId,
    /// The hashes that belong to the shard.
    pub range: ShardRange,
}

impl CollectionEntry {
    /// One that is made. `factors` are its voters for each shard, and the replicas that must have
    /// a write on disk.
    pub fn new(
        config: CollectionConfig,
        shards: Vec<GroupId>,
        factors: (u32, u32),
        key: String,
    ) -> Self {
        let (replication_factor, write_consistency_factor) = factors;
        let (first_vectors, is_untold) = (None, false);
        Self {
            config,
            shards,
            replication_factor,
            write_consistency_factor,
            key,
            first_vectors,
            is_untold,
        }
    }

    /// Ordinal of the shard that a point belongs to: shards are equal parts of the hash space.
    pub fn shard_of(&self, id: PointId) -> usize {
        KeyRange::equal_part_of(id.routing_hash(), self.shards.len())
    }

    /// The shard that a point belongs to; `None` in a collection without shards, which no
    /// request makes.
    pub fn route(&self, id: PointId) -> Option<Route> {
        self.route_at(self.shard_of(id))
    }

    /// The way to the shard at a place; `None` where there is none.
    pub fn route_at(&self, ordinal: usize) -> Option<Route> {
        let (group, range) = (*self.shards.get(ordinal)?, self.range_at(ordinal)?);
        Some(Route { ordinal, group, range })
    }

    /// The ways to all shards whose hashes are among these, by ordinal.
    pub fn routes_in(&self, keys: KeyRange) -> impl Iterator<Item = Route> {
        let routes = (0..self.shards.len()).filter_map(|ordinal| self.route_at(ordinal));
        routes.filter(move |route| route.range.keys.overlaps(keys))
    }

    pub(super) fn range_at(&self, ordinal: usize) -> Option<ShardRange> {
        let shards = self.shards.len();
        // Shards are not divided yet: every range is as its collection began.
        (ordinal < shards).then(|| ShardRange {
            keys: KeyRange::equal_part(ordinal, shards),
            epoch: RangeEpoch::FIRST,
        })
    }
}

impl State {
    pub(super) fn create(&mut self, create: Create) -> Changed {
        if let Some(known) = self.collections.get(&create.name) {
            // The same call again, whose first answer was lost.
            if !create.key.is_empty() && known.key == create.key {
                return Ok(Vec::new());
            }
            return Err(Refusal::AlreadyExists(format!("Collection `{}`", create.name)));
        }
        self.check_new_collection(&create)?;
        let Create { name, config, replication_factor, write_consistency_factor, placement, key } =
            create;
        let mut touched = vec![Touched::Counters, Touched::Collection(name.clone())];
        let mut shards = Vec::with_capacity(placement.len());
        for (ordinal, nodes) in placement.iter().enumerate() {
            let group = GroupId(self.next_group);
            self.next_group += 1;
            self.shards.insert(group, ShardEntry::new(&name, ordinal, nodes));
            shards.push(group);
            touched.push(Touched::Shard(group));
        }
        let entry = CollectionEntry::new(
            config,
            shards,
            (replication_factor, write_consistency_factor),
            key,
        );
        self.collections.insert(name, entry);
        Ok(touched)
    }

    /// Refuses a collection whose name is an alias, that is one too many, or whose shards
    /// are placed on nodes that are no members.
    fn check_new_collection(&self, create: &Create) -> Result<(), Refusal> {
        if self.aliases.contains_key(&create.name) {
            return Err(Refusal::AlreadyExists(format!("Alias `{}`", create.name)));
        }
        if self.collections.len() >= COLLECTIONS_MAX {
            return Err(Refusal::Invalid(format!(
                "there are {COLLECTIONS_MAX} collections, which is the most; delete one first"
            )));
        }
        // Placed by what the proposer knew of the members.
        self.check_members(create.placement.iter().flatten().copied())
    }

    pub(super) fn configure(&mut self, configure: Configure) -> Changed {
        let Configure { name, config, write_consistency_factor } = configure;
        let known = self.collections.get_mut(&name).ok_or_else(|| collection_not_found(&name))?;
        // Whether points have tenants is in each of their ids.
        let by_tenant = known.config.by_tenant;
        // Whoever asks may not have heard of vectors that came or went meanwhile.
        let config = known.config.reconfigured(config);
        known.config = CollectionConfig { payload_schema: BTreeMap::new(), by_tenant, ..config };
        known.write_consistency_factor =
            write_consistency_factor.unwrap_or(known.write_consistency_factor);
        Ok(vec![Touched::Collection(name)])
    }

    pub(super) fn set_replication_factor(&mut self, name: String, factor: u32) -> Changed {
        let known = self.collections.get_mut(&name).ok_or_else(|| collection_not_found(&name))?;
        if !(1..=REPLICAS_MAX).contains(&factor) {
            return Err(Refusal::Invalid(format!(
                "replication_factor is {factor}, must be from 1 to {REPLICAS_MAX}"
            )));
        }
        known.replication_factor = factor;
        // More than there are would be waited for in vain, by every write.
        known.write_consistency_factor = known.write_consistency_factor.min(factor);
        Ok(vec![Touched::Collection(name)])
    }

    pub(super) fn delete(&mut self, name: &str, key: &str) -> Changed {
        let known = self.collections.get(name).ok_or_else(|| collection_not_found(name))?;
        // Made anew by somebody else meanwhile: it is not the caller's to delete.
        if !key.is_empty() && known.key != key {
            return Err(Refusal::NotFound(format!("Collection `{name}` with the key `{key}`")));
        }
        let mut touched = vec![Touched::Collection(name.to_owned())];
        for group in self.collections.remove(name).into_iter().flat_map(|entry| entry.shards) {
            self.shards.remove(&group);
            touched.push(Touched::Shard(group));
        }
        // An alias that was left would lead to the next collection of that name.
        touched.extend(self.remove_aliases_of(name));
        touched.extend(self.remove_tenants_of(name));
        Ok(touched)
    }
}

/// The refusal, and the text of every request to a collection that is not there.
pub fn collection_not_found(name: &str) -> Refusal {
    Refusal::NotFound(format!("Collection `{name}`"))
}
