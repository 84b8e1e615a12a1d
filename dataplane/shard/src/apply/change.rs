//! A command being applied: what every kind of command needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use vane_commands::{Bounds, Change, Targets, Unreadable, read_id, read_payload};
use vane_filter::Filter;
use vane_storage::records::PointRecord;
use vane_storage::{Batch, ShardStore};
use vane_types::planted::{self, Fault};
use vane_types::{LogIndex, Payload, PointId, Refusal, Slot, VectorId};

use crate::apply::digest;
use crate::apply::effects::{Effect, Effects};
use crate::search::select::RecordCandidate;
use crate::state::State;
use crate::stored::decode_payload;

/// An entry being applied: the state before it, and what it changes so far.
///
/// Points of one command are distinct, so that a point's state before the entry is its
/// state before its own change.
pub(super) struct Applying<'s, 'a> {
    pub(super) index: LogIndex,
    pub(super) store: &'a ShardStore,
    pub(super) state: &'s State,
    pub(super) effects: Effects<'a>,
    /// Rows that this entry appends so far, by vector.
    pub(super) new_rows: BTreeMap<VectorId, u32>,
    /// What the command may come to, where it says so.
    pub(super) bounds: Option<Bounds>,
    /// Bytes of payloads that were read and written so far.
    work_bytes: u64,
    /// It names a single point, and cannot be divided.
    is_of_one: bool,
}

/// Why an entry has no effect.
pub(super) enum Stop {
    /// Every replica comes to the same.
    Refused(Refusal),
    /// This replica cannot apply it.
    Failed(Failed),
}

/// Why this replica, perhaps unlike the others, cannot apply an entry.
pub(super) enum Failed {
    /// It says what this version does not know, or is damaged.
    Unreadable(String),
    /// The disk failed, or what lies on it is not what was written.
    Store(vane_storage::Error),
}

impl From<Unreadable> for Stop {
    fn from(part: Unreadable) -> Self {
        Self::Failed(Failed::Unreadable(part.to_string()))
    }
}

impl From<vane_storage::Error> for Stop {
    fn from(error: vane_storage::Error) -> Self {
        Self::Failed(Failed::Store(error))
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A point as it was before the entry.
pub(super) struct Present {
    pub(super) slot: Slot,
    pub(super) record: PointRecord,
}

impl<'s, 'a> Applying<'s, 'a> {
    pub(super) fn new(
        index: LogIndex,
        store: &'a ShardStore,
        state: &'s State,
        bounds: Option<Bounds>,
    ) -> Self {
        Self {
            index,
            store,
            state,
            effects: Effects::none(store, state),
            new_rows: BTreeMap::new(),
            bounds,
            work_bytes: 0,
            is_of_one: true,
        }
    }

    /// Collects what a change comes to.
    pub(super) fn change(&mut self, change: Change) -> Result<(), Stop> {
        self.is_of_one = change.keys().nth(1).is_none();
        self.check_tenants(&change)?;
        match change {
            Change::Upsert(upsert) => self.upsert(upsert),
            Change::Delete(targets) => self.delete(&targets),
            Change::UpdateVectors(update) => self.update_vectors(update),
            Change::DeleteVectors(delete) => self.delete_vectors(&delete),
            Change::SetPayload(set) => self.set_payload(&set),
            Change::OverwritePayload(set) => self.overwrite_payload(&set),
            Change::DeletePayload(delete) => self.delete_payload(&delete),
            Change::ClearPayload(targets) => self.clear_payload(&targets),
            Change::CreateIndex(create) => self.create_index(&create),
            Change::DropIndex(drop) => self.drop_index(&drop),
            Change::Configure(configure) => self.configure(&configure),
            Change::CloseTenant(close) => self.close_tenant(close),
        }
    }

    pub(super) fn into_effects(self) -> Effects<'a> {
        self.effects
    }

    pub(super) fn batch(&mut self) -> &mut Batch<'a> {
        &mut self.effects.batch
    }

    pub(super) fn present(&mut self, id: PointId) -> Result<Option<Present>, Stop> {
        let Some(slot) = self.store.slot(id)? else { return Ok(None) };
        let mut record = self
            .store
            .record(slot)?
            .ok_or_else(|| damaged(&format!("point {id} has no record")))?;
        // What it says of vectors that the collection has lost counts no more, and is not written
        // again.
        record.vectors.retain(|vector| self.state.vectors.contains_key(&vector.id));
        self.count_work(&record)?;
        Ok(Some(Present { slot, record }))
    }

