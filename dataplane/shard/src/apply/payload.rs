//! Merges, replaces and removes payloads.

use vane_commands::{DeletePayload, SetPayload, Targets, read_path, read_payload};
use vane_storage::records::PointRecord;
use vane_types::{JsonPath, Payload, Refusal, payload};

use crate::apply::change::{Applying, Present, Stop};
use crate::stored::decode_payload;

impl Applying<'_, '_> {
    pub(super) fn set_payload(&mut self, set: &SetPayload) -> Result<(), Stop> {
        let (patch, key) = (read_payload(&set.payload)?, set.read_key()?);
        let Some(key) = key else {
            return self.change_payloads(set.targets.as_ref(), true, |_, payload| {
                payload::merge(payload, &patch);
                Ok(())
            });
        };
        // Nulls only remove: what is counted is what will be there.
        let there: Payload = patch.clone().into_iter().filter(|(_, it)| !it.is_null()).collect();
        let bytes = payload::encode(&there).len();
        self.change_payloads(set.targets.as_ref(), true, |applying, payload| {
            // Before it is made: a path that enters a list puts the patch into each element.
            let made = payload::places(payload, &key).saturating_mul(bytes);
            applying.check_payload(0, made)?;
            payload::merge_at(payload, &key, &patch, set.no_array());
            Ok(())
        })
    }

    pub(super) fn overwrite_payload(&mut self, set: &SetPayload) -> Result<(), Stop> {
        let new = read_payload(&set.payload)?;
        self.change_payloads(set.targets.as_ref(), true, |_, payload| {
            payload.clone_from(&new);
            Ok(())
        })
    }

    pub(super) fn delete_payload(&mut self, delete: &DeletePayload) -> Result<(), Stop> {
        let keys: Result<Vec<JsonPath>, _> = delete.keys.iter().map(|key| read_path(key)).collect();
        let keys = keys?;
        self.change_payloads(delete.targets.as_ref(), true, |_, payload| {
            for key in &keys {
                payload::remove(payload, key);
            }
            Ok(())
        })
    }

    pub(super) fn clear_payload(&mut self, targets: &Targets) -> Result<(), Stop> {
        self.change_payloads(Some(targets), false, |_, payload| {
            payload.clear();
            Ok(())
        })
    }

    fn change_payloads(
        &mut self,
        targets: Option<&Targets>,
        all_must_exist: bool,
        change: impl Fn(&Self, &mut Payload) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let targets = targets.cloned().unwrap_or_default();
        for Present { slot, record: old } in self.targets(&targets, all_must_exist)? {
            let mut payload = decode_payload(&old.payload)?;
            change(self, &mut payload)?;
            let payload = payload::encode(&payload);
            self.check_payload(old.payload.len(), payload.len())?;
            let record = PointRecord { version: self.index, payload, ..old.clone() };
            self.store_record(slot, Some(&old), &record)?;
        }
        Ok(())
    }

    /// Refuses a payload that would have more bytes than a point's may; one that was larger
    /// already may become smaller.
    fn check_payload(&self, before: usize, after: usize) -> Result<(), Stop> {
        let most = self.bounds.map_or(u64::MAX, |bounds| bounds.payload_bytes);
        if after as u64 <= most || after < before {
            return Ok(());
        }
        Err(Refusal::Invalid(format!(
            "the payload of a point would have {after} bytes, the limit is {most}"
        ))
        .into())
    }
}
