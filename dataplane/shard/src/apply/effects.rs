//! What one entry changes: a batch for the disk and the same changes for memory.
//!
//! They are collected first, against the state before the entry, and carried out together
//! under the shard's lock.

use std::sync::Arc;

use vane_raft::{Answer, Conf};
use vane_storage::records::VectorRecord;
use vane_storage::{Batch, ShardStore};
use vane_types::command::RequestId;
use vane_types::{CollectionConfig, FieldSchema, JsonPath, LogIndex, PointId, Slot, TenantId};

use crate::state::field::Field;
use crate::state::totals::Totals;
use crate::state::vector::VectorState;
use crate::state::{State, residences};

/// A change of memory.
pub(crate) enum Effect {
    /// The slot was given to a new point.
    PointAdded {
        slot: Slot,
        tenant: Option<TenantId>,
    },
    /// The slot's point was deleted.
    PointRemoved {
        slot: Slot,
        tenant: Option<TenantId>,
    },
    /// Points of the tenant are not taken any more.
    TenantClosed(TenantId),
    /// The slot's point was written, as a whole or in part: it has a new version.
    Written {
        slot: Slot,
        id: PointId,
    },
    /// The slot's row of a vector was replaced or removed.
    RowDied {
        vector: VectorRecord,
        slot: Slot,
    },
    /// The slot has a new row of a vector.
    RowAdded {
        vector: VectorRecord,
        slot: Slot,
        values: Vec<f32>,
    },
    /// A point got a value of an indexed field.
    Indexed {
        field: Arc<JsonPath>,
        key: Vec<u8>,
        slot: Slot,
    },
    /// A point lost a value of an indexed field.
    Unindexed {
        field: Arc<JsonPath>,
        key: Vec<u8>,
        slot: Slot,
    },
    /// A payload index was made, of all points or to be filled.
    IndexMade {
        path: Arc<JsonPath>,
        field: Field,
    },
    IndexDropped {
        path: JsonPath,
    },
    /// The configuration changed, perhaps with other vectors.
    Config(Box<CollectionConfig>),
    /// The members changed.
    Conf(Conf),
    /// A request was applied or refused.
    Request(RequestId, Answer),
}

/// Everything one entry changes.
pub(crate) struct Effects<'a> {
    pub(crate) batch: Batch<'a>,
    pub(crate) memory: Vec<Effect>,
    pub(crate) totals: Totals,
}

impl<'a> Effects<'a> {
    /// The effects of an entry that changes nothing.
    pub(crate) fn none(store: &'a ShardStore, state: &State) -> Self {
        Self { batch: store.batch(), memory: Vec::new(), totals: state.totals }
    }
}

impl State {
    /// Carries out the memory half of an entry. The disk half must be written already.
    pub(crate) fn carry_out(&mut self, index: LogIndex, effects: Vec<Effect>, totals: Totals) {
        for effect in effects {
            self.carry_out_one(index, effect);
        }
        self.requests.forget(index);
        self.totals = totals;
        self.sums.note(index, totals.digest);
        self.applied = index;
    }

    fn carry_out_one(&mut self, index: LogIndex, effect: Effect) {
        match effect {
            Effect::PointAdded { slot, tenant } => {
                self.live.insert(slot);
                tenant.into_iter().for_each(|tenant| self.tenants.insert(tenant, slot));
                self.live_changed = index;
            }
            Effect::PointRemoved { slot, tenant } => {
                self.live.remove(slot);
                tenant.into_iter().for_each(|tenant| self.tenants.remove(tenant, slot));
                self.live_changed = index;
            }
            Effect::TenantClosed(tenant) => {
                self.closed.insert(tenant);
            }
            Effect::Written { slot, id } => self.ids.set(slot, id, index),
            Effect::RowDied { vector, slot } => {
                if let Some(state) = self.vectors.get_mut(&vector.id) {
                    state.digest = state.digest.wrapping_sub(vector.digest);
                    state.kill(slot, index);
                }
            }
            Effect::RowAdded { vector, slot, values } => {
                if let Some(state) = self.vectors.get_mut(&vector.id) {
                    state.digest = state.digest.wrapping_add(vector.digest);
                    state.append(slot, index, &values);
                }
            }
            Effect::Indexed { field, key, slot } => {
                if let Some(field) = self.fields.get_mut(&field) {
                    field.index.insert(&key, slot);
                    field.changed = index;
                }
            }
            Effect::Unindexed { field, key, slot } => {
                if let Some(field) = self.fields.get_mut(&field) {
                    field.index.remove(&key, slot);
                    field.changed = index;
                }
            }
            Effect::IndexMade { path, field } => {
                let schema = FieldSchema::clone(field.index.schema());
                self.config.payload_schema.insert(JsonPath::clone(&path), schema);
                let replaced = self.fields.insert(path, field);
                self.dropped.extend(replaced.map(|field| field.index));
            }
            Effect::IndexDropped { path } => {
                self.config.payload_schema.remove(&path);
                let gone = self.fields.remove(&path);
                self.dropped.extend(gone.map(|field| field.index));
            }
            Effect::Conf(conf) => self.conf = conf,
            Effect::Request(request, answer) => self.requests.insert(index, &request, &answer),
            Effect::Config(config) => self.configure(*config),
        }
    }

    fn configure(&mut self, config: CollectionConfig) {
        // Payload indexes have entries of their own.
        let payload_schema = std::mem::take(&mut self.config.payload_schema);
        self.config = CollectionConfig { payload_schema, ..config };
        let mut known = std::mem::take(&mut self.vectors);
        for (id, name, spec) in self.config.identified() {
            let vector = match known.remove(&id) {
                Some(mut vector) => {
                    vector.spec = spec;
                    let residences = residences(&self.config, &vector);
                    vector.sealed.iter().for_each(|sealed| sealed.keep(residences));
                    vector
                }
                None => VectorState::new(name, spec),
            };
            self.vectors.insert(id, vector);
        }
        self.lost.extend(known.into_values());
        // They may have looked at vectors by their names.
        self.known_filters = Arc::default();
    }
}
