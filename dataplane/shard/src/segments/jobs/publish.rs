//! Puts what a job made in the place of what it was made from.

use std::sync::Arc;

use vane_storage::segment_file;
use vane_types::planted::{self, Fault};
use vane_types::{LogIndex, Slot, VectorId};

use crate::error::Error;
use crate::segments::growing::{ALIVE, Loc};
use crate::segments::sealed::{Sealed, Tombstones};
use crate::shard::Shard;

/// Rows whose new places are noted while readers wait, about a millisecond; of more, beside them.
const PLACES_UNDER_LOCK: usize = 1 << 17;

impl Shard {
    /// Puts a new segment in the place of its inputs. `origins` says for each of its rows
    /// which input and row it was. Where the collection has lost the vector, the segment goes.
    pub(super) fn publish(
        &self,
        of: VectorId,
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
            let known = self.state.read().worked_on(of).map(drop);
            if let Err(lost) = known {
                segment_file::remove(&new.dir)?;
                return Err(lost);
            }
            let deaths = || origins.iter().map(|origin| death(inputs, origin));
            new.tombstones = Arc::new(Tombstones::new(deaths()));
            let places = || places(&new, deaths());
            // Made beside readers, who wait for the change itself alone: only who holds `writer`
            // changes what is read here.
            let known = || self.state.read().worked_on(of).map(|vector| vector.locs.clone());
            let is_long = origins.len() > PLACES_UNDER_LOCK;
            let locs = is_long.then(known).transpose()?.map(|locs| moved(locs, places()));
            let mut batch = self.store.batch();
            // Without a living row there is nothing to name.
            if new.rows() > 0 {
                batch.put_segment(of, &new.manifest);
            }
            for id in &old {
                batch.delete_segment(of, *id);
            }
            // Readers look at none of these keys.
            batch.write()?;
            let mut state = self.state.write();
            // They may have been asked for elsewhere since it was opened.
            new.keep(state.residences(state.worked_on(of)?));
            let vector = state.worked_on_mut(of)?;
            match locs {
                Some(locs) => vector.locs = locs,
                None => vector.locs = moved(std::mem::take(&mut vector.locs), places()),
            }
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

/// When a row of an input died.
fn death(inputs: &[Arc<Sealed>], (input, row): &(u32, u32)) -> LogIndex {
    if planted::is(Fault::MergeTheDead) {
        return ALIVE;
    }
    inputs[*input as usize].tombstones.of(*row)
}

/// Where the living rows of a segment lie, by their slots.
fn places(
    new: &Sealed,
    deaths: impl Iterator<Item = LogIndex>,
) -> impl Iterator<Item = (Slot, Loc)> {
    let (segment, slots) = (new.id(), new.files.slots());
    let living = deaths.enumerate().filter(|(_, death)| *death == ALIVE);
    living.map(move |(row, _)| (slots[row], Loc { segment, row: row as u32 }))
}

fn moved(mut locs: Vec<Loc>, places: impl Iterator<Item = (Slot, Loc)>) -> Vec<Loc> {
    for (slot, loc) in places {
        // It lives, so its slot has a place, which is in one of the inputs.
        locs[slot as usize] = loc;
    }
    locs
}
