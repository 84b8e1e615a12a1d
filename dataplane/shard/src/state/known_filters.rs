//! Filters that were looked up, as long as what they were looked up in stays as it is.
//!
//! A range over thousands of values is a union of as many sets, and takes as long to look up as a
//! graph to walk; many searches ask for the same. What is kept is exact and the same for every
//! view of which the points, and the fields that the filter names, were last changed by the same
//! entry.

use std::sync::Arc;

use parking_lot::Mutex;
use vane_filter::Filter;
use vane_types::{JsonPath, LogIndex};

use crate::state::allowed::Allowed;

/// Filters of a shard that are kept at most.
const FILTERS_MAX: usize = 64;
/// Bytes of these and of their slots, at most.
const BYTES_MAX: usize = 8 << 20;
/// Bytes that a filter takes for each of its JSON, at most: those of a list of small numbers.
const BYTES_PER_LETTER: usize = 8;

/// The filters that were asked for last.
#[derive(Default)]
pub(crate) struct KnownFilters {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What was asked for last comes first.
    filters: Vec<LookedUp>,
    bytes: usize,
}

struct LookedUp {
    filter: Filter,
    source: Source,
    allowed: Arc<Allowed>,
    bytes: usize,
}

/// What a filter was looked up in.
pub(crate) struct Source {
    /// Fields whose indexes told.
    pub(crate) fields: Vec<Arc<JsonPath>>,
    /// The last entry that changed these or the points.
    pub(crate) changed: LogIndex,
}

impl KnownFilters {
    /// Slots of a filter, where it was looked up in the same. `changed` gives the last entry that
    /// changed some fields or the points; `None` where not all of the fields have an index.
    pub(crate) fn get(
        &self,
        filter: &Filter,
        changed: impl Fn(&[Arc<JsonPath>]) -> Option<LogIndex>,
    ) -> Option<Arc<Allowed>> {
        let mut known = self.known.lock();
        let at = known.filters.iter().position(|known| known.filter == *filter)?;
        known.filters[..=at].rotate_right(1);
        let LookedUp { source, allowed, .. } = &known.filters[0];
        (changed(&source.fields)? == source.changed).then(|| Arc::clone(allowed))
    }

    /// Keeps a filter's slots in place of those it had, and forgets what was asked for long ago.
    pub(crate) fn keep(&self, filter: &Filter, source: Source, allowed: &Arc<Allowed>) {
        let bytes = allowed.bytes_at_most().saturating_add(bytes_of(filter));
        let mut known = self.known.lock();
        if let Some(at) = known.filters.iter().position(|known| known.filter == *filter) {
            // A view of long ago takes nothing from the others.
            if known.filters[at].source.changed > source.changed {
                return;
            }
            let gone = known.filters.remove(at);
            known.bytes -= gone.bytes;
        }
        if bytes > BYTES_MAX {
            return;
        }
        let looked_up =
            LookedUp { filter: filter.clone(), source, allowed: Arc::clone(allowed), bytes };
        known.filters.insert(0, looked_up);
        known.bytes += bytes;
        while known.filters.len() > FILTERS_MAX || known.bytes > BYTES_MAX {
            let Some(gone) = known.filters.pop() else { break };
            known.bytes -= gone.bytes;
        }
    }

    /// Bytes of what is kept, at most.
    pub(crate) fn bytes(&self) -> usize {
        self.known.lock().bytes
    }
}

/// Bytes that a filter takes, at most: lists of values may be long.
fn bytes_of(filter: &Filter) -> usize {
    let json = serde_json::to_vec(filter).map_or(usize::MAX, |json| json.len());
    json.saturating_mul(BYTES_PER_LETTER)
}

#[cfg(test)]
mod tests {
    use roaring::RoaringBitmap;
    use serde_json::json;

    use super::*;

    fn filter(number: usize) -> Filter {
        Filter::parse(json!({"must": [{"key": "n", "match": {"value": number}}]}))
            .expect("a filter")
    }

    fn source(changed: u64) -> Source {
        Source { fields: Vec::new(), changed: LogIndex(changed) }
    }

    fn keep(known: &KnownFilters, number: usize, changed: u64, slots: u32) {
        let slots = RoaringBitmap::from_iter(0..slots);
        known.keep(&filter(number), source(changed), &Arc::new(Allowed::new(slots)));
    }

    fn get(known: &KnownFilters, number: usize, changed: u64) -> Option<u64> {
        let found = known.get(&filter(number), |_| Some(LogIndex(changed)));
        found.map(|allowed| allowed.slots.len())
    }

    #[test]
    fn a_filter_is_known_until_what_it_was_looked_up_in_changes() {
        let known = KnownFilters::default();
        keep(&known, 1, 5, 10);
        assert_eq!((get(&known, 1, 5), get(&known, 2, 5)), (Some(10), None));
        assert_eq!((get(&known, 1, 6), get(&known, 1, 4)), (None, None));
        assert!(known.get(&filter(1), |_| None).is_none(), "an index that is gone");
        keep(&known, 1, 6, 20);
        keep(&known, 1, 5, 10);
        assert_eq!((get(&known, 1, 6), get(&known, 1, 5)), (Some(20), None));
    }

    #[test]
    fn long_lists_of_values_are_counted() {
        let known = KnownFilters::default();
        let values: Vec<u32> = (0..1000).collect();
        let filter = json!({"must": [{"key": "n", "match": {"any": values}}]});
        let filter = Filter::parse(filter).expect("a filter");
        known.keep(&filter, source(1), &Arc::new(Allowed::new(RoaringBitmap::new())));
        assert!(known.get(&filter, |_| Some(LogIndex(1))).is_some());
        assert!(known.bytes() >= 1000 * 2 * size_of::<u64>());
    }

    #[test]
    fn what_was_not_asked_for_for_long_is_forgotten() {
        let known = KnownFilters::default();
        for number in 0..FILTERS_MAX + 9 {
            keep(&known, number, 1, 10);
            assert_eq!(get(&known, 0, 1), Some(10));
        }
        assert_eq!((get(&known, 9, 1), get(&known, 10, 1)), (None, Some(10)));
        // A bit for each of so many, and the set beside it.
        let many = (BYTES_MAX * 8 / 3) as u32;
        let before = known.bytes();
        for number in 0..3 {
            keep(&known, 100 + number, 1, many);
            assert!(known.bytes() > before && known.bytes() <= BYTES_MAX);
        }
        assert_eq!((get(&known, 102, 1), get(&known, 0, 1)), (Some(many.into()), None));
        keep(&known, 102, 2, many * 3);
        assert_eq!((get(&known, 102, 2), known.bytes()), (None, 0), "too large to be kept");
    }
}
