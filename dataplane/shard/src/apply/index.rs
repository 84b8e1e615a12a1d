//! Makes and drops payload indexes.

use std::sync::Arc;

use vane_commands::{CreateIndex, DropIndex, read_path, read_schema};
use vane_filter::PayloadIndex;
use vane_types::JsonPath;

use crate::apply::change::{Applying, Stop, damaged};
use crate::apply::effects::Effect;
use crate::state::field::Field;
use crate::stored::{decode_payload, encode_slot, field_name, filling_name};

impl Applying<'_, '_> {
    /// Makes an index. Points that are there are left to a job ([`Shard::fill_index`]), which
    /// writes of all collections need not wait for; below the feature level that says so in the
    /// entry they come in here, while all writers wait.
    ///
    /// [`Shard::fill_index`]: crate::shard::Shard::fill_index
    pub(super) fn create_index(&mut self, create: &CreateIndex) -> Result<(), Stop> {
        let schema = Arc::new(read_schema(&create.field_type)?);
        let path = read_path(&create.field)?;
        match self.state.fields.get(&path) {
            // Asking again for what is there costs no second pass over all points.
            Some(field) if *field.index.schema() == schema => return Ok(()),
            Some(field) => {
                let number = field.number;
                self.remove_field(number);
            }
            None => {}
        }
        let number = self.free_number()?;
        let mut index = PayloadIndex::new(Arc::clone(&schema));
        // Also of an index that was replaced before it was whole.
        let mut next = None;
        self.batch().delete_attribute(&filling_name(number));
        if !create.online {
            self.fill_at_once(&path, number, &mut index)?;
        } else if !self.state.live.is_empty() {
            next = Some(0);
            self.batch().put_attribute(&filling_name(number), &encode_slot(0));
        }
        let stored = serde_json::to_vec(&(path.to_string(), &*schema))
            .expect("a path and a schema are plain data");
        self.batch().put_attribute(&field_name(number), &stored);
        let (path, field) = (Arc::new(path), Field { number, index, changed: self.index, next });
        self.effects.memory.push(Effect::IndexMade { path, field });
        Ok(())
    }

    fn fill_at_once(
        &mut self,
        path: &JsonPath,
        number: u16,
        index: &mut PayloadIndex,
    ) -> Result<(), Stop> {
        let (store, batch) = (self.store, &mut self.effects.batch);
        store.records(|slot, record| {
            let payload = decode_payload(&record.payload)?;
            for key in vane_filter::index_keys(path, index.schema(), &payload) {
                batch.put_index(number, &key, slot);
                index.insert(&key, slot);
            }
            Ok(())
        })?;
        Ok(())
    }

    pub(super) fn drop_index(&mut self, drop: &DropIndex) -> Result<(), Stop> {
        let path = read_path(&drop.field)?;
        if let Some(field) = self.state.fields.get(&path) {
            let number = field.number;
            self.remove_field(number);
            self.effects.memory.push(Effect::IndexDropped { path });
        }
        Ok(())
    }

    /// The least number that no index has; that of an index which this entry replaces counts as
    /// taken.
    fn free_number(&self) -> Result<u16, Stop> {
        let taken: Vec<u16> = self.state.fields.values().map(|field| field.number).collect();
        (0..=u16::MAX)
            .find(|number| !taken.contains(number))
            .ok_or_else(|| damaged("there are more payload indexes than numbers"))
    }

    fn remove_field(&mut self, number: u16) {
        self.batch().drop_index(number);
        self.batch().delete_attribute(&field_name(number));
        self.batch().delete_attribute(&filling_name(number));
    }
}
