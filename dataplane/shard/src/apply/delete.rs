//! Removes points.

use vane_commands::Targets;
use vane_types::Payload;

use crate::apply::change::{Applying, Present, Stop};
use crate::apply::digest;
use crate::apply::effects::Effect;
use crate::stored::decode_payload;

impl Applying<'_, '_> {
    pub(super) fn delete(&mut self, targets: &Targets) -> Result<(), Stop> {
        for Present { slot, record } in self.targets(targets, false)? {
            for vector in &record.vectors {
                self.effects.memory.push(Effect::RowDied { vector: *vector, slot });
            }
            let payload = decode_payload(&record.payload)?;
            self.reindex(slot, &payload, &Payload::new());
            self.batch().delete_point(record.id);
            self.batch().delete_record(slot);
            let totals = &mut self.effects.totals;
            totals.digest = totals.digest.wrapping_sub(digest::of_record(&record));
            totals.count_payload(Some(&record), None);
            self.effects.memory.push(Effect::PointRemoved { slot, tenant: record.id.tenant });
        }
        Ok(())
    }
}
