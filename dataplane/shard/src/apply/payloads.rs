//! Payloads.

use vane_storage::records::PointRecord;
use vane_types::command::{DeletePayload, SetPayload, Targets};
use vane_types::{JsonPath, Payload, payload};

use super::{Applying, Present, Stop, encode_payload, parse_payload, path};

impl Applying<'_, '_> {
    pub(super) fn set_payload(&mut self, set: &SetPayload) -> Result<(), Stop> {
        let patch = parse_payload(&set.payload)?;
        let key = if set.key.is_empty() { None } else { Some(path(&set.key)?) };
        self.change_payloads(set.targets.as_ref(), true, |payload| match &key {
            None => payload::merge(payload, &patch),
            Some(key) => payload::merge_at(payload, key, &patch),
        })
    }

    pub(super) fn overwrite_payload(&mut self, set: &SetPayload) -> Result<(), Stop> {
        let new = parse_payload(&set.payload)?;
        self.change_payloads(set.targets.as_ref(), true, |payload| payload.clone_from(&new))
    }

    pub(super) fn delete_payload(&mut self, delete: &DeletePayload) -> Result<(), Stop> {
        let keys = delete.keys.iter().map(|it| path(it)).collect::<Result<Vec<JsonPath>, _>>()?;
        self.change_payloads(delete.targets.as_ref(), true, |payload| {
            keys.iter().for_each(|key| payload::remove(payload, key));
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
            let mut payload = parse_payload(&old.payload)?;
            change(&mut payload);
            let record = PointRecord {
                version: self.index,
                payload: encode_payload(&payload),
                ..old.clone()
            };
            self.store_record(slot, Some(&old), &record)?;
        }
        Ok(())
    }
}
