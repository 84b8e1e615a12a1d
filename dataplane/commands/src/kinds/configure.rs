//! New parameters of a collection. No client writes them to a shard: they are logged where
//! the catalogue says that the collection was changed.

use prost::Message;
use vane_types::{CollectionConfig, FeatureLevel, json};

/// Parameters that take the place of the shard's, but for payload indexes, which have
/// commands of their own; and vectors, where the shard does not know of later changes of them
/// ([`CollectionConfig::reconfigured`]).
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

    /// The level from which on members can read it.
    pub(crate) fn level(&self) -> FeatureLevel {
        // What cannot be read here is refused where it is looked at whole.
        let is_untouched = self.config().map_or(true, |config| config.ids.is_untouched());
        if is_untouched { FeatureLevel::FIRST } else { FeatureLevel::CHANGING }
    }
}
