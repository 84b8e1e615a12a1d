//! The disk below the state machines: the store in memory, and a sync that can fail.

use std::sync::atomic::{AtomicBool, Ordering};

use vane_storage::kv::{Family, KvBatch, Visit};
use vane_storage::{Error, Kv, KvRead, MemoryKv};

/// A node's `data.db`.
#[derive(Default)]
pub(crate) struct StateDisk {
    kv: MemoryKv,
    fails: AtomicBool,
}

impl StateDisk {
    /// What a power failure leaves; so many of the unsynced batches made it.
    pub(crate) fn crash(&self, keep: usize) -> Self {
        Self { kv: self.kv.crash(keep), fails: AtomicBool::new(false) }
    }

    /// Batches that a power failure may take.
    pub(crate) fn unsynced(&self) -> usize {
        self.kv.unsynced()
    }

    /// The next sync fails, and all that follow.
    pub(crate) fn fail(&self) {
        self.fails.store(true, Ordering::Relaxed);
    }

    /// Works again, as after the start of another process.
    pub(crate) fn repair(&self) {
        self.fails.store(false, Ordering::Relaxed);
    }
}

impl KvRead for StateDisk {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.kv.get(family, key)
    }

    fn multi_get(&self, family: Family, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.kv.multi_get(family, keys)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        self.kv.scan(family, from, to, visit)
    }
}

impl Kv for StateDisk {
    fn write(&self, batch: KvBatch) -> Result<(), Error> {
        self.kv.write(batch)
    }

    fn view(&self) -> Box<dyn KvRead + '_> {
        self.kv.view()
    }

    fn sync(&self) -> Result<(), Error> {
        if self.fails.load(Ordering::Relaxed) {
            let source = std::io::Error::other("simulated");
            return Err(Error::Io { what: "sync", path: "data.db".into(), source });
        }
        self.kv.sync()
    }
}
