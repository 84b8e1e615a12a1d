//! What the filter resolver may ask of a shard, as it stood at one moment.
//!
//! All of it is shared with the shard rather than copied, and stays as it is: a filter is looked
//! up without the lock that writers take.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use vane_filter::{Filter, PayloadIndex, SlotSet, TenantIndex, ValueSet};
use vane_storage::{Error, ReadView};
use vane_types::{JsonPath, LogIndex, PointId, TenantId};

use crate::state::State;
use crate::state::allowed::{Allowed, Resolved};
use crate::state::known_filters::{KnownFilters, Source};

/// Ids that are looked up at once.
const IDS_PER_LOOKUP: usize = 1024;
/// Points that ids without a tenant may mean at most.
pub(crate) const MEANT_MAX: usize = 100_000;

/// The indexes of one moment.
pub(crate) struct FilterIndexes {
    live: SlotSet,
    tenants: TenantIndex,
    /// The last entry that added or removed points.
    live_changed: LogIndex,
    /// Each with the last entry that changed it.
    fields: BTreeMap<Arc<JsonPath>, (PayloadIndex, LogIndex)>,
    vectors: Vec<(String, SlotSet)>,
    known: Arc<KnownFilters>,
}

impl FilterIndexes {
    pub(crate) fn of(state: &State) -> Self {
        // One that is being filled lacks points. The answer is the same without it.
        let whole = state.fields.iter().filter(|(_, field)| field.is_whole());
        let fields = whole
            .map(|(path, field)| (Arc::clone(path), (field.index.clone(), field.changed)))
            .collect();
        let vectors = state.vectors.values();
        let vectors = vectors.map(|vector| (vector.name.clone(), vector.present.clone())).collect();
        Self {
            live: state.live.clone(),
            tenants: state.tenants.clone(),
            live_changed: state.live_changed,
            fields,
            vectors,
            known: Arc::clone(&state.known_filters),
        }
    }

    /// Values that a look-up of a filter reads at most; `None` where that cannot be told.
    pub(crate) fn lookups(&self, filter: &Filter) -> Option<usize> {
        vane_filter::lookups(filter, &|path| self.fields.get(path).map(|(index, _)| index))
    }

    /// Whether a filter's slots are known.
    pub(crate) fn is_known(&self, filter: &Filter) -> bool {
        self.known.get(filter, |fields| self.changed(fields)).is_some()
    }

    /// What the indexes tell about a filter. `snapshot` is of the same moment.
    pub(crate) fn resolve(
        &self,
        filter: &Filter,
        snapshot: &ReadView<'_>,
    ) -> Result<Resolved, Error> {
        if let Some(allowed) = self.known.get(filter, |fields| self.changed(fields)) {
            return Ok(Resolved { allowed, exact: true });
        }
        let lookup = Lookup {
            indexes: self,
            snapshot,
            failed: RefCell::default(),
            asked: RefCell::new(Some(Vec::new())),
        };
        let vane_filter::Resolved { slots, exact } = vane_filter::resolve(filter, &lookup);
        lookup.failed.into_inner().map_or(Ok(()), Err)?;
        let allowed = Arc::new(Allowed::new(slots));
        if let Some(fields) = lookup.asked.into_inner().filter(|_| exact)
            && let Some(changed) = self.changed(&fields)
        {
            self.known.keep(filter, Source { fields, changed }, &allowed);
        }
        Ok(Resolved { allowed, exact })
    }

    /// The last entry that changed some fields or the points.
    fn changed(&self, fields: &[Arc<JsonPath>]) -> Option<LogIndex> {
        fields.iter().try_fold(self.live_changed, |last, path| {
            let (_, changed) = self.fields.get(path)?;
            Some(last.max(*changed))
        })
    }
}

/// The points that ids may mean: an id without a tenant, in a shard that has some, one of each.
/// `None` where those are more than are looked up at once.
pub(crate) fn meant(
    ids: impl Iterator<Item = PointId>,
    tenants: &TenantIndex,
) -> Option<Vec<PointId>> {
    if tenants.is_empty() {
        return Some(ids.collect());
    }
    let (open, mut found): (Vec<_>, Vec<_>) = ids.partition(|id| id.tenant.is_none());
    if open.len().saturating_mul(tenants.len()) > MEANT_MAX {
        return None;
    }
    let tenants = if open.is_empty() { Vec::new() } else { tenants.tenants() };
    found.extend(open.iter().flat_map(|id| tenants.iter().map(|tenant| id.of(*tenant))));
    Some(found)
}

/// One resolution.
struct Lookup<'a> {
    indexes: &'a FilterIndexes,
    snapshot: &'a ReadView<'a>,
    /// The resolver has no place for an error of the disk: it is kept beside it.
    failed: RefCell<Option<Error>>,
    /// Fields that were asked for; `None` once anything else was.
    asked: RefCell<Option<Vec<Arc<JsonPath>>>>,
}

impl vane_filter::Indexes for Lookup<'_> {
    fn index(&self, field: &JsonPath) -> Option<&PayloadIndex> {
        let (path, (index, _)) = self.indexes.fields.get_key_value(field)?;
        if let Some(asked) = &mut *self.asked.borrow_mut()
            && !asked.iter().any(|known| Arc::ptr_eq(known, path))
        {
            asked.push(Arc::clone(path));
        }
        Some(index)
    }

    fn live(&self) -> &SlotSet {
        &self.indexes.live
    }

    fn slots_of(&self, ids: &ValueSet<PointId>) -> Option<RoaringBitmap> {
        // Lists of ids are long, and seldom asked for again.
        self.asked.replace(None);
        let ids = meant(ids.iter().copied(), &self.indexes.tenants)?;
        let mut found = RoaringBitmap::new();
        for ids in ids.chunks(IDS_PER_LOOKUP) {
            match self.snapshot.slots(ids) {
                Ok(slots) => found.extend(slots.into_iter().flatten()),
                Err(error) => {
                    self.failed.replace(Some(error));
                    break;
                }
            }
        }
        Some(found)
    }

    fn slots_of_tenants(&self, tenants: &ValueSet<TenantId>) -> RoaringBitmap {
        // Thousands of tenants would take the place of all else, and each is found at once.
        self.asked.replace(None);
        self.indexes.tenants.slots(tenants.iter().copied())
    }

    fn slots_with_vector(&self, name: &str) -> Option<SlotSet> {
        // Rows come and go without a change of points or fields.
        self.asked.replace(None);
        let vector = self.indexes.vectors.iter().find(|(known, _)| known == name);
        vector.map(|(_, present)| present.clone())
    }
}
