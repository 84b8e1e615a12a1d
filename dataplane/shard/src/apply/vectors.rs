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
            for LoggedVector { name, id, .. } in &vectors {
                self.drop_vector(slot, &mut record, (name, *id));
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
            for vector in delete.vectors() {
                self.drop_vector(slot, &mut record, vector);
            }
            self.store_record(slot, Some(&old), &record)?;
        }
        Ok(())
    }

    /// Takes a vector, by its name and what entries say of it beside, out of a record; nothing
    /// happens when the point has none, or when another vector has the name by now.
    fn drop_vector(&mut self, slot: Slot, record: &mut PointRecord, (name, meant): (&str, u32)) {
        let config = &self.state.config;
        let known = config.id_of(name).filter(|_| config.logged_id_of(name) == Some(meant));
        let place = record.vectors.iter().position(|vector| Some(vector.id) == known);
        if let Some(place) = place {
            let vector = record.vectors.remove(place);
            self.effects.memory.push(Effect::RowDied { vector, slot });
        }
    }
}
