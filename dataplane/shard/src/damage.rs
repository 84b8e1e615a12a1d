//! A replica whose files are not what was written. It answers nothing and gives nothing away, but
//! goes on applying and voting: its log is whole, and the group may need its vote to replace it.
//!
//! The mark lies on the disk. Only a snapshot of another replica takes it off.

use std::sync::atomic::Ordering;

use vane_raft::ApplyError;
use vane_storage::ShardStore;
use vane_types::LogIndex;

use crate::error::Error;
use crate::shard::Shard;
use crate::stored::DAMAGED;

/// What is damaged, if an earlier process found something. The text may be damaged itself: that
/// there is one counts.
///
/// # Errors
/// Of the store.
pub(crate) fn read(store: &ShardStore) -> Result<Option<String>, vane_storage::Error> {
    let mark = store.attribute(DAMAGED)?;
    Ok(mark.map(|text| String::from_utf8_lossy(&text).into_owned()))
}

/// Writes the mark.
///
/// # Errors
/// Of the store; the mark is there or not.
pub(crate) fn write(store: &ShardStore, what: &str) -> Result<(), vane_storage::Error> {
    let mut batch = store.batch();
    batch.put_attribute(DAMAGED, what.as_bytes());
    batch.write()?;
    // Synced: what was found must not be served by whoever opens it next.
    store.sync()
}

/// Takes the mark off, for a state that came from another replica.
///
/// # Errors
/// Of the store; the mark is there or not.
pub(crate) fn clear(store: &ShardStore) -> Result<(), vane_storage::Error> {
    if store.attribute(DAMAGED)?.is_none() {
        return Ok(());
    }
    let mut batch = store.batch();
    batch.delete_attribute(DAMAGED);
    batch.write()?;
    store.sync()
}

impl Shard {
    /// What of the replica is damaged; `None` where nothing is known to be.
    pub fn damaged(&self) -> Option<String> {
        self.damaged.read().clone()
    }

    /// Takes the replica out of use: it answers no more reads and makes no snapshots, and its jobs
    /// rest. Does nothing where something else was found before.
    pub fn mark_damaged(&self, what: &str) {
        // Held to the end: the keys of a shard that is closed are being removed, and a mark among
        // them would be its successor's.
        let mut damaged = self.damaged.write();
        if damaged.is_some() || self.is_closed() {
            return;
        }
        *damaged = Some(what.to_owned());
        self.settings.stirred.doubt(self.store.group());
        // A job that copies what is damaged ends at its next step.
        self.stop_jobs.store(true, Ordering::Relaxed);
        let group = self.store.group();
        tracing::error!(%group, what, "a replica is damaged and answers no more");
        if let Err(error) = write(&self.store, what) {
            tracing::error!(%error, %group, "the mark of a damaged replica could not be written");
        }
    }

    /// Takes the replica out of use where a failure of its disk says that it is damaged; hands the
    /// outcome on.
    pub fn noting<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        outcome.inspect_err(|error| {
            if let Error::Storage(error) = error
                && error.is_damage()
            {
                self.mark_damaged(&error.to_string());
            }
        })
    }

    /// The error to give the log for an entry that damage keeps from being applied: the replica
    /// stands still before it, and the node goes on.
    pub(crate) fn stop_damaged(&self, index: LogIndex, error: &vane_storage::Error) -> ApplyError {
        let what = format!("entry {index} could not be applied: {error}");
        self.mark_damaged(&what);
        ApplyError::Unreadable(what)
    }

    /// Refuses where the replica is out of use.
    pub(crate) fn check_whole(&self) -> Result<(), Error> {
        match &*self.damaged.read() {
            None => Ok(()),
            Some(what) => Err(Error::Damaged { group: self.store.group(), what: what.clone() }),
        }
    }
}
