//! Resolution of a filter to slots through payload indexes.
//!
//! A condition resolves to a superset of the slots that meet it, or to nothing when no
//! index helps. An exact superset is the set itself; only such a one may be taken away by
//! `must_not`, since taking away too much would lose points.
//!
//! An exact answer is that of the plain evaluator, whatever indexes there are.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;
use vane_types::{JsonPath, PointId, TenantId};

use crate::filter::{Clause, Condition, FieldCondition, Filter, MinShould};
use crate::kinds;
use crate::payload_index::PayloadIndex;
use crate::slot_set::SlotSet;
use crate::value_set::ValueSet;

/// What the resolver may ask of a shard.
pub trait Indexes {
    /// The payload index on exactly this path.
    fn index(&self, field: &JsonPath) -> Option<&PayloadIndex>;
    /// Slots of points that are there. The slots of an index may reach beyond them.
    fn live(&self) -> &SlotSet;
    /// Slots of those of the points that are there; `None` where to look is more than to check.
    fn slots_of(&self, ids: &ValueSet<PointId>) -> Option<RoaringBitmap>;
    /// Slots of the points of some tenants.
    fn slots_of_tenants(&self, tenants: &ValueSet<TenantId>) -> RoaringBitmap;
    /// Slots with the vector of this name; `None` when that is not known.
    fn slots_with_vector(&self, name: &str) -> Option<SlotSet>;
}

/// What the indexes tell about a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// Live slots; all that match are among them.
    pub slots: RoaringBitmap,
    /// When false each slot must still be checked with [`matches()`](crate::matches()).
    pub exact: bool,
}

/// Live slots that may match the filter.
pub fn resolve(filter: &Filter, indexes: &dyn Indexes) -> Resolved {
    let Narrowing { slots, exact } = filter_slots(filter, indexes);
    let slots = match slots {
        Some(slots) => indexes.live().intersect(slots),
        None => indexes.live().to_bitmap(),
    };
    Resolved { slots, exact }
}

/// Progress of an intersection.
struct Narrowing {
    /// `None` stands for all live slots.
    slots: Option<RoaringBitmap>,
    exact: bool,
}

impl Narrowing {
    /// Keeps what is in `found`; nothing found narrows nothing.
    fn keep(&mut self, found: Option<Resolved>) {
        let Some(found) = found else {
            self.exact = false;
            return;
        };
        self.exact &= found.exact;
        self.slots = Some(match self.slots.take() {
            Some(slots) => slots & found.slots,
            None => found.slots,
        });
    }
}

fn filter_slots(filter: &Filter, indexes: &dyn Indexes) -> Narrowing {
    let Filter { should, min_should, must, must_not } = filter;
    let mut narrowing = Narrowing { slots: None, exact: true };
    for condition in must.iter().flat_map(Clause::conditions) {
        narrowing.keep(condition_slots(condition, indexes));
    }
    // An empty list constrains nothing, as the evaluator has it.
    if let Some(clause) = should.as_ref().filter(|clause| !clause.conditions().is_empty()) {
        narrowing.keep(union(
            clause.conditions().iter().map(|condition| condition_slots(condition, indexes)),
        ));
    }
    if let Some(min_should) =
        min_should.as_ref().filter(|min_should| !min_should.conditions.is_empty())
    {
        narrowing.keep(at_least(min_should, indexes));
    }
    for condition in must_not.iter().flat_map(Clause::conditions) {
        match condition_slots(condition, indexes) {
            Some(Resolved { slots, exact: true }) => {
                let kept = narrowing.slots.take().unwrap_or_else(|| indexes.live().to_bitmap());
                narrowing.slots = Some(kept - slots);
            }
            // To take a superset away would lose points that pass.
            Some(Resolved { exact: false, .. }) | None => narrowing.exact = false,
        }
    }
    narrowing
}

/// Slots of a condition; `None` when nothing is known.
fn condition_slots(condition: &Condition, indexes: &dyn Indexes) -> Option<Resolved> {
    match condition {
        Condition::Field(condition) => field_slots(condition, &condition.key, indexes),
        Condition::IsEmpty { is_empty } => {
            // Nulls beside a value, or a value of another type, are not in the index.
            let index = indexes.index(&is_empty.key)?;
            let slots = indexes.live().to_bitmap() - index.slots_with_value().to_bitmap();
            Some(Resolved { slots, exact: false })
        }
        // No index holds nulls, or hashes of ids.
        Condition::IsNull { .. } | Condition::Slice { .. } => None,
        Condition::HasId { has_id } => {
            Some(Resolved { slots: indexes.slots_of(has_id)?, exact: true })
        }
        Condition::OfTenants { of_tenants } => {
            Some(Resolved { slots: indexes.slots_of_tenants(of_tenants), exact: true })
        }
        Condition::HasVector { has_vector } => {
            let slots = indexes.slots_with_vector(has_vector)?.to_bitmap();
            Some(Resolved { slots, exact: true })
        }
        Condition::Nested { nested } => {
            let slots = nested_slots(&nested.filter, &nested.key.each(), indexes)?;
            Some(Resolved { slots, exact: false })
        }
        Condition::Filter(filter) => match filter_slots(filter, indexes) {
            // It narrows nothing, which is less than all live slots say.
            Narrowing { slots: None, exact: false } => None,
            Narrowing { slots, exact } => {
                Some(Resolved { slots: slots.unwrap_or_else(|| indexes.live().to_bitmap()), exact })
            }
        },
    }
}

