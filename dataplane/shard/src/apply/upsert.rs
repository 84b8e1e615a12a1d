//! Puts points in place of any with the same ids.

use vane_commands::{
    Condition, Error as CommandError, LoggedVector, Point, Unreadable, UpdateMode, Upsert, read_id,
};
use vane_storage::records::{PointRecord, VectorRecord};
use vane_types::planted::{self, Fault};
use vane_types::{PointId, Refusal, Slot};

use crate::apply::change::{Applying, Present, Stop};
use crate::apply::digest;
use crate::apply::effects::Effect;
use crate::error::BadInput;
use crate::stored::NEXT_SLOT;

impl Applying<'_, '_> {
    pub(super) fn upsert(&mut self, upsert: Upsert) -> Result<(), Stop> {
        let before = self.effects.totals.next_slot;
        let condition = upsert.condition.map(|condition| condition.read()).transpose()?;
        for Point { id, vectors, payload } in upsert.points {
            let id = read_id(&id)?;
            let old = self.present(id)?;
            if !self.is_written(condition.as_ref(), old.as_ref())? {
                continue;
            }
            let slot = match &old {
                Some(old) => old.slot,
                None => self.take_slot(id)?,
            };
            // Before the new rows are added: afterwards the slot leads to those.
            for vector in old.iter().flat_map(|old| &old.record.vectors) {
                self.effects.memory.push(Effect::RowDied { vector: *vector, slot });
            }
            let mut record = PointRecord { id, version: self.index, vectors: Vec::new(), payload };
            self.put_vectors(slot, &mut record, vectors)?;
            self.store_record(slot, old.as_ref().map(|old| &old.record), &record)?;
        }
        if self.effects.totals.next_slot != before {
            let next = self.effects.totals.next_slot.to_be_bytes();
            self.batch().put_attribute(NEXT_SLOT, &next);
        }
        Ok(())
    }

    /// Whether a point is as a write has its points.
    pub(super) fn is_written(
        &self,
        condition: Option<&Condition>,
        old: Option<&Present>,
    ) -> Result<bool, Stop> {
        let Some(Condition { mode, filter }) = condition else { return Ok(true) };
        match (mode, old) {
            (UpdateMode::InsertOnly, Some(_)) | (UpdateMode::UpdateOnly, None) => Ok(false),
            (UpdateMode::InsertOnly | UpdateMode::Upsert, None) => Ok(true),
            (UpdateMode::UpdateOnly | UpdateMode::Upsert, Some(old)) => {
                self.still_matches(filter.as_ref(), old)
            }
        }
    }

    /// The next slot, bound to a new point. Slots of deleted points are not given out again:
    /// views and rows that know them would take the new point for the old one.
    fn take_slot(&mut self, id: PointId) -> Result<Slot, Stop> {
        let slot = self.effects.totals.next_slot;
        // The last number of all is never given out: there is none behind it to come next.
        if slot >= self.bounds.map_or(Slot::MAX, |bounds| bounds.slots) {
            return Err(Refusal::OutOfSlots.into());
        }
        self.effects.totals.next_slot += 1;
        self.batch().put_point(id, slot);
        self.effects.memory.push(Effect::PointAdded { slot, tenant: id.tenant });
        Ok(slot)
    }

    /// Appends a row for each vector, and names the rows in the point's record.
    pub(super) fn put_vectors(
        &mut self,
        slot: Slot,
        record: &mut PointRecord,
        vectors: Vec<LoggedVector>,
    ) -> Result<(), Stop> {
        for logged in vectors {
            let meant = logged.id;
            let (name, vector) = logged
                .into_parts()
                .map_err(|error| Unreadable::new(format!("a vector: {error}")))?;
            let (_, adopted) = vane_commands::fit(&self.state.config, &name, &vector)
                .map_err(|misfit| invalid(&misfit.into()))?;
            let Some((id, state)) = self.state.vector(&name) else {
                let unknown = CommandError::unknown_vector(&self.state.config, name);
                return Err(invalid(&unknown.into()));
            };
            // Checked when another vector had the name.
            let is_meant = self.state.config.logged_id_of(&name) == Some(meant);
            if !is_meant && !planted::is(Fault::VectorByName) {
                return Err(invalid(&CommandError::VectorReplaced { name }.into()));
            }
            let values = adopted.unwrap_or(vector).into_row();
            // Rows of earlier points of this entry are not in the growing segment yet.
            let new = self.new_rows.entry(id).or_default();
            let row = state.growing.rows() as u32 + *new;
            *new += 1;
            self.effects.batch.put_row(id, state.growing.id, row, slot, self.index, &values);
            let digest = digest::of_vector(record.id, id, &values);
            let vector = VectorRecord { id, version: self.index, digest };
            record.vectors.push(vector);
            self.effects.memory.push(Effect::RowAdded { vector, slot, values });
        }
        // Clients name vectors in any order, and the same point must give the same record.
        record.vectors.sort_unstable_by_key(|vector| vector.id);
        Ok(())
    }
}

/// Writes are checked before they are logged: only one that was checked against an older
/// configuration comes here.
fn invalid(reason: &BadInput) -> Stop {
    Refusal::Invalid(reason.to_string()).into()
}
