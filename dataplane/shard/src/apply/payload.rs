//! Merges, replaces and removes payloads.

use vane_commands::{DeletePayload, SetPayload, Targets};
use vane_storage::records::PointRecord;
use vane_types::{JsonPath, Payload, payload};

use crate::apply::change::{Applying, Present, Stop, logged_payload, path};
use crate::stored::decode_payload;

impl Applying<'_, '_> {
    pub(super) fn set_payload(&mut self, set: &SetPayload) -> Result<(), Stop> {
        let patch = logged_payload(&set.payload)?;
        let key = if set.key.is_empty() { None } else { Some(path(&set.key)?) };
        self.change_payloads(set.targets.as_ref(), true, |payload| match &key {
            None => payload::merge(payload, &patch),
            Some(key) => payload::merge_at(payload, key, &patch),
        })
    }

    pub(super) fn overwrite_payload(&mut self, set: &SetPayload) -> Result<(), Stop> {
        let new = logged_payload(&set.payload)?;
        self.change_payloads(set.targets.as_ref(), true, |payload| payload.clone_from(&new))
    }

    pub(super) fn delete_payload(&mut self, delete: &DeletePayload) -> Result<(), Stop> {
        let keys = delete.keys.iter().map(|key| path(key)).collect::<Result<Vec<JsonPath>, _>>()?;
        self.change_payloads(delete.targets.as_ref(), true, |payload| {
            for key in &keys {
                payload::remove(payload, key);
            }
        })
    }

    pub(super) fn clear_payload(&mut self, targets: &Targets) -> Result<(), Stop> {
        self.change_payloads(Some(targets), false, Payload::clear)
    }

    fn change_payloads(
        &mut self,
        targets: Option<&Targets>,
        all_must_exist: bool,
        change: impl Fn(&mut Payload),
    ) -> Result<(), Stop> {
        let targets = targets.cloned().unwrap_or_default();
        for Present { slot, record: old } in self.targets(&targets, all_must_exist)? {
            let mut payload = decode_payload(&old.payload)?;
            change(&mut payload);
            let record = PointRecord {
                version: self.index,
                payload: payload::encode(&payload),
                ..old.clone()
            };
            self.store_record(slot, Some(&old), &record)?;
        }
        Ok(())
    }
}
