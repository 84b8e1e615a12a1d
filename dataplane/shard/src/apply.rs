//! The state machine: what each command does to the shard.
//!
//! A pure function of the state and the entry's bytes: no clock, no randomness, no order
//! of a hash map. Every replica at one index has the same points, slots and indexes, and
//! remembers the same requests.

mod payloads;
mod points;
mod schema;

use vane_raft::{Answer, Conf, Entry, StoreError};
use vane_storage::records::PointRecord;
use vane_storage::{Batch, ShardStore};
use vane_types::command::{Change, RequestId, Targets};
use vane_types::{Command, JsonPath, LogIndex, Payload, PointId, Refusal, Slot};

use crate::digest;
use crate::effects::{Effect, Effects};
use crate::error::Error;
use crate::requests;
use crate::select::RecordCandidate;
use crate::shard::Shard;
use crate::state::State;

/// Name of the value that holds the next slot.
pub(crate) const NEXT_SLOT: &[u8] = b"next_slot";
/// Name of the value that holds the configuration.
pub(crate) const CONFIG: &[u8] = b"config";
/// Names of the values that hold payload indexes begin with this.
pub(crate) const FIELD: &[u8] = b"field/";
/// Name of the value that holds the members of the group.
pub(crate) const CONF: &[u8] = b"conf";
/// Name of the value that holds the consistency hash.
pub(crate) const DIGEST: &[u8] = b"digest";

/// An entry being applied: the state before it, and what it changes so far.
///
/// Points of one command are distinct, so that a point's state before the entry is its
/// state before its own change.
pub(crate) struct Applying<'s, 'a> {
    index: LogIndex,
    store: &'a ShardStore,
    state: &'s State,
    effects: Effects<'a>,
    /// Rows that this entry appends so far, by vector.
    new_rows: Vec<u32>,
}

/// Why an entry has no effect, or the disk that failed.
enum Stop {
    Refused(Refusal),
    Failed(vane_storage::Error),
}

