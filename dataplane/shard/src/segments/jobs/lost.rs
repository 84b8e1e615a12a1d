//! Files and memory of vectors that the collection has lost: too much for the entry that took them
//! away, whose batch has the store forget them.

use vane_storage::segment_file;

use crate::error::Error;
use crate::shard::Shard;

impl Shard {
    /// Whether something is left of vectors that the collection has lost.
    pub(crate) fn has_lost(&self) -> bool {
        !self.state.read().lost.is_empty()
    }

    /// Removes what is left of them; says whether there was something.
    ///
    /// # Errors
    /// Of the disk: files that are left go with the next start.
    pub(super) fn remove_lost(&self) -> Result<bool, Error> {
        // Its files go as a whole.
        if !self.has_lost() || self.is_out_of_use() {
            return Ok(false);
        }
        let lost = std::mem::take(&mut self.state.write().lost);
        // Or else a crash could bring the names of files back that are gone.
        self.store.sync()?;
        // A snapshot may be linking what it has named.
        let _no_snapshot = self.linking.lock();
        for sealed in lost.iter().flat_map(|vector| &vector.sealed) {
            segment_file::remove(&sealed.dir)?;
        }
        // With it the memory, as far as no view has it.
        Ok(true)
    }
}
