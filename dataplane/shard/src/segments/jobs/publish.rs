//! Puts what a job made in the place of what it was made from.

use std::sync::Arc;

use vane_storage::segment_file;
use vane_types::planted::{self, Fault};

use crate::error::Error;
use crate::segments::growing::{ALIVE, Loc};
use crate::segments::sealed::{Sealed, Tombstones};
use crate::shard::Shard;
use crate::state::vector::VectorState;

impl Shard {
    /// Puts a new segment in the place of its inputs. `origins` says for each of its rows
    /// which input and row it was.
    pub(super) fn publish(
        &self,
        ordinal: usize,
        inputs: &[Arc<Sealed>],
        mut new: Sealed,
        origins: &[(u32, u32)],
    ) -> Result<(), Error> {
        let old: Vec<u32> = inputs.iter().map(|input| input.id()).collect();
        {
            let _only_writer = self.writer.lock();
            // A closed shard's keys are being removed, and what one that stands still has in
            // memory may be half of an entry.
            if self.is_out_of_use() {
                return Err(Error::Cancelled);
            }
            let mut batch = self.store.batch();
            // Without a living row there is nothing to name.
            if new.rows() > 0 {
                batch.put_segment(ordinal as u8, &new.manifest);
            }
            for id in &old {
                batch.delete_segment(ordinal as u8, *id);
            }
            // Readers look at none of these keys.
            batch.write()?;
            let mut state = self.state.write();
            let vector = &mut state.vectors[ordinal];
            move_rows(vector, inputs, &mut new, origins);
            vector.sealed.retain(|sealed| !old.contains(&sealed.id()));
            if new.rows() > 0 {
                vector.sealed.push(Arc::new(new));
            } else {
                segment_file::remove(&new.dir)?;
            }
        }
        // Only now may the files go: see vane_storage::segment_file.
        self.store.sync()?;
        // A snapshot may be linking what it has named.
        let _no_snapshot = self.linking.lock();
        for input in inputs {
            segment_file::remove(&input.dir)?;
        }
        Ok(())
    }
}

/// Takes tombstones over, and points the living rows' slots at their new place.
fn move_rows(
    vector: &mut VectorState,
    inputs: &[Arc<Sealed>],
    new: &mut Sealed,
    origins: &[(u32, u32)],
) {
    let forgets = planted::is(Fault::MergeTheDead);
    let death = |(input, row): &(u32, u32)| {
        if forgets { ALIVE } else { inputs[*input as usize].tombstones.of(*row) }
    };
    let tombstones = origins.iter().map(death);
    new.tombstones = Arc::new(Tombstones::new(tombstones.clone()));
    let (id, slots) = (new.id(), new.files.slots());
    for (row, death) in tombstones.enumerate() {
        if death == ALIVE {
            vector.set_loc(slots[row], Loc { segment: id, row: row as u32 });
        }
    }
}
