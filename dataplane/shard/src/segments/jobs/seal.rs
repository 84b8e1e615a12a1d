//! From a full segment in memory to files.

use std::sync::{Arc, OnceLock};

use vane_storage::{SegmentFiles, SegmentWriter, segment_file};
use vane_types::planted::{self, Fault};
use vane_types::{LogIndex, VectorId, VectorKind};

use crate::error::Error;
use crate::segments::growing::ALIVE;
use crate::segments::postings::make_postings;
use crate::segments::sealed::{Sealed, Tombstones};
use crate::segments::slot_order::SlotOrder;
use crate::shard::Shard;

impl Shard {
    /// Writes a frozen segment to files, and drops its rows from RocksDB in the batch that
    /// names the files. Nothing happens when it is gone already; where the collection has lost the
    /// vector, the files go.
    pub(super) fn seal(&self, of: VectorId, segment: u32) -> Result<(), Error> {
        // A frozen segment gets no more rows, so that it is written without the lock.
        let (frozen, spec, residences) = {
            let state = self.state.read();
            let vector = state.worked_on(of)?;
            let Some(frozen) = vector.frozen.iter().find(|frozen| frozen.id == segment) else {
                return Ok(());
            };
            (Arc::clone(frozen), vector.spec, state.residences(vector))
        };
        let dir = self.store.segment_dir(of, segment);
        let mut writer = SegmentWriter::create(&dir, spec.row_len())?;
        for chunk in frozen.chunks() {
            for (row, slot) in chunk.slots.iter().enumerate() {
                writer.push(*slot, LogIndex(chunk.versions[row]), chunk.row(row))?;
            }
        }
        let mut manifest = writer.finish(segment)?;
        // Not verified: these are the bytes that were written a moment ago.
        let files = Arc::new(SegmentFiles::open(&dir, &manifest, residences.rows, false)?);
        // At once, as they take no longer than the rows do.
        let make = || make_postings(&dir, &mut manifest, &files, residences.graph);
        let postings = (spec.kind() == VectorKind::Sparse).then(make).transpose()?;
        let order = SlotOrder::of(files.slots());
        // From here on nobody can kill a row: deaths are read once and none is missed.
        let _only_writer = self.writer.lock();
        if self.is_out_of_use() {
            return Err(Error::Cancelled);
        }
        let known = self.state.read().worked_on(of).map(drop);
        if let Err(lost) = known {
            segment_file::remove(&dir)?;
            return Err(lost);
        }
        let mut batch = self.store.batch();
        batch.put_segment(of, &manifest);
        // Readers look at none of these keys.
        batch.write()?;
        let forgets = planted::is(Fault::SealTheDead);
        let death = |row| if forgets { ALIVE } else { frozen.death(row) };
        let tombstones = Arc::new(Tombstones::new((0..manifest.rows).map(death)));
        let mut state = self.state.write();
        let residences = state.residences(state.worked_on(of)?);
        let vector = state.worked_on_mut(of)?;
        vector.frozen.retain(|frozen| frozen.id != segment);
        let (graph, order) = (None, OnceLock::from(order));
        let empty = OnceLock::new();
        let sealed = Sealed { manifest, dir, files, tombstones, graph, postings, order, empty };
        // It may have been asked for elsewhere meanwhile.
        sealed.keep(residences);
        vector.sealed.push(Arc::new(sealed));
        Ok(())
    }
}
