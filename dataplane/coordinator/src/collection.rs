//! One collection as a client sees it: its shards, wherever their leaders are.

use std::sync::Arc;

use vane_catalog::CollectionEntry;
use vane_types::{CollectionConfig, GroupId, PointId};

use crate::collections::Layout;
use crate::coordinator::Coordinator;
use crate::scope::Scope;
use crate::shards::Shards;

/// A handle on one collection. It stays usable when the collection is deleted: requests
/// then answer that it is gone.
pub struct Collection<S> {
    name: String,
    pub(crate) entry: CollectionEntry,
    pub(crate) scope: Scope,
    pub(crate) coordinator: Arc<Coordinator<S>>,
}

impl<S: Shards> Collection<S> {
    pub(crate) fn new(
        name: String,
        entry: CollectionEntry,
        coordinator: Arc<Coordinator<S>>,
    ) -> Self {
        Self { name, entry, scope: Scope::All, coordinator }
    }

    /// The same collection with requests for other points of it.
    pub(crate) fn with_scope(&self, scope: Scope) -> Self {
        let (name, entry) = (self.name.clone(), self.entry.clone());
        Self { name, entry, scope, coordinator: Arc::clone(&self.coordinator) }
    }

    /// Its own name, also where it was asked for by an alias.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its parameters. Payload indexes are in its shards: [`Collection::info`] knows them.
    pub fn config(&self) -> &CollectionConfig {
        &self.entry.config
    }

    /// How it is laid out.
    pub fn layout(&self) -> Layout {
        Layout {
            // Bounded by `limits::SHARDS_MAX`.
            shards: self.entry.shards.len() as u32,
            replication_factor: self.entry.replication_factor,
            write_consistency_factor: self.entry.write_consistency_factor,
        }
    }

    /// Groups of its shards, by ordinal.
    pub fn groups(&self) -> &[GroupId] {
        &self.entry.shards
    }

    /// Who routes for it.
    pub fn coordinator(&self) -> &Arc<Coordinator<S>> {
        &self.coordinator
    }

    /// Ordinal of the shard that a point belongs to.
    pub(crate) fn ordinal_of(&self, id: PointId) -> usize {
        self.entry.shard_of(id)
    }
}