    /// Counts a payload that was read or is to be written. An entry is applied in one go, with
    /// all that it changes in memory: what a command turns into has to be bounded, not only what
    /// it says.
    fn count_work(&mut self, record: &PointRecord) -> Result<(), Stop> {
        self.work_bytes += record.payload.len() as u64;
        match self.bounds {
            Some(bounds) if self.work_bytes > bounds.work_bytes && !self.is_of_one => {
                Err(Refusal::TooMuch.into())
            }
            _ => Ok(()),
        }
    }

    /// Points a change is for, as they are before it. With a filter those that match no
    /// more are left out; without, absent ones are left out or refuse the whole command.
    pub(super) fn targets(
        &mut self,
        targets: &Targets,
        all_must_exist: bool,
    ) -> Result<Vec<Present>, Stop> {
        let filter = targets.read_filter()?;
        let mut found = Vec::with_capacity(targets.ids.len());
        for key in &targets.ids {
            let id = read_id(key)?;
            let Some(point) = self.present(id)? else {
                // A filter named points that were there then: one that is gone no longer matches
                // it.
                if all_must_exist && filter.is_none() {
                    return Err(Refusal::PointNotFound(id).into());
                }
                continue;
            };
            if self.still_matches(filter.as_ref(), &point)? {
                found.push(point);
            }
        }
        Ok(found)
    }

    /// The filter was looked up before the command was logged: other commands may have
    /// changed the point since, and every replica must leave out the same ones.
    pub(super) fn still_matches(
        &self,
        filter: Option<&Filter>,
        point: &Present,
    ) -> Result<bool, Stop> {
        let Some(filter) = filter else { return Ok(true) };
        if planted::is(Fault::FilterOnce) {
            return Ok(true);
        }
        let candidate = RecordCandidate::new(&point.record, self.state)?;
        Ok(vane_filter::matches(filter, &candidate))
    }

    /// Writes a record, and moves the point's payload index entries from its old payload to
    /// its new one.
    pub(super) fn store_record(
        &mut self,
        slot: Slot,
        old: Option<&PointRecord>,
        new: &PointRecord,
    ) -> Result<(), Stop> {
        self.count_work(new)?;
        self.effects.batch.put_record(slot, new);
        let before = old.map_or(0, digest::of_record);
        let totals = &mut self.effects.totals;
        totals.count_payload(old, Some(new));
        if !planted::is(Fault::DigestOfTheFirst) || old.is_none() {
            totals.digest = totals.digest.wrapping_sub(before).wrapping_add(digest::of_record(new));
        }
        self.effects.memory.push(Effect::Written { slot, id: new.id });
        let is_new_payload = old.is_none_or(|old| old.payload != new.payload);
        // Parsing two payloads costs more than the rest of an upsert: only where an index asks.
        // While one is filled every write counts: the job leaves written points to their writers.
        let is_filling = self.state.fields.values().any(|field| !field.is_whole());
        if (is_new_payload || is_filling) && !self.state.fields.is_empty() {
            let before = old.map_or(Ok(Payload::new()), |old| decode_payload(&old.payload))?;
            let after = read_payload(&new.payload)?;
            self.reindex(slot, &before, &after);
        }
        Ok(())
    }

    pub(super) fn reindex(&mut self, slot: Slot, before: &Payload, after: &Payload) {
        for (path, field) in &self.state.fields {
            let old = vane_filter::index_keys(path, field.index.schema(), before);
            let new = vane_filter::index_keys(path, field.index.schema(), after);
            // Keys that both have stay: most changes leave most indexed values alone. Both are in
            // order, and those of a text are many.
            for key in old.iter().filter(|key| new.binary_search(key).is_err()) {
                self.effects.batch.delete_index(field.number, key, slot);
                self.effects.memory.push(Effect::Unindexed {
                    field: Arc::clone(path),
                    key: key.clone(),
                    slot,
                });
            }
            // What both have may not be there yet.
            let has_old = field.holds(slot);
            for key in new.into_iter().filter(|key| !has_old || old.binary_search(key).is_err()) {
                self.effects.batch.put_index(field.number, &key, slot);
                self.effects.memory.push(Effect::Indexed { field: Arc::clone(path), key, slot });
            }
        }
    }
}

/// What must not be: this replica's state is not what was written.
pub(super) fn damaged(detail: &str) -> Stop {
    vane_storage::Error::Damaged { what: "the shard's state".into(), detail: detail.into() }.into()
}
