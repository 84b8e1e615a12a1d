//! From slots to records: the part of each point that was asked for.

use vane_storage::records::PointRecord;
use vane_types::limits::ANSWER_BYTES_MAX;
use vane_types::{NamedVectors, Payload, Slot, payload};

use super::include::include;
use crate::error::{BadInput, Error};
use crate::request::{Record, Want, WantPayload, WantVectors};
use crate::search::view::View;
use crate::shard::Shard;
use crate::state::vector::RowOf;
use crate::stored::decode_payload;

/// Points read between two looks at how many bytes there are: each may be large.
const FETCHED_AT_ONCE: usize = 64;
/// Slots whose rows are looked up under one hold of the shard's lock.
const SLOTS_PER_LOCK: usize = 256;

impl Shard {
    /// What was asked for of each slot, in the order given. Slots must be of the view.
    ///
    /// # Errors
    /// [`BadInput::AnswerTooLarge`]; failures of the disk.
    pub(crate) fn fetch(
        &self,
        view: &View<'_>,
        slots: &[Slot],
        want: &Want,
    ) -> Result<Vec<Record>, Error> {
        let found = self.fetch_what_fits(view, slots, want)?;
        if found.len() < slots.len() {
            return Err(BadInput::AnswerTooLarge.into());
        }
        Ok(found)
    }

    /// The same for as many of the slots, from the first on, as one answer may hold; for one in
    /// any case.
    pub(crate) fn fetch_what_fits(
        &self,
        view: &View<'_>,
        slots: &[Slot],
        want: &Want,
    ) -> Result<Vec<Record>, Error> {
        let (mut found, mut bytes) = (Vec::new(), 0);
        for some in slots.chunks(FETCHED_AT_ONCE) {
            for record in self.fetch_all_of(view, some, want)? {
                bytes += record.bytes();
                if bytes > ANSWER_BYTES_MAX && !found.is_empty() {
                    return Ok(found);
                }
                found.push(record);
            }
        }
        Ok(found)
    }

    /// What was asked for of each slot.
    ///
    /// Payloads are the view's. A vector that was replaced after the view was taken comes in
    /// its newer form: the row that scored may be merged away already.
    fn fetch_all_of(
        &self,
        view: &View<'_>,
        slots: &[Slot],
        want: &Want,
    ) -> Result<Vec<Record>, Error> {
        let known = match want.payload {
            // Memory has ids and versions: reading records for them makes a search 5 % slower.
            WantPayload::Nothing => self.ids_and_versions(view, slots),
            WantPayload::All | WantPayload::Include(_) | WantPayload::Exclude(_) => None,
        };
        let mut found = match known {
            Some(found) => found,
            None => records(view, slots, &want.payload)?,
        };
        self.fetch_vectors(slots, &want.vectors, &mut found)?;
        Ok(found)
    }

    /// Points without their payloads, from memory; `None` when one was changed since the view.
    pub(crate) fn ids_and_versions(&self, view: &View<'_>, slots: &[Slot]) -> Option<Vec<Record>> {
        let state = self.state.read();
        let mut found = Vec::with_capacity(slots.len());
        for slot in slots {
            let (id, version) = state.ids.at(*slot, view.at)?;
            found.push(Record { id, version, payload: None, vectors: None, order_value: None });
        }
        Some(found)
    }

    /// Adds the wanted vectors as they are now.
    pub(crate) fn fetch_vectors(
        &self,
        slots: &[Slot],
        want: &WantVectors,
        found: &mut [Record],
    ) -> Result<(), Error> {
        if matches!(want, WantVectors::Nothing) {
            return Ok(());
        }
        for (slots, found) in slots.chunks(SLOTS_PER_LOCK).zip(found.chunks_mut(SLOTS_PER_LOCK)) {
            // Where rows lie is asked under the lock that writers take; they are read without it.
            let rows = self.rows_of(slots, want)?;
            for (rows, record) in rows.into_iter().zip(found) {
                let vectors = rows.into_iter().map(|(name, row)| Ok((name, row.vector()?)));
                record.vectors = Some(vectors.collect::<Result<NamedVectors, Error>>()?);
            }
        }
        Ok(())
    }

    /// The rows of the wanted vectors of each slot.
    fn rows_of(
        &self,
        slots: &[Slot],
        want: &WantVectors,
    ) -> Result<Vec<Vec<(String, RowOf)>>, Error> {
        let state = self.state.read();
        self.check_ready(&state)?;
        let wanted: Vec<_> = state
            .vectors
            .values()
            .filter(|vector| match want {
                WantVectors::Nothing => false,
                WantVectors::All => true,
                WantVectors::Named(names) => names.contains(&vector.name),
            })
            .collect();
        let of_slot = |slot: &Slot| {
            let rows =
                wanted.iter().filter_map(|vector| Some((vector.name.clone(), vector.row(*slot)?)));
            rows.collect()
        };
        Ok(slots.iter().map(of_slot).collect())
    }
}

/// Points with the wanted part of their payloads, from the view's snapshot.
fn records(view: &View<'_>, slots: &[Slot], want: &WantPayload) -> Result<Vec<Record>, Error> {
    let mut found = Vec::with_capacity(slots.len());
    for PointRecord { id, version, payload, .. } in stored_records(view, slots)? {
        let payload = wanted_payload(&payload, want)?;
        found.push(Record { id, version, payload, vectors: None, order_value: None });
    }
    Ok(found)
}

/// Points as the view's snapshot has them. Slots must be of the view.
pub(crate) fn stored_records(view: &View<'_>, slots: &[Slot]) -> Result<Vec<PointRecord>, Error> {
    let (mut found, mut bytes) = (Vec::with_capacity(slots.len()), 0);
    for some in slots.chunks(FETCHED_AT_ONCE) {
        for (slot, record) in some.iter().zip(view.snapshot.records(some)?) {
            let record = record.ok_or_else(|| vane_storage::Error::Damaged {
                what: format!("slot {slot} of group {}", view.group),
                detail: "it has a vector but no record".into(),
            })?;
            bytes += record.payload.len();
            found.push(record);
        }
        if bytes > ANSWER_BYTES_MAX {
            return Err(BadInput::AnswerTooLarge.into());
        }
    }
    Ok(found)
}

/// The wanted part of a stored payload.
pub(crate) fn wanted_payload(stored: &[u8], want: &WantPayload) -> Result<Option<Payload>, Error> {
    let payload = match want {
        WantPayload::Nothing => return Ok(None),
        WantPayload::All => decode_payload(stored)?,
        WantPayload::Include(paths) => include(&decode_payload(stored)?, paths),
        WantPayload::Exclude(paths) => {
            let mut payload = decode_payload(stored)?;
            for path in paths {
                payload::remove(&mut payload, path);
            }
            payload
        }
    };
    Ok(Some(payload))
}
