//! Changes of a collection's parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use vane_types::{CollectionConfig, Error, HnswConfig, OptimizerConfig};

/// What to change; absent parts stay.
#[derive(Debug, Clone, Default)]
pub struct ConfigChange {
    /// Graph parameters of all vectors without their own.
    pub hnsw: Option<HnswConfig>,
    /// When background jobs act.
    pub optimizer: Option<OptimizerConfig>,
    /// By vector.
    pub vectors: BTreeMap<String, VectorChange>,
    /// Labels to set; `null` removes one.
    pub metadata: Option<Map<String, Value>>,
}

/// What to change of one vector.
#[derive(Debug, Clone, Default)]
pub struct VectorChange {
    /// Its own graph parameters.
    pub hnsw: Option<HnswConfig>,
    /// Accepted and returned.
    pub on_disk: Option<bool>,
}

impl ConfigChange {
    /// The configuration after the change. Graphs that exist keep the parameters they were
    /// built with.
    ///
    /// # Errors
    /// `BadInput` for a vector that the collection does not have.
    pub(crate) fn apply(self, mut config: CollectionConfig) -> Result<CollectionConfig, Error> {
        let Self { hnsw, optimizer, vectors, metadata } = self;
        config.hnsw = hnsw.unwrap_or(config.hnsw);
        config.optimizer = optimizer.unwrap_or(config.optimizer);
        for (name, change) in vectors {
            let Some(vector) = config.vectors.get_mut(&name) else {
                // Qdrant's own words, since its clients may look at them.
                return Err(Error::bad_input(format!("Not existing vector name error: {name}")));
            };
            vector.hnsw = change.hnsw.or(vector.hnsw);
            vector.on_disk = change.on_disk.or(vector.on_disk);
        }
        vane_types::payload::merge(&mut config.metadata, &metadata.unwrap_or_default());
        Ok(config)
    }
}
