//! New parameters of a collection. No client writes them to a shard: they are logged where
//! the catalogue says that the collection was changed.

use prost::Message;
use vane_types::{CollectionConfig, json};

/// Parameters that take the place of the shard's, but for payload indexes, which have
/// commands of their own.
#[derive(Clone, PartialEq, Message)]
pub struct Configure {
    /// JSON of a [`CollectionConfig`].
    #[prost(string, tag = "1")]
    pub config: String,
}

impl Configure {
    /// Reads the parameters.
    ///
    /// # Errors
    /// What was logged is not the JSON of a configuration; nothing was changed.
    pub fn config(&self) -> Result<CollectionConfig, serde_json::Error> {
        json::read(self.config.as_bytes())
    }
}
