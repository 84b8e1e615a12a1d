//! From a full segment in memory to files.

use std::sync::{Arc, OnceLock};

use vane_storage::{SegmentFiles, SegmentWriter};
use vane_types::LogIndex;
use vane_types::planted::{self, Fault};

use crate::error::Error;
use crate::segments::growing::ALIVE;
use crate::segments::sealed::{Sealed, Tombstones};
use crate::segments::slot_order::SlotOrder;
use crate::shard::Shard;

impl Shard {
    /// Writes a frozen segment to files, and drops its rows from RocksDB in the batch that
    /// names the files. Nothing happens when it is gone already.
    pub(super) fn seal(&self, ordinal: usize, segment: u32) -> Result<(), Error> {
        // A frozen segment gets no more rows, so that it is written without the lock.
        let (frozen, dim, residence) = {
            let state = self.state.read();
            let vector = &state.vectors[ordinal];
            let Some(frozen) = vector.frozen.iter().find(|frozen| frozen.id == segment) else {
                return Ok(());
            };
            (Arc::clone(frozen), vector.params.size, vector.params.residence())
        };
        let dir = self.store.segment_dir(ordinal as u8, segment);
        let mut writer = SegmentWriter::create(&dir, dim)?;
        for chunk in frozen.chunks() {
            for (row, values) in chunk.values.chunks_exact(dim).enumerate() {
                writer.push(chunk.slots[row], LogIndex(chunk.versions[row]), values)?;
            }
        }
        let manifest = writer.finish(segment)?;
        // Not verified: these are the bytes that were written a moment ago.
        let files = Arc::new(SegmentFiles::open(&dir, &manifest, residence, false)?);
        let order = SlotOrder::of(files.slots());
        // From here on nobody can kill a row: deaths are read once and none is missed.
        let _only_writer = self.writer.lock();
        if self.is_out_of_use() {
            return Err(Error::Cancelled);
        }
        let mut batch = self.store.batch();
        batch.put_segment(ordinal as u8, &manifest);
        // Readers look at none of these keys.
        batch.write()?;
        let forgets = planted::is(Fault::SealTheDead);
        let death = |row| if forgets { ALIVE } else { frozen.death(row) };
        let tombstones = Arc::new(Tombstones::new((0..manifest.rows).map(death)));
        let mut state = self.state.write();
        let vector = &mut state.vectors[ordinal];
        vector.frozen.retain(|frozen| frozen.id != segment);
        let (graph, order) = (None, OnceLock::from(order));
        // It may have been asked for elsewhere meanwhile.
        files.keep(vector.params.residence());
        vector.sealed.push(Arc::new(Sealed { manifest, dir, files, tombstones, graph, order }));
        Ok(())
    }
}
