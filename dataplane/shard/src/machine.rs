//! The shard as the state machine of its group.

use std::path::Path;

use vane_raft::{Answer, ApplyError, Conf, Entry, Exported, StateMachine, StoreError};
use vane_types::LogIndex;

use crate::error::Error;
use crate::shard::Shard;

/// Bytes of a snapshot's keys for each that they take in `data.db`, where they are compressed.
const KEYS_EXPANSION: u64 = 3;

impl StateMachine for Shard {
    fn applied(&self) -> LogIndex {
        self.state.read().applied
    }

    fn conf(&self) -> Conf {
        self.state.read().conf.clone()
    }

    fn bytes(&self) -> u64 {
        self.vector_bytes()
    }

    fn apply(&self, entry: &Entry) -> Result<Answer, ApplyError> {
        self.apply_entry(entry)
    }

    fn snapshot(&self, dir: &Path) -> Result<Exported, StoreError> {
        self.export(dir).map_err(|e| self.failed("make a snapshot in", dir, &e))
    }

    fn snapshot_bytes(&self) -> u64 {
        self.store.bytes().saturating_mul(KEYS_EXPANSION)
    }

    fn install(&self, dir: &Path) -> Result<(), ApplyError> {
        self.noting(self.install_from(dir)).map_err(|error| {
            let failed = self.failed("install the snapshot in", dir, &error);
            match error {
                // Another snapshot may be whole, and the node's other replicas are.
                Error::Storage(error) if error.is_damage() => ApplyError::Unreadable(failed.0),
                _ => failed.into(),
            }
        })
    }
}

impl Shard {
    fn failed(&self, what: &str, dir: &Path, error: &Error) -> StoreError {
        StoreError(format!(
            "shard {} failed to {what} {}: {error}",
            self.store.group(),
            dir.display()
        ))
    }
}
