//! A shard of payloads with payload indexes, for tests.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use serde_json::Value;
use vane_types::{FieldSchema, JsonPath, OwnId, Payload, PointId, Slot, TenantId};

use crate::{
    Candidate, Filter, Indexes, PayloadIndex, Resolved, SlotSet, ValueSet, index_keys, matches,
    resolve,
};

/// The number of a point for which the shard does not look.
pub(crate) const UNTOLD: u64 = 999;

/// Slots are places in the list, and the points' ids are those numbers, of three tenants by turns.
/// Even slots have the vector `even`.
#[derive(Debug)]
pub(crate) struct Shard {
    payloads: Vec<Payload>,
    indexes: BTreeMap<JsonPath, PayloadIndex>,
    live: SlotSet,
}

struct Stored<'a> {
    slot: Slot,
    payload: &'a Payload,
    indexes: &'a BTreeMap<JsonPath, PayloadIndex>,
}

impl Candidate for Stored<'_> {
    fn id(&self) -> PointId {
        id_of(self.slot)
    }

    fn payload(&self) -> &Payload {
        self.payload
    }

    fn has_vector(&self, name: &str) -> bool {
        name == "even" && self.slot.is_multiple_of(2)
    }

    fn schema(&self, field: &JsonPath) -> Option<&FieldSchema> {
        self.indexes.get(field).map(|index| &**index.schema())
    }
}

impl Shard {
    /// Payloads that are no objects stand for points that were deleted.
    pub(crate) fn new(payloads: &[Value], indexes: &[(&str, FieldSchema)]) -> Self {
        let slots = (0..).zip(payloads).filter(|(_, payload)| payload.is_object());
        let live = slots.map(|(slot, _)| slot).collect();
        let objects = payloads.iter().map(|payload| payload.as_object().cloned());
        // Deleted points keep their places, so that later ones keep their slots.
        let payloads: Vec<_> = objects.map(Option::unwrap_or_default).collect();
        let indexes = indexes.iter().map(|(path, schema)| built(path, schema, &payloads));
        let indexes = indexes.collect();
        Self { payloads, indexes, live }
    }

    pub(crate) fn resolve(&self, filter: &Filter) -> Resolved {
        resolve(filter, self)
    }

    /// What a reader gets: the resolved slots, checked where that is asked for.
    pub(crate) fn found(&self, filter: &Filter) -> Vec<Slot> {
        let Resolved { slots, exact } = self.resolve(filter);
        // As a shard does it: an exact answer is not checked again, so a wrong one shows.
        slots.into_iter().filter(|slot| exact || self.passes(filter, *slot)).collect()
    }

    /// What the plain evaluator says of all live points.
    pub(crate) fn plain(&self, filter: &Filter) -> Vec<Slot> {
        self.live.iter().filter(|slot| self.passes(filter, *slot)).collect()
    }

    fn passes(&self, filter: &Filter, slot: Slot) -> bool {
        matches(
            filter,
            &Stored { slot, payload: &self.payloads[slot as usize], indexes: &self.indexes },
        )
    }
}

fn id_of(slot: Slot) -> PointId {
    let tenant = TenantId::from_number(slot % 3 + 1);
    PointId { tenant, own: OwnId::Num(slot.into()) }
}

fn built(path: &str, schema: &FieldSchema, payloads: &[Payload]) -> (JsonPath, PayloadIndex) {
    let path: JsonPath = path.parse().unwrap();
    let mut index = PayloadIndex::new(schema.clone());
    for (slot, payload) in (0..).zip(payloads) {
        for key in index_keys(&path, schema, payload) {
            index.insert(&key, slot);
        }
    }
    (path, index)
}

impl Indexes for Shard {
    fn index(&self, field: &JsonPath) -> Option<&PayloadIndex> {
        self.indexes.get(field)
    }

    fn live(&self) -> &SlotSet {
        &self.live
    }

    fn slots_of(&self, ids: &ValueSet<PointId>) -> Option<RoaringBitmap> {
        let slots = self.live.iter().filter(|slot| {
            let id = id_of(*slot);
            ids.iter().any(|named| id.is_meant_by(*named))
        });
        // A shard for which that would be too many look-ups: the evaluator has to tell.
        ids.iter().all(|id| id.own != OwnId::Num(UNTOLD)).then(|| slots.collect())
    }

    fn slots_of_tenants(&self, tenants: &ValueSet<TenantId>) -> RoaringBitmap {
        let is_theirs =
            |slot: &Slot| id_of(*slot).tenant.is_some_and(|tenant| tenants.contains(&tenant));
        self.live.iter().filter(is_theirs).collect()
    }

    fn slots_with_vector(&self, name: &str) -> Option<SlotSet> {
        match name {
            "even" => Some(self.live.iter().filter(|slot| slot.is_multiple_of(2)).collect()),
            // A shard that cannot tell: the evaluator has to.
            "unknown" => None,
            _ => Some(SlotSet::default()),
        }
    }
}
