//! The state machine: what each entry of the log does to the shard.
//!
//! A pure function of the state and the entry's bytes: no clock, no randomness, no order
//! of a hash map. Every replica at one index has the same points, slots and indexes, and
//! remembers the same requests. Each kind of command has a file of its own here.

mod change;
mod configure;
mod delete;
pub(crate) mod digest;
pub(crate) mod effects;
mod index;
mod payload;
mod route;
mod tenant;
mod upsert;
mod vectors;

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use vane_commands::{Command, Logged};
use vane_raft::{Answer, ApplyError, Entry, StoreError};
use vane_types::{LogIndex, Refusal};

use crate::apply::change::{Applying, Failed, Stop};
use crate::apply::effects::{Effect, Effects};
use crate::shard::Shard;
use crate::state::{State, requests};
use crate::stored::{CONF, DIGEST, encode_conf};

impl Shard {
    /// Applies an entry. See [`vane_raft::StateMachine::apply`].
    pub(crate) fn apply_entry(&self, entry: &Entry) -> Result<Answer, ApplyError> {
        let _only_writer = self.writer.lock();
        if self.is_closed() {
            // Its keys may be gone already. The group still counts its entries as applied, or
            // else it would wait for them until the process ends.
            self.state.write().applied = entry.index;
            self.stir_applied();
            return Ok(Err(Refusal::NotFound("The collection".into())));
        }
        // A defect that one entry meets must cost this replica, and not the node with all others.
        // What is half done in memory is left behind with the replica.
        catch_unwind(AssertUnwindSafe(|| self.apply_to_open(entry))).unwrap_or_else(|panic| {
            let why = format!("a defect of this version ({})", panic_text(&*panic));
            Err(self.quarantine(entry.index, why))
        })
    }

    fn apply_to_open(&self, entry: &Entry) -> Result<Answer, ApplyError> {
        // Before the effects are collected: rows of this entry are numbered in the segment that
        // grows.
        self.freeze_full();
        let command = match entry.data.as_slice() {
            // A change of members, or what a new leader logs.
            [] => None,
            data => Some(
                Command::decode_stored(data)
                    .map_err(|error| self.quarantine(entry.index, error.to_string()))?,
            ),
        };
        let is_write = command.is_some();
        let (effects, answer) = match self.outcome(entry, command) {
            Ok(outcome) => outcome,
            Err(Failed::Unreadable(why)) => return Err(self.quarantine(entry.index, why)),
            // Other replicas have what this one has lost.
            Err(Failed::Store(error)) if error.is_damage() => {
                return Err(self.stop_damaged(entry.index, &error));
            }
            Err(Failed::Store(error)) => return Err(self.apply_failed(entry, &error).into()),
        };
        let Effects { mut batch, memory, totals } = effects;
        batch.put_applied(entry.index);
        // Without the readers' lock, as RocksDB may stall: a view that meets the disk ahead of the
        // memory is taken once more.
        batch.write().map_err(|error| self.apply_failed(entry, &error))?;
        let mut state = self.state.write();
        state.carry_out(entry.index, memory, totals);
        drop(state);
        self.stir_applied();
        if entry.conf.is_some() {
            // A member that was removed goes at once: those that stay must not come back
            // from a power failure with a membership in which they still need it.
            self.store.sync().map_err(|error| self.apply_failed(entry, &error))?;
        }
        if is_write {
            self.note_write(entry.data.len());
        }
        Ok(answer)
    }

    fn apply_failed(&self, entry: &Entry, error: &dyn Display) -> StoreError {
        StoreError(format!("shard {}: entry {}: {error}", self.store.group(), entry.index))
    }

    /// What an entry changes, and what it is answered.
    fn outcome(
        &self,
        entry: &Entry,
        command: Option<Logged>,
    ) -> Result<(Effects<'_>, Answer), Failed> {
        // Readers go on meanwhile; nobody changes the state, since the caller holds `writer`.
        let state = self.state.read();
        let (mut effects, answer) = match command {
            Some(command) => self.outcome_of_command(entry.index, command, &state)?,
            None => (Effects::none(&self.store, &state), Ok(())),
        };
        if let Some(conf) = &entry.conf {
            effects.batch.put_attribute(CONF, &encode_conf(conf));
            effects.memory.push(Effect::Conf(conf.clone()));
        }
        for leaving in state.requests.leaving(entry.index) {
            effects.batch.delete_attribute(&requests::key(leaving));
        }
        let digest = effects.totals.digest;
        if digest != state.totals.digest {
            effects.batch.put_attribute(DIGEST, &digest.to_be_bytes());
        }
        Ok((effects, answer))
    }

    fn outcome_of_command(
        &self,
        index: LogIndex,
        command: Logged,
        state: &State,
    ) -> Result<(Effects<'_>, Answer), Failed> {
        let Logged { change, request, routed_by, bounds } = command;
        if let Some(answer) = request.and_then(|request| state.requests.answer(&request, index)) {
            return Ok((Effects::none(&self.store, state), answer));
        }
        let mut applying = Applying::new(index, &self.store, state, bounds);
        // After the look at the requests: a copy of what was applied before the range changed
        // has its answer.
        let taken = route::check(state.own, routed_by, &change);
        let (mut effects, answer) = match taken.and_then(|()| applying.change(change)) {
            Ok(()) => (applying.into_effects(), Ok(())),
            // What was collected up to the refusal is dropped: a command is applied whole or
            // not at all.
            Err(Stop::Refused(refusal)) => (Effects::none(&self.store, state), Err(refusal)),
            Err(Stop::Failed(error)) => return Err(error),
        };
        // That a route is stale needs no memory: whichever copy comes later is refused by its
        // epoch, and the caller sends the same request another way.
        if let Some(request) = request.filter(|_| answer != Err(Refusal::StaleRoute)) {
            // A refusal is remembered too: a copy that comes later may meet another state.
            effects
                .batch
                .put_attribute(&requests::key(index), &requests::encode(&request, &answer));
            effects.memory.push(Effect::Request(request, answer.clone()));
        }
        Ok((effects, answer))
    }
}

/// What a panic said.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it says nothing")
}
