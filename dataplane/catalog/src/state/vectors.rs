//! Vectors that a collection gets and loses.
//!
//! The catalog says which vectors there are, and gives them their ids. Shards learn of it by their
//! own logs, so that every replica of one takes a vector up, and lets it go, at the same place
//! among its writes. Until all are told the collection says so, for whoever leads the meta group.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vane_types::{CollectionConfig, Refusal, SparseParams, VectorIds, VectorParams, VectorSpec};

use super::collections::{CollectionEntry, collection_not_found};
use super::{Changed, State, Touched};

/// The vectors that a collection was made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FirstVectors {
    /// [`CollectionConfig::vectors`].
    pub vectors: BTreeMap<String, VectorParams>,
    /// [`CollectionConfig::sparse`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sparse: BTreeMap<String, SparseParams>,
}

impl CollectionEntry {
    /// What the first replicas of its shards begin with, however late they are made: the changes
    /// of its vectors come by the shards' logs.
    pub fn first_config(&self) -> CollectionConfig {
        let config = self.config.clone();
        let Some(FirstVectors { vectors, sparse }) = self.first_vectors.clone() else {
            return config;
        };
        CollectionConfig { vectors, sparse, ids: VectorIds::default(), ..config }
    }
}

impl State {
    pub(super) fn add_vector(
        &mut self,
        collection: String,
        vector: &str,
        spec: VectorSpec,
        hints: Map<String, Value>,
    ) -> Changed {
        self.change_vectors(collection, |config| {
            let added = config.add_vector(vector, spec);
            let is_new = added.map_err(|refusal| Refusal::Invalid(refusal.to_string()))?;
            if is_new && !hints.is_empty() {
                config.hints.vectors.insert(vector.to_owned(), hints);
            }
            Ok(is_new)
        })
    }

    pub(super) fn remove_vector(
        &mut self,
        collection: String,
        vector: &str,
        if_revision: Option<u64>,
    ) -> Changed {
        self.change_vectors(collection, |config| {
            let revision = config.ids.revision();
            // One that is not there is gone: a call that is repeated meets what it did itself.
            let is_there = config.vector(vector).is_some();
            match if_revision.filter(|expected| is_there && *expected != revision) {
                Some(expected) => Err(Refusal::Conflict(format!(
                    "the vectors of the collection are at revision {revision}, not {expected}: \
                     vector `{vector}` may be another one by now; nothing was changed, look at the \
                     collection again and decide anew"
                ))),
                None => Ok(config.remove_vector(vector)),
            }
        })
    }

    /// `change` says whether it changed anything.
    fn change_vectors(
        &mut self,
        collection: String,
        change: impl FnOnce(&mut CollectionConfig) -> Result<bool, Refusal>,
    ) -> Changed {
        let known = self.collections.get_mut(&collection);
        let known = known.ok_or_else(|| collection_not_found(&collection))?;
        let CollectionConfig { vectors, sparse, .. } = known.config.clone();
        if !change(&mut known.config)? {
            return Ok(Vec::new());
        }
        known.first_vectors.get_or_insert(FirstVectors { vectors, sparse });
        known.is_untold = true;
        Ok(vec![Touched::Collection(collection)])
    }

    pub(super) fn vectors_told(&mut self, collection: String, revision: u64) -> Vec<Touched> {
        match self.collections.get_mut(&collection) {
            // Not where another change came meanwhile.
            Some(known) if known.is_untold && known.config.ids.revision() == revision => {
                known.is_untold = false;
                vec![Touched::Collection(collection)]
            }
            _ => Vec::new(),
        }
    }
}
