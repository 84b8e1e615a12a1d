//! Points and vectors.

use vane_storage::records::{PointRecord, VectorRecord};
use vane_types::Refusal;
use vane_types::command::{DeleteVectors, Point, Targets, Upsert, Vector};

use super::{Applying, NEXT_SLOT, Present, Stop, parse_payload, point_id};
use crate::digest;
use crate::effects::Effect;

impl Applying<'_, '_> {
    pub(super) fn upsert(&mut self, upsert: Upsert) -> Result<(), Stop> {
        let before = self.effects.next_slot;
        for Point { id, vectors, payload } in upsert.points {
            let id = point_id(&id)?;
            let old = self.present(id)?;
            let slot = match &old {
                Some(old) => old.slot,
                None => self.take_slot(id),
            };
            for it in old.iter().flat_map(|it| &it.record.vectors) {
                self.effects.memory.push(Effect::Kill { vector: it.ordinal, slot });
            }
            let mut record = PointRecord { id, version: self.index, vectors: Vec::new(), payload };
            self.put_vectors(slot, &mut record, vectors)?;
            self.store_record(slot, old.as_ref().map(|it| &it.record), &record)?;
        }
        if self.effects.next_slot != before {
            let next = self.effects.next_slot.to_be_bytes();
            self.batch().put_attribute(NEXT_SLOT, &next);
        }
        Ok(())
    }

    pub(super) fn update_vectors(&mut self, update: Upsert) -> Result<(), Stop> {
        for Point { id, vectors, .. } in update.points {
            let id = point_id(&id)?;
            let Some(Present { slot, record: old }) = self.present(id)? else {
                return Err(Refusal::PointNotFound(id).into());
            };
            let mut record = PointRecord { version: self.index, ..old.clone() };
            for Vector { name, .. } in &vectors {
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

    pub(super) fn delete(&mut self, targets: &Targets) -> Result<(), Stop> {
        for Present { slot, record } in self.targets(targets, false)? {
            for it in &record.vectors {
                self.effects.memory.push(Effect::Kill { vector: it.ordinal, slot });
            }
            let payload = parse_payload(&record.payload)?;
            self.reindex(slot, &payload, &vane_types::Payload::new());
            self.batch().delete_point(record.id);
            self.batch().delete_record(slot);
            self.effects.digest = self.effects.digest.wrapping_sub(digest::of_record(&record));
            self.effects.memory.push(Effect::Gone(slot));
        }
        Ok(())
    }

    /// The next slot, bound to a new point. Slots of deleted points are not given out again.
    fn take_slot(&mut self, id: vane_types::PointId) -> u32 {
        let slot = self.effects.next_slot;
        self.effects.next_slot += 1;
        self.batch().put_point(id, slot);
        self.effects.memory.push(Effect::Live(slot));
        slot
    }

    fn put_vectors(
        &mut self,
        slot: u32,
        record: &mut PointRecord,
        vectors: Vec<Vector>,
    ) -> Result<(), Stop> {
        for Vector { name, values } in vectors {
            let Some((ordinal, vector)) = self.state.vector(&name) else {
                return Err(
                    Refusal::Invalid(format!("Not existing vector name error: {name}")).into()
                );
            };
            if values.len() != vector.params.size {
                let (expected, got) = (vector.params.size, values.len());
                let text = format!("Vector dimension error: expected dim: {expected}, got {got}");
                return Err(Refusal::Invalid(text).into());
            }
            let new = &mut self.new_rows[ordinal as usize];
            let row = vector.growing.rows() as u32 + *new;
            *new += 1;
            self.effects.batch.put_row(ordinal, vector.growing.id, row, slot, self.index, &values);
            let digest = digest::of_vector(record.id, ordinal, &values);
            record.vectors.push(VectorRecord { ordinal, version: self.index, digest });
            self.effects.memory.push(Effect::Row { vector: ordinal, slot, values });
        }
        record.vectors.sort_unstable_by_key(|it| it.ordinal);
        Ok(())
    }

    fn drop_vector(&mut self, slot: u32, record: &mut PointRecord, name: &str) {
        let Some((ordinal, _)) = self.state.vector(name) else { return };
        let before = record.vectors.len();
        record.vectors.retain(|it| it.ordinal != ordinal);
        if record.vectors.len() < before {
            self.effects.memory.push(Effect::Kill { vector: ordinal, slot });
        }
    }
}
