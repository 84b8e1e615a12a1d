//! Sets and removes vectors of points that exist.

use vane_commands::{DeleteVectors, LoggedVector, Point, Upsert, read_id};
use vane_storage::records::PointRecord;
use vane_types::{Refusal, Slot};

use crate::apply::change::{Applying, Present, Stop};
use crate::apply::effects::Effect;

impl Applying<'_, '_> {
    pub(super) fn update_vectors(&mut self, update: Upsert) -> Result<(), Stop> {
        let condition = update.condition.map(|condition| condition.read()).transpose()?;
        for Point { id, vectors, .. } in update.points {
            let id = read_id(&id)?;
            let Some(old) = self.present(id)? else {
                return Err(Refusal::PointNotFound(id).into());
            };
            if !self.is_written(condition.as_ref(), Some(&old))? {
                continue;
            }
            let Present { slot, record: old } = old;
            let mut record = PointRecord { version: self.index, ..old.clone() };
            // All old rows die before new ones are added: afterwards the slot leads to those.
            for LoggedVector { name, .. } in &vectors {
                self.drop_vector(slot, &mut record, name);
            }
            self.put_vectors(slot, &mut record, vectors)?;
            self.store_record(slot, Some(&old), &record)?;
        }
        Ok(())
    }

    pub(super) fn delete_vectors(&mut self, delete: &DeleteVectors) -> Result<(), Stop> {
        let targets = delete.targets.clone().unwrap_or_default();
        for Present { slot, record: old } in self.targets(&targets, false)? {
            let mut record = PointRecord { version: self.index, ..old.clone() };
            for name in &delete.names {
                self.drop_vector(slot, &mut record, name);
            }
            self.store_record(slot, Some(&old), &record)?;
        }
        Ok(())
    }

    /// Takes a vector out of a record; nothing happens when the point has none.
    fn drop_vector(&mut self, slot: Slot, record: &mut PointRecord, name: &str) {
        let Some((ordinal, _)) = self.state.vector(name) else { return };
        let before = record.vectors.len();
        record.vectors.retain(|vector| vector.ordinal != ordinal);
        if record.vectors.len() < before {
            self.effects.memory.push(Effect::RowDied { vector: ordinal, slot });
        }
    }
}