impl From<vane_storage::Error> for Stop {
    fn from(error: vane_storage::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A point as it was before the entry.
struct Present {
    slot: Slot,
    record: PointRecord,
}

/// A logged command: its change, and the request it is a part of.
type Logged = (Change, Option<RequestId>);

impl Shard {
    /// Applies an entry. See [`vane_raft::StateMachine::apply`].
    pub(crate) fn apply_entry(&self, entry: &Entry) -> Result<Answer, StoreError> {
        let failed = |e: &dyn std::fmt::Display| {
            StoreError(format!("shard {}: entry {}: {e}", self.store.group(), entry.index))
        };
        let _only_writer = self.writer.lock();
        if self.is_closed() {
            self.state.write().applied = entry.index;
            return Ok(Err(Refusal::NotFound("The collection".into())));
        }
        self.freeze_full();
        let command = match entry.data.as_slice() {
            [] => None,
            data => Some(Command::decode_stored(data).map_err(|e| failed(&e))?),
        };
        let is_write = command.is_some();
        let (effects, answer) = self.outcome(entry, command).map_err(|e| failed(&e))?;
        let Effects { mut batch, memory, next_slot, digest } = effects;
        batch.put_applied(entry.index);
        let mut state = self.state.write();
        batch.write().map_err(|e| failed(&e))?;
        state.carry_out(entry.index, memory, (next_slot, digest));
        drop(state);
        if entry.conf.is_some() {
            // A member that was removed goes at once: those that stay must not come back
            // from a power failure with a membership in which they still need it.
            self.store.sync().map_err(|e| failed(&e))?;
        }
        if is_write {
            self.touch();
        }
        Ok(answer)
    }

    /// What an entry changes, and what it is answered.
    fn outcome(
        &self,
        entry: &Entry,
        command: Option<Logged>,
    ) -> Result<(Effects<'_>, Answer), vane_storage::Error> {
        let state = self.state.read();
        let (mut effects, answer) = match command {
            Some(command) => self.outcome_of_command(entry.index, command, &state)?,
            None => (Effects::none(&self.store, &state), Ok(())),
        };
        if let Some(conf) = &entry.conf {
            effects.batch.put_attribute(CONF, &encode_conf(conf));
            effects.memory.push(Effect::Conf(conf.clone()));
        }
        state
            .requests
            .leaving(entry.index)
            .for_each(|it| effects.batch.delete_attribute(&requests::key(it)));
        if effects.digest != state.digest {
            effects.batch.put_attribute(DIGEST, &effects.digest.to_be_bytes());
        }
        Ok((effects, answer))
    }

    fn outcome_of_command(
        &self,
        index: LogIndex,
        (change, request): Logged,
        state: &State,
    ) -> Result<(Effects<'_>, Answer), vane_storage::Error> {
        if let Some(answer) = request.and_then(|it| state.requests.answer(&it, index)) {
            return Ok((Effects::none(&self.store, state), answer));
        }
        let mut applying = Applying::new(index, &self.store, state);
        let (mut effects, answer) = match applying.change(change) {
            Ok(()) => (applying.effects, Ok(())),
            Err(Stop::Refused(refusal)) => (Effects::none(&self.store, state), Err(refusal)),
            Err(Stop::Failed(error)) => return Err(error),
        };
        if let Some(request) = request {
            effects
                .batch
                .put_attribute(&requests::key(index), &requests::encode(&request, &answer));
            effects.memory.push(Effect::Request(request, answer.clone()));
        }
        Ok((effects, answer))
    }
}

impl<'s, 'a> Applying<'s, 'a> {
    fn new(index: LogIndex, store: &'a ShardStore, state: &'s State) -> Self {
        Self {
            index,
            store,
            state,
            effects: Effects::none(store, state),
            new_rows: vec![0; state.vectors.len()],
        }
    }

    fn change(&mut self, change: Change) -> Result<(), Stop> {
        match change {
            Change::Upsert(it) => self.upsert(it),
            Change::Delete(it) => self.delete(&it),
            Change::UpdateVectors(it) => self.update_vectors(it),
            Change::DeleteVectors(it) => self.delete_vectors(&it),
            Change::SetPayload(it) => self.set_payload(&it),
            Change::OverwritePayload(it) => self.overwrite_payload(&it),
            Change::DeletePayload(it) => self.delete_payload(&it),
            Change::ClearPayload(it) => self.clear_payload(&it),
            Change::CreateIndex(it) => self.create_index(&it),
            Change::DropIndex(it) => self.drop_index(&it),
            Change::Configure(it) => self.configure(&it),
        }
    }

    fn batch(&mut self) -> &mut Batch<'a> {
        &mut self.effects.batch
    }

    fn present(&self, id: PointId) -> Result<Option<Present>, Stop> {
        let Some(slot) = self.store.slot(id)? else { return Ok(None) };
        let record = self
            .store
            .record(slot)?
            .ok_or_else(|| damaged(&format!("point {id} has no record")))?;
        Ok(Some(Present { slot, record }))
    }

    /// Points a change is for, as they are before it. With a filter those that match no
    /// more are left out; without, absent ones are left out or refuse the whole command.
    fn targets(&self, targets: &Targets, all_must_exist: bool) -> Result<Vec<Present>, Stop> {
        let filter = match targets.filter.as_str() {
            "" => None,
            json => {
                let filter = serde_json::from_str::<vane_filter::Filter>(json);
                Some(filter.map_err(|e| damaged(&format!("a logged filter cannot be read: {e}")))?)
            }
        };
        let mut found = Vec::with_capacity(targets.ids.len());
        for key in &targets.ids {
            let id = point_id(key)?;
            match self.present(id)? {
                Some(point) => {
                    let matches = match &filter {
                        None => true,
                        Some(filter) => {
                            let candidate =
                                RecordCandidate::new(&point.record, self.state).map_err(failed)?;
                            vane_filter::matches(filter, &candidate)
                        }
                    };
                    if matches {
                        found.push(point);
                    }
                }
                None if all_must_exist && filter.is_none() => {
                    return Err(Refusal::PointNotFound(id).into());
                }
                None => {}
            }
        }
        Ok(found)
    }

    /// Writes a record, and moves the point's payload index entries from its old payload to
    /// its new one.
    fn store_record(
        &mut self,
        slot: Slot,
        old: Option<&PointRecord>,
        new: &PointRecord,
    ) -> Result<(), Stop> {
        self.effects.batch.put_record(slot, new);
        let before = old.map_or(0, digest::of_record);
        self.effects.digest =
            self.effects.digest.wrapping_sub(before).wrapping_add(digest::of_record(new));
        self.effects.memory.push(Effect::Head { slot, id: new.id });
        let changed = old.is_none_or(|it| it.payload != new.payload);
        if changed && !self.state.fields.is_empty() {
            let before = old.map_or(Ok(Payload::new()), |it| parse_payload(&it.payload))?;
            let after = parse_payload(&new.payload)?;
            self.reindex(slot, &before, &after);
        }
        Ok(())
    }

    fn reindex(&mut self, slot: Slot, before: &Payload, after: &Payload) {
        for (path, field) in &self.state.fields {
            let old = vane_filter::index_keys(path, field.index.ty(), before);
            let new = vane_filter::index_keys(path, field.index.ty(), after);
            for key in old.iter().filter(|it| !new.contains(it)) {
                self.effects.batch.delete_index(field.number, key, slot);
                self.effects.memory.push(Effect::Unindexed {
                    field: path.clone(),
                    key: key.clone(),
                    slot,
                });
            }
            for key in new.into_iter().filter(|it| !old.contains(it)) {
                self.effects.batch.put_index(field.number, &key, slot);
                self.effects.memory.push(Effect::Indexed { field: path.clone(), key, slot });
            }
        }
    }
}

/// Reads a stored payload; empty bytes are an empty one.
pub(crate) fn parse_payload(bytes: &[u8]) -> Result<Payload, vane_storage::Error> {
    if bytes.is_empty() {
        return Ok(Payload::new());
    }
    serde_json::from_slice(bytes).map_err(|e| vane_storage::Error::Damaged {
        what: "a stored payload".into(),
        detail: e.to_string(),
    })
}

/// Stored form of a payload.
pub(crate) fn encode_payload(payload: &Payload) -> Vec<u8> {
    if payload.is_empty() {
        return Vec::new();
    }
    serde_json::to_vec(payload).expect("a JSON object can always be written")
}

/// Stored form of a membership.
pub(crate) fn encode_conf(conf: &Conf) -> Vec<u8> {
    serde_json::to_vec(conf).expect("a membership is plain data")
}

fn point_id(key: &[u8]) -> Result<PointId, Stop> {
    PointId::from_key(key).ok_or_else(|| damaged("a logged point id cannot be read"))
}

fn damaged(detail: &str) -> Stop {
    Stop::Failed(vane_storage::Error::Damaged {
        what: "the shard's state".into(),
        detail: detail.into(),
    })
}

fn failed(error: Error) -> Stop {
    match error {
        Error::Storage(error) => Stop::Failed(error),
        other => damaged(&other.to_string()),
    }
}

impl From<JsonPathError> for Stop {
    fn from(JsonPathError(text): JsonPathError) -> Self {
        damaged(&text)
    }
}

/// A logged path that does not parse: it was checked before it was logged.
struct JsonPathError(String);

fn path(text: &str) -> Result<JsonPath, JsonPathError> {
    text.parse().map_err(JsonPathError)
}
