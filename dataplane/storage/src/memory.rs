//! A key-value store in memory, with the promises of the one on disk and its losses.
//!
//! Every batch makes a version. A key keeps its values of all versions that a view or a crash
//! may still ask for, so a view costs nothing to take and a crash can be told where the
//! write-ahead log breaks off.

#[cfg(test)]
mod tests;
mod versions;

use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::error::Error;
use crate::kv::{Family, Kv, KvBatch, KvRead, Visit};
use versions::{Value, Versions};

/// Keys copied out at once in a scan: the store is not locked while they are visited.
const SCAN_PAGE: usize = 64;

/// The store. Clones are the same store.
#[derive(Clone, Default)]
pub struct MemoryKv {
    versions: Arc<RwLock<Versions>>,
}

impl MemoryKv {
    /// Batches written since the last sync.
    pub fn unsynced(&self) -> usize {
        self.versions.read().unsynced()
    }

    /// What a crash leaves: a store of its own with all that was synced and the first `keep`
    /// batches of the rest. This one stays as it is.
    pub fn crash(&self, keep: usize) -> Self {
        Self { versions: Arc::new(RwLock::new(self.versions.read().crash(keep))) }
    }

    fn view_of_now(&self) -> View<'_> {
        View { store: self, version: self.versions.write().pin() }
    }
}

impl KvRead for MemoryKv {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let versions = self.versions.read();
        Ok(versions.get(versions.latest(), family, key))
    }

    fn multi_get(&self, family: Family, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let versions = self.versions.read();
        Ok(keys.iter().map(|key| versions.get(versions.latest(), family, key)).collect())
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        // Through a view: `visit` may write, and must not meet what it has just written.
        self.view_of_now().scan(family, from, to, visit)
    }
}

impl Kv for MemoryKv {
    fn write(&self, batch: KvBatch) -> Result<(), Error> {
        self.versions.write().write(batch);
        Ok(())
    }

    fn view(&self) -> Box<dyn KvRead + '_> {
        Box::new(self.view_of_now())
    }

    fn sync(&self) -> Result<(), Error> {
        self.versions.write().sync();
        Ok(())
    }
}

impl From<MemoryKv> for Arc<dyn Kv> {
    fn from(kv: MemoryKv) -> Self {
        Arc::new(kv)
    }
}

/// The store at one version, which is kept until this is dropped.
struct View<'a> {
    store: &'a MemoryKv,
    version: u64,
}

impl View<'_> {
    fn page(&self, family: Family, from: Bound<&[u8]>, to: &[u8]) -> Vec<(Vec<u8>, Value)> {
        self.store
            .versions
            .read()
            .range(self.version, family, (from, Bound::Excluded(to)))
            .take(SCAN_PAGE)
            .collect()
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        self.store.versions.write().unpin(self.version);
    }
}

impl KvRead for View<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.store.versions.read().get(self.version, family, key))
    }

    fn multi_get(&self, family: Family, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let versions = self.store.versions.read();
        Ok(keys.iter().map(|key| versions.get(self.version, family, key)).collect())
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        // To RocksDB such a range is empty; a BTreeMap panics at it.
        if from >= to {
            return Ok(());
        }
        let mut page = self.page(family, Bound::Included(from), to);
        loop {
            for (key, value) in &page {
                if !visit(key, value)? {
                    return Ok(());
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == SCAN_PAGE => {
                    page = self.page(family, Bound::Excluded(last), to)
                }
                _ => return Ok(()),
            }
        }
    }
}
