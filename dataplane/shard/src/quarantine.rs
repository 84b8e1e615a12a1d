//! A replica that met an entry of its log which this version cannot read or apply: it stands
//! still before that entry, and says so on its disk.
//!
//! The mark names the version that tried. The same one does not try again after a restart,
//! another one does, once.

use serde::{Deserialize, Serialize};
use vane_raft::{ApplyError, StoreError};
use vane_storage::ShardStore;
use vane_types::{FeatureLevel, LogIndex};

use crate::shard::Shard;
use crate::stored::QUARANTINE;

/// Version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why a replica is out of use, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Version that could not read the entry.
    version: String,
    /// What that version speaks; builds of one version may differ in it.
    level: FeatureLevel,
    /// Place of the entry in the group's log.
    index: LogIndex,
    /// What it stumbled on.
    why: String,
}

impl Mark {
    fn new(index: LogIndex, why: String) -> Self {
        Self { version: VERSION.into(), level: FeatureLevel::SPOKEN, index, why }
    }

    /// Whether the entry was met by what runs now.
    fn is_of_this_version(&self) -> bool {
        self.version == VERSION && self.level == FeatureLevel::SPOKEN
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let Self { version, level, index, why } = self;
        format!(
            "it stands still before entry {index}, which version {version} (feature level {}) \
             cannot apply: {why}; start a version that can, or move the replica to another node",
            level.0
        )
    }
}

/// Why a replica must not be opened by this version; `None` where it may. Takes off the mark of
/// another version.
///
/// # Errors
/// Of the store; the mark is there or not.
pub(crate) fn check(store: &ShardStore) -> Result<Option<Mark>, vane_storage::Error> {
    let Some(stored) = store.attribute(QUARANTINE)? else { return Ok(None) };
    // One that cannot be read is of a version that writes others, and so not of this one.
    match serde_json::from_slice::<Mark>(&stored) {
        Ok(mark) if mark.is_of_this_version() => return Ok(Some(mark)),
        Ok(mark) => tracing::info!(group = %store.group(), ?mark, "trying an entry once more"),
        Err(error) => tracing::info!(group = %store.group(), %error, "trying an entry once more"),
    }
    let mut batch = store.batch();
    batch.delete_attribute(QUARANTINE);
    batch.write()?;
    Ok(None)
}

impl Shard {
    /// Why the replica stands still; `None` where it does not.
    pub fn quarantined(&self) -> Option<String> {
        self.quarantined.get().map(Mark::text)
    }

    /// Takes the replica out of use for good; the error to give the log.
    pub(crate) fn quarantine(&self, index: LogIndex, why: String) -> ApplyError {
        let mark = Mark::new(index, why);
        let mut batch = self.store.batch();
        batch.put_attribute(QUARANTINE, &serde_json::to_vec(&mark).expect("a mark is plain data"));
        let text = mark.text();
        // Before the disk, which may fail: readers must not wait for the rest of an entry.
        self.quarantined.get_or_init(|| mark);
        self.settings.stirred.doubt(self.store.group());
        // Synced: whoever opens it next must not apply behind what it left out.
        if let Err(error) = batch.write().and_then(|()| self.store.sync()) {
            return StoreError(format!("shard {}: {error}", self.store.group())).into();
        }
        ApplyError::Unreadable(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_storage::MemoryKv;
    use vane_types::GroupId;

    /// Whether this version opens a replica that has such a mark.
    fn opens(mark: &str) -> bool {
        let store = ShardStore::new(MemoryKv::default(), GroupId(1), "1".into());
        let mut batch = store.batch();
        batch.put_attribute(QUARANTINE, mark.as_bytes());
        batch.write().unwrap();
        let opens = check(&store).unwrap().is_none();
        let is_marked = store.attribute(QUARANTINE).unwrap().is_some();
        assert_eq!(is_marked, !opens, "a mark of another version is taken off: {mark}");
        opens
    }

    #[test]
    fn the_version_that_failed_does_not_try_again_and_every_other_does() {
        let mark = Mark::new(LogIndex(7), "it is odd".into());
        let stored = serde_json::to_string(&mark).unwrap();
        let (version, level) = (VERSION, FeatureLevel::SPOKEN.0);
        let expected =
            format!(r#"{{"version":"{version}","level":{level},"index":7,"why":"it is odd"}}"#);
        assert_eq!(stored, expected, "disks hold it");
        assert!(!opens(&stored));
        assert!(opens(&stored.replace(VERSION, "9.9.9")));
        assert!(opens(&stored.replace(&format!(r#""level":{level}"#), r#""level":999"#)));
        assert!(opens("what another version writes"));
        let store = ShardStore::new(MemoryKv::default(), GroupId(1), "1".into());
        assert_eq!(check(&store).unwrap(), None);
    }
}
