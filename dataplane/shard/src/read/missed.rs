//! Payload indexes that requests missed: noted where payloads are read, and told of.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use vane_filter::{Filter, unindexed};
use vane_types::JsonPath;

use crate::shard::Shard;
use crate::state::State;
use crate::unindexed::{Notes, Unindexed};

/// Payloads that one request reads for its filter from which on its fields are noted: some tens of
/// milliseconds' worth.
const PAYLOADS_MIN: u64 = 10_000;
/// Where it is noted what a request missed.
#[derive(Clone, Copy)]
pub(crate) struct Missed<'a> {
    pub(crate) notes: &'a Notes,
    /// Of the shard. Nobody who notes something holds it.
    pub(crate) state: &'a RwLock<State>,
}

impl Missed<'_> {
    /// A request read so many payloads for its filter.
    pub(crate) fn note(self, filter: &Filter, payloads: u64) {
        if payloads < PAYLOADS_MIN {
            return;
        }
        let fields = {
            let state = self.state.read();
            unindexed(filter, |path| state.fields.get(path).map(|field| &**field.index.schema()))
        };
        self.notes.add(fields, payloads);
    }
}

impl Shard {
    /// Fields that were noted and still have no index of the kind.
    pub fn unindexed(&self) -> BTreeMap<JsonPath, Unindexed> {
        let state = self.state.read();
        self.unindexed.still_missed(|path, kinds| {
            let field = state.fields.get(path);
            field.is_some_and(|field| kinds.contains(field.index.schema()))
        })
    }

    /// Forgets what was noted.
    pub fn forget_unindexed(&self) {
        self.unindexed.clear();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_noted_once_many_payloads_were_read_for_it() {
        let (notes, state) = (Notes::default(), RwLock::new(State::default()));
        let missed = Missed { notes: &notes, state: &state };
        let red = json!({"must": [{"key": "color", "match": {"value": "red"}}]});
        let red = Filter::parse(red).unwrap();
        missed.note(&red, PAYLOADS_MIN - 1);
        assert!(notes.still_missed(|_, _| false).is_empty());
        missed.note(&red, PAYLOADS_MIN);
        let noted = notes.still_missed(|_, _| false);
        assert_eq!(noted[&"color".parse().unwrap()].payloads, PAYLOADS_MIN);
    }
}
