//! Values that people keep for the cluster as a whole. Nothing here goes by them.

use serde_json::Value;
use vane_types::limits::{
    CLUSTER_METADATA_BYTES_MAX, CLUSTER_METADATA_KEY_CHARS_MAX, CLUSTER_METADATA_KEYS_MAX,
    METADATA_DEPTH_MAX,
};
use vane_types::{Refusal, json};

use super::{Changed, State, Touched};

impl State {
    pub(super) fn set_metadata(&mut self, key: String, value: Value) -> Changed {
        if value.is_null() {
            // There is nothing to forget of one that is not there.
            return Ok(self
                .metadata
                .remove(&key)
                .map(|_| Touched::Metadata(key))
                .into_iter()
                .collect());
        }
        self.check_metadata(&key, &value)?;
        self.metadata.insert(key.clone(), value);
        Ok(vec![Touched::Metadata(key)])
    }

    /// Refuses what each member would have to hold in memory beside all that it needs.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check_metadata(&self, key: &str, value: &Value) -> Result<(), Refusal> {
        if value.is_null() {
            return Ok(());
        }
        let refused = |why: String| Err(Refusal::Invalid(format!("cluster metadata: {why}")));
        if key.is_empty() || key.chars().count() > CLUSTER_METADATA_KEY_CHARS_MAX {
            return refused(format!("a key has 1 to {CLUSTER_METADATA_KEY_CHARS_MAX} characters"));
        }
        if json::is_deeper(value, METADATA_DEPTH_MAX) {
            return refused(format!("a value may be {METADATA_DEPTH_MAX} levels deep"));
        }
        let others = || self.metadata.iter().filter(|(other, _)| *other != key);
        if others().count() >= CLUSTER_METADATA_KEYS_MAX {
            return refused(format!(
                "there are {CLUSTER_METADATA_KEYS_MAX} keys, which is the most; delete one first"
            ));
        }
        let bytes: usize = others().map(|(key, value)| size(key, value)).sum();
        let bytes = bytes + size(key, value);
        if bytes > CLUSTER_METADATA_BYTES_MAX {
            return refused(format!(
                "all keys and values would take {bytes} bytes, the limit is \
                 {CLUSTER_METADATA_BYTES_MAX}"
            ));
        }
        Ok(())
    }
}

fn size(key: &str, value: &Value) -> usize {
    key.len() + value.to_string().len()
}
