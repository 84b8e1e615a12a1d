//! Payload indexes and parameters: schema is part of the log too.

use vane_filter::PayloadIndex;
use vane_types::command::{Configure, CreateIndex, DropIndex};
use vane_types::{CollectionConfig, FieldType};

use super::{Applying, CONFIG, FIELD, Stop, damaged, parse_payload, path};
use crate::effects::Effect;
use crate::state::Field;

impl Applying<'_, '_> {
    pub(super) fn create_index(&mut self, create: &CreateIndex) -> Result<(), Stop> {
        let field_type: FieldType = serde_json::from_value(create.field_type.clone().into())
            .map_err(|_| damaged(&format!("unknown index type {}", create.field_type)))?;
        let path = path(&create.field)?;
        match self.state.fields.get(&path) {
            Some(field) if field.index.ty() == field_type => return Ok(()),
            Some(field) => {
                let number = field.number;
                self.remove_field(number);
            }
            None => {}
        }
        let taken: Vec<u16> = self.state.fields.values().map(|it| it.number).collect();
        let number = (0..=u16::MAX)
            .find(|it| !taken.contains(it))
            .ok_or_else(|| damaged("there are more payload indexes than numbers"))?;
        let mut index = PayloadIndex::new(field_type);
        let (store, batch) = (self.store, &mut self.effects.batch);
        store.records(|slot, record| {
            for key in vane_filter::index_keys(&path, field_type, &parse_payload(&record.payload)?)
            {
                batch.put_index(number, &key, slot);
                index.insert(&key, slot);
            }
            Ok(())
        })?;
        let stored = serde_json::to_vec(&(path.to_string(), field_type))
            .expect("a path and a type are plain data");
        batch.put_attribute(&field_name(number), &stored);
        self.effects.memory.push(Effect::NewField { path, field: Field { number, index } });
        Ok(())
    }

    pub(super) fn drop_index(&mut self, drop: &DropIndex) -> Result<(), Stop> {
        let path = path(&drop.field)?;
        if let Some(field) = self.state.fields.get(&path) {
            let number = field.number;
            self.remove_field(number);
            self.effects.memory.push(Effect::DropField { path });
        }
        Ok(())
    }

    pub(super) fn configure(&mut self, configure: &Configure) -> Result<(), Stop> {
        let config: CollectionConfig = serde_json::from_str(&configure.config)
            .map_err(|e| damaged(&format!("a logged configuration cannot be read: {e}")))?;
        self.batch().put_attribute(CONFIG, configure.config.as_bytes());
        self.effects.memory.push(Effect::Config(Box::new(config)));
        Ok(())
    }

    fn remove_field(&mut self, number: u16) {
        self.batch().drop_index(number);
        self.batch().delete_attribute(&field_name(number));
    }
}

fn field_name(number: u16) -> Vec<u8> {
    [FIELD, &number.to_be_bytes()].concat()
}