/// Slots of a field condition whose full path is `path`.
fn field_slots(
    condition: &FieldCondition,
    path: &JsonPath,
    indexes: &dyn Indexes,
) -> Option<Resolved> {
    operators_in(condition, indexes.index(path)?)
}

/// What an index on the field of a condition says of it.
pub(crate) fn operators_in(condition: &FieldCondition, index: &PayloadIndex) -> Option<Resolved> {
    // An index holds values: it tells neither how many there are nor that there are none.
    if condition.is_about_absence() {
        return None;
    }
    union(kinds::operators(condition, index))
}

/// Slots where a nested filter may match: those where its positive conditions find a value
/// in whatever element. That one element meets them all, and what is absent from it, is
/// left to the evaluator.
fn nested_slots(
    filter: &Filter,
    prefix: &JsonPath,
    indexes: &dyn Indexes,
) -> Option<RoaringBitmap> {
    let mut narrowing = Narrowing { slots: None, exact: false };
    for condition in filter.must.iter().flat_map(Clause::conditions) {
        narrowing.keep(nested_condition_slots(condition, prefix, indexes));
    }
    // Without a look at its length: inside `nested` an empty `should` matches no element.
    if let Some(should) = &filter.should {
        let parts = should.conditions().iter();
        narrowing
            .keep(union(parts.map(|condition| nested_condition_slots(condition, prefix, indexes))));
    }
    narrowing.slots
}

/// Slots where some element may meet the condition; `None` when nothing is known.
fn nested_condition_slots(
    condition: &Condition,
    prefix: &JsonPath,
    indexes: &dyn Indexes,
) -> Option<Resolved> {
    let slots = match condition {
        Condition::Field(field) => field_slots(field, &join(prefix, &field.key)?, indexes)?.slots,
        Condition::Nested { nested } => {
            nested_slots(&nested.filter, &join(prefix, &nested.key)?.each(), indexes)?
        }
        Condition::Filter(filter) => nested_slots(filter, prefix, indexes)?,
        // They ask for absence, or for the point itself, of which an element knows nothing.
        Condition::IsEmpty { .. }
        | Condition::IsNull { .. }
        | Condition::HasId { .. }
        | Condition::OfTenants { .. }
        | Condition::HasVector { .. }
        | Condition::Slice { .. } => return None,
    };
    Some(Resolved { slots, exact: false })
}

/// `path` below `prefix`; `None` when it is longer than a path may be.
pub(crate) fn join(prefix: &JsonPath, path: &JsonPath) -> Option<JsonPath> {
    format!("{prefix}.{path}").parse().ok()
}

/// Slots of any of the parts, if all are known.
fn union(parts: impl IntoIterator<Item = Option<Resolved>>) -> Option<Resolved> {
    let mut all = Resolved { slots: RoaringBitmap::new(), exact: true };
    for part in parts {
        // A part of which nothing is known may hold for any slot.
        let part = part?;
        all.slots |= part.slots;
        all.exact &= part.exact;
    }
    Some(all)
}

/// Slots in at least `min_count` of the conditions' sets, if all are known.
fn at_least(min_should: &MinShould, indexes: &dyn Indexes) -> Option<Resolved> {
    let (mut exact, mut sets) = (true, Vec::new());
    for condition in &min_should.conditions {
        let found = condition_slots(condition, indexes)?;
        exact &= found.exact;
        sets.push(found.slots);
    }
    Some(Resolved { slots: in_at_least(min_should.min_count, &sets), exact })
}

/// Slots that so many of the sets hold.
fn in_at_least(min_count: usize, sets: &[RoaringBitmap]) -> RoaringBitmap {
    let mut found = RoaringBitmap::new();
    let parts: BTreeSet<u32> = sets.iter().flat_map(parts_of).collect();
    // A part of 2^16 slots at a time: what is counted in does not grow with the shard. Conditions
    // are at most FILTER_CONDITIONS_MAX.
    let mut counts = vec![0_u16; 1 << 16];
    for part in parts {
        let within = part << 16..=(part << 16 | 0xffff);
        counts.fill(0);
        for slot in sets.iter().flat_map(|set| set.range(within.clone())) {
            counts[(slot & 0xffff) as usize] += 1;
        }
        let enough = within.zip(&counts).filter(|(_, count)| usize::from(**count) >= min_count);
        found |= RoaringBitmap::from_iter(enough.map(|(slot, _)| slot));
    }
    found
}

/// Upper halves of a set's slots, ascending.
fn parts_of(set: &RoaringBitmap) -> impl Iterator<Item = u32> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let part = set.range(next?..).next()? >> 16;
        next = (part < 0xffff).then(|| (part + 1) << 16);
        Some(part)
    })
}

#[cfg(test)]
mod tests;
